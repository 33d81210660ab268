"""Exercises of lesson 06: ids as one-hot rows, and the gradient of a table of vectors."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# one_hot_rows -----------------------------------------------------------------------------------


def _one_hot_rows(ids, V):
    return np.eye(V)[ids]


def _one_hot_cases(rng: np.random.Generator) -> list[Case]:
    one, batch = "a row for each id", "ids of any shape"
    return [
        Case((np.array([1]), 3), one),
        Case((np.array([2, 0, 2]), 4), one),
        Case((rng.integers(1, 5, size=6), 7), one),
        Case((rng.integers(2, 4, size=(2, 3)), 5), batch),
        Case((rng.integers(1, 3, size=(2, 2, 2)), 4), batch),
    ]


_ONE_HOT = solution_of(_one_hot_rows, "one_hot_rows")

ONE_HOT_ROWS = Exercise(
    name="one_hot_rows",
    lesson="06",
    task="Turn ids (...) into one-hot rows (..., V): 1 at the id's place, 0 elsewhere.",
    points=2,
    minutes=5,
    difficulty="easy",
    solution=_ONE_HOT,
    why="Row i of the identity matrix is the one-hot row of id i, and NumPy looks up as many rows "
    "as the ids ask for, in the shape of the ids: a lookup makes the very rows that turn a lookup "
    "into a product.",
    hints=(
        "Which well-known matrix has the one-hot row of id 0 as row 0, that of id 1 as row 1 …?",
        "np.eye(V) has all the rows there are. Take those that the ids name.",
        "np.eye(V)[...]",
    ),
    reference=_one_hot_rows,
    cases=_one_hot_cases,
    parts={"a row for each id": 1, "ids of any shape": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "True and False",
            "these are True and False: a row that is to be multiplied should hold numbers.",
            changed(_ONE_HOT, ("np.eye(V)[ids]", "ids[..., None] == np.arange(V)")),
        ),
        Mistake(
            "as wide as the largest id",
            "the rows are as wide as the largest id here asks for; the vocabulary has V words, "
            "whether they come or not.",
            changed(_ONE_HOT, ("np.eye(V)", "np.eye(ids.max() + 1)")),
        ),
        Mistake(
            "one place to the left",
            "the 1 stands one place too far left: ids count from 0.",
            changed(_ONE_HOT, ("[ids]", "[ids - 1]")),
        ),
        Mistake(
            "the id in the place of 1",
            "the id itself stands where a 1 should: the number of a word is no size.",
            changed(_ONE_HOT, ("[ids]", "[ids] * ids[..., None]")),
        ),
        Mistake(
            "flattened",
            "the shape of the ids is lost: a batch (B, T) should become (B, T, V).",
            changed(_ONE_HOT, ("[ids]", "[ids.ravel()]")),
        ),
        Mistake(
            "words first",
            "the axis of the words stands first; it should come last.",
            changed(_ONE_HOT, ("[ids]", "[ids].swapaxes(0, -1)")),
        ),
    ),
)

# scatter_to_rows: find the bug ------------------------------------------------------------------


def _scatter_to_rows(grad_y, ids, V):
    grad_weight = np.zeros((V, grad_y.shape[-1]))
    np.add.at(grad_weight, ids, grad_y)
    return grad_weight


def _scatter_cases(rng: np.random.Generator) -> list[Case]:
    once, again, batch = "each id once", "an id that comes again", "a batch of ids"
    return [
        Case((rng.normal(size=(1, 2)), np.array([1]), 3), once),
        Case((rng.normal(size=(3, 2)), np.array([3, 0, 2]), 5), once),
        Case((rng.normal(size=(2, 2)), np.array([1, 1]), 3), again),
        Case((rng.normal(size=(4, 3)), np.array([2, 0, 2, 2]), 4), again),
        Case((rng.normal(size=(2, 2, 2)), np.array([[1, 2], [0, 1]]), 4), batch),
        Case((rng.normal(size=(2, 4, 3)), np.array([[1, 2, 1, 1], [1, 0, 0, 2]]), 4), batch),
    ]


_SCATTER = solution_of(_scatter_to_rows, "scatter_to_rows")
_ADD = "    np.add.at(grad_weight, ids, grad_y)\n"

SCATTER_TO_ROWS = Exercise(
    name="scatter_to_rows",
    lesson="06",
    task="Find the bug in losing_scatter, and write the table's gradient (V, C) without it.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_SCATTER,
    why="grad[ids] += g reads all the rows first, adds, and then writes them back: of an id that "
    "comes twice, the second writing wins. np.add.at adds one after the other. It is what the "
    "product with the one-hot rows says, transposed: each row of the table gets the sum of what "
    "arrives wherever it was used.",
    hints=(
        "A value that is used twice gets two parts of gradient. What does the colleague's line do "
        "with the second part?",
        "Try it: x = np.zeros(2); x[[0, 0]] += 1; print(x). NumPy has a function that adds at "
        "each index in turn; a loop over all places does the same.",
        "np.add.at(grad_weight, ..., ...)",
    ),
    reference=_scatter_to_rows,
    cases=_scatter_cases,
    parts={"each id once": 1, "an id that comes again": 2, "a batch of ids": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "as it was given",
            "of an id that comes twice only the last part of the gradient is left, as in "
            "losing_scatter: all rows are read before any is written.",
            changed(_SCATTER, (_ADD, "    grad_weight[ids] += grad_y\n")),
        ),
        Mistake(
            "row by row of the batch",
            "the loop runs over the first axis of the ids: within one row of a batch, an id that "
            "comes twice still loses a part.",
            changed(
                _SCATTER,
                (
                    _ADD,
                    "    for place in range(len(ids)):\n"
                    "        grad_weight[ids[place]] += grad_y[place]\n",
                ),
            ),
        ),
        Mistake(
            "the mean",
            "the parts of a row are averaged: parts of a gradient are added.",
            changed(
                _SCATTER,
                (
                    "    return grad_weight",
                    "    counts = np.bincount(ids.ravel(), minlength=V)\n"
                    "    return grad_weight / np.maximum(counts, 1)[:, None]",
                ),
            ),
        ),
        Mistake(
            "a table that is too short",
            "the gradient has as many rows as the largest id asks for; it should have the shape of "
            "the table, (V, C).",
            changed(_SCATTER, ("np.zeros((V,", "np.zeros((ids.max() + 1,")),
        ),
        Mistake(
            "counts",
            "these are the numbers of times that each id came: add grad_y, not 1.",
            changed(_SCATTER, ("ids, grad_y)", "ids, 1.0)")),
        ),
        Mistake(
            "looked up again",
            "this looks rows up once more and gives the shape of grad_y: the gradient has the "
            "shape of the table, (V, C).",
            changed(_SCATTER, ("return grad_weight", "return grad_weight[ids]")),
        ),
        Mistake(
            "downhill already",
            "the sign is turned round: this is the step, and the gradient was asked.",
            changed(_SCATTER, ("ids, grad_y)", "ids, -grad_y)")),
        ),
    ),
)

EXERCISES = (ONE_HOT_ROWS, SCATTER_TO_ROWS)
