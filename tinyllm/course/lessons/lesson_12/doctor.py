"""Exercise of lesson 12: a first suspicion from the curves of a training."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of


def _suspect(train, validation, log_v, floor):
    if not np.isfinite(train).all() or train[-1] > train[0]:
        return "diverges"
    if abs(train[0] - log_v) > 0.5:
        return "bad start"
    if validation.min() < floor - 0.05:
        return "leak"
    if train[-1] > log_v - 0.5:
        return "learns nothing"
    if validation[-1] > validation.min() + 0.1:
        return "overfits"
    return "healthy"


def _curve(first: float, last: float, steps: int) -> np.ndarray:
    """A loss that falls, or rises, quickly at first."""
    return np.round(last + (first - last) * np.exp(-np.arange(steps) / (steps / 6)), 3)


def _curves(rng: np.random.Generator) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Training and validation losses of every kind, for log V = 4.06 and a floor of 0.44."""
    start, good = 4.06 + rng.uniform(-0.1, 0.1), rng.uniform(0.6, 0.8)
    sound = _curve(start, good, 12), _curve(2.4, good, 6)
    turning = np.array([1.6, 0.9, 0.7, 0.72, 0.95, 1.3]) + rng.uniform(0, 0.1)
    exploding = _curve(start, 2.0, 12)
    exploding[-3:] = np.nan
    return {
        "sound": sound,
        "nearly at the floor": (_curve(start, 0.45, 12), _curve(2.4, 0.41, 6)),
        "rising": (_curve(start, 7.0 + rng.uniform(0, 1), 12), _curve(4.2, 7.5, 6)),
        "nan": (exploding, np.array([2.5, 2.2, 2.1, np.nan])),
        "too low": (_curve(1.2, 0.6, 12), _curve(1.0, 0.7, 6)),
        "too high": (_curve(11.0, 0.8, 12), _curve(3.0, 0.9, 6)),
        "copied": (_curve(start, 0.01, 12), _curve(0.3, 0.01, 6)),
        "below for a while": (_curve(start, 0.3, 12), np.array([1.5, 0.5, 0.3, 0.36, 0.37, 0.5])),
        "level": (_curve(start, start - 0.2, 12), _curve(4.0, 3.9, 6)),
        "turning": (_curve(start, 0.3, 12), turning),
        "far below in training": (_curve(start, 0.05, 12), turning + 0.05),
    }


def _suspect_cases(rng: np.random.Generator) -> list[Case]:
    curves = _curves(rng)
    parts = {
        "healthy": ("sound", "nearly at the floor"),
        "diverges": ("rising", "nan"),
        "bad start": ("too low", "too high"),
        "leak": ("copied", "below for a while"),
        "nothing learnt, or too much": ("level", "turning", "far below in training"),
    }
    tiny = np.array([4.0, 0.7]), np.array([0.8])
    return [
        Case((*tiny, 4.06, 0.44), "healthy"),
        *(
            Case((*curves[name], 4.06, 0.44), part)
            for part, names in parts.items()
            for name in names
        ),
    ]


_SUSPECT = solution_of(_suspect, "suspect")

SUSPECT = Exercise(
    name="suspect",
    lesson="12",
    task="From the losses of a training and what is known beforehand, name what to suspect.",
    points=5,
    minutes=18,
    difficulty="hard",
    solution=_SUSPECT,
    why="The questions are asked in the order in which an answer makes the later ones useless: a "
    "NaN has no size, and a leak looks like wonderful health. Training loss below the floor is no "
    "leak by itself, for training texts can be learnt by heart; validation texts can not.",
    hints=(
        "What does a comparison with NaN answer? Look at np.isfinite.",
        "Write one if for each line of the table, in its order, and return at once. A leak shows "
        "in the lowest validation loss, overfitting in the last against the lowest.",
        "if not np.isfinite(train).all() or ...: return 'diverges'; if abs(train[0] - log_v) > "
        "0.5: ...; if validation.min() < floor - 0.05: ...",
    ),
    reference=_suspect,
    cases=_suspect_cases,
    parts={
        "healthy": 1,
        "diverges": 1,
        "bad start": 1,
        "leak": 1,
        "nothing learnt, or too much": 1,
    },
    refused=REFUSED,
    mistakes=(
        Mistake(
            "NaN is overlooked",
            "a training that ends in NaN gets by: every comparison with NaN is False.",
            changed(_SUSPECT, ("not np.isfinite(train).all() or ", "")),
        ),
        Mistake(
            "NaN alone",
            "a loss that rises without becoming NaN is overlooked.",
            changed(_SUSPECT, (" or train[-1] > train[0]", "")),
        ),
        Mistake(
            "training below the floor",
            "a training loss below the floor is no leak: texts can be learnt by heart. Ask the "
            "validation loss.",
            changed(_SUSPECT, ("validation.min() < floor", "train.min() < floor")),
        ),
        Mistake(
            "the last validation loss alone",
            "a leak shows in the lowest validation loss, and not only in the last.",
            changed(_SUSPECT, ("validation.min() < floor", "validation[-1] < floor")),
        ),
        Mistake(
            "no allowance at the floor",
            "a validation loss a hair below the floor is chance: allow for 0.05.",
            changed(_SUSPECT, ("floor - 0.05", "floor")),
        ),
        Mistake(
            "too high alone",
            "a start far below log V is overlooked: take the distance, to both sides.",
            changed(_SUSPECT, ("abs(train[0] - log_v)", "train[0] - log_v")),
        ),
        Mistake(
            "too low alone",
            "a start far above log V is overlooked: take the distance, to both sides.",
            changed(_SUSPECT, ("abs(train[0] - log_v)", "log_v - train[0]")),
        ),
        Mistake(
            "compared with the first validation loss",
            "overfitting is seen from the lowest validation loss, not from the first: the curve "
            "may turn and still end below its start.",
            changed(
                _SUSPECT, ("validation[-1] > validation.min()", "validation[-1] > validation[0]")
            ),
        ),
        Mistake(
            "the gap",
            "a gap between the two losses is not yet overfitting, and training may lie far below. "
            "What counts is that the validation loss rises again.",
            changed(
                _SUSPECT,
                ("validation[-1] > validation.min() + 0.1", "validation[-1] > train[-1] + 0.1"),
            ),
        ),
        Mistake(
            "level is healthy",
            "a training that learns nothing is taken for something else: its loss ends near log V.",
            changed(
                _SUSPECT,
                (
                    'log_v - 0.5:\n        return "learns nothing"',
                    'log_v + 0.5:\n        return "learns nothing"',
                ),
            ),
        ),
    ),
)
