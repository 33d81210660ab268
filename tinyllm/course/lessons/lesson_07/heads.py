"""Exercises of lesson 07: cutting vectors into heads, and joining them again."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.writing import REFUSED, changed

# split_heads ------------------------------------------------------------------------------------


def _split_heads(x, heads):
    B, T, C = x.shape
    D = C // heads
    return x.reshape(B, T, heads, D).transpose(0, 2, 1, 3)


def _split_cases(rng: np.random.Generator) -> list[Case]:
    shapes = [(1, 1, 2, 1), (1, 2, 4, 2), (1, 4, 6, 3), (2, 3, 4, 2), (3, 2, 8, 4)]
    return [
        Case(
            (rng.integers(-9, 10, size=(B, T, C)).astype(float), heads),
            "one sequence" if B == 1 else "several sequences",
        )
        for B, T, C, heads in shapes
    ]


_SPLIT = code_of(_split_heads, "split_heads")

SPLIT_HEADS = Exercise(
    name="split_heads",
    lesson="07",
    task="Cut each vector of x (B, T, C) into heads: (B, heads, T, D) with D = C / heads.",
    points=3,
    minutes=10,
    difficulty="medium",
    solution=_SPLIT,
    why="A reshape never moves a number: it only cuts the row of numbers anew. Each position's C "
    "numbers are cut first, (B, T, heads, D), and then the axes T and heads change places.",
    hints=(
        "Take x = np.arange(8).reshape(1, 2, 4) and two heads, and write the answer by hand.",
        "Two steps: reshape so that the last axis becomes two, then let two axes change places.",
        "x.reshape(B, T, heads, ...).transpose(0, ...)",
    ),
    reference=_split_heads,
    cases=_split_cases,
    parts={"one sequence": 2, "several sequences": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "view without transpose",
            "the shape is right but the numbers are not: a reshape straight to (B, heads, T, D) "
            "puts parts of other positions into a head.",
            changed(_SPLIT, ("(B, T, heads, D).transpose(0, 2, 1, 3)", "(B, heads, T, D)")),
        ),
        Mistake(
            "no transpose",
            "this is (B, T, heads, D): the heads should come before the positions.",
            changed(_SPLIT, (".transpose(0, 2, 1, 3)", "")),
        ),
        Mistake(
            "heads interleaved",
            "a head takes every heads-th number; it should take D that lie side by side.",
            changed(_SPLIT, ("heads, D).transpose(0, 2, 1, 3)", "D, heads).transpose(0, 3, 1, 2)")),
        ),
        Mistake(
            "heads outermost",
            "the heads stand before the batch; the batch comes first.",
            changed(_SPLIT, ("transpose(0, 2, 1, 3)", "transpose(2, 0, 1, 3)")),
        ),
        Mistake(
            "positions last",
            "this is (B, heads, D, T): a vector's numbers should stay on the last axis.",
            changed(_SPLIT, ("transpose(0, 2, 1, 3)", "transpose(0, 2, 3, 1)")),
        ),
    ),
)

# join_heads -------------------------------------------------------------------------------------


def _join_heads(x):
    return x.swapaxes(1, 2).reshape(x.shape[0], x.shape[2], -1)


def _join_cases(rng: np.random.Generator) -> list[Case]:
    shapes = [(1, 1, 1, 2), (1, 2, 2, 1), (1, 2, 3, 2), (2, 3, 4, 2)]
    return [
        Case(
            (rng.integers(-9, 10, size=shape).astype(float),),
            "one head" if shape[1] == 1 else "several heads",
        )
        for shape in shapes
    ]


_JOIN = code_of(_join_heads, "join_heads")

JOIN_HEADS = Exercise(
    name="join_heads",
    lesson="07",
    task="The way back in one line: put the heads of x (B, heads, T, D) side by side, (B, T, C).",
    points=2,
    minutes=4,
    difficulty="easy",
    solution=_JOIN,
    why="It undoes split_heads step by step, the last step first: heads and positions change "
    "places, and then the two last axes become one.",
    hints=(
        "How do you undo two steps? In which order?",
        "First let heads and positions change places, then reshape.",
        "x.swapaxes(1, 2).reshape(...)",
    ),
    reference=_join_heads,
    cases=_join_cases,
    parts={"one head": 1, "several heads": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "reshape alone",
            "a reshape alone mixes positions: heads and positions must change places first.",
            changed(_JOIN, (".swapaxes(1, 2)", "")),
        ),
        Mistake(
            "heads interleaved",
            "the numbers of the heads are interleaved; they should stand head after head.",
            changed(_JOIN, ("x.swapaxes(1, 2)", "x.transpose(0, 2, 3, 1)")),
        ),
        Mistake(
            "not joined",
            "heads and positions have changed places; now make one axis of the two last ones.",
            changed(_JOIN, (".reshape(x.shape[0], x.shape[2], -1)", "")),
        ),
        Mistake(
            "heads averaged",
            "the heads are averaged into one; they should stand side by side.",
            changed(_JOIN, (_JOIN.split("return ")[1].strip(), "x.mean(axis=1)")),
        ),
    ),
)

EXERCISES = (SPLIT_HEADS, JOIN_HEADS)
