"""Exercises of lesson 15: an interval by the bootstrap, and a paired test by signs."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# bootstrap_bounds -------------------------------------------------------------------------------


def _bounds(scores, picks):
    means = scores[picks].mean(axis=1)  # (R,)
    low, high = np.percentile(means, [2.5, 97.5])
    return low, high


def _bounds_cases(rng: np.random.Generator) -> list[Case]:
    one, several = "one draw", "many draws"

    def drawn(resamples: int, N: int) -> tuple[np.ndarray, np.ndarray]:
        return rng.uniform(size=N) ** 2, rng.integers(0, N, size=(resamples, N))

    return [
        Case((np.array([0.25, 0.75]), np.array([[0, 0]])), one),
        Case(drawn(1, 4), one),
        Case(drawn(40, 5), several),
        Case(drawn(200, 30), several),
    ]


_BOUNDS = solution_of(_bounds, "bootstrap_bounds")

BOOTSTRAP_BOUNDS = Exercise(
    name="bootstrap_bounds",
    lesson="15",
    task="From scores (N) and picks (R, N), the texts of each resample, give the bounds between "
    "which 95 % of the resamples' means lie.",
    points=3,
    minutes=10,
    difficulty="medium",
    solution=_BOUNDS,
    why="Each row of picks is another test that might have been drawn, with its own mean. The "
    "middle 95 % of those means leave 2.5 % on either side. The interval is of the mean: single "
    "scores scatter far more.",
    hints=(
        "What shape has scores[picks], and which axis of it is one resample?",
        "Take the mean of each row, then two percentiles of those R means, which leave 2.5 % "
        "below and 2.5 % above.",
        "means = scores[picks].mean(axis=...); np.percentile(means, [2.5, ...])",
    ),
    reference=_bounds,
    cases=_bounds_cases,
    parts={"one draw": 1, "many draws": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the other axis",
            "the mean runs over the resamples: each row of picks is one, so it runs along axis 1.",
            changed(_BOUNDS, ("axis=1", "axis=0")),
        ),
        Mistake(
            "of the scores themselves",
            "these are percentiles of single scores: the interval is of the mean.",
            changed(_BOUNDS, ("scores[picks].mean(axis=1)", "scores")),
        ),
        Mistake(
            "of all that was drawn",
            "the percentiles are those of all drawn scores: take each resample's mean first.",
            changed(_BOUNDS, (".mean(axis=1)", "")),
        ),
        Mistake(
            "90 percent",
            "5 % are left out on each side: that is an interval of 90 %.",
            changed(_BOUNDS, ("[2.5, 97.5]", "[5, 95]")),
        ),
        Mistake(
            "shares, not percents",
            "np.percentile takes percents, from 0 to 100: 0.025 is a fortieth of one.",
            changed(_BOUNDS, ("[2.5, 97.5]", "[0.025, 0.975]")),
        ),
        Mistake(
            "the furthest",
            "these are the lowest and the highest mean: the more draws, the wider they lie.",
            changed(_BOUNDS, ("np.percentile(means, [2.5, 97.5])", "means.min(), means.max()")),
        ),
        Mistake(
            "mean and deviation",
            "these are two standard deviations to each side, which is another interval: asked are "
            "percentiles, which need not be as far above as below.",
            changed(
                _BOUNDS,
                (
                    "np.percentile(means, [2.5, 97.5])",
                    "means.mean() + np.array([-1.96, 1.96]) * means.std()",
                ),
            ),
        ),
    ),
)

# sign_flip_p_value ------------------------------------------------------------------------------


def _p_value(ours, theirs, signs):
    differences = ours - theirs  # (N,)
    observed = abs(differences.mean())
    by_chance = np.abs((signs * differences).mean(axis=1))  # (R,)
    reached = (by_chance >= observed - 1e-9).sum()
    return (1 + reached) / (1 + len(signs))


def _p_value_cases(rng: np.random.Generator) -> list[Case]:
    one, several = "one text", "many texts"

    def drawn(resamples: int, N: int, gain: int) -> tuple:
        theirs = rng.integers(4, 9, size=N) / 16
        ours = theirs + (rng.integers(-3, 4, size=N) + gain) / 16
        ours[:2], theirs[:2] = (0.75, 0.5), (0.5, 0.25)  # so that it never is exactly 0
        return ours, theirs, rng.choice([-1, 1], size=(resamples, N))

    worse = drawn(300, 12, -1)
    return [
        Case((np.array([0.5]), np.array([0.25]), np.array([[1], [-1], [1]])), one),
        Case((np.array([0.25]), np.array([0.5]), np.array([[1], [-1], [1], [1]])), one),
        Case(drawn(200, 6, 1), several),
        Case(drawn(400, 8, 1), several),
        Case(worse, several),
    ]


_P_VALUE = solution_of(_p_value, "sign_flip_p_value")
_REACHED = "(by_chance >= observed - 1e-9).sum()"

SIGN_FLIP_P_VALUE = Exercise(
    name="sign_flip_p_value",
    lesson="15",
    task="From the scores of two systems on the same texts, (N) each, and signs (R, N), give the "
    "p-value of a paired test.",
    points=4,
    minutes=14,
    difficulty="hard",
    solution=_P_VALUE,
    why="If the two were equally good, whose score is whose would not matter, so each difference "
    "could as well have the other sign. How often does a world with tossed signs show a mean as "
    "far from 0 as ours? The world that we saw is one of them: that is the 1 above and below.",
    hints=(
        "Work with the N differences. What would happen to them if the two systems were exchanged "
        "on some of the texts?",
        "Multiply the differences by each row of signs and take the mean: R means. Count those at "
        "least as far from 0 as the one observed, in either direction.",
        "reached = (np.abs((signs * differences).mean(axis=1)) >= observed - 1e-9).sum(); then "
        "(1 + reached) / (1 + R)",
    ),
    reference=_p_value,
    cases=_p_value_cases,
    parts={"one text": 2, "many texts": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "one direction alone",
            "only differences in one direction count: a mean as far below 0 is as surprising.",
            changed(
                _P_VALUE,
                ("abs(differences.mean())", "differences.mean()"),
                (
                    "np.abs((signs * differences).mean(axis=1))",
                    "(signs * differences).mean(axis=1)",
                ),
            ),
        ),
        Mistake(
            "more than, not at least",
            "a mean just as far from 0 as the observed one counts too: at least, not more than.",
            changed(_P_VALUE, (">= observed - 1e-9", "> observed + 1e-9")),
        ),
        Mistake(
            "0 can come out",
            "the 1 above and below the line is missing: no test may say that chance is impossible.",
            changed(_P_VALUE, ("(1 + reached) / (1 + len(signs))", "reached / len(signs)")),
        ),
        Mistake(
            "its complement",
            "this is 1 less the p-value: a p-value is small when chance explains little.",
            changed(_P_VALUE, ("return (1", "return 1 - (1")),
        ),
        Mistake(
            "not paired",
            "the signs are put before one system's scores alone: they belong before differences.",
            changed(_P_VALUE, ("signs * differences", "signs * ours")),
        ),
        Mistake(
            "the other axis",
            "the mean runs over the draws: each row of signs is one, so it runs along axis 1.",
            changed(_P_VALUE, ("axis=1", "axis=0")),
        ),
        Mistake(
            "absolute too early",
            "the absolute value of each difference is taken before the mean: take the mean's.",
            changed(_P_VALUE, ("abs(differences.mean())", "np.abs(differences).mean()")),
        ),
    ),
)

EXERCISES = (BOOTSTRAP_BOUNDS, SIGN_FLIP_P_VALUE)
