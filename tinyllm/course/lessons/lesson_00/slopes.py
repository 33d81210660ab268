"""Exercises of lesson 00: a derivative by the chain rule, and one by small steps."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# slope_of_loss ----------------------------------------------------------------------------------


def _slope_of_loss(w, x, y):
    t = np.tanh(w * x)  # (N,)
    return (2 * (t - y) * (1 - t**2) * x).sum()


def _loss_cases(rng: np.random.Generator) -> list[Case]:
    def draw(N: int) -> tuple:
        return float(rng.normal()), rng.normal(size=N), rng.normal(size=N)

    return [
        Case((0.0, np.array([2.0]), np.array([1.0])), "one pair"),
        Case((0.5, np.array([2.0]), np.array([0.0])), "one pair"),
        Case(draw(1), "one pair"),
        Case(draw(2), "a sum over pairs"),
        Case(draw(5), "a sum over pairs"),
    ]


_LOSS = solution_of(_slope_of_loss, "slope_of_loss")
_PRODUCT = "(2 * (t - y) * (1 - t**2) * x)"

SLOPE_OF_LOSS = Exercise(
    name="slope_of_loss",
    lesson="00",
    task="Give dL/dw of L = Σ (tanh(w x) - y)², for a number w and arrays x, y (N,).",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_LOSS,
    why="Three functions stand one inside the other: the square, tanh, and w x. Their slopes are "
    "2 (t - y), 1 - t² and x; the chain rule multiplies them, and the slope of a sum is the sum.",
    hints=(
        "From the outside in: what is the last thing done to each pair? And before that?",
        "Name the pieces, u = w x and t = tanh(u). Write the slope of each for a change of the "
        "one inside it, multiply the three, and sum over the pairs.",
        "t = np.tanh(w * x); (2 * (...) * (1 - ...) * ...).sum()",
    ),
    reference=_slope_of_loss,
    cases=_loss_cases,
    parts={"one pair": 2, "a sum over pairs": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "x forgotten",
            "the slope of the innermost function is missing: w x grows by x when w grows by 1.",
            changed(_LOSS, ("(1 - t**2) * x", "(1 - t**2)")),
        ),
        Mistake(
            "tanh forgotten",
            "the slope of tanh is missing: 1 - tanh².",
            changed(_LOSS, (" * (1 - t**2)", "")),
        ),
        Mistake(
            "the 2 forgotten",
            "the square's slope is twice what is squared: the 2 is missing.",
            changed(_LOSS, ("2 * (t - y)", "(t - y)")),
        ),
        Mistake(
            "the square's slope forgotten",
            "the slope of the outermost function, the square, is missing: 2 (t - y).",
            changed(_LOSS, ("2 * (t - y) * ", "")),
        ),
        Mistake(
            "tanh not squared",
            "the slope of tanh is 1 - tanh², not 1 - tanh.",
            changed(_LOSS, ("t**2", "t")),
        ),
        Mistake(
            "with respect to x",
            "this is the slope for a change of x, with the factor w: when w changes, it is x.",
            changed(_LOSS, ("* x).sum", "* w).sum")),
        ),
        Mistake(
            "at the wrong place",
            "the slope of tanh is taken at x, where it should be taken at w x.",
            changed(_LOSS, ("t**2", "np.tanh(x) ** 2")),
        ),
        Mistake(
            "the difference turned round",
            "the sign is turned: the loss squares t - y, so its slope has t - y too, not y - t.",
            changed(_LOSS, ("(t - y)", "(y - t)")),
        ),
        Mistake(
            "summed too early",
            "factors are summed over the pairs before they are multiplied: finish the product of "
            "each pair first, then sum.",
            changed(
                _LOSS, ("(2 * (t - y) * (1 - t**2) * x)", "(2 * (t - y)).sum() * ((1 - t**2) * x)")
            ),
        ),
        Mistake(
            "the mean",
            "this is the slope of the mean: L is a sum.",
            changed(_LOSS, (".sum()", ".mean()")),
        ),
        Mistake(
            "not summed",
            "this is one slope for each pair: w is one number, so its slope is their sum.",
            changed(_LOSS, (f"{_PRODUCT}.sum()", _PRODUCT[1:-1])),
        ),
    ),
)

# slope_by_steps ---------------------------------------------------------------------------------


def _slope_by_steps(f, x, step):
    return (f(x + step) - f(x - step)) / (2 * step)


# A function does not travel to the learner's process; its formula does, such as "x**2".
_CALL = (
    "(lambda slope: lambda formula, x, step: slope(eval('lambda x: ' + formula), x, step))"
    "(slope_by_steps)"
)


def _slope_of_formula(formula: str, x: float, step: float) -> float:
    return _slope_by_steps(eval(f"lambda x: {formula}"), x, step)


def _step_cases(rng: np.random.Generator) -> list[Case]:
    def place(low: float, high: float) -> float:
        return round(float(rng.uniform(low, high)), 2)

    return [
        Case(("x**2", 3.0, 0.5), "a parabola"),
        Case(("x**2 - 3*x", place(-3, -1), 0.25), "a parabola"),
        Case(("x**3", place(0.2, 1.2), 0.1), "other curves"),
        Case(("2**x", place(-1, 1), 0.1), "other curves"),
        Case(("1 / x", place(1, 3), 0.3), "other curves"),
    ]


_STEPS = code_of(_slope_by_steps, "slope_by_steps")

SLOPE_BY_STEPS = Exercise(
    name="slope_by_steps",
    lesson="00",
    task="In one line: the slope of f at x, from its values one step to the right and to the left.",
    points=3,
    minutes=6,
    difficulty="easy",
    solution=_STEPS,
    why="The two places are 2 steps apart, so the rise is divided by 2 steps. What the curve bends "
    "upwards on one side it bends on the other too, and that cancels: a parabola comes out exact.",
    hints=(
        "A slope is a rise divided by a run. How far apart are the two places?",
        "The rise is f one step to the right minus f one step to the left; the run is two steps. "
        "Mind the brackets: / 2 * step divides by 2 and then multiplies.",
        "(f(x + step) - f(...)) / (...)",
    ),
    reference=_slope_of_formula,
    cases=_step_cases,
    parts={"a parabola": 1, "other curves": 2},
    refused=(*REFUSED, "numpy.gradient", "numpy.diff"),
    call=_CALL,
    mistakes=(
        Mistake(
            "a step to the right alone",
            "this is a step to the right alone: the bend of the curve does not cancel.",
            changed(_STEPS, ("f(x - step)", "f(x)"), ("(2 * step)", "step")),
        ),
        Mistake(
            "a step to the left alone",
            "this is a step to the left alone: the bend of the curve does not cancel.",
            changed(_STEPS, ("f(x + step)", "f(x)"), ("(2 * step)", "step")),
        ),
        Mistake(
            "one step of run",
            "the rise is divided by one step, but the two places are two steps apart.",
            changed(_STEPS, ("(2 * step)", "step")),
        ),
        Mistake(
            "brackets",
            "/ 2 * step divides by 2 and then multiplies by step: brackets are missing.",
            changed(_STEPS, ("(2 * step)", "2 * step")),
        ),
        Mistake(
            "the sign",
            "left minus right: the sign is the wrong way round.",
            changed(_STEPS, ("f(x + step) - f(x - step)", "f(x - step) - f(x + step)")),
        ),
        Mistake(
            "the rise alone",
            "this is the rise alone: a slope is the rise divided by the run.",
            changed(_STEPS, (" / (2 * step)", "")),
        ),
        Mistake(
            "half steps",
            "the two places are half a step away: a whole step on either side was asked.",
            changed(
                _STEPS,
                ("f(x + step) - f(x - step)", "f(x + step / 2) - f(x - step / 2)"),
                ("(2 * step)", "step"),
            ),
        ),
        Mistake(
            "the second derivative",
            "this is the second derivative, how fast the slope changes: the slope was asked.",
            changed(
                _STEPS, (" - f(x - step)) / (2 * step)", " - 2 * f(x) + f(x - step)) / step**2")
            ),
        ),
    ),
)

EXERCISES = (SLOPE_OF_LOSS, SLOPE_BY_STEPS)
