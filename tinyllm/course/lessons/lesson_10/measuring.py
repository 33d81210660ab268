"""Exercises of lesson 10: perplexity over batches, and bits per byte."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# corpus_perplexity ------------------------------------------------------------------------------


def _perplexity(nats, tokens):
    return np.exp(nats.sum() / tokens.sum())


def _perplexity_cases(rng: np.random.Generator) -> list[Case]:
    one, several = "one batch", "batches of several lengths"

    def batches(count: int) -> tuple[np.ndarray, np.ndarray]:
        tokens = rng.permutation(np.arange(3, 3 + 7 * count, 7))  # no two of the same length
        return tokens * rng.uniform(0.5, 3.0, size=count), tokens

    return [
        Case((np.array([1.5]), np.array([1])), one),
        Case(batches(1), one),
        Case((np.array([1.0, 9.0]), np.array([1, 3])), several),
        Case(batches(3), several),
        Case(batches(5), several),
    ]


_PERPLEXITY = solution_of(_perplexity, "corpus_perplexity")
_MEAN = "nats.sum() / tokens.sum()"

CORPUS_PERPLEXITY = Exercise(
    name="corpus_perplexity",
    lesson="10",
    task="From each batch's sum of losses in nats (B) and number of tokens (B), give the "
    "perplexity of the whole text.",
    points=3,
    minutes=8,
    difficulty="medium",
    solution=_PERPLEXITY,
    why="Every token counts once: all nats over all tokens, and the exponential last. A mean of "
    "the batches' means lets a token of a short batch count for more, and a mean of exponentials "
    "is never below the exponential of the mean.",
    hints=(
        "Would the answer change if the same text were cut into other batches? It should not.",
        "Sum the nats of all batches, sum their tokens, divide, and only then take exp.",
        "np.exp(nats.sum() / ...)",
    ),
    reference=_perplexity,
    cases=_perplexity_cases,
    parts={"one batch": 1, "batches of several lengths": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the mean of the batches' means",
            "the batches' means are averaged, so a token of a short batch counts for more: sum "
            "nats and tokens first.",
            changed(_PERPLEXITY, (_MEAN, "np.mean(nats / tokens)")),
        ),
        Mistake(
            "the mean of the batches' perplexities",
            "the batches' perplexities are averaged; the exponential comes last, once.",
            changed(_PERPLEXITY, (f"np.exp({_MEAN})", "np.mean(np.exp(nats / tokens))")),
        ),
        Mistake(
            "exp of the sum",
            "this is exp of the sum of all losses, 1 / p(text): divide by the number of tokens.",
            changed(_PERPLEXITY, (_MEAN, "nats.sum()")),
        ),
        Mistake(
            "one for each batch",
            "this is a perplexity for each batch: one for the whole text was asked.",
            changed(_PERPLEXITY, (_MEAN, "nats / tokens")),
        ),
        Mistake(
            "divided after the exponential",
            "exp comes last: here the nats are not yet divided when it is taken.",
            changed(_PERPLEXITY, (f"np.exp({_MEAN})", "np.exp(nats.sum()) / tokens.sum()")),
        ),
        Mistake(
            "per batch",
            "the nats are divided by the number of batches, not by the number of tokens.",
            changed(_PERPLEXITY, (_MEAN, "nats.mean()")),
        ),
        Mistake(
            "a power of 2",
            "2 goes with bits: a loss in nats needs e.",
            changed(_PERPLEXITY, (f"np.exp({_MEAN})", f"2 ** ({_MEAN})")),
        ),
        Mistake(
            "no exponential",
            "this is the mean loss; the perplexity is its exponential.",
            changed(_PERPLEXITY, (f"np.exp({_MEAN})", _MEAN)),
        ),
        Mistake(
            "the share itself",
            "this is the mean share of a token, between 0 and 1: the perplexity is 1 over it.",
            changed(_PERPLEXITY, (f"np.exp({_MEAN})", f"np.exp(-{_MEAN})")),
        ),
    ),
)

# bits_per_byte ----------------------------------------------------------------------------------


def _bits_per_byte(nats, text):
    return nats / np.log(2) / len(text.encode("utf-8"))


def _bits_cases(rng: np.random.Generator) -> list[Case]:
    def some() -> float:
        return float(rng.uniform(5, 60))

    ascii_, beyond = "a text in ASCII", "a text with longer characters"
    return [
        Case((float(np.log(2)), "ab"), ascii_),
        Case((some(), "Fay was a driver."), ascii_),
        Case((50 * some() + 600, "Fay was a driver. " * 50), ascii_),
        Case((some(), "café naïve"), beyond),
        Case((some(), "他喜欢豆腐。 她也是。"), beyond),
    ]


_BITS = solution_of(_bits_per_byte, "bits_per_byte")

BITS_PER_BYTE = Exercise(
    name="bits_per_byte",
    lesson="10",
    task="From the sum of a text's losses in nats and the text, give bits per byte of UTF-8.",
    points=2,
    minutes=5,
    difficulty="easy",
    solution=_BITS,
    why="A bit is the loss of a share of 1/2, log 2 = 0.693 nats: divide by it. The number of "
    "bytes belongs to the text and not to the tokenizer, so that the result may be compared.",
    hints=(
        "How many nats is one bit: what is the loss of a share of 1/2?",
        "Divide the nats by log 2, and by the number of bytes. A Chinese character has three.",
        "nats / np.log(2) / len(text.encode(...))",
    ),
    reference=_bits_per_byte,
    cases=_bits_cases,
    parts={"a text in ASCII": 1, "a text with longer characters": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "nats per byte",
            "these are nats per byte: a bit is log 2 nats.",
            changed(_BITS, (" / np.log(2)", "")),
        ),
        Mistake(
            "times log 2",
            "the nats are multiplied by log 2. A bit is less than a nat, so there are more bits "
            "than nats: divide.",
            changed(_BITS, ("/ np.log(2)", "* np.log(2)")),
        ),
        Mistake(
            "per character",
            "len(text) counts characters; bytes of UTF-8 were asked.",
            changed(_BITS, ('text.encode("utf-8")', "text")),
        ),
        Mistake(
            "per word",
            "these are bits per word; bytes were asked.",
            changed(_BITS, ('text.encode("utf-8")', "text.split()")),
        ),
        Mistake(
            "of the whole text",
            "these are the bits of the whole text: divide by its bytes.",
            changed(_BITS, (' / len(text.encode("utf-8"))', "")),
        ),
        Mistake(
            "exp and back",
            "exp of the nats overflows for a text of any length: only the unit changes, so divide.",
            changed(_BITS, ("nats / np.log(2)", "np.log2(np.exp(nats))")),
        ),
        Mistake(
            "bits of bytes",
            "the bits are divided by 8 once more: bits per byte is bits over bytes.",
            changed(_BITS, ("len(text", "8 / len(text")),
        ),
        Mistake(
            "the logarithm of the nats",
            "log2 is taken of the nats: they are a logarithm already and need only another unit.",
            changed(_BITS, ("nats / np.log(2)", "np.log2(nats)")),
        ),
    ),
)

EXERCISES = (CORPUS_PERPLEXITY, BITS_PER_BYTE)
