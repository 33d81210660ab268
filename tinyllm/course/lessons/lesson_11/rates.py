"""Exercises of lesson 11: decoupled weight decay, and a learning rate with warm-up and cosine."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# decayed_update ---------------------------------------------------------------------------------


def _decayed_update(w, move, lr, weight_decay):
    return w * (1 - lr * weight_decay) - lr * move


def _decay_cases(rng: np.random.Generator) -> list[Case]:
    def draw(*shape: int) -> np.ndarray:
        return rng.choice([-1.0, 1.0], size=shape) * rng.uniform(0.5, 2.0, size=shape)

    alone, both = "the decay alone", "decay and step"
    return [
        Case((np.array([2.0]), np.zeros(1), 0.1, 0.5), alone),
        Case((draw(3) * 3, np.zeros(3), 0.2, 0.3), alone),
        Case((np.array([2.0]), np.array([1.0]), 0.1, 0.5), both),
        Case((draw(4) * 3, draw(4), 0.3, 0.1), both),
        Case((draw(2, 3) * 3, draw(2, 3), 0.2, 0.0), both),
    ]


_DECAY = solution_of(_decayed_update, "decayed_update")
_UPDATE = "w * (1 - lr * weight_decay) - lr * move"

DECAYED_UPDATE = Exercise(
    name="decayed_update",
    lesson="11",
    task="In one line: AdamW's update of w by Adam's `move`, with the decay on the weights first.",
    points=2,
    minutes=5,
    difficulty="easy",
    solution=_DECAY,
    why="The weights shrink by the factor 1 - lr · weight_decay, each by the same share, and then "
    "go lr · move down. The decay never passes through m and v.",
    hints=(
        "With move = 0, what is left of a weight of 2 after one step, for lr 0.1 and decay 0.5?",
        "Two things happen: w is multiplied by a number a little below 1, and lr * move is "
        "subtracted.",
        "return w * (1 - ...) - lr * move",
    ),
    reference=_decayed_update,
    cases=_decay_cases,
    parts={"the decay alone": 1, "decay and step": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "no learning rate in the decay",
            "the decay lacks the learning rate: the weights would be gone in a few steps, and a "
            "schedule would not act on it.",
            changed(_DECAY, ("1 - lr * weight_decay", "1 - weight_decay")),
        ),
        Mistake(
            "the decay comes last",
            "the decay acts on the new weights, and so on the move too: it comes first.",
            changed(_DECAY, (_UPDATE, "(w - lr * move) * (1 - lr * weight_decay)")),
        ),
        Mistake(
            "growth",
            "the weights grow: the decay is subtracted.",
            changed(_DECAY, ("1 - lr * weight_decay", "1 + lr * weight_decay")),
        ),
        Mistake(
            "by the same amount",
            "every weight loses the same amount, whatever its size: each should lose the same "
            "share.",
            changed(_DECAY, (_UPDATE, "w - lr * weight_decay * np.sign(w) - lr * move")),
        ),
        Mistake(
            "no learning rate in the move",
            "the move lacks the learning rate.",
            changed(_DECAY, ("- lr * move", "- move")),
        ),
        Mistake(
            "the move decays",
            "the decay acts on the move; it should act on the weights.",
            changed(_DECAY, (_UPDATE, "w - lr * move * (1 - lr * weight_decay)")),
        ),
        Mistake(
            "in place",
            "the values are right, but w itself is changed: make a new array.",
            changed(_DECAY, (f"return {_UPDATE}", f"w[...] = {_UPDATE}\n    return w")),
        ),
    ),
)

# warmup_then_cosine -----------------------------------------------------------------------------


def _warmup_then_cosine(step, warmup, total, peak, floor):
    if step < warmup:
        return peak * (step + 1) / (warmup + 1)
    done = min(1.0, (step - warmup) / (total - warmup))
    return floor + (peak - floor) * 0.5 * (1 + np.cos(np.pi * done))


def _schedule_cases(rng: np.random.Generator) -> list[Case]:
    rise, fall, end = "the warm-up", "the cosine", "after the end"
    peak = round(float(rng.uniform(0.5, 2.0)), 2)
    floor = round(peak / 10, 3)
    middle = int(rng.integers(30, 70))
    return [
        Case((0, 4, 14, 1.0, 0.0), rise),
        Case((3, 4, 14, 1.0, 0.0), rise),
        Case((5, 10, 100, peak, floor), rise),
        Case((4, 4, 14, 1.0, 0.0), fall),
        Case((9, 4, 14, 1.0, 0.0), fall),
        Case((0, 0, 10, peak, floor), fall),
        Case((middle, 10, 100, peak, floor), fall),
        Case((99, 10, 100, peak, floor), fall),
        Case((100, 10, 100, peak, floor), end),
        Case((130, 10, 100, peak, floor), end),
    ]


_SCHEDULE = solution_of(_warmup_then_cosine, "warmup_then_cosine")

WARMUP_THEN_COSINE = Exercise(
    name="warmup_then_cosine",
    lesson="11",
    task="The learning rate after `step` updates: up to `peak` in a line, down to `floor` along a "
    "cosine, and there it stays.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_SCHEDULE,
    why="The line passes peak / (warmup + 1) at step 0, so that the first update is not wasted, "
    "and meets the peak at step `warmup`. There the cosine begins: `done` runs from 0 to 1 over "
    "the rest, and 1 + cos from 2 to 0.",
    hints=(
        "Take warmup = 4 and peak = 1, and write the rates of steps 0 to 4 on paper.",
        "Two cases. In the second, first compute the share of the way that is done since the "
        "warm-up ended, at most 1; half of 1 + cos(π · done) then falls from 1 to 0.",
        "if step < warmup: return peak * (step + 1) / (warmup + 1); done = min(1, (step - warmup) "
        "/ ...); return floor + (peak - floor) * ...",
    ),
    reference=_warmup_then_cosine,
    cases=_schedule_cases,
    parts={"the warm-up": 1, "the cosine": 2, "after the end": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "begins at 0",
            "the rate is 0 at step 0: the first update would do nothing.",
            changed(_SCHEDULE, ("(step + 1) / (warmup + 1)", "step / warmup")),
        ),
        Mistake(
            "up one step early",
            "the peak is reached one step early: at step `warmup` the rise should just be over.",
            changed(_SCHEDULE, ("/ (warmup + 1)", "/ warmup")),
        ),
        Mistake(
            "the cosine begins at 0",
            "the cosine counts from step 0: where the warm-up ends, the rate jumps down.",
            changed(_SCHEDULE, ("(step - warmup) / (total - warmup)", "step / total")),
        ),
        Mistake(
            "divided by all steps",
            "the way is divided by all steps, and it has total - warmup: the floor is never "
            "reached.",
            changed(_SCHEDULE, ("/ (total - warmup)", "/ total"), ("min(1.0, ", "min(1.0, 1.0 * ")),
        ),
        Mistake(
            "a quarter of the cosine",
            "cos(π / 2 · done) is a quarter turn: it falls steeply at the end. Take half a turn, "
            "moved up and halved.",
            changed(_SCHEDULE, ("0.5 * (1 + np.cos(np.pi * done))", "np.cos(np.pi / 2 * done)")),
        ),
        Mistake(
            "a straight line",
            "the rate falls in a straight line: a cosine was asked.",
            changed(_SCHEDULE, ("0.5 * (1 + np.cos(np.pi * done))", "(1 - done)")),
        ),
        Mistake(
            "no floor",
            "the rate falls to 0: the floor is lost.",
            changed(_SCHEDULE, ("floor + (peak - floor)", "peak")),
        ),
        Mistake(
            "the floor on top",
            "the floor is added on top of the whole peak: the height of the cosine is peak - "
            "floor.",
            changed(_SCHEDULE, ("(peak - floor)", "peak")),
        ),
        Mistake(
            "up again",
            "after the end the cosine turns up again: the share that is done is at most 1.",
            changed(
                _SCHEDULE,
                (
                    "min(1.0, (step - warmup) / (total - warmup))",
                    "(step - warmup) / (total - warmup)",
                ),
            ),
        ),
    ),
)
