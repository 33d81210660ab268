"""Exercises of lesson 03: what a gradient check compares, and how."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# gradients_agree: find the bug ------------------------------------------------------------------


def _gradients_agree(analytic, numeric, atol, rtol):
    if analytic.shape != numeric.shape:
        return False
    return bool((np.abs(analytic - numeric) <= atol + rtol * np.abs(numeric)).all())


def _agree_cases(rng: np.random.Generator) -> list[Case]:
    right, high, low = "gradients that agree", "too large", "too small"
    nothing, shapes = "NaN never agrees", "the shapes agree too"
    one, x, y = np.array([2.0]), rng.normal(size=4), rng.uniform(1.0, 2.0, size=(2, 3))
    negative = -rng.uniform(1.0, 2.0, size=3)
    hole = y.copy()
    hole[1, 2] = np.nan
    column = np.full((3, 1), 0.5)
    return [
        Case((one, one.copy(), 1e-5, 1e-3), right),
        Case((x * (1 + 1e-4), x, 1e-5, 1e-3), right),
        Case((negative * (1 - 5e-4), negative, 1e-5, 1e-3), right),
        Case((y + 0.3, y, 0.0, 0.5), right),
        Case((y * 1.01, y, 1e-5, 1e-3), high),
        Case((np.array([0.0, 2e-5]), np.zeros(2), 1e-5, 1e-3), high),
        Case((y * 0.5, y, 1e-5, 1e-3), low),
        Case((negative * 1.01, negative, 1e-5, 1e-3), low),
        Case((hole, y, 1e-5, 1e-3), nothing),
        Case((np.full(2, np.nan), np.full(2, np.nan), 1e-5, 1e-3), nothing),
        Case((column, column[:, 0], 1e-5, 1e-3), shapes),
        Case((np.full(1, 0.5), np.full(3, 0.5), 1e-5, 1e-3), shapes),
    ]


_AGREE = solution_of(_gradients_agree, "gradients_agree")
_TEST = "(np.abs(analytic - numeric) <= atol + rtol * np.abs(numeric)).all()"
_SHAPES = "    if analytic.shape != numeric.shape:\n        return False\n"

GRADIENTS_AGREE = Exercise(
    name="gradients_agree",
    lesson="03",
    task="Say whether two gradients agree: find the holes in lenient_agree and close them.",
    points=5,
    minutes=12,
    difficulty="medium",
    solution=_AGREE,
    why="|a - n| <= atol + rtol |n| needs both absolute values: without the first a gradient may "
    "be too small by any amount, without the second the room shrinks where n is negative. Ask for "
    "what must hold, and for all: NaN fails every comparison, so «is anything too far off?» lets "
    "it pass. And shapes that broadcast may compare without complaint.",
    hints=(
        "Try it: which gradients does it let pass? All zeros? NaN? Another shape?",
        "The difference needs its absolute value, and so does the size of n. Compare with <= and "
        ".all(), since NaN makes every comparison False. Look at the shapes first.",
        "if analytic.shape != numeric.shape: return False; then np.abs(...) <= atol + rtol * ...",
    ),
    reference=_gradients_agree,
    cases=_agree_cases,
    parts={
        "gradients that agree": 1, "too large": 1, "too small": 1, "NaN never agrees": 1,
        "the shapes agree too": 1,
    },
    refused=(*REFUSED, "numpy.allclose", "numpy.isclose", "numpy.testing"),
    mistakes=(
        Mistake(
            "as it was given",
            "nothing is mended yet: gradients that are too small, NaN and other shapes still pass.",
            "import numpy as np\n\ndef gradients_agree(analytic, numeric, atol, rtol):\n"
            "    return bool(not (analytic - numeric > atol + rtol * numeric).any())\n",
        ),
        Mistake(
            "NaN and shapes",
            "the absolute values are there; but NaN still passes, since no comparison with it is "
            "True, and so does another shape that broadcasts.",
            changed(
                _AGREE,
                (_SHAPES, ""),
                (_TEST, "(not (np.abs(analytic - numeric) > atol + rtol * np.abs(numeric)).any())"),
            ),
        ),
        Mistake(
            "NaN",
            "NaN passes: «is anything too far off?» is answered No, because no comparison with "
            "NaN is True. Ask for what must hold.",
            changed(
                _AGREE,
                (_TEST, "(not (np.abs(analytic - numeric) > atol + rtol * np.abs(numeric)).any())"),
            ),
        ),
        Mistake(
            "shapes",
            "the values are compared as they should be, but a gradient of another shape passes, if "
            "only it broadcasts.",
            changed(_AGREE, (_SHAPES, "")),
        ),
        Mistake(
            "no absolute difference",
            "the difference has no absolute value: a gradient that is too small always passes.",
            changed(_AGREE, ("np.abs(analytic - numeric) <=", "analytic - numeric <=")),
        ),
        Mistake(
            "no absolute size",
            "the room is rtol * numeric, which is below 0 where the slope is: take its absolute "
            "value.",
            changed(_AGREE, ("rtol * np.abs(numeric)", "rtol * numeric")),
        ),
        Mistake(
            "atol alone",
            "large gradients cannot agree to within atol: the room grows with them, by rtol.",
            changed(_AGREE, (" + rtol * np.abs(numeric)", "")),
        ),
        Mistake(
            "any in the place of all",
            "one element that agrees is enough here: all of them have to.",
            changed(_AGREE, (".all()", ".any()")),
        ),
        Mistake(
            "on average",
            "the mean difference is compared: one wrong element hides among many right ones, "
            "and too much hides behind too little.",
            changed(
                _AGREE,
                (_TEST, "np.mean(np.abs(analytic - numeric)) <= atol + rtol"),
            ),
        ),
    ),
)  # fmt: skip

# both_slopes ------------------------------------------------------------------------------------


def _both_slopes(forward, backward, x, covector, direction, step):
    rise = forward(x + step * direction) - forward(x - step * direction)
    numeric = (covector * rise).sum() / (2 * step)
    analytic = (backward(x, covector) * direction).sum()
    return numeric, analytic


_FORMULAS = "eval('lambda x: ' + forward), eval('lambda x, grad_y: ' + backward)"
_CALL = (
    "lambda forward, backward, x, covector, direction, step: "
    f"both_slopes({_FORMULAS}, x, covector, direction, step)"
)


def _both_reference(*arguments):
    return eval(_CALL, {"both_slopes": _both_slopes})(*arguments)


def _both_cases(rng: np.random.Generator) -> list[Case]:
    def case(part: str, forward: str, backward: str, shape: tuple, out: tuple) -> Case:
        x, covector, direction = (
            rng.normal(size=shape),
            rng.normal(size=out),
            rng.normal(size=shape),
        )
        return Case((forward, backward, x, covector, direction, 1e-3), part)

    right, wrong, other = "a right backward", "a wrong backward", "outputs of another shape"
    return [
        case(right, "x**3", "3 * x**2 * grad_y", (1,), (1,)),
        case(right, "x**2", "2 * x * grad_y", (3,), (3,)),
        case(right, "x * x.sum()", "x.sum() * grad_y + (x * grad_y).sum()", (2, 3), (2, 3)),
        case(wrong, "x - x.mean()", "0 * x", (4,), (4,)),
        case(wrong, "x[::-1] * 2", "2 * grad_y", (4,), (4,)),
        case(other, "x.sum(axis=1)", "0 * x + grad_y[:, None]", (2, 3), (2,)),
        case(other, "(x * x).sum()", "2 * x * grad_y", (2, 2), ()),
    ]


_BOTH = solution_of(_both_slopes, "both_slopes")

BOTH_SLOPES = Exercise(
    name="both_slopes",
    lesson="03",
    task="Give the slope of covector · forward(x) along a direction: by steps, and by backward.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_BOTH,
    why="L(x) = Σ covector · forward(x) is one number, so it has one gradient: backward(x, "
    "covector). Its slope along a direction is gradient times direction, summed; and central "
    "differences along the same direction measure that slope without any backward.",
    hints=(
        "Both are slopes of one and the same number, L(x) = (covector * forward(x)).sum(). What "
        "is its gradient, if backward is right?",
        "Numeric: move x by step * direction up and down, weigh the rise of the outputs by the "
        "covector, sum, divide by the whole way. Analytic: backward(x, covector) times direction, "
        "summed.",
        "rise = forward(x + step * direction) - ...; return (covector * rise).sum() / ..., "
        "(backward(x, ...) * ...).sum()",
    ),
    reference=_both_reference,
    cases=_both_cases,
    parts={"a right backward": 2, "a wrong backward": 1, "outputs of another shape": 1},
    refused=REFUSED,
    call=_CALL,
    mistakes=(
        Mistake(
            "the sum of the outputs",
            "the covector is forgotten on the side of the steps: they measure the slope of the "
            "plain sum.",
            changed(_BOTH, ("(covector * rise).sum()", "rise.sum()")),
        ),
        Mistake(
            "a covector of ones",
            "backward gets ones where the covector belongs: it answers for another number than "
            "the steps.",
            changed(_BOTH, ("backward(x, covector)", "backward(x, np.ones_like(covector))")),
        ),
        Mistake(
            "no covector at all",
            "the covector is used nowhere: this is the check of a plain sum, which a softmax "
            "without any backward would pass.",
            changed(
                _BOTH,
                ("(covector * rise).sum()", "rise.sum()"),
                ("backward(x, covector)", "backward(x, np.ones_like(covector))"),
            ),
        ),
        Mistake(
            "half the way",
            "the two points lie two steps apart: the numeric slope comes out twice as large.",
            changed(_BOTH, ("/ (2 * step)", "/ step")),
        ),
        Mistake(
            "the gradient without a direction",
            "the gradient is summed as it is: along a direction each element counts as much as "
            "it moves.",
            changed(_BOTH, ("(backward(x, covector) * direction)", "backward(x, covector)")),
        ),
        Mistake(
            "a step on one side",
            "the step goes up only: a forward difference, whose error is much larger.",
            changed(
                _BOTH,
                ("forward(x - step * direction)", "forward(x)"),
                ("/ (2 * step)", "/ step"),
            ),
        ),
    ),
)

EXERCISES = (GRADIENTS_AGREE, BOTH_SLOPES)
