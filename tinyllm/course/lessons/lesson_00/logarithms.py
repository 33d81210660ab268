"""Exercises of lesson 00: logarithms to any base, and the logarithm of a long product."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# log_to_base ------------------------------------------------------------------------------------


def _log_to_base(x, base):
    return np.log(x) / np.log(base)


def _base_cases(rng: np.random.Generator) -> list[Case]:
    def shares(N: int) -> np.ndarray:
        return rng.uniform(0.05, 0.95, size=N)

    return [
        Case((8.0, 2.0), "whole numbers"),
        Case((1000.0, 10.0), "whole numbers"),
        Case((float(3 ** rng.integers(2, 6)), 3.0), "whole numbers"),
        Case((shares(3), 2.0), "arrays of probabilities"),
        Case((shares(4), float(rng.uniform(3, 9))), "arrays of probabilities"),
    ]


_BASE = solution_of(_log_to_base, "log_to_base")

LOG_TO_BASE = Exercise(
    name="log_to_base",
    lesson="00",
    task="Write the logarithm of x to any base, with nothing but natural logarithms.",
    points=2,
    minutes=4,
    difficulty="easy",
    solution=_BASE,
    why="If base^n = x, then n log base = log x, whatever the logarithm. So n is their quotient: "
    "all logarithms are the same curve, stretched. From nats to bits one divides by log 2.",
    hints=(
        "Say n = log2(8) as a power: 2^n = 8. Take the natural logarithm of both sides.",
        "log(base^n) = n log(base). Solve for n.",
        "np.log(...) / np.log(...)",
    ),
    reference=_log_to_base,
    cases=_base_cases,
    parts={"whole numbers": 1, "arrays of probabilities": 1},
    refused=(
        *REFUSED,
        "math.log",
        "math.log2",
        "math.log10",
        "numpy.log2",
        "numpy.log10",
        "numpy.emath",
        "numpy.lib",
    ),  # fmt: skip
    mistakes=(
        Mistake(
            "upside down",
            "the quotient is upside down: log x above, log base below.",
            changed(_BASE, ("np.log(x) / np.log(base)", "np.log(base) / np.log(x)")),
        ),
        Mistake(
            "a difference",
            "log x - log base is log(x / base): a quotient of the two logarithms was asked.",
            changed(_BASE, (" / ", " - ")),
        ),
        Mistake(
            "a product",
            "the logarithms are multiplied: divide the one by the other.",
            changed(_BASE, (" / ", " * ")),
        ),
        Mistake(
            "the base is not used",
            "this is the natural logarithm: the base is not used.",
            changed(_BASE, (" / np.log(base)", "")),
        ),
        Mistake(
            "always 2",
            "this is the logarithm to base 2, whatever base is asked.",
            changed(_BASE, ("np.log(base)", "np.log(2)")),
        ),
        Mistake(
            "divided by the base",
            "log x is divided by the base itself: divide by its logarithm.",
            changed(_BASE, ("np.log(base)", "base")),
        ),
    ),
)

# log_of_product ---------------------------------------------------------------------------------


def _log_of_product(p):
    return np.log(p).sum(axis=-1)


def _log_of_product_quietly(p: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return _log_of_product(p)


def _product_cases(rng: np.random.Generator) -> list[Case]:
    def shares(*shape: int) -> np.ndarray:
        return rng.uniform(0.01, 0.9, size=shape)

    return [
        Case((np.array([0.5]),), "one sequence"),
        Case((np.array([0.5, 0.25]),), "one sequence"),
        Case((shares(5),), "one sequence"),
        Case((shares(2, 3),), "several sequences"),
        Case((shares(3, 3),), "several sequences"),
        Case((shares(1000) / 10,), "a thousand factors"),
        Case((np.append(shares(2), 0.0),), "a factor of 0"),
    ]


_PRODUCT = solution_of(_log_of_product, "log_of_product")
_LOGS = "np.log(p).sum(axis=-1)"

LOG_OF_PRODUCT = Exercise(
    name="log_of_product",
    lesson="00",
    task="From the probabilities p (..., T) of a sequence's words, give the log of their product.",
    points=4,
    minutes=8,
    difficulty="medium",
    solution=_PRODUCT,
    why="log(p q) = log p + log q. The product of a thousand shares is smaller than any number "
    "that a computer has, and becomes 0; the sum of their logarithms is an ordinary number. A "
    "factor of 0 makes the product 0 and its logarithm -inf, as it should.",
    hints=(
        "What is the logarithm of a product of two numbers? And of a thousand?",
        "Take logarithms first, then sum along the axis of the sequence, the last. Never multiply.",
        "np.log(p).sum(axis=...)",
    ),
    reference=_log_of_product_quietly,
    cases=_product_cases,
    parts={
        "one sequence": 1,
        "several sequences": 1,
        "a thousand factors": 1,
        "a factor of 0": 1,
    },
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the product first",
            "the product is taken first: of a thousand factors it is 0, and log 0 is -inf.",
            changed(_PRODUCT, (_LOGS, "np.log(p.prod(axis=-1))")),
        ),
        Mistake(
            "everything summed",
            "all sequences are summed into one number: each has its own.",
            changed(_PRODUCT, ("axis=-1", "")),
        ),
        Mistake(
            "the first axis",
            "the sum runs over the sequences: it should run along each, over the last axis.",
            changed(_PRODUCT, ("axis=-1", "axis=0")),
        ),
        Mistake(
            "the mean",
            "this is the mean of the logarithms: the logarithm of a product is their sum.",
            changed(_PRODUCT, (".sum(", ".mean(")),
        ),
        Mistake(
            "the log of the sum",
            "this is the logarithm of the sum: logarithms first, then the sum.",
            changed(_PRODUCT, (_LOGS, "np.log(p.sum(axis=-1))")),
        ),
        Mistake(
            "bits",
            "these are logarithms to base 2: natural ones were asked.",
            changed(_PRODUCT, ("np.log(", "np.log2(")),
        ),
        Mistake(
            "the sign",
            "the sign is turned: the logarithm of a probability is 0 or less.",
            changed(_PRODUCT, ("return ", "return -")),
        ),
        Mistake(
            "something added",
            "p is kept away from 0, by a small number added or by a lower limit: then the "
            "impossible is merely unlikely. A factor of 0 gives -inf, and should.",
            changed(_PRODUCT, ("np.log(p)", "np.log(p + 1e-12)")),
        ),
        Mistake(
            "the product itself",
            "this is the product itself, without its logarithm.",
            changed(_PRODUCT, (_LOGS, "p.prod(axis=-1)")),
        ),
    ),
)

EXERCISES = (LOG_TO_BASE, LOG_OF_PRODUCT)
