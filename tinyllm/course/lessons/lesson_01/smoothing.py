"""Exercises of lesson 01: a share for what was never seen, by adding and by mixing."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed

# add_k_share ------------------------------------------------------------------------------------


def _add_k_share(count, total, k, V):
    return (count + k) / (total + k * V)


def _add_k_cases(rng: np.random.Generator) -> list[Case]:
    def numbers() -> tuple[int, int, float, int]:
        count, k = int(rng.integers(2, 9)), float(rng.uniform(0.1, 0.9))
        return count, count + int(rng.integers(3, 30)), k, int(rng.integers(20, 90))

    seen, nothing = "a word that was seen", "a count of 0"
    return [
        Case((1, 3, 0.5, 2), seen),
        Case(numbers(), seen),
        Case(numbers(), seen),
        Case((0, *numbers()[1:]), nothing),
        Case((0, 0, *numbers()[2:]), nothing),
    ]


_ADD = "def add_k_share(count, total, k, V):\n    return (count + k) / (total + k * V)\n"

ADD_K_SHARE = Exercise(
    name="add_k_share",
    lesson="01",
    task="Give the share of a word that followed count of total times, with k added to the counts "
    "of all V words.",
    points=2,
    minutes=4,
    difficulty="easy",
    solution=_ADD,
    why="Every one of the V words gets k more, so the total grows by k V, and the V shares still "
    "sum to 1. With no counts at all each word gets 1 / V.",
    hints=(
        "If each of V counts grows by k, by how much does their sum grow?",
        "Work out V = 2, counts 3 and 0, k = 1 on paper, and see that both shares sum to 1.",
        "(count + k) / (total + ...)",
    ),
    reference=_add_k_share,
    cases=_add_k_cases,
    parts={"a word that was seen": 1, "a count of 0": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the total grows by k",
            "the total grows by k only; but k is added to each of V counts.",
            changed(_ADD, ("k * V", "k")),
        ),
        Mistake(
            "the total grows by V",
            "the total grows by V: that fits k = 1 alone.",
            changed(_ADD, ("k * V", "V")),
        ),
        Mistake(
            "the total does not grow",
            "the total stays as it was, so the shares sum to more than 1.",
            changed(_ADD, (" + k * V", "")),
        ),
        Mistake(
            "always 1",
            "1 is added, whatever k is.",
            "def add_k_share(count, total, k, V):\n    return (count + 1) / (total + V)\n",
        ),
        Mistake(
            "only the unseen",
            "k is given only to words that were not seen: it is added to every count.",
            changed(_ADD, ("(count + k)", "(count or k)")),
        ),
        Mistake(
            "added to the share",
            "k is added to the share: it is added to the count, before the division.",
            changed(_ADD, ("(count + k) / (total + k * V)", "count / max(total, 1) + k")),
        ),
    ),
)

# interpolated_bits ------------------------------------------------------------------------------


def _interpolated_bits(shares, weights):
    return -np.log2(weights @ shares).mean()


def _interpolated_cases(rng: np.random.Generator) -> list[Case]:
    def some(orders: int, N: int) -> tuple[np.ndarray, np.ndarray]:
        weights = rng.uniform(0.2, 1.0, size=orders) * np.arange(1, orders + 1)
        return rng.uniform(0.05, 0.9, size=(orders, N)), weights / weights.sum()

    one, several, zero = "one model", "several models", "a model that says 0"
    shares, weights = some(3, 5)
    shares[2, ::2] = 0.0
    return [
        Case((np.array([[0.25]]), np.array([1.0])), one),
        Case(some(1, 4), one),
        Case((np.array([[0.5, 0.25], [0.1, 0.9]]), np.array([0.25, 0.75])), several),
        Case(some(2, 6), several),
        Case(some(3, 4), several),
        Case((shares, weights), zero),
    ]


_BITS = """\
import numpy as np

def interpolated_bits(shares, weights):
    return -np.log2(weights @ shares).mean()
"""
_MIXED = "-np.log2(weights @ shares).mean()"

INTERPOLATED_BITS = Exercise(
    name="interpolated_bits",
    lesson="01",
    task="Mix the shares (orders, N) of several models by weights (orders), and give the mean "
    "surprise of the N words in bits.",
    points=3,
    minutes=8,
    difficulty="medium",
    solution=_BITS,
    why="The mixture is a share again if the weights sum to 1, and a word that one model thinks "
    "impossible keeps what the others give it. So mix the shares first: a mean of surprises would "
    "be infinite as soon as one model says 0.",
    hints=(
        "One model gives a word 0, another 1/2, with weights of a half. What is the word's share? "
        "And what would the mean of the two surprises be?",
        "For each word: the weighted sum of its shares (orders, N) -> (N), then -log2, then the "
        "mean over the words.",
        "-np.log2(weights @ ...).mean()",
    ),
    reference=_interpolated_bits,
    cases=_interpolated_cases,
    parts={"one model": 1, "several models": 1, "a model that says 0": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "surprises mixed",
            "the surprises are mixed, not the shares: a word that one model gives 0 then costs "
            "infinitely much, and mixing was meant to save it.",
            changed(_BITS, (_MIXED, "-(weights @ np.log2(shares)).mean()")),
        ),
        Mistake(
            "nats",
            "these are nats, of the natural logarithm: bits were asked.",
            changed(_BITS, ("np.log2", "np.log")),
        ),
        Mistake(
            "the sum",
            "this is the sum over the words; the mean was asked.",
            changed(_BITS, (".mean()", ".sum()")),
        ),
        Mistake(
            "the logarithm of the mean",
            "the mean of the shares is taken before the logarithm: each word has a surprise of its "
            "own, and the mean is taken of these.",
            changed(_BITS, (_MIXED, "-np.log2((weights @ shares).mean())")),
        ),
        Mistake(
            "equal weights",
            "the weights are not used: all models count alike.",
            changed(_BITS, ("weights @ shares", "shares.mean(axis=0)")),
        ),
        Mistake(
            "the sign",
            "the logarithm of a share is negative; surprise is its opposite.",
            changed(_BITS, ("-np.log2", "np.log2")),
        ),
        Mistake(
            "a perplexity",
            "2 to the power of the mean is the perplexity: the mean itself was asked.",
            changed(_BITS, (_MIXED, f"2 ** ({_MIXED})")),
        ),
    ),
)

EXERCISES = (ADD_K_SHARE, INTERPOLATED_BITS)
