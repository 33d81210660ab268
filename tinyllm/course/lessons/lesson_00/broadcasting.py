"""Exercises of lesson 00: new axes, axes that change places, and all pairs at once."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# outer_sum --------------------------------------------------------------------------------------


def _outer_sum(a, b):
    return a[:, None] + b


def _outer_cases(rng: np.random.Generator) -> list[Case]:
    sizes = [(1, 1), (1, 3), (2, 2), (3, 4), (5, 2)]
    return [
        Case(
            (rng.permutation(N * 10)[:N] * 100, rng.permutation(M * 10)[:M]),
            "one row" if N == 1 else "several rows",
        )
        for N, M in sizes
    ]


_OUTER = code_of(_outer_sum, "outer_sum")

OUTER_SUM = Exercise(
    name="outer_sum",
    lesson="00",
    task="In one line: the sums of every number of a (N,) with every number of b (M,), as (N, M).",
    points=2,
    minutes=4,
    difficulty="easy",
    solution=_OUTER,
    why="a[:, None] is a column, (N, 1). Beside b, (M,), the shapes are matched from the right: 1 "
    "stretches to M, and the axis that b lacks to N. So entry (i, j) is a[i] + b[j].",
    hints=(
        "Which shape must a have, so that its numbers lie along the rows and not the columns?",
        "Make a column of a: (N, 1). None (or np.newaxis) in an index puts in an axis of length 1.",
        "a[:, ...] + b",
    ),
    reference=_outer_sum,
    cases=_outer_cases,
    parts={"one row": 1, "several rows": 1},
    refused=(*REFUSED, "numpy.add.outer", "numpy.outer", "numpy.meshgrid", "numpy.ix_"),
    mistakes=(
        Mistake(
            "no new axis",
            "a and b are added number by number: a needs an axis of length 1 after its own.",
            changed(_OUTER, ("a[:, None]", "a")),
        ),
        Mistake(
            "transposed",
            "rows and columns have changed places: the rows belong to a, the columns to b.",
            changed(_OUTER, ("a[:, None] + b", "a + b[:, None]")),
        ),
        Mistake(
            "both are rows",
            "a lies along the columns, as b does: its new axis of length 1 belongs after its own.",
            changed(_OUTER, ("a[:, None]", "a[None, :]")),
        ),
        Mistake(
            "a product",
            "these are products: the sums of all pairs were asked.",
            changed(_OUTER, (" + ", " * ")),
        ),
        Mistake(
            "two columns",
            "both are columns, so the result is a column too: leave b as it is.",
            changed(_OUTER, ("+ b", "+ b[:, None]")),
        ),
        Mistake(
            "one long line",
            "the numbers are right but lie in one line: keep the table (N, M).",
            changed(_OUTER, ("a[:, None] + b", "(a[:, None] + b).ravel()")),
        ),
    ),
)

# side_by_side -----------------------------------------------------------------------------------


def _side_by_side(x):
    N, T, D = x.shape
    return x.transpose(1, 0, 2).reshape(T, N * D)


def _side_cases(rng: np.random.Generator) -> list[Case]:
    shapes = [(1, 1, 2), (1, 3, 2), (2, 2, 1), (2, 3, 2), (3, 2, 4)]
    return [
        Case(
            (rng.permutation(100)[: N * T * D].reshape(N, T, D),),
            "one matrix" if N == 1 else "several matrices",
        )
        for N, T, D in shapes
    ]


_SIDE = code_of(_side_by_side, "side_by_side")
_MOVES = "x.transpose(1, 0, 2).reshape(T, N * D)"

SIDE_BY_SIDE = Exercise(
    name="side_by_side",
    lesson="00",
    task="Put N matrices, x (N, T, D), side by side: (T, N D).",
    points=3,
    minutes=8,
    difficulty="medium",
    solution=_SIDE,
    why="Row t of the result is row t of the first matrix, then row t of the second, and so on: "
    "the order is T, N, D. So T and N change places first; then N and D, neighbours now, may "
    "become one axis. A reshape can only join axes that are neighbours in the right order.",
    hints=(
        "Take x = np.arange(8).reshape(2, 2, 2), and write the two rows of the answer by hand.",
        "Read one row of the answer from left to right: which axis moves fastest, which next? "
        "Bring the axes into that order, then reshape.",
        "x.transpose(1, ...).reshape(T, ...)",
    ),
    reference=_side_by_side,
    cases=_side_cases,
    parts={"one matrix": 1, "several matrices": 2},
    refused=(
        *REFUSED,
        *(f"numpy.{name}" for name in ("concatenate", "hstack", "column_stack", "block", "c_")),
    ),
    mistakes=(
        Mistake(
            "reshape alone",
            "the shape is right but the numbers are not: a reshape keeps the order in memory, "
            "where all of the first matrix comes before the second.",
            changed(_SIDE, (".transpose(1, 0, 2)", "")),
        ),
        Mistake(
            "on top of each other",
            "the matrices stand on top of each other, (N T, D): side by side was asked.",
            changed(_SIDE, (_MOVES, "x.reshape(N * T, D)")),
        ),
        Mistake(
            "columns interleaved",
            "the columns are interleaved: first all first columns, then all second ones.",
            changed(_SIDE, ("transpose(1, 0, 2)", "transpose(1, 2, 0)")),
        ),
        Mistake(
            "transposed",
            "this is the answer transposed: T should be the rows.",
            changed(_SIDE, (_MOVES, f"{_MOVES}.T")),
        ),
        Mistake(
            "each matrix transposed",
            "each matrix is transposed by itself: T and N should change places, not T and D.",
            changed(_SIDE, (_MOVES, "x.transpose(2, 0, 1).reshape(D, N * T)")),
        ),
        Mistake(
            "all axes turned round",
            "x.T turns round all three axes, the columns too: only N and T should change places.",
            changed(_SIDE, (_MOVES, "x.T.reshape(T, N * D)")),
        ),
        Mistake(
            "three axes",
            "there are still three axes, (T, N, D): the last two should become one.",
            changed(_SIDE, (".reshape(T, N * D)", "")),
        ),
    ),
)

# squared_distances ------------------------------------------------------------------------------


def _squared_distances(a, b):
    steps = a[:, None, :] - b[None, :, :]  # (N, M, D)
    return (steps**2).sum(axis=-1)  # (N, M)


def _distance_cases(rng: np.random.Generator) -> list[Case]:
    def two(N: int, M: int, D: int, far: float = 0.0) -> tuple:
        return far + rng.normal(size=(N, D)), far + rng.normal(size=(M, D))

    return [
        Case(two(1, 1, 1), "one pair"),
        Case(two(1, 1, 3), "one pair"),
        Case(two(1, 4, 2), "all pairs"),
        Case(two(3, 3, 3), "all pairs"),
        Case(two(4, 2, 3), "all pairs"),
        Case(two(3, 2, 2, far=1e8), "points far from 0"),
    ]


_DISTANCES = solution_of(_squared_distances, "squared_distances")
_NEW_AXES = "a[:, None, :] - b[None, :, :]  # (N, M, D)"
_SUM = "return (steps**2).sum(axis=-1)  # (N, M)"

SQUARED_DISTANCES = Exercise(
    name="squared_distances",
    lesson="00",
    task="Without a loop: the squared distance of each point of a (N, D) to each of b (M, D).",
    points=4,
    minutes=12,
    difficulty="hard",
    solution=_DISTANCES,
    why="(N, 1, D) and (1, M, D) broadcast to (N, M, D): every difference at once; the sum of "
    "squares over D leaves (N, M). |a|² + |b|² - 2 a·b is the same on paper and needs less "
    "memory, but far from 0 it takes two huge numbers from each other, and the digits are gone.",
    hints=(
        "What shape do all the differences have together, before anything is summed?",
        "Put axes of length 1 in, so that a is (N, 1, D) and b is (1, M, D). Subtract, square, and "
        "sum over the axis that the answer does not have.",
        "((a[:, None, :] - b[...]) ** 2).sum(axis=...)",
    ),
    reference=_squared_distances,
    cases=_distance_cases,
    parts={"one pair": 1, "all pairs": 2, "points far from 0": 1},
    refused=(*REFUSED, "numpy.linalg"),
    mistakes=(
        Mistake(
            "no new axes",
            "point i of a meets point i of b alone: give each an axis of length 1.",
            changed(_DISTANCES, (_NEW_AXES, "a - b")),
        ),
        Mistake(
            "transposed",
            "rows and columns have changed places: row i belongs to point i of a.",
            changed(_DISTANCES, (_NEW_AXES, "a[None, :, :] - b[:, None, :]")),
        ),
        Mistake(
            "the root",
            "these are the distances themselves: their squares were asked.",
            changed(_DISTANCES, (_SUM, "return np.sqrt((steps**2).sum(axis=-1))")),
        ),
        Mistake(
            "not summed",
            "the squares are not summed over the D coordinates: this is still (N, M, D).",
            changed(_DISTANCES, (".sum(axis=-1)", "")),
        ),
        Mistake(
            "summed over the wrong axis",
            "the sum runs over the points of b: it should run over the coordinates.",
            changed(_DISTANCES, ("axis=-1", "axis=1")),
        ),
        Mistake(
            "squared after the sum",
            "the differences are summed first and squared then, so that they cancel each other.",
            changed(_DISTANCES, (_SUM, "return steps.sum(axis=-1) ** 2")),
        ),
        Mistake(
            "absolute differences",
            "these are sums of absolute differences: squares were asked.",
            changed(_DISTANCES, ("(steps**2)", "np.abs(steps)")),
        ),
        Mistake(
            "two huge numbers",
            "right on paper, but far from 0 |a|² + |b|² and 2 a·b are huge and nearly equal: their "
            "difference has no true digits left. Subtract the points first.",
            changed(
                _DISTANCES,
                (f"    steps = {_NEW_AXES}\n", ""),
                (_SUM, "return (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T"),
            ),
        ),
    ),
)
