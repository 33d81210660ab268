"""Exercises of lesson 03: the backward of reductions, and of a product of two batches."""

from __future__ import annotations

import inspect

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# reduction_backward -----------------------------------------------------------------------------


def _reduction_backward(kind, x, axis, grad_y):
    grad = np.expand_dims(grad_y, axis)
    if kind == "sum":
        return np.broadcast_to(grad, x.shape).copy()
    if kind == "mean":
        return np.broadcast_to(grad / x.shape[axis], x.shape).copy()
    reached = x == x.max(axis=axis, keepdims=True)
    return reached * grad / reached.sum(axis=axis, keepdims=True)


def _reduction_cases(rng: np.random.Generator) -> list[Case]:
    def case(part: str, axis: int, *shape: int) -> Case:
        x = rng.permutation(int(np.prod(shape))).reshape(shape) / 2  # no two are equal
        return Case((part, x, axis, rng.normal(size=np.delete(shape, axis))), part)

    ties = np.array([[2.0, 1.0, 2.0], [0.5, 0.5, 0.5], [3.0, 1.0, 0.0]])
    return [
        case("sum", 0, 2),
        case("sum", 0, 2, 3),
        case("sum", 1, 3, 3),
        case("sum", 1, 2, 3, 2),
        case("mean", 0, 2),
        case("mean", 1, 2, 3),
        case("mean", 0, 3, 3),
        case("max", 0, 3),
        case("max", 1, 2, 3),
        case("max", 0, 3, 3),
        Case(("max", ties, 1, rng.normal(size=3)), "max, where two are largest"),
    ]


_REDUCTION = solution_of(_reduction_backward, "reduction_backward")

REDUCTION_BACKWARD = Exercise(
    name="reduction_backward",
    lesson="03",
    task='Give the gradient of x for y = x.sum(axis), x.mean(axis) or x.max(axis), by "kind".',
    points=5,
    minutes=12,
    difficulty="medium",
    solution=_REDUCTION,
    why="The axis that is gone comes back with length 1, and then grad_y meets the numbers from "
    "which it was made. In a sum each of N has the slope 1, in a mean 1/N. A maximum follows its "
    "largest number alone; several that reach it share, so that the slopes sum to 1.",
    hints=(
        "Which numbers of x made y[0]? Each of them gets something of grad_y[0]. How much?",
        "np.expand_dims(grad_y, axis) puts the axis back. Then broadcast: times 1, times 1/N, or "
        "to those alone that equal the maximum of their line.",
        "reached = x == x.max(axis=axis, keepdims=True); reached * grad / reached.sum(...)",
    ),
    reference=_reduction_backward,
    cases=_reduction_cases,
    parts={"sum": 1, "mean": 1, "max": 2, "max, where two are largest": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the axis is not put back",
            "grad_y has lost the axis, and broadcasting lines it up at the right: against square "
            "arrays it meets the wrong numbers, and nothing complains. Put the axis back.",
            changed(_REDUCTION, ("np.expand_dims(grad_y, axis)", "grad_y")),
        ),
        Mistake(
            "the mean like the sum",
            "in a mean of N numbers each counts for 1/N.",
            changed(_REDUCTION, ("grad / x.shape[axis]", "grad")),
        ),
        Mistake(
            "divided by all",
            "the mean is divided by the size of the whole array: N is the length of the axis.",
            changed(_REDUCTION, ("x.shape[axis]", "x.size")),
        ),
        Mistake(
            "to all alike",
            "the maximum sends its gradient to every number: those below it can move a little and "
            "change nothing, so they get 0.",
            changed(_REDUCTION, ("reached = x ==", "reached = x <=")),
        ),
        Mistake(
            "each the whole",
            "of several numbers that reach the maximum each gets the whole gradient: they share "
            "it.",
            changed(_REDUCTION, (" / reached.sum(axis=axis, keepdims=True)", "")),
        ),
        Mistake(
            "one maximum for all",
            "the largest number of the whole array is sought: each line has its own maximum.",
            changed(_REDUCTION, ("x.max(axis=axis, keepdims=True)", "x.max()")),
        ),
        Mistake(
            "times the maximum",
            "the gradient is multiplied by the maximum itself: its slope for the number that "
            "reaches it is 1.",
            changed(_REDUCTION, ("reached * grad", "reached * x * grad")),
        ),
    ),
)

# batched_matmul_backward ------------------------------------------------------------------------


def summed_back(grad, shape):
    """Lesson 02's unbroadcast: sum over the axes along which a view of `shape` stands still."""
    strides = np.broadcast_to(np.empty(shape), grad.shape).strides
    still = tuple(axis for axis, stride in enumerate(strides) if stride == 0)
    return grad.sum(axis=still, keepdims=True).reshape(shape)


def _batched_backward(x, w, grad_y):
    grad_x = grad_y @ w.swapaxes(-1, -2)  # (..., T, out) (..., out, in) -> (..., T, in)
    grad_w = x.swapaxes(-1, -2) @ grad_y  # (..., in, T) (..., T, out) -> (..., in, out)
    return summed_back(grad_x, x.shape), summed_back(grad_w, w.shape)


def _batched_cases(rng: np.random.Generator) -> list[Case]:
    def case(part: str, x: tuple, w: tuple) -> Case:
        shape = np.broadcast_shapes(x[:-2], w[:-2]) + (x[-2], w[-1])
        return Case(tuple(rng.normal(size=s) for s in (x, w, shape)), part)

    batch, shared = "two batches of one size", "one matrix for a whole batch"
    both = "each stretched along the other's axis"
    return [
        case(batch, (1, 1, 1), (1, 1, 1)),
        case(batch, (3, 2), (2, 4)),
        case(batch, (2, 3, 2), (2, 2, 4)),
        case(batch, (2, 2, 3, 3), (2, 2, 3, 3)),
        case(shared, (2, 3, 2), (2, 4)),
        case(shared, (3, 2), (4, 2, 2)),
        case(shared, (2, 1, 3, 2), (2, 4, 2, 2)),
        case(both, (2, 1, 3, 2), (1, 4, 2, 3)),
        case(both, (2, 1, 3, 2), (3, 2, 2)),
    ]


HELPER = inspect.getsource(summed_back)
BATCHED = f"import numpy as np\n\n{HELPER}\n\n" + solution_of(
    _batched_backward, "batched_matmul_backward"
).replace("import numpy as np\n\n", "")

BATCHED_MATMUL_BACKWARD = Exercise(
    name="batched_matmul_backward",
    lesson="03",
    task="For y = x @ w, where both may have batch axes that broadcast: (grad_x, grad_w).",
    points=5,
    minutes=15,
    difficulty="hard",
    solution=BATCHED,
    why="Each matrix of the batch is a product of lesson 02, with transposes of the last two axes "
    "alone. A matrix that broadcasting used for several products gets a gradient from each, and "
    "they are summed back to its own shape.",
    hints=(
        "Write down the shapes for one matrix of the batch first. Then: which axes may a "
        "transposition touch, if there are others in front?",
        "swapaxes(-1, -2) instead of .T, and both products broadcast by themselves. Afterwards "
        "each gradient may have more axes than what it belongs to: sum it back.",
        "summed_back(grad_y @ w.swapaxes(-1, -2), x.shape), and the same for w",
    ),
    reference=_batched_backward,
    cases=_batched_cases,
    parts={
        "two batches of one size": 2,
        "one matrix for a whole batch": 2,
        "each stretched along the other's axis": 1,
    },
    refused=REFUSED,
    needs=("unbroadcast",),
    mistakes=(
        Mistake(
            "not summed back",
            "where a matrix served a whole batch its gradient still has the axes of the batch: "
            "they add up.",
            changed(
                BATCHED,
                (
                    "return summed_back(grad_x, x.shape), summed_back(grad_w, w.shape)",
                    "return grad_x, grad_w",
                ),
            ),
        ),
        Mistake(
            "all axes turned round",
            ".T turns round all axes: with a batch in front only the last two may change places.",
            changed(BATCHED, ("w.swapaxes(-1, -2)", "w.T"), ("x.swapaxes(-1, -2)", "x.T")),
        ),
        Mistake(
            "nothing is transposed",
            "neither factor is transposed. With square matrices nothing complains: write the "
            "shapes of each product down.",
            changed(BATCHED, (".swapaxes(-1, -2)", "")),
        ),
        Mistake(
            "only w is summed back",
            "grad_w is summed back and grad_x is not: x may be the one that was stretched.",
            changed(BATCHED, ("summed_back(grad_x, x.shape)", "grad_x")),
        ),
        Mistake(
            "only x is summed back",
            "grad_x is summed back and grad_w is not: w may be the one that was stretched.",
            changed(BATCHED, ("summed_back(grad_w, w.shape)", "grad_w")),
        ),
        Mistake(
            "the mean of the batch",
            "the gradients of a matrix that served a batch are averaged: they add up.",
            changed(
                BATCHED,
                ("grad.sum(axis=still, keepdims=True)", "grad.mean(axis=still, keepdims=True)"),
            ),
        ),
        Mistake(
            "in the wrong order",
            "the two gradients stand in the wrong order: first that of x, then that of w.",
            changed(
                BATCHED,
                (
                    "return summed_back(grad_x, x.shape), summed_back(grad_w, w.shape)",
                    "return summed_back(grad_w, w.shape), summed_back(grad_x, x.shape)",
                ),
            ),
        ),
    ),
)

EXERCISES = (REDUCTION_BACKWARD, BATCHED_MATMUL_BACKWARD)
