"""Exercise of lesson 19: where two models begin to differ."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of


def _first_difference(ours, theirs, relative, absolute):
    for name, there in theirs.items():
        here = ours[name]
        if here.shape != there.shape:
            return name
        gap = np.abs(here - there)
        if not (gap <= absolute + relative * np.abs(there)).all():
            return name
    return None


def _closeness_cases(rng: np.random.Generator) -> list[Case]:
    first, bound, odd = "the first that differs", "the bound", "NaN and shapes"
    layers = {name: rng.normal(size=(2, 4)) + 3 for name in ("embedding", "block", "norm")}

    def with_gap(name: str, gap, start: dict | None = None) -> dict:
        """The layers with a gap of either sign in one number of one of them."""
        gone = {key: array.copy() for key, array in (start or layers).items()}
        gone[name][rng.integers(2), rng.integers(4)] += gap
        return gone

    rounded = {name: array * (1 + 1e-7) for name, array in layers.items()}
    small = {"x": np.array([1000.0, 1e-3, 1.0])}
    edge = {"x": np.array([1.0])}, {"x": np.array([1.1])}
    one = {"x": np.ones((1, 3))}
    turned = dict(reversed(with_gap("embedding", 0.1, with_gap("norm", 0.5)).items()))
    nothing = {"x": np.array([np.nan])}
    return [
        Case((edge[0], edge[0], 1e-5, 1e-8), first),
        Case((rounded, layers, 1e-5, 1e-6), first),
        Case((with_gap("embedding", 0.1), layers, 1e-5, 1e-6), first),
        Case((with_gap("block", -0.02, with_gap("norm", 0.5)), layers, 1e-5, 1e-6), first),
        Case((with_gap("norm", -0.3), layers, 1e-5, 1e-6), first),
        Case((turned, layers, 1e-5, 1e-6), first),
        Case((layers, layers, 0.0, 0.0), bound),
        Case((with_gap("block", 4e-4), layers, 0.0, 1e-3), bound),
        Case((with_gap("block", 4e-3), layers, 0.0, 1e-3), bound),
        Case((edge[1], edge[0], 0.095, 0.0), bound),
        Case((edge[0], edge[1], 0.095, 0.0), bound),
        Case(({"x": small["x"] + [0, 1e-3, 0]}, small, 1e-4, 1e-6), bound),
        Case(({"x": small["x"] + [5e-2, 0, 0]}, small, 1e-4, 1e-6), bound),
        Case((with_gap("block", np.nan), layers, 1e-5, 1e-6), odd),
        Case((nothing, nothing, 1e-5, 1e-6), odd),
        Case(({"x": np.ones(3)}, one, 1e-5, 1e-6), odd),
    ]


_FIRST = solution_of(_first_difference, "first_difference")
_TEST = "not (gap <= absolute + relative * np.abs(there)).all()"

FIRST_DIFFERENCE = Exercise(
    name="first_difference",
    lesson="19",
    task="Name the first layer whose numbers differ by more than absolute + relative |theirs| "
    "anywhere, or None.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_FIRST,
    why="What differs early makes all that follows differ, so the first is where to look. Each "
    "number has a bound of its own. The question is asked as «not all within», since a NaN is "
    "within nothing: asked as «any above», NaN would pass. Shapes that only broadcast do differ.",
    hints=(
        "np.allclose compares two arrays. Which of its habits do you not want here?",
        "Go through theirs in order. Shapes first, then |ours - theirs| against absolute + "
        "relative * |theirs|, number by number. What do > and <= answer for NaN?",
        "if not (gap <= absolute + relative * np.abs(there)).all(): return name",
    ),
    reference=_first_difference,
    cases=_closeness_cases,
    parts={"the first that differs": 2, "the bound": 1, "NaN and shapes": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "NaN passes",
            "NaN passes: «any above the bound» is False for it. Ask whether all are within.",
            changed(_FIRST, (_TEST, "(gap > absolute + relative * np.abs(there)).any()")),
        ),
        Mistake(
            "NaN equals NaN",
            "NaN passes where both sides have it: a model that gives NaN is broken, and so is its "
            "port.",
            changed(_FIRST, (_TEST, "not np.isclose(here, there, relative, absolute, True).all()")),
        ),
        Mistake(
            "in the order of ours",
            "the layers are taken in the order of ours: that of theirs is the computation's.",
            changed(
                _FIRST,
                ("for name, there in theirs.items()", "for name, here in ours.items()"),
                ("here = ours[name]", "there = theirs[name]"),
            ),
        ),
        Mistake(
            "the bound itself is refused",
            "with a bound of 0, equal numbers are said to differ: the bound has a ≤, not a <.",
            changed(_FIRST, ("gap <= absolute", "gap < absolute")),
        ),
        Mistake(
            "differences with a sign",
            "a negative difference is below every bound: take its size.",
            changed(_FIRST, ("np.abs(here - there)", "here - there")),
        ),
        Mistake(
            "the last",
            "the last layer that differs is named: what went wrong first made it so.",
            changed(
                _FIRST,
                ("    for name,", "    found = None\n    for name,"),
                ("return name", "found = name\n            continue"),
                ("return None", "return found"),
            ),
        ),
        Mistake(
            "the mean difference",
            "the mean of the differences is held against the bound: one wrong number among many "
            "right ones passes.",
            changed(
                _FIRST,
                (_TEST, "not gap.mean() <= absolute + relative * np.abs(there).mean()"),
            ),
        ),
        Mistake(
            "the bound of the largest",
            "one bound for the whole array, from its largest number: small numbers may then be "
            "wrong altogether.",
            changed(_FIRST, ("np.abs(there))", "np.abs(there).max())")),
        ),
        Mistake(
            "relative to ours",
            "the bound is made of our numbers: measure against what is taken to be right.",
            changed(_FIRST, ("np.abs(there))", "np.abs(here))")),
        ),
        Mistake(
            "no relative part",
            "the relative part is not used: large numbers are rounded more coarsely.",
            changed(_FIRST, ("absolute + relative * np.abs(there)", "absolute")),
        ),
        Mistake(
            "shapes that broadcast",
            "(3,) passes for (1, 3), because it broadcasts: compare the shapes first.",
            changed(
                _FIRST,
                ("        if here.shape != there.shape:\n            return name\n", ""),
            ),
        ),
        Mistake(
            "allclose as it is",
            "np.allclose broadcasts: an array of another shape can pass. Compare the shapes first.",
            "import numpy as np\n\ndef first_difference(ours, theirs, relative, absolute):\n"
            "    for name in theirs:\n"
            "        if not np.allclose(theirs[name], ours[name], relative, absolute):\n"
            "            return name\n    return None\n",
        ),
    ),
)
