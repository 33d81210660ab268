"""Exercises of lesson 02: the backward of broadcasting, and of a matrix product."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# unbroadcast ------------------------------------------------------------------------------------


def _unbroadcast(grad, shape):
    front = grad.ndim - len(shape)
    grad = grad.sum(axis=tuple(range(front)))
    ones = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return grad.sum(axis=ones, keepdims=True)


def _one_contribution(grad, shape):
    while grad.ndim > len(shape):
        grad = grad[0]
    for axis, size in enumerate(shape):
        if size == 1:
            grad = grad.take([0], axis=axis)
    return grad


def _unbroadcast_cases(rng: np.random.Generator) -> list[Case]:
    front, ones, both = "axes in front", "axes of size 1", "both at once"
    pairs = [
        ((2,), (), front),
        ((2,), (2,), "nothing was broadcast"),
        ((2,), (1,), ones),
        ((2, 3), (3,), front),
        ((3, 3), (3,), front),
        ((2, 3), (2, 1), ones),
        ((2, 3), (1, 3), ones),
        ((2, 2, 3), (2, 3), front),
        ((2, 3), (1,), both),
        ((2, 3, 4), (3, 1), both),
        ((2, 3, 2, 2), (3, 1, 2), both),
    ]
    return [Case((rng.normal(size=grad), shape), part) for grad, shape, part in pairs]


_UNBROADCAST = solution_of(_unbroadcast, "unbroadcast")

UNBROADCAST = Exercise(
    name="unbroadcast",
    lesson="02",
    task="Sum a gradient back to the shape that the input had before it was broadcast.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_UNBROADCAST,
    why="Broadcasting uses one number at many places, and gradients of several uses are added. "
    "Axes that broadcasting put in front are summed away; axes that had size 1 are summed and "
    "keep that size.",
    hints=(
        "b of shape (3,) is added to each row of a (2, 3): at how many places does b[0] work?",
        "Two kinds of axes were repeated: those in front that `shape` does not have, and those "
        "whose size in `shape` is 1. Sum over both; the second kind stays, with size 1.",
        "front = grad.ndim - len(shape); grad.sum(axis=tuple(range(front))); then "
        "grad.sum(axis=..., keepdims=True)",
    ),
    reference=_unbroadcast,
    cases=_unbroadcast_cases,
    parts={
        "nothing was broadcast": 1, "axes in front": 1, "axes of size 1": 1, "both at once": 1,
    },
    refused=REFUSED,
    mistakes=(
        Mistake(
            "left as it is",
            "the gradient still has the shape of the output: nothing is summed.",
            changed(_UNBROADCAST, ("return grad.sum(axis=ones, keepdims=True)", "return grad"),
                    ("    grad = grad.sum(axis=tuple(range(front)))\n", "")),
        ),
        Mistake(
            "the mean",
            "the contributions are averaged; they add up.",
            changed(_UNBROADCAST, (".sum(", ".mean(")),
        ),
        Mistake(
            "only the axes in front",
            "the axes in front are summed, but those of size 1 were repeated too.",
            changed(_UNBROADCAST, ("return grad.sum(axis=ones, keepdims=True)", "return grad")),
        ),
        Mistake(
            "only the axes of size 1",
            "the axes of size 1 are summed, but those that broadcasting put in front are still "
            "there.",
            changed(
                _UNBROADCAST,
                ("    grad = grad.sum(axis=tuple(range(front)))\n", ""),
                ("tuple(axis for", "tuple(front + axis for"),
            ),
        ),
        Mistake(
            "always axis 0",
            "axis 0 is summed, whatever the shapes are: find out which axes were repeated.",
            "def unbroadcast(grad, shape):\n    return grad.sum(axis=0)\n",
        ),
        Mistake(
            "the axis is lost",
            "an axis of size 1 disappears with its sum: keepdims=True keeps it.",
            changed(_UNBROADCAST, ("keepdims=True", "keepdims=False")),
        ),
        Mistake(
            "one contribution",
            "one of the repetitions is taken, where all should be added.",
            solution_of(_one_contribution, "unbroadcast"),
        ),
        Mistake(
            "everything summed",
            "every number is the sum of the whole gradient: sum only over the repeated axes.",
            "import numpy as np\n\ndef unbroadcast(grad, shape):\n"
            "    return np.full(shape, grad.sum())\n",
        ),
        Mistake(
            "from the left",
            "the shapes are lined up at the left; broadcasting lines them up at the right, and "
            "puts new axes in front.",
            changed(_UNBROADCAST, ("range(front)", "range(len(shape), grad.ndim)")),
        ),
    ),
)  # fmt: skip

# matmul_backward --------------------------------------------------------------------------------


def _matmul_backward(x, w, grad_y):
    grad_x = grad_y @ w.T  # (..., out) (out, in) -> (..., in)
    rows = x.reshape(-1, x.shape[-1])
    grad_rows = grad_y.reshape(-1, grad_y.shape[-1])
    return grad_x, rows.T @ grad_rows  # (in, rows) (rows, out) -> (in, out)


def _matmul_cases(rng: np.random.Generator) -> list[Case]:
    def three(into: int, out: int, *lead: int) -> tuple:
        shapes = (*lead, into), (into, out), (*lead, out)
        return tuple(rng.normal(size=shape) for shape in shapes)

    one, square, batch = "one matrix", "square matrices, where every product fits", "a batch"
    return [
        Case(three(1, 1, 1), one),
        Case(three(2, 1, 3), one),
        Case(three(3, 4, 2), one),
        Case(three(2, 2, 2), square),
        Case(three(3, 3, 3), square),
        Case(three(3, 4, 2, 5), batch),
        Case(three(2, 3, 2, 2, 4), batch),
    ]


_MATMUL = solution_of(_matmul_backward, "matmul_backward")

MATMUL_BACKWARD = Exercise(
    name="matmul_backward",
    lesson="02",
    task="For y = x @ w, x (..., in), w (in, out), and grad_y (..., out): (grad_x, grad_w).",
    points=5,
    minutes=12,
    difficulty="medium",
    solution=_MATMUL,
    why="y[r, o] is the sum over i of x[r, i] w[i, o]. So x[r, i] gets the sum over o of grad_y[r, "
    "o] w[i, o], which is grad_y wᵀ, and w[i, o] the sum over all rows r of x[r, i] grad_y[r, o], "
    "which is xᵀ grad_y. One w serves all rows of a batch, so the sum runs over all of them.",
    hints=(
        "A gradient has the shape of what it belongs to. Which product of grad_y (N, out) and "
        "w (in, out) gives (N, in)?",
        "grad_x is grad_y times w transposed; grad_w is x transposed times grad_y. With a batch in "
        "front, make one long matrix of all rows first: reshape(-1, ...).",
        "rows = x.reshape(-1, x.shape[-1]); return grad_y @ ..., rows.T @ ...",
    ),
    reference=_matmul_backward,
    cases=_matmul_cases,
    parts={"one matrix": 2, "square matrices, where every product fits": 1, "a batch": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "w as it is",
            "grad_x needs w transposed: (out, in). With square matrices nothing complains.",
            changed(_MATMUL, ("w.T", "w")),
        ),
        Mistake(
            "x as it is",
            "grad_w needs x transposed: (in, rows). With square matrices nothing complains.",
            changed(_MATMUL, ("rows.T @", "rows @")),
        ),
        Mistake(
            "no transposition",
            "neither w nor x is transposed: write the shapes of each product down.",
            changed(_MATMUL, ("w.T", "w"), ("rows.T @", "rows @")),
        ),
        Mistake(
            "the factors change places",
            "the right matrices are transposed, but the factors have changed places: grad_y (N, "
            "out) comes first for grad_x, and last for grad_w. Write the shapes down.",
            changed(_MATMUL, ("grad_y @ w.T", "w.T @ grad_y"),
                    ("rows.T @ grad_rows", "grad_rows @ rows.T")),
        ),
        Mistake(
            "grad_w transposed",
            "grad_w comes out as (out, in), the transpose of w's shape.",
            changed(_MATMUL, ("rows.T @ grad_rows", "grad_rows.T @ rows")),
        ),
        Mistake(
            "the wrong way round",
            "the two gradients stand in the wrong order: first that of x, then that of w.",
            changed(
                _MATMUL, ("return grad_x, rows.T @ grad_rows", "return rows.T @ grad_rows, grad_x")
            ),
        ),
        Mistake(
            "one grad_w for each matrix of the batch",
            "grad_w still has the batch in front: one w served all of it, so its gradients add up.",
            changed(_MATMUL, ("rows.T @ grad_rows", "x.swapaxes(-1, -2) @ grad_y")),
        ),
        Mistake(
            "all axes turned round",
            "x.T turns round all axes: with a batch in front the rows are torn apart.",
            changed(_MATMUL, ("rows.T @ grad_rows", "x.T @ grad_y")),
        ),
        Mistake(
            "the mean over the rows",
            "grad_w is divided by the number of rows: the rows add up; a mean, if there is one, "
            "belongs to the loss.",
            changed(_MATMUL, ("rows.T @ grad_rows", "rows.T @ grad_rows / len(rows)")),
        ),
    ),
)  # fmt: skip

EXERCISES = (UNBROADCAST, MATMUL_BACKWARD)
