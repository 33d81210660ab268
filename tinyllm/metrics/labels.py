"""Labels one by one: accuracy, and which is taken for which; and whole texts that are equal."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from tinyllm.metrics.inputs import References, check_corpus, number_of_references
from tinyllm.metrics.score import Score, case

PUNCTUATION = str.maketrans("", "", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


@dataclass(frozen=True, kw_only=True)
class Share(Score):
    """How many of how many: `score` is correct / total, 0 to 1."""

    correct: int
    total: int

    def details(self) -> dict[str, Any]:
        """Give the two counts."""
        return {"correct": self.correct, "total": self.total}


def check_labels(
    who: str, y_true: Sequence[Sequence[Any]], y_pred: Sequence[Sequence[Any]]
) -> None:
    """Refuse anything but two lists of lists of the same lengths, one list per sentence."""
    for name, side in {"y_true": y_true, "y_pred": y_pred}.items():
        if isinstance(side, str) or not isinstance(side, Sequence):
            raise TypeError(f"{who}: {name} is a {type(side).__name__}, not a list of lists")
        for number, labels in enumerate(side):
            if isinstance(labels, str) or not isinstance(labels, Sequence):
                raise TypeError(
                    f"{who}: {name}[{number}] is a {type(labels).__name__}, not a list of labels: "
                    "there is one list per sentence, so with a single one write [labels]"
                )
    if not y_true:
        raise ValueError(f"{who}: y_true is empty: there is nothing to measure")
    if len(y_true) != len(y_pred):
        raise ValueError(f"{who}: {len(y_true)} sentences in y_true and {len(y_pred)} in y_pred")
    for number, (true, predicted) in enumerate(zip(y_true, y_pred, strict=True)):
        if len(true) != len(predicted):
            raise ValueError(
                f"{who}: sentence {number} has {len(true)} labels in y_true and {len(predicted)} "
                "in y_pred"
            )


def token_accuracy(
    y_true: Sequence[Sequence[Hashable]], y_pred: Sequence[Sequence[Hashable]]
) -> Share:
    """Measure the share of labels that are right, a list of them for each sentence.

    Raises:  TypeError, ValueError for lists that do not match; ValueError if there is no label.
    """
    check_labels("token_accuracy", y_true, y_pred)
    rows = [
        (sum(t == p for t, p in zip(*pair, strict=True)), len(pair[0]))
        for pair in zip(y_true, y_pred, strict=False)
    ]
    if not any(total for _, total in rows):
        raise ValueError("token_accuracy: no sentence has a label: there is nothing to measure")
    return share("accuracy", rows, {})


def exact_match(
    hypotheses: Sequence[str],
    references: References,
    lowercase: bool = False,
    ignore_punctuation: bool = False,
) -> Share:
    """Measure the share of texts that equal one of their references, but for whitespace around.

    Args:    hypotheses, references: as in `bleu`.
             lowercase: ignore upper and lower case.
             ignore_punctuation: leave ASCII's punctuation out on both sides.
    """
    hypotheses, per_sentence = check_corpus("exact_match", hypotheses, references)

    def plain(text: str) -> str:
        text = text.lower() if lowercase else text
        return (text.translate(PUNCTUATION) if ignore_punctuation else text).strip()

    pairs = zip(hypotheses, per_sentence, strict=True)
    rows = [(plain(text) in {plain(other) for other in row}, 1) for text, row in pairs]
    settings = {
        "nrefs": number_of_references(per_sentence),
        "case": case(lowercase),
        "punct": "no" if ignore_punctuation else "yes",
    }
    return share("exact match", rows, settings)


def share(
    name: str, rows: Sequence[tuple[int, int]], settings: dict[str, Any] | None = None
) -> Share:
    """Make a share of what each text adds to it: (how many are right, how many there are)."""
    statistics = np.array(rows, np.int64)
    correct, total = (int(value) for value in statistics.sum(axis=0))
    return Share(
        name=name,
        score=correct / total,
        settings=settings or {},
        statistics=statistics,
        from_sums=_ratio,
        digits=4,
        correct=correct,
        total=total,
    )


def _ratio(sums: np.ndarray) -> float:
    return float(sums[0] / sums[1]) if sums[1] else 0.0


@dataclass(frozen=True)
class ConfusionMatrix:
    """Which label is taken for which: counts[i, j] times labels[i] was labels[j] to the model."""

    labels: list[Hashable]
    counts: np.ndarray

    def __getitem__(self, pair: tuple[Hashable, Hashable]) -> int:
        true, predicted = pair
        return int(self.counts[self.labels.index(true), self.labels.index(predicted)])

    def confused(self, most: int = 10) -> list[tuple[Hashable, Hashable, int]]:
        """Give the most frequent mistakes: (true, predicted, how often)."""
        wrong = self.counts * (1 - np.eye(len(self.labels), dtype=np.int64))
        order = np.argsort(-wrong, axis=None, kind="stable")[:most]
        pairs = zip(*np.unravel_index(order, wrong.shape), strict=True)
        found = [(self.labels[i], self.labels[j], int(wrong[i, j])) for i, j in pairs]
        return [row for row in found if row[2]]

    def __str__(self) -> str:
        names = [str(label) for label in self.labels]
        wide = max(len(str(self.counts.max(initial=0))), *map(len, names), 4)
        head = " ".join(f"{name:>{wide}}" for name in ["true", *names])
        rows = [
            " ".join([f"{name:>{wide}}", *(f"{count:>{wide}}" for count in row)])
            for name, row in zip(names, self.counts, strict=True)
        ]
        return "\n".join([head, *rows])


def confusion_matrix(
    y_true: Sequence[Sequence[Hashable]],
    y_pred: Sequence[Sequence[Hashable]],
    labels: Sequence[Hashable] | None = None,
) -> ConfusionMatrix:
    """Count which label was taken for which, a list of labels for each sentence.

    Args:    labels: rows and columns in this order; by default all that occur, sorted. A label
                 that is not among them is an error, never dropped.
    """
    check_labels("confusion_matrix", y_true, y_pred)
    true, predicted = list(chain.from_iterable(y_true)), list(chain.from_iterable(y_pred))
    labels = sorted({*true, *predicted}) if labels is None else list(labels)
    places = {label: place for place, label in enumerate(labels)}
    if len(places) != len(labels):
        raise ValueError("confusion_matrix: a label stands twice in labels")
    missing = [label for label in (*true, *predicted) if label not in places]
    if missing:
        raise ValueError(f"confusion_matrix: the label {missing[0]!r} is not in labels")
    counts = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(counts, ([places[t] for t in true], [places[p] for p in predicted]), 1)
    return ConfusionMatrix(labels, counts)
