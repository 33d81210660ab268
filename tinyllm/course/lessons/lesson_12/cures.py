"""Exercises of lesson 12: when to stop, and dropout."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# early_stop -------------------------------------------------------------------------------------


def _early_stop(losses, patience):
    best = 0
    for now, loss in enumerate(losses):
        if loss < losses[best]:
            best = now
        elif now - best >= patience:
            return best, now
    return best, len(losses) - 1


def _stop_cases(rng: np.random.Generator) -> list[Case]:
    end, stop = "it goes on to the end", "it stops before"
    low = round(float(rng.uniform(0.4, 0.6)), 2)

    def curve(*above: float) -> np.ndarray:
        return np.round(low + np.array(above), 3)

    return [
        Case((np.array([3.0, 2.0]), 1), end),
        Case((curve(2, 1.5, 1, 0.8, 0.7), 2), end),
        Case((curve(2, 1, 1.1, 0.5, 0.6, 0.7), 3), end),
        Case((np.array([2.0, 3.0, 1.0]), 1), stop),
        Case((curve(2, 1, 0.5, 0.6, 0.7, 0.8, 0.2), 3), stop),
        Case((curve(2, 1, 1.4, 1.3, 1.2, 0.1), 3), stop),
        Case((curve(2, 0.5, 0.5, 0.5, 0.4), 2), stop),
        Case((curve(2, 1.2, 1.3, 0.9, 1.0, 1.1, 1.2, 0.3, 0.2), 2), stop),
    ]


_STOP = solution_of(_early_stop, "early_stop")

EARLY_STOP = Exercise(
    name="early_stop",
    lesson="12",
    task="From validation losses and a patience, return which measurement is kept, and after which "
    "the training stops, both counted from 0.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_STOP,
    why="One number is remembered: where the best loss was. Each measurement is either better, or "
    "one more in vain. What would have come later cannot count, because it is never measured.",
    hints=(
        "Walk along [2, 3, 1] with a patience of 1: what do you know after the second number?",
        "Go through the losses in order and keep the place of the best so far. Stop as soon as "
        "the best lies `patience` measurements back.",
        "for now, loss in enumerate(losses): if loss < losses[best]: best = now; elif now - best "
        ">= ...: return best, now",
    ),
    reference=_early_stop,
    cases=_stop_cases,
    parts={"it goes on to the end": 1, "it stops before": 3},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "a look into the future",
            "the lowest of all losses is kept, even if it comes after the stop: there it was "
            "never measured.",
            changed(
                _STOP,
                ("return best, now", "return int(np.argmin(losses)), now"),
                ("return best, len", "return int(np.argmin(losses)), len"),
            ),
        ),
        Mistake(
            "the last one is kept",
            "what is kept is the last measurement: the best was to be kept.",
            changed(
                _STOP,
                ("return best, now", "return now, now"),
                ("return best, len(losses) - 1", "return len(losses) - 1, len(losses) - 1"),
            ),
        ),
        Mistake(
            "better than the one before",
            "each loss is compared with the one before: a curve that has risen and sinks a little "
            "counts as better. Compare with the best.",
            "import numpy as np\n\ndef early_stop(losses, patience):\n"
            "    best, bad = 0, 0\n"
            "    for now in range(1, len(losses)):\n"
            "        bad = 0 if losses[now] < losses[now - 1] else bad + 1\n"
            "        if losses[now] < losses[best]:\n"
            "            best = now\n"
            "        if bad >= patience:\n"
            "            return best, now\n"
            "    return best, len(losses) - 1\n",
        ),
        Mistake(
            "one too patient",
            "off by one: it waits for one measurement more than its patience.",
            changed(_STOP, (">= patience", "> patience")),
        ),
        Mistake(
            "one too impatient",
            "off by one: it stops one measurement too early.",
            changed(_STOP, (">= patience", ">= patience - 1")),
        ),
        Mistake(
            "an equal loss counts as better",
            "an equal loss counts as an improvement: a curve that is level would never stop.",
            changed(_STOP, ("loss < losses[best]", "loss <= losses[best] and now")),
        ),
        Mistake(
            "failures of all time",
            "all measurements in vain are counted together: an improvement should set the count "
            "back to 0.",
            "import numpy as np\n\ndef early_stop(losses, patience):\n"
            "    best, bad = 0, 0\n"
            "    for now in range(1, len(losses)):\n"
            "        if losses[now] < losses[best]:\n"
            "            best = now\n"
            "        else:\n"
            "            bad += 1\n"
            "        if bad >= patience:\n"
            "            return best, now\n"
            "    return best, len(losses) - 1\n",
        ),
        Mistake(
            "it never stops",
            "the patience is not used: the training goes on to the end.",
            "import numpy as np\n\ndef early_stop(losses, patience):\n"
            "    return int(np.argmin(losses)), len(losses) - 1\n",
        ),
    ),
)

# inverted_dropout -------------------------------------------------------------------------------


def _inverted_dropout(x, keep, p):
    return np.where(keep, x, 0.0) / (1 - p)


def _dropout_cases(rng: np.random.Generator) -> list[Case]:
    def mask(*shape: int) -> np.ndarray:
        keep = rng.random(size=shape) < 0.6
        keep.flat[0], keep.flat[-1] = False, True
        return keep

    def numbers(*shape: int) -> np.ndarray:
        return rng.choice([-1.0, 1.0], size=shape) * rng.uniform(0.5, 2.0, size=shape)

    some, none = "some are dropped", "nothing is dropped"
    return [
        Case((np.array([4.0, 8.0, 2.0]), np.array([True, False, True]), 0.2), some),
        Case((numbers(7), mask(7), 0.4), some),
        Case((numbers(3, 4), mask(3, 4), 0.1), some),
        Case((numbers(3), np.ones(3, dtype=bool), 0.0), none),
        Case((numbers(3), np.ones(3, dtype=bool), 0.25), none),
    ]


_DROP = solution_of(_inverted_dropout, "inverted_dropout")
_DROPPED = "np.where(keep, x, 0.0) / (1 - p)"

INVERTED_DROPOUT = Exercise(
    name="inverted_dropout",
    lesson="12",
    task="In one line: dropout in training, with the mask `keep` (True stays) and the probability "
    "p of being dropped.",
    points=2,
    minutes=5,
    difficulty="easy",
    solution=_DROP,
    why="A number stays with probability 1 - p. Divided by 1 - p, its mean over many masks is what "
    "it was: (1 - p) · x / (1 - p). So nothing needs to be changed when the model is used.",
    hints=(
        "If each number is dropped with probability 0.2, what is left of 4 on average? What must "
        "the rest be multiplied by?",
        "Put 0 where keep is False, and divide by the probability of staying.",
        "np.where(keep, x, 0.0) / ...",
    ),
    reference=_inverted_dropout,
    cases=_dropout_cases,
    parts={"some are dropped": 1, "nothing is dropped": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "not scaled",
            "what stays is not scaled up: in training all sums are smaller than when the model is "
            "used.",
            changed(_DROP, (" / (1 - p)", "")),
        ),
        Mistake(
            "scaled down",
            "what stays is made smaller, and it should make up for what is dropped.",
            changed(_DROP, ("/ (1 - p)", "* (1 - p)")),
        ),
        Mistake(
            "divided by p",
            "p is the probability of being dropped: divide by that of staying.",
            changed(_DROP, ("/ (1 - p)", "/ p")),
        ),
        Mistake(
            "the mask the other way round",
            "the mask is the other way round: keep is True for what stays.",
            changed(_DROP, ("np.where(keep, x, 0.0)", "np.where(keep, 0.0, x)")),
        ),
        Mistake(
            "divided by the share that stayed",
            "this divides by the share that happened to stay; it should be the probability, 1 - p, "
            "or the mean over many masks is not quite x.",
            changed(_DROP, ("/ (1 - p)", "/ keep.mean()")),
        ),
        Mistake(
            "left out",
            "dropped numbers are left out, and the shape is lost: put 0 in their place.",
            changed(_DROP, ("np.where(keep, x, 0.0)", "x[keep]")),
        ),
    ),
)

EXERCISES = (EARLY_STOP, INVERTED_DROPOUT)
