"""Exercises of lesson 06: how alike two vectors are, and which are the nearest."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# cosine_table -----------------------------------------------------------------------------------


def _cosine_table(a, b):
    lengths_a = np.sqrt((a * a).sum(axis=-1, keepdims=True))  # (N, 1)
    lengths_b = np.sqrt((b * b).sum(axis=-1, keepdims=True))  # (M, 1)
    lengths = lengths_a * lengths_b.T  # (N, M)
    return a @ b.T / np.where(lengths == 0.0, 1.0, lengths)


def _cosine_cases(rng: np.random.Generator) -> list[Case]:
    values, zero = "the right values", "a row of nothing but 0"
    with_zero = rng.normal(size=(3, 2))
    with_zero[1] = 0.0
    return [
        Case((np.array([[3.0, 4.0]]), np.array([[1.0, 0.0]])), values),
        Case((rng.normal(size=(1, 3)), rng.normal(size=(2, 3))), values),
        Case((rng.normal(size=(3, 4)) * 3, rng.normal(size=(3, 4))), values),
        Case((rng.normal(size=(4, 2)), rng.normal(size=(2, 2)) * 100), values),
        Case((np.zeros((1, 2)), np.array([[1.0, 2.0]])), zero),
        Case((with_zero, rng.normal(size=(2, 2))), zero),
    ]


_COSINE = solution_of(_cosine_table, "cosine_table")
_SAFE = "np.where(lengths == 0.0, 1.0, lengths)"

COSINE_TABLE = Exercise(
    name="cosine_table",
    lesson="06",
    task="The cosine of each row of a (N, C) with each row of b (M, C): (N, M); 0 for a row of 0.",
    points=4,
    minutes=10,
    difficulty="easy",
    solution=_COSINE,
    why="a @ b.T holds all the inner products, N times M of them. Dividing by both lengths leaves "
    "the cosine of the angle alone. A row of nothing but 0 has no direction; its products are 0 "
    "already, so only the division must be kept from 0 / 0.",
    hints=(
        "The formula has a product above the line, and two lengths below. Write their shapes down.",
        "a @ b.T is (N, M). The lengths of a are (N, 1) with keepdims=True; those of b must lie "
        "along the other axis, (1, M).",
        "a @ b.T / np.where(lengths == 0, 1, lengths), with lengths = lengths_a * lengths_b.T",
    ),
    reference=_cosine_table,
    cases=_cosine_cases,
    parts={"the right values": 3, "a row of nothing but 0": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "inner products",
            "these are the inner products: a longer row counts for more. Divide by both lengths.",
            changed(_COSINE, (f" / {_SAFE}", "")),
        ),
        Mistake(
            "one length",
            "the product is divided by the length of a's row alone; b's row has a length too.",
            changed(_COSINE, ("lengths_a * lengths_b.T", "lengths_a * np.ones((1, len(b)))")),
        ),
        Mistake(
            "squared lengths",
            "the product is divided by the squares of the lengths: a root is missing.",
            changed(
                _COSINE,
                ("np.sqrt((a * a).sum(axis=-1, keepdims=True))", "(a * a).sum(-1, keepdims=True)"),
                ("np.sqrt((b * b).sum(axis=-1, keepdims=True))", "(b * b).sum(-1, keepdims=True)"),
            ),
        ),
        Mistake(
            "NaN for a row of 0",
            "a row of nothing but 0 gives NaN, which is 0 / 0: it should give 0.",
            changed(_COSINE, (_SAFE, "lengths")),
        ),
        Mistake(
            "lengths of columns",
            "the lengths are those of the columns: a vector lies along a row.",
            changed(
                _COSINE,
                ("(a * a).sum(axis=-1, keepdims=True)", "(a * a).sum(axis=0).mean()"),
                ("(b * b).sum(axis=-1, keepdims=True)", "(b * b).sum(axis=0).mean()"),
                ("lengths_b.T", "lengths_b"),
            ),
        ),
        Mistake(
            "the sum of sizes",
            "the length here is the sum of the sizes of the numbers: it should be the root of the "
            "sum of their squares.",
            changed(
                _COSINE,
                ("np.sqrt((a * a).sum(axis=-1, keepdims=True))", "abs(a).sum(-1, keepdims=True)"),
                ("np.sqrt((b * b).sum(axis=-1, keepdims=True))", "abs(b).sum(-1, keepdims=True)"),
            ),
        ),
        Mistake(
            "a small number added",
            "a small number is added to the lengths so that nothing is divided by 0: then every "
            "cosine is a little too small.",
            changed(_COSINE, (_SAFE, "(lengths + 1e-3)")),
        ),
        Mistake(
            "transposed",
            "rows and columns have changed places: a's rows should go down, b's across.",
            changed(_COSINE, (_SAFE, f"{_SAFE}).T"), ("return a", "return (a")),
        ),
    ),
)

# nearest_rows -----------------------------------------------------------------------------------


def _nearest_rows(vectors, k):
    lengths = np.sqrt((vectors * vectors).sum(axis=-1, keepdims=True))
    unit = vectors / np.where(lengths == 0.0, 1.0, lengths)
    likeness = unit @ unit.T  # (V, V)
    np.fill_diagonal(likeness, -np.inf)
    return np.argsort(-likeness, axis=-1)[:, :k]


def _nearest_cases(rng: np.random.Generator) -> list[Case]:
    def spread(V: int, C: int) -> np.ndarray:
        """Rows of very different lengths, at angles that differ: products are no cosines here."""
        angles = rng.permutation(V) * (2.9 / V) ** 1.1 + rng.uniform(0, 0.3 / V, size=V)
        flat = np.stack([np.cos(angles), np.sin(angles)], axis=1)  # (V, 2)
        turn = np.linalg.qr(rng.normal(size=(C, C)))[0]
        wide = np.concatenate([flat, np.zeros((V, C - 2))], axis=1) @ turn
        return wide * np.geomspace(0.05, 20, V)[:, None]

    one, several = "the nearest one", "several, the nearest first"
    return [
        Case((np.array([[1.0, 0.0], [0.0, 9.0], [12.0, 4.0]]), 1), one),
        Case((spread(5, 2), 1), one),
        Case((spread(8, 3), 1), one),
        Case((spread(6, 4), 3), several),
        Case((spread(9, 3), 4), several),
    ]


_NEAREST = solution_of(_nearest_rows, "nearest_rows")

NEAREST_ROWS = Exercise(
    name="nearest_rows",
    lesson="06",
    task="For each row of vectors (V, C) the k other rows with the largest cosine: ids (V, k).",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_NEAREST,
    why="Every row is its own nearest neighbour, with a cosine of 1. Set to -inf on the diagonal, "
    "it can never be chosen. argsort sorts upwards, so the sign is turned round to have the "
    "nearest first.",
    hints=(
        "Which row is always the most like row 0, and of no interest?",
        "Make the (V, V) table of cosines, put -inf on its diagonal, and sort each row: "
        "np.argsort gives the places, the smallest value first.",
        "np.fill_diagonal(table, -np.inf); np.argsort(-table, axis=-1)[:, ...]",
    ),
    reference=_nearest_rows,
    cases=_nearest_cases,
    parts={"the nearest one": 2, "several, the nearest first": 2},
    refused=REFUSED,
    needs=("cosine_table",),
    mistakes=(
        Mistake(
            "itself",
            "each row names itself first: its cosine with itself is 1. The others were asked.",
            changed(_NEAREST, ("    np.fill_diagonal(likeness, -np.inf)\n", "")),
        ),
        Mistake(
            "the farthest first",
            "the least alike come first: argsort sorts upwards.",
            changed(
                _NEAREST, ("np.argsort(-likeness", "np.argsort(likeness"), ("-np.inf)", "np.inf)")
            ),
        ),
        Mistake(
            "the nearest last",
            "the k are right, but the nearest stands last: it should be the first.",
            changed(
                _NEAREST,
                ("np.argsort(-likeness, axis=-1)[:, :k]", "np.argsort(likeness, axis=-1)[:, -k:]"),
            ),
        ),
        Mistake(
            "inner products",
            "the rows are compared by inner products: the longest row is then everybody's friend.",
            changed(_NEAREST, ("vectors / np.where(lengths == 0.0, 1.0, lengths)", "vectors")),
        ),
        Mistake(
            "distances",
            "the rows are compared by distance: a long row is far from a short one that points the "
            "same way. The cosine does not see lengths.",
            changed(
                _NEAREST,
                (
                    "unit @ unit.T",
                    "-((vectors[:, None] - vectors[None]) ** 2).sum(axis=-1)",
                ),
            ),
        ),
        Mistake(
            "cosines",
            "these are the cosines of the nearest; their places were asked, the ids.",
            changed(
                _NEAREST,
                ("np.argsort(-likeness, axis=-1)[:, :k]", "-np.sort(-likeness, axis=-1)[:, :k]"),
            ),
        ),
        Mistake(
            "one too few",
            "the first is left out, as if it were the row itself; but the diagonal is -inf here, "
            "and the first is the nearest.",
            changed(_NEAREST, ("[:, :k]", "[:, 1 : k + 1]")),
        ),
    ),
)

EXERCISES = (COSINE_TABLE, NEAREST_ROWS)
