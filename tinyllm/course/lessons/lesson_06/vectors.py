"""Exercises of lesson 06's project: from counts to surprise, and from surprise to vectors."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# positive_pmi -----------------------------------------------------------------------------------


def _positive_pmi(counts):
    p = counts / counts.sum()  # (V, V)
    rows, columns = p.sum(axis=1, keepdims=True), p.sum(axis=0, keepdims=True)
    by_chance = rows * columns  # (V, V)
    ratio = np.where(p > 0, p, 1.0) / np.where(p > 0, by_chance, 1.0)
    return np.maximum(np.log(ratio), 0.0)


def _pmi_cases(rng: np.random.Generator) -> list[Case]:
    values, never, nobody = "the right values", "pairs that never meet", "a word without neighbours"
    uneven = np.array([[30.0, 2.0, 1.0], [2.0, 9.0, 5.0], [1.0, 5.0, 40.0]])
    lonely = rng.integers(1, 9, size=(4, 4)).astype(float)
    lonely = lonely + lonely.T + 8 * np.eye(4)
    lonely[2] = lonely[:, 2] = 0.0
    wide = rng.integers(1, 5, size=(4, 4)) + 20.0 * np.eye(4)[rng.permutation(4)]
    return [
        Case((np.array([[2.0, 1.0], [1.0, 4.0]]),), values),
        Case((uneven * rng.integers(1, 4),), values),
        Case((wide,), values),
        Case((np.array([[0.0, 3.0], [3.0, 0.0]]),), never),
        Case((np.where(np.eye(4) > 0, 0.0, rng.integers(1, 20, size=(4, 4))),), never),
        Case((lonely,), nobody),
    ]


_PMI = solution_of(_positive_pmi, "positive_pmi")
_RATIO = "np.where(p > 0, p, 1.0) / np.where(p > 0, by_chance, 1.0)"

POSITIVE_PMI = Exercise(
    name="positive_pmi",
    lesson="06",
    task="From counts (V, V) the table max(log(p_ij / (p_i p_j)), 0); 0 where nothing was counted.",
    points=5,
    minutes=14,
    difficulty="medium",
    solution=_PMI,
    why="p_i p_j is how often two words would meet if they did not care for each other. The "
    "logarithm of the ratio is 0 then, and positive where they meet more often. What never meets "
    "has log 0; it gets 0, as does all that meets less often than by chance, because rare counts "
    "say little about that side.",
    hints=(
        "Divide all counts by their sum: that is p_ij. How do you get p_i from it?",
        "p_i is the sum of row i, p_j that of column j. With keepdims=True their product is a "
        "table again. Put 1 wherever the count is 0, before you take the logarithm.",
        "ratio = np.where(p > 0, p, 1) / np.where(p > 0, rows * columns, 1); np.maximum(..., 0)",
    ),
    reference=_positive_pmi,
    cases=_pmi_cases,
    parts={"the right values": 3, "pairs that never meet": 1, "a word without neighbours": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "negative values",
            "negative values are left: what meets less often than by chance gets 0.",
            changed(_PMI, ("np.maximum(np.log(ratio), 0.0)", "np.log(ratio)")),
        ),
        Mistake(
            "NaN for a word without neighbours",
            "a word without neighbours gives NaN: its row and column are 0, and 0 / 0 has no "
            "value. It should give 0.",
            changed(_PMI, (_RATIO, "p / by_chance")),
        ),
        Mistake(
            "never above 1",
            "everything comes out as 0: a share of a row, or a count divided by both totals while "
            "the grand total is forgotten, is never above 1. Divide p_ij by p_i p_j.",
            changed(_PMI, ("counts / counts.sum()", "counts")),
        ),
        Mistake(
            "no logarithm",
            "this is the ratio; its logarithm was asked.",
            changed(_PMI, ("np.maximum(np.log(ratio), 0.0)", "np.where(p > 0, ratio, 0.0)")),
        ),
        Mistake(
            "bits",
            "these are logarithms to base 2: the natural logarithm was asked.",
            changed(_PMI, ("np.log(", "np.log2(")),
        ),
        Mistake(
            "one is added to every count",
            "1 is added to every count to get round log 0: then all values change.",
            changed(_PMI, ("    p = counts", "    counts = counts + 1\n    p = counts")),
        ),
    ),
)

# vectors_by_svd ---------------------------------------------------------------------------------


def _vectors_by_svd(table, k):
    u, s, _ = np.linalg.svd(table)
    return u[:, :k] * np.sqrt(s[:k])


# Each column may come with either sign: lengths and products of the rows do not see it.
_CALL = "lambda table, k: (lambda x: [list(np.shape(x)), x @ x.T])(vectors_by_svd(table, k))"


def _svd_reference(table, k):
    x = _vectors_by_svd(table, k)
    return [list(x.shape), x @ x.T]


def _svd_cases(rng: np.random.Generator) -> list[Case]:
    def table(rows: int, columns: int) -> np.ndarray:
        """Singular values that are far apart, so that no rounding changes their order."""
        u = np.linalg.qr(rng.normal(size=(rows, rows)))[0]
        v = np.linalg.qr(rng.normal(size=(columns, columns)))[0]
        least = min(rows, columns)
        return (u[:, :least] * 2.0 ** np.arange(least, 0, -1)) @ v[:least]

    square, tall = "as many contexts as words", "more words than contexts"
    return [
        Case((np.array([[4.0, 0.0], [0.0, 1.0]]), 1), square),
        Case((table(3, 3), 2), square),
        Case((table(5, 5), 3), square),
        Case((table(5, 3), 2), tall),
        Case((table(6, 4), 3), tall),
    ]


_SVD = solution_of(_vectors_by_svd, "vectors_by_svd")

VECTORS_BY_SVD = Exercise(
    name="vectors_by_svd",
    lesson="06",
    task="Vectors of k numbers for the rows of a table (V, S): u times the root of s, the first k.",
    points=4,
    minutes=10,
    difficulty="medium",
    solution=_SVD,
    why="table = u diag(s) v, with the largest s first: k columns of u and v, scaled by s, are the "
    "best table of rank k there is. Splitting s evenly between words and contexts, a root to each, "
    "makes the product of a word's and a context's vector the table's entry, as near as k allows.",
    hints=(
        "np.linalg.svd(table) returns u, s and v, the singular values largest first.",
        "Words are the rows, and those are the rows of u. Keep k of its columns, and multiply each "
        "column by the root of its singular value.",
        "u, s, _ = np.linalg.svd(table); return u[:, :k] * ...",
    ),
    reference=_svd_reference,
    cases=_svd_cases,
    parts={"as many contexts as words": 3, "more words than contexts": 1},
    refused=REFUSED,
    call=_CALL,
    mistakes=(
        Mistake(
            "no singular values",
            "all columns of u have the same length: without the singular values the last direction "
            "counts as much as the first.",
            changed(_SVD, (" * np.sqrt(s[:k])", "")),
        ),
        Mistake(
            "no root",
            "the columns are multiplied by the singular values themselves: their root was asked.",
            changed(_SVD, ("np.sqrt(s[:k])", "s[:k]")),
        ),
        Mistake(
            "the contexts",
            "these are the vectors of the columns, the contexts: words are the rows, in u.",
            changed(_SVD, ("u, s, _ =", "_, s, v ="), ("u[:, :k]", "v[:k].T")),
        ),
        Mistake(
            "the last ones",
            "the last k columns are kept, those with the smallest singular values.",
            changed(
                _SVD, ("u[:, :k] * np.sqrt(s[:k])", "u[:, len(s) - k : len(s)] * np.sqrt(s[-k:])")
            ),
        ),
        Mistake(
            "k words",
            "k rows are kept, which are k words: all words are wanted, with k numbers each.",
            changed(_SVD, ("u[:, :k] * np.sqrt(s[:k])", "u[:k, : len(s)] * np.sqrt(s)")),
        ),
        Mistake(
            "all of them",
            "all columns are kept: k of them were asked.",
            changed(_SVD, ("u[:, :k] * np.sqrt(s[:k])", "u[:, : len(s)] * np.sqrt(s)")),
        ),
        Mistake(
            "centred first",
            "the table's mean is taken off first, as for a map: here the table is used as it is.",
            changed(_SVD, ("svd(table)", "svd(table - table.mean(axis=0))")),
        ),
    ),
)

EXERCISES = (POSITIVE_PMI, VECTORS_BY_SVD)
