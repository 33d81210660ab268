"""Exercises of lesson 20: hours of training, models worth a look, and the size of a test."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# training_hours: find the bug -------------------------------------------------------------------


def _hours(parameters, tokens, peak, utilisation):
    flops = 6 * parameters * tokens
    return flops / (peak * utilisation) / 3600


def _hours_cases(rng: np.random.Generator) -> list[Case]:
    full, real = "at the peak rate", "at the rate that is reached"
    cases = [Case((1e6, 1e9, 1e12, 1.0), full), Case((1e6, 1e9, 1e12, 0.5), real)]
    for utilisation, part in ((1.0, full), (0.25, real), (0.4, real)):
        parameters = float(rng.integers(1, 90)) * 1e6
        tokens = float(rng.integers(1, 90)) * 1e9
        cases.append(
            Case((parameters, tokens, 1e12 * float(rng.integers(1, 400)), utilisation), part)
        )
    return cases


_HOURS = code_of(_hours, "training_hours")
_RATE = "flops / (peak * utilisation) / 3600"

TRAINING_HOURS = Exercise(
    name="training_hours",
    lesson="20",
    task="Find the bugs in hopeful_hours, which is too short by far, and write it without.",
    points=4,
    minutes=10,
    difficulty="medium",
    solution=_HOURS,
    why="2 N operations a token are the forward's alone: with the backward they are 6 N. And a "
    "machine that reaches 40 % of its peak needs longer, not shorter: the rate that is reached, "
    "peak times utilisation, stands below the line.",
    hints=(
        "There are two bugs. Try utilisation 1 first, where one of them does nothing.",
        "How many operations does a token cost in training, forward and backward? And should the "
        "hours grow or shrink when the utilisation falls?",
        "6 * parameters * tokens / (peak * ...) / 3600",
    ),
    reference=_hours,
    cases=_hours_cases,
    parts={"at the peak rate": 2, "at the rate that is reached": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "as it was given",
            "both bugs are still there: the backward is not counted, and a low utilisation makes "
            "the training shorter.",
            changed(_HOURS, ("6 *", "2 *"), (_RATE, "flops / peak * utilisation / 3600")),
        ),
        Mistake(
            "the forward alone",
            "the rate is right now, but 2 N operations are the forward's alone.",
            changed(_HOURS, ("6 *", "2 *")),
        ),
        Mistake(
            "utilisation above the line",
            "the count is right now, but a low utilisation still makes the training shorter.",
            changed(_HOURS, (_RATE, "flops / peak * utilisation / 3600")),
        ),
        Mistake(
            "always the peak",
            "the peak rate is taken, which no training reaches: utilisation is left out.",
            changed(_HOURS, (_RATE, "flops / peak / 3600")),
        ),
        Mistake(
            "seconds",
            "these are seconds; hours were asked.",
            changed(_HOURS, (" / 3600", "")),
        ),
        Mistake(
            "the backward alone",
            "4 N is the backward's share: the forward has 2 N more.",
            changed(_HOURS, ("6 *", "4 *")),
        ),
        Mistake(
            "a backward like the forward",
            "4 N with the rest as it was: the backward costs twice the forward, not the same.",
            changed(_HOURS, ("6 *", "4 *"), (_RATE, "flops / peak * utilisation / 3600")),
        ),
    ),
)

# undominated_models -----------------------------------------------------------------------------


def _undominated(costs, losses):
    no_worse = (costs[:, None] <= costs) & (losses[:, None] <= losses)  # (N, N)
    better = (costs[:, None] < costs) | (losses[:, None] < losses)
    return ~(no_worse & better).any(axis=0)


def _undominated_cases(rng: np.random.Generator) -> list[Case]:
    plain, ties = "all different", "equal costs or losses"
    cases = [
        Case((np.array([1.0]), np.array([2.0])), plain),
        Case((np.array([1.0, 2.0, 3.0]), np.array([3.0, 4.0, 1.0])), plain),
    ]
    order = rng.permutation(7)
    costs = np.array([1.0, 2, 3, 4, 5, 6, 7]) * rng.uniform(1, 2)
    losses = np.array([5.0, 3, 4, 3.5, 2, 2.5, 1]) * rng.uniform(1, 2)
    cases.append(Case((costs[order], losses[order]), plain))
    cases += [
        Case((np.array([1.0, 1.0]), np.array([2.0, 3.0])), ties),
        Case((np.array([1.0, 2.0]), np.array([2.0, 2.0])), ties),
        Case((np.array([2.0, 2.0, 3.0]), np.array([1.0, 1.0, 4.0])), ties),
    ]
    return cases


_UNDOMINATED = solution_of(_undominated, "undominated_models")
_LOOP = """\
import numpy as np

def undominated_models(costs, losses):
    order = np.argsort(costs)
    keep, best = np.zeros(len(costs), bool), np.inf
    for i in order:
        if losses[i] COMPARE best:
            keep[i], best = True, losses[i]
    return keep
"""

UNDOMINATED_MODELS = Exercise(
    name="undominated_models",
    lesson="20",
    task="From costs and losses (N) say of each model (N) whether no other beats it: none is at "
    "least as good in both and better in one.",
    points=4,
    minutes=14,
    difficulty="hard",
    solution=_UNDOMINATED,
    why="Model i beats model j if it costs no more and loses no more, and one of the two is less. "
    "Two equal models do not beat each other, so both stay. What nobody beats is the front: the "
    "choice lies there, whatever the budget is.",
    hints=(
        "Write down when model i beats model j, with the word «and», and the word «or».",
        "Compare all with all: costs[:, None] <= costs is (N, N), row i for model i. Then ask for "
        "each column whether any row beats it.",
        "no_worse = (cost <=) & (loss <=); better = (cost <) | (loss <); ~(no_worse & better)."
        "any(axis=...)",
    ),
    reference=_undominated,
    cases=_undominated_cases,
    parts={"all different": 2, "equal costs or losses": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "better in both",
            "a model is thrown out only if another is better in both: as good in one and better in "
            "the other is enough.",
            changed(
                _UNDOMINATED,
                ("<= costs", "< costs"),
                ("<= losses", "< losses"),
            ),
        ),
        Mistake(
            "equal ones beat each other",
            "two equal models throw each other out, and each model throws out itself: one of the "
            "two numbers must be better.",
            changed(_UNDOMINATED, ("no_worse & better", "no_worse")),
        ),
        Mistake(
            "better in one",
            "a model is thrown out if another is better in cost or in loss, though it may be worse "
            "in the other.",
            changed(_UNDOMINATED, ("no_worse & better", "better")),
        ),
        Mistake(
            "the beaten ones",
            "True stands for those that are beaten: the others were asked.",
            changed(_UNDOMINATED, ("return ~(", "return (")),
        ),
        Mistake(
            "the beating ones",
            "this says which models beat no other: the question is which are beaten by none.",
            changed(_UNDOMINATED, ("axis=0", "axis=1")),
        ),
        Mistake(
            "the best alone",
            "only the model with the lowest loss is kept: a cheaper one that is worse is a choice "
            "too.",
            "import numpy as np\n\ndef undominated_models(costs, losses):\n"
            "    return losses == losses.min()\n",
        ),
        Mistake(
            "one of equals",
            "of two models that are equal in both numbers one is thrown out.",
            _LOOP.replace("COMPARE", "<").replace(
                "np.argsort(costs)", "np.lexsort((losses, costs))"
            ),
        ),
    ),
)

# questions_needed -------------------------------------------------------------------------------


def _needed(share, margin):
    return int(np.ceil(1.96**2 * share * (1 - share) / margin**2))


def _needed_cases(rng: np.random.Generator) -> list[Case]:
    half, other = "a share of a half", "other shares"
    return [
        Case((0.5, 0.05), half),
        Case((0.5, float(rng.uniform(0.013, 0.04))), half),
        Case((0.9, 0.03), other),
        Case((float(rng.uniform(0.6, 0.95)), 0.02), other),
        Case((float(rng.uniform(0.05, 0.4)), 0.015), other),
    ]


_NEEDED = solution_of(_needed, "questions_needed")

QUESTIONS_NEEDED = Exercise(
    name="questions_needed",
    lesson="20",
    task="How many questions must a test have, so that a share of right answers near `share` is "
    "known to within `margin` on either side, at 95 %?",
    points=2,
    minutes=6,
    difficulty="easy",
    solution=_NEEDED,
    why="The share of N answers scatters by sqrt(p (1 - p) / N), and 1.96 of those to either side "
    "hold 95 %. Set that equal to the margin and solve for N. Half the margin needs four times the "
    "questions.",
    hints=(
        "The margin is 1.96 times the standard deviation of a share. Solve for N.",
        "margin = 1.96 sqrt(p (1 - p) / N). Square both sides. Round up to a whole number.",
        "int(np.ceil(1.96**2 * ... / margin**2))",
    ),
    reference=_needed,
    cases=_needed_cases,
    parts={"a share of a half": 1, "other shares": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "not squared",
            "the margin stands below the line unsquared: half the margin needs four times as many.",
            changed(_NEEDED, ("margin**2", "margin")),
        ),
        Mistake(
            "one deviation",
            "this is for one standard deviation, about 68 %: 95 % needs 1.96 of them.",
            changed(_NEEDED, ("1.96**2 * ", "")),
        ),
        Mistake(
            "rounded down",
            "rounded down, the margin is missed by a hair: round up.",
            changed(_NEEDED, ("np.ceil(", "np.floor(")),
        ),
        Mistake(
            "always the worst case",
            "this takes a share of a half, where answers scatter most, whatever the share is.",
            changed(_NEEDED, ("share * (1 - share)", "0.25")),
        ),
        Mistake(
            "the whole width",
            "the margin is taken for the whole width of the interval: it is one side of it.",
            changed(_NEEDED, ("margin**2", "(margin / 2) ** 2")),
        ),
    ),
)

EXERCISES = (TRAINING_HOURS, UNDOMINATED_MODELS, QUESTIONS_NEEDED)
