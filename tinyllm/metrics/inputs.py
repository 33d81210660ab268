"""Check what a metric is given: hypotheses, and one list of references per reference set."""

from __future__ import annotations

from collections.abc import Sequence

References = Sequence[Sequence[str | None]]


def check_corpus(
    who: str, hypotheses: Sequence[str], references: References
) -> tuple[list[str], list[list[str]]]:
    """Give the hypotheses, and for each one the list of its references, or say what is wrong.

    A reference may be None: that sentence has none in that set, as in sacrebleu.

    Raises:
        TypeError: a str where a list of them belongs, or something else than a str in it.
        ValueError: nothing to measure, unequal lengths, a sentence without any reference.
    """
    hypotheses = check_texts(who, "hypotheses", hypotheses)
    if isinstance(references, str) or not isinstance(references, Sequence):
        raise TypeError(
            f"{who}: references is a {type(references).__name__}, not a list of lists, one per "
            "reference set"
        )
    if not references:
        raise ValueError(f"{who}: references is empty: give one list per reference set")
    for number, texts in enumerate(references):
        if isinstance(texts, str):
            raise TypeError(
                f"{who}: references[{number}] is a str, not a list of them: references holds one "
                "list per reference set, so with a single set write [references]"
            )
        texts = check_texts(who, f"references[{number}]", texts, may_be_none=True)
        if len(texts) != len(hypotheses):
            raise ValueError(
                f"{who}: {len(hypotheses)} hypotheses and {len(texts)} references in "
                f"references[{number}]: each hypothesis needs its own"
            )
    per_sentence = [
        [text for text in row if text is not None] for row in zip(*references, strict=True)
    ]
    for number, row in enumerate(per_sentence):
        if not row:
            raise ValueError(f"{who}: sentence {number} has no reference, they are all None")
    return hypotheses, per_sentence


def check_texts(
    who: str, name: str, texts: Sequence[str | None], may_be_none: bool = False
) -> list[str]:
    """Give a list of strings, one at least, or say what is wrong."""
    if isinstance(texts, str) or not isinstance(texts, Sequence):
        raise TypeError(f"{who}: {name} is a {type(texts).__name__}, not a list of strings")
    if not texts:
        raise ValueError(f"{who}: {name} is empty: there is nothing to measure")
    for number, text in enumerate(texts):
        if not isinstance(text, str) and not (may_be_none and text is None):
            raise TypeError(f"{who}: {name}[{number}] is a {type(text).__name__}, not a str")
    return list(texts)


def check_sentence(who: str, hypothesis: str, references: Sequence[str]) -> list[list[str]]:
    """Give the references of one sentence in a corpus's form: one set for each."""
    if not isinstance(hypothesis, str):
        raise TypeError(f"{who}: hypothesis is a {type(hypothesis).__name__}, not a str")
    return [[text] for text in check_texts(who, "references", references)]


def check_choice(who: str, name: str, value: object, choices: Sequence[str | None]) -> None:
    """Refuse a word that is not among the known ones."""
    if value not in choices:
        known = ", ".join(map(str, choices))
        raise ValueError(f"{who}: {name} {value!r} is not known; there are: {known}")


def number_of_references(per_sentence: list[list[str]]) -> int | str:
    """How many references each sentence has, "var" if not all have the same number."""
    numbers = {len(row) for row in per_sentence}
    return numbers.pop() if len(numbers) == 1 else "var"
