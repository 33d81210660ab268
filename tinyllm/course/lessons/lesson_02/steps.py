"""Exercise of lesson 02: a gradient by small steps."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of


def _gradient_by_steps(function, x, step):
    grad = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        moved = x.astype(float)  # a copy
        moved[place] = x[place] + step
        above = function(moved)
        moved[place] = x[place] - step
        grad[place] = (above - function(moved)) / (2 * step)
    return grad


# What the grader calls: functions do not travel between processes, so it sends a formula.
_CALL = "lambda formula, x, step: gradient_by_steps(eval('lambda x: ' + formula), x, step)"


def _reference(formula: str, x: np.ndarray, step: float) -> np.ndarray:
    return eval(_CALL, {"gradient_by_steps": _gradient_by_steps})(formula, x, step)


def _cases(rng: np.random.Generator) -> list[Case]:
    shapes, whole = "arrays of any shape", "whole numbers"
    return [
        Case(("(x**2).sum()", rng.normal(size=1), 0.1), "one number"),
        Case(("(x**3).sum()", rng.normal(size=1), 0.1), "one number"),
        Case(("x[0] * x[1]**3", rng.normal(size=2), 0.1), shapes),
        Case(("(x / (1 + x**2)).sum() ** 2", rng.normal(size=4), 0.01), shapes),
        Case(("(x[0] * x[1]).sum()", rng.normal(size=(2, 3)), 0.1), shapes),
        Case(("(x @ x).sum()", rng.normal(size=(2, 2, 2)), 0.05), shapes),
        Case(("(x**3).sum()", rng.integers(2, 9, size=3), 0.1), whole),
    ]


_STEPS = solution_of(_gradient_by_steps, "gradient_by_steps")

GRADIENT_BY_STEPS = Exercise(
    name="gradient_by_steps",
    lesson="02",
    task="Give the gradient of function at the array x by central differences.",
    points=3,
    minutes=10,
    difficulty="medium",
    solution=_STEPS,
    why="One element at a time is moved up and down while the others stay; the slope between is "
    "the partial derivative, up to an error of step². A copy of floats leaves x alone, and does "
    "not cut a step of 0.1 off a whole number.",
    hints=(
        "How many times must the function be called for an array of 5 numbers?",
        "For each place, np.ndindex gives them all, make a copy of x, move that one element up, "
        "then down, and divide the difference by the whole way between.",
        "moved = x.astype(float); moved[place] = x[place] + step; above = function(moved); ...; "
        "grad[place] = (above - below) / ...",
    ),
    reference=_reference,
    cases=_cases,
    parts={"one number": 1, "arrays of any shape": 1, "whole numbers": 1},
    refused=REFUSED,
    call=_CALL,
    mistakes=(
        Mistake(
            "a step on one side",
            "the step goes up only: a forward difference, whose error is much larger.",
            changed(
                _STEPS,
                ("x[place] - step", "x[place]"),
                ("/ (2 * step)", "/ step"),
            ),
        ),
        Mistake(
            "half the way",
            "the two points lie two steps apart: everything comes out twice as large.",
            changed(_STEPS, ("/ (2 * step)", "/ step")),
        ),
        Mistake(
            "down to x alone",
            "after the step up, one step down leads back to x: the second point should lie a step "
            "below it.",
            changed(_STEPS, ("x[place] - step", "x[place]")),
        ),
        Mistake(
            "brackets",
            "/ 2 * step divides by 2 and then multiplies by step: brackets are missing.",
            changed(_STEPS, ("/ (2 * step)", "/ 2 * step")),
        ),
        Mistake(
            "whole rows",
            "a single index moves a whole row of a matrix at once: each number needs a move of its "
            "own, in arrays of any shape.",
            changed(_STEPS, ("in np.ndindex(x.shape)", "in range(len(x))")),
        ),
        Mistake(
            "the gradient cut off",
            "the array for the gradient is made like x: if x holds whole numbers, so does it, and "
            "what is behind the point is cut off.",
            changed(_STEPS, ("np.zeros(x.shape)", "np.zeros_like(x)")),
        ),
        Mistake(
            "the sign",
            "below minus above: the sign is the wrong way round.",
            changed(_STEPS, ("(above - function(moved))", "(function(moved) - above)")),
        ),
        Mistake(
            "all moved at once",
            "all elements move at once, and each gets the sum of all slopes: move one at a time.",
            changed(
                _STEPS,
                ("moved[place] = x[place] + step", "moved += step"),
                ("moved[place] = x[place] - step", "moved -= 2 * step"),
            ),
        ),
        Mistake(
            "never put back",
            "x itself is moved and not put back: it is changed for the caller, and all elements "
            "after the first are measured somewhere else.",
            changed(
                _STEPS,
                ("moved = x.astype(float)  # a copy", "moved, old = x, x[place]"),
                ("moved[place] = x[place] + step", "moved[place] = old + step"),
                ("moved[place] = x[place] - step", "moved[place] = old - step"),
            ),
        ),
        Mistake(
            "steps cut off",
            "a copy of an array of whole numbers holds whole numbers: the step is cut off. Make it "
            "floats.",
            changed(_STEPS, ("x.astype(float)  # a copy", "x.copy()")),
        ),
        Mistake(
            "the shape is lost",
            "the gradient comes out flat: it should have the shape of x.",
            changed(_STEPS, ("return grad", "return grad.ravel()")),
        ),
    ),
)
