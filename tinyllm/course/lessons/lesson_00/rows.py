"""Exercises of lesson 00: sums and means along an axis that is kept, or forgotten."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# centre_rows ------------------------------------------------------------------------------------


def _centre_rows(x):
    return x - x.mean(axis=1, keepdims=True)


def _centre_cases(rng: np.random.Generator) -> list[Case]:
    shapes = [(1, 2), (1, 4), (2, 2), (3, 3), (4, 2)]
    return [
        Case((rng.normal(size=shape) + 3,), "one row" if shape[0] == 1 else "several rows")
        for shape in shapes
    ]


_CENTRE = code_of(_centre_rows, "centre_rows")

CENTRE_ROWS = Exercise(
    name="centre_rows",
    lesson="00",
    task="Subtract from each row of x (N, D) its own mean, and leave x itself as it is.",
    points=2,
    minutes=5,
    difficulty="easy",
    solution=_CENTRE,
    why="The mean over axis 1 is one number for each row. keepdims=True leaves it a column, "
    "(N, 1), which stretches along its own row; without it, (N,) would lie along the columns.",
    hints=(
        "Which axis disappears when you take the mean of each row? What is left: which shape?",
        "The means must be a column, (N, 1), to meet their own rows: keepdims=True keeps the axis.",
        "x - x.mean(axis=..., keepdims=...)",
    ),
    reference=_centre_rows,
    cases=_centre_cases,
    parts={"one row": 1, "several rows": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the columns",
            "the mean of each column is subtracted: axis 0 runs down the columns.",
            changed(_CENTRE, ("axis=1", "axis=0")),
        ),
        Mistake(
            "one mean for all",
            "one mean is subtracted from everything: each row has its own.",
            changed(_CENTRE, ("axis=1, keepdims=True", "")),
        ),
        Mistake(
            "no keepdims",
            "the means have shape (N,), which NumPy lays along the columns: keep the axis.",
            changed(_CENTRE, (", keepdims=True", "")),
        ),
        Mistake(
            "in place",
            "the values are right, but x itself is changed: -= works on the caller's array.",
            changed(
                _CENTRE,
                (
                    "return x - x.mean(axis=1, keepdims=True)",
                    "x -= x.mean(axis=1, keepdims=True)\n    return x",
                ),
            ),
        ),
        Mistake(
            "the sum",
            "the sum of each row is subtracted: its mean was asked for.",
            changed(_CENTRE, (".mean(", ".sum(")),
        ),
        Mistake(
            "the means alone",
            "these are the means: the rows without them were asked.",
            changed(_CENTRE, ("x - x", "x")),
        ),
    ),
)

# row_shares -------------------------------------------------------------------------------------


def _row_shares(counts):
    return counts / counts.sum(axis=1, keepdims=True)


def _share_cases(rng: np.random.Generator) -> list[Case]:
    shapes = [(2, 2), (3, 3), (4, 4), (2, 3), (5, 2)]
    return [
        Case(
            (rng.integers(1, 9, size=(N, M)) + 9 * np.arange(N)[:, None],),  # no two rows alike
            "square tables" if N == M else "tables of any shape",
        )
        for N, M in shapes
    ]


_SHARES = solution_of(_row_shares, "row_shares")
_DIVIDED = "counts / counts.sum(axis=1, keepdims=True)"

ROW_SHARES = Exercise(
    name="row_shares",
    lesson="00",
    task="Find the bug: turn a table of counts (N, M) into shares, so that each row sums to 1.",
    points=3,
    minutes=8,
    difficulty="medium",
    solution=_SHARES,
    why="counts.sum(axis=1) has shape (N,), and NumPy matches shapes from the right: in a square "
    "table column j is divided by the total of row j, and nothing complains. With keepdims=True "
    "the totals are (N, 1), a column, and each row is divided by its own.",
    hints=(
        "Write the shapes on both sides of the division, right-aligned. What is matched with what?",
        "The totals of the rows have to be a column, (N, 1), not a row.",
        "counts / counts.sum(axis=1, ...)",
    ),
    reference=_row_shares,
    cases=_share_cases,
    parts={"square tables": 2, "tables of any shape": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "no keepdims",
            "the bug is still there: totals of shape (N,) are laid along the columns, so column j "
            "is divided by the total of row j.",
            changed(_SHARES, (", keepdims=True", "")),
        ),
        Mistake(
            "the columns",
            "here the columns sum to 1: it should be the rows.",
            changed(_SHARES, ("axis=1", "axis=0")),
        ),
        Mistake(
            "the whole table",
            "here the whole table sums to 1: each row should.",
            changed(_SHARES, ("axis=1, keepdims=True", "")),
        ),
        Mistake(
            "transposed",
            "the shares are right, but the table is transposed: turn it back.",
            changed(_SHARES, (_DIVIDED, "counts.T / counts.sum(axis=1)")),
        ),
        Mistake(
            "in place",
            "/= works on the caller's array, which is not yours to change; and here it holds whole "
            "numbers, into which shares do not fit.",
            changed(
                _SHARES,
                (f"return {_DIVIDED}", f"{_DIVIDED.replace(' /', ' /=')}\n    return counts"),
            ),
        ),
        Mistake(
            "whole numbers",
            "// divides whole numbers and drops what is behind the point: use /.",
            changed(_SHARES, (" / ", " // ")),
        ),
        Mistake(
            "the largest",
            "each row is divided by its largest count: divide by its sum.",
            changed(_SHARES, (".sum(", ".max(")),
        ),
        Mistake(
            "the mean",
            "each row is divided by its mean, so that it sums to M: divide by its sum.",
            changed(_SHARES, (".sum(", ".mean(")),
        ),
    ),
)

EXERCISES = (CENTRE_ROWS, ROW_SHARES)
