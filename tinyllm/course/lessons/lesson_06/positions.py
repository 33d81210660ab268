"""Exercises of lesson 06: sinusoidal positions, and rotary ones."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# wave_positions ---------------------------------------------------------------------------------


def _wave_positions(T, C):
    frequencies = 10000.0 ** (-np.arange(0, C, 2) / C)  # (C/2,)
    angles = np.arange(T)[:, None] * frequencies  # (T, C/2)
    table = np.zeros((T, C))
    table[:, 0::2] = np.sin(angles)
    table[:, 1::2] = np.cos(angles)
    return table


def _wave_cases(rng: np.random.Generator) -> list[Case]:
    first, one, many = "position 0", "one pair", "several pairs"
    return [
        Case((1, 2), first),
        Case((1, 4), first),
        Case((3, 2), one),
        Case((int(rng.integers(4, 8)), 2), one),
        Case((3, 4), many),
        Case((int(rng.integers(4, 8)), 6), many),
    ]


_WAVES = solution_of(_wave_positions, "wave_positions")

WAVE_POSITIONS = Exercise(
    name="wave_positions",
    lesson="06",
    task="The table (T, C) of sinusoidal positions: sin and cos of t / 10000^(2i/C), side by side.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_WAVES,
    why="Column pair i is a hand that turns by its own frequency, 10000^(-2i/C) per position: the "
    "first pair turns fast and tells neighbours apart, the last so slowly that far places differ. "
    "The outer product of positions and frequencies gives all angles at once.",
    hints=(
        "Work out the row of t = 1 for C = 4 by hand: sin 1, cos 1, sin 0.01, cos 0.01.",
        "Make the angles (T, C/2) first: each position times each frequency. Their sines go to the "
        "columns 0, 2, 4 …, their cosines to 1, 3, 5 …",
        "table[:, 0::2] = np.sin(angles); table[:, 1::2] = ..., with "
        "angles = np.arange(T)[:, None] * 10000.0 ** (-np.arange(0, C, 2) / C)",
    ),
    reference=_wave_positions,
    cases=_wave_cases,
    parts={"position 0": 1, "one pair": 1, "several pairs": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "sines, then cosines",
            "the sines fill the first half and the cosines the second: in the formula each sine "
            "stands beside its cosine.",
            changed(_WAVES, ("[:, 0::2]", "[:, : C // 2]"), ("[:, 1::2]", "[:, C // 2 :]")),
        ),
        Mistake(
            "cosine first",
            "sine and cosine have changed places: the even columns are sines.",
            changed(_WAVES, ("np.sin", "np.tan"), ("np.cos", "np.sin"), ("np.tan", "np.cos")),
        ),
        Mistake(
            "sines alone",
            "all columns are sines: position 0 is then nothing but 0, and no pair is a turn.",
            changed(_WAVES, ("np.cos", "np.sin")),
        ),
        Mistake(
            "the frequency upside down",
            "the frequencies grow with i: 10000 to the power 2i/C stands below the line.",
            changed(_WAVES, ("(-np.arange", "(np.arange")),
        ),
        Mistake(
            "half the exponent",
            "the exponent is i/C for pair i: the formula has 2i/C.",
            changed(_WAVES, ("np.arange(0, C, 2) / C", "np.arange(C // 2) / C")),
        ),
        Mistake(
            "positions from 1",
            "the first position is 1 here; it should be 0.",
            changed(_WAVES, ("np.arange(T)[", "np.arange(1, T + 1)[")),
        ),
        Mistake(
            "one frequency",
            "all pairs turn equally fast: pair i has the frequency 10000^(-2i/C).",
            changed(_WAVES, ("(-np.arange(0, C, 2) / C)", "np.zeros(C // 2)")),
        ),
        Mistake(
            "a straight fall",
            "the frequencies fall in equal steps: they should fall by equal factors, as a power.",
            changed(_WAVES, ("10000.0 ** (-np.arange(0, C, 2) / C)", "1 - np.arange(0, C, 2) / C")),
        ),
    ),
)

# turn_pairs -------------------------------------------------------------------------------------


def _turn_pairs(x, positions):
    D = x.shape[-1]
    frequencies = 10000.0 ** (-np.arange(0, D, 2) / D)  # (D/2,)
    angles = positions[:, None] * frequencies  # (T, D/2)
    cos, sin = np.cos(angles), np.sin(angles)
    first, second = x[..., : D // 2], x[..., D // 2 :]  # (..., T, D/2) each
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)


def _turn_cases(rng: np.random.Generator) -> list[Case]:
    one, many, places, lead = "one pair", "several pairs", "any positions", "batches in front"
    return [
        Case((np.array([[1.0, 0.0]]), np.array([1])), one),
        Case((rng.normal(size=(2, 2)), np.arange(2)), one),
        Case((rng.normal(size=(3, 4)), np.arange(3)), many),
        Case((rng.normal(size=(4, 6)), np.arange(4)), many),
        Case((rng.normal(size=(2, 4)), np.array([7, 3])), places),
        Case((rng.normal(size=(2, 3, 4)), np.arange(3)), lead),
        Case((rng.normal(size=(2, 2, 3, 6)), np.arange(3)), lead),
    ]


_TURN = solution_of(_turn_pairs, "turn_pairs")
_RETURN = "np.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)"

TURN_PAIRS = Exercise(
    name="turn_pairs",
    lesson="06",
    task="Rotary positions: turn each pair (x_i, x_{i+D/2}) of x (..., T, D) by t · 10000^(-2i/D).",
    points=6,
    minutes=18,
    difficulty="hard",
    solution=_TURN,
    why="A turn by the angle a sends (u, v) to (u cos a - v sin a, v cos a + u sin a). Query and "
    "key are turned by angles that grow with their positions; the inner product of two turned "
    "pairs depends on the difference of the angles, and so on the distance alone.",
    hints=(
        "Turn the pair (1, 0) by a quarter, on paper: where does it point? And (0, 1)?",
        "Angles (T, D/2): each position times each frequency. Cut x into two halves (..., T, D/2), "
        "turn them together, and put them side by side again.",
        "np.concatenate([first * cos - second * sin, ...], axis=-1)",
    ),
    reference=_turn_pairs,
    cases=_turn_cases,
    parts={"one pair": 2, "several pairs": 2, "any positions": 1, "batches in front": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the other way round",
            "the pairs turn backwards: minus and plus have changed places.",
            changed(
                _TURN,
                (_RETURN,
                 "np.concatenate([first * cos + second * sin, second * cos - first * sin], -1)"),
            ),
        ),
        Mistake(
            "two sums",
            "both halves are sums: a turn takes second * sin off the first, else lengths change.",
            changed(_TURN, ("first * cos - second * sin", "first * cos + second * sin")),
        ),
        Mistake(
            "neighbours",
            "neighbours are turned together here: the pairs are x_i and x_{i+D/2}.",
            changed(
                _TURN,
                ("x[..., : D // 2], x[..., D // 2 :]", "x[..., 0::2], x[..., 1::2]"),
                (_RETURN,
                 "np.stack([first * cos - second * sin, second * cos + first * sin], -1)"
                 ".reshape(x.shape)"),
            ),
        ),
        Mistake(
            "halves out, neighbours in",
            "the halves are turned as they should, but come back interleaved: put them side by "
            "side, as they were.",
            changed(
                _TURN,
                (_RETURN,
                 "np.stack([first * cos - second * sin, second * cos + first * sin], -1)"
                 ".reshape(x.shape)"),
            ),
        ),
        Mistake(
            "positions 0, 1, 2 …",
            "the rows are taken to stand at 0, 1, 2 …: their places are given, in positions.",
            changed(_TURN, ("positions[:, None]", "np.arange(len(positions))[:, None]")),
        ),
        Mistake(
            "one angle for all pairs",
            "all pairs turn by the same angle: pair i has the frequency 10000^(-2i/D).",
            changed(_TURN, ("(-np.arange(0, D, 2) / D)", "np.zeros(D // 2)")),
        ),
        Mistake(
            "half the exponent",
            "the exponent is i/D for pair i: the formula has 2i/D.",
            changed(_TURN, ("np.arange(0, D, 2) / D", "np.arange(D // 2) / D")),
        ),
        Mistake(
            "the second half from the turned first",
            "the second half is made of the first half as it is after the turn; both need the "
            "first half as it was.",
            changed(
                _TURN,
                (f"    return {_RETURN}",
                 "    first = first * cos - second * sin\n"
                 "    return np.concatenate([first, second * cos + first * sin], axis=-1)"),
            ),
        ),
        Mistake(
            "positions added",
            "sines and cosines are added to x: rotary positions multiply, they turn what is there.",
            changed(_TURN, (_RETURN, "x + np.concatenate([sin, cos], axis=-1)")),
        ),
    ),
)  # fmt: skip

EXERCISES = (WAVE_POSITIONS, TURN_PAIRS)
