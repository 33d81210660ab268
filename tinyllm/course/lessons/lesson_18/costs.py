"""Exercises of lesson 18: operations and bytes of a product, and what a machine makes of them."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# product_cost -----------------------------------------------------------------------------------


def _product_cost(M, K, N, itemsize):
    return 2 * M * K * N, (M * K + K * N + M * N) * itemsize


def _product_cases(rng: np.random.Generator) -> list[Case]:
    M, K, N = (int(n) for n in rng.integers(3, 60, 3))
    return [
        Case((1, 1, 1, 4), "operations and bytes"),
        Case((2, 3, 4, 4), "operations and bytes"),
        Case((M, K, N, 4), "operations and bytes"),
        Case((1, K * 8, N * 8, 4), "a single row"),
        Case((M, K, N, 8), "other numbers than 32 bits"),
        Case((M, K, N, 2), "other numbers than 32 bits"),
    ]


_COST = solution_of(_product_cost, "product_cost")

PRODUCT_COST = Exercise(
    name="product_cost",
    lesson="18",
    task="Count (operations, bytes) of a product (M, K) @ (K, N) of numbers of `itemsize` bytes.",
    points=3,
    minutes=8,
    difficulty="easy",
    solution=_COST,
    why="Each of the M N outputs is a sum of K products: K multiplications and K additions (the "
    "first added to 0). At the least each of the three matrices passes between memory and "
    "processor once.",
    hints=(
        "How many numbers does the result have, and what does one of them cost?",
        "Operations: a multiplication and an addition for each of K terms, for each output. Bytes: "
        "two matrices are read and one is written.",
        "return 2 * M * K * N, (M * K + ...) * itemsize",
    ),
    reference=_product_cost,
    cases=_product_cases,
    parts={"operations and bytes": 1, "a single row": 1, "other numbers than 32 bits": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "multiplications alone",
            "the additions are missing: each term is multiplied and added.",
            changed(_COST, ("2 * M", "M")),
        ),
        Mistake(
            "the result is not written",
            "the bytes of the two factors are counted; the result has to be written too.",
            changed(_COST, (" + M * N)", ")")),
        ),
        Mistake(
            "numbers, not bytes",
            "these are numbers: each has itemsize bytes.",
            changed(_COST, ("(M * K + K * N + M * N) * itemsize", "M * K + K * N + M * N")),
        ),
        Mistake(
            "always 32 bits",
            "each number is taken to have 4 bytes: use itemsize.",
            changed(_COST, ("* itemsize", "* 4")),
        ),
        Mistake(
            "two bytes for each operation",
            "both factors are counted as read anew for every operation: at the least each number "
            "is read once, and used often.",
            changed(_COST, ("(M * K + K * N + M * N) * itemsize", "2 * M * K * N * itemsize")),
        ),
    ),
)

# roofline_rate ----------------------------------------------------------------------------------


def _roofline_rate(operations, bytes_moved, peak, bandwidth):
    return min(peak, operations / bytes_moved * bandwidth)


def _roofline_cases(rng: np.random.Generator) -> list[Case]:
    peak, bandwidth = float(rng.uniform(50, 500)) * 1e9, float(rng.uniform(5, 50)) * 1e9
    ridge = peak / bandwidth
    below, above = "held up by memory", "held up by arithmetic"
    return [
        Case((1, 12, 100e9, 20e9), below),
        Case((1000, 100, 100e9, 20e9), above),
        Case((3e6 * ridge, 5e6, peak, bandwidth), below),
        Case((5e6 * ridge, 3e6, peak, bandwidth), above),
        Case((7e6, 2e9, peak, bandwidth), below),
    ]


_RATE = solution_of(_roofline_rate, "roofline_rate")

ROOFLINE_RATE = Exercise(
    name="roofline_rate",
    lesson="18",
    task="Give the highest rate in operations per second that the roofline allows.",
    points=2,
    minutes=5,
    difficulty="easy",
    solution=_RATE,
    why="Memory delivers `bandwidth` bytes a second, and each byte brings operations / bytes_moved "
    "operations with it. The processor does `peak` at most. Whichever is lower decides.",
    hints=(
        "How many operations does each byte bring with it? And how many bytes come in a second?",
        "The lower one of two rates: that of the processor, and intensity times bandwidth.",
        "min(peak, ... * bandwidth)",
    ),
    reference=_roofline_rate,
    cases=_roofline_cases,
    parts={"held up by memory": 1, "held up by arithmetic": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the higher one",
            "the higher one of the two rates is taken: the lower one holds things up.",
            changed(_RATE, ("min(", "max(")),
        ),
        Mistake(
            "memory alone",
            "memory alone is asked: no processor does more than its peak.",
            changed(
                _RATE,
                (
                    "min(peak, operations / bytes_moved * bandwidth)",
                    "operations / bytes_moved * bandwidth",
                ),
            ),
        ),
        Mistake(
            "bytes for each operation",
            "the intensity is upside down: it is operations for each byte.",
            changed(_RATE, ("operations / bytes_moved", "bytes_moved / operations")),
        ),
        Mistake(
            "one after the other",
            "arithmetic and memory are taken to work one after the other: they work side by side, "
            "and the slower one decides.",
            changed(
                _RATE,
                (
                    "min(peak, operations / bytes_moved * bandwidth)",
                    "operations / (operations / peak + bytes_moved / bandwidth)",
                ),
            ),
        ),
        Mistake(
            "seconds",
            "these are seconds; a rate was asked, operations in a second.",
            changed(
                _RATE,
                (
                    "min(peak, operations / bytes_moved * bandwidth)",
                    "max(operations / peak, bytes_moved / bandwidth)",
                ),
            ),
        ),
    ),
)

EXERCISES = (PRODUCT_COST, ROOFLINE_RATE)
