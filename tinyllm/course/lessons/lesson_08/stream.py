"""Exercises of lesson 08: how a stream grows, and a block that spoils it."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# stream_std -------------------------------------------------------------------------------------


def _stream_std(start, branch, layers):
    return np.sqrt(start**2 + 2 * layers * branch**2)


def _std_cases(rng: np.random.Generator) -> list[Case]:
    def some() -> tuple:
        return round(float(rng.uniform(1.1, 2)), 2), round(float(rng.uniform(0.3, 0.8)), 2)

    return [
        Case((3.0, 2.0, 2), "one model"),
        Case((*some(), int(rng.integers(3, 9))), "one model"),
        Case((*some(), 32), "one model"),
        Case((0.0, some()[1], 5), "a stream that begins at 0"),
    ]


_STD = solution_of(_stream_std, "stream_std")

STREAM_STD = Exercise(
    name="stream_std",
    lesson="08",
    task="The spread of a stream after so many blocks, each adding two independent branches.",
    points=2,
    minutes=5,
    difficulty="easy",
    solution=_STD,
    why="Variances of independent numbers add; spreads do not. A block adds the output of "
    "attention and that of the MLP, so L blocks add 2 L times the variance of a branch.",
    hints=(
        "What adds up when independent numbers are added: their spreads, or the squares of them?",
        "Start with the variance of the stream, add that of a branch for each branch, and take the "
        "root at the end. How many branches does a block have?",
        "np.sqrt(start**2 + ... * layers * branch**2)",
    ),
    reference=_stream_std,
    cases=_std_cases,
    parts={"one model": 1, "a stream that begins at 0": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "one branch",
            "a block adds two branches, attention and the MLP: only one is counted.",
            changed(_STD, ("2 * layers", "layers")),
        ),
        Mistake(
            "spreads added",
            "spreads are added here: it is variances, their squares, that add.",
            changed(_STD, ("np.sqrt(start**2 + 2 * layers * branch**2)",
                           "start + 2 * layers * branch")),
        ),
        Mistake(
            "no root",
            "this is the variance; its root was asked, the spread.",
            changed(_STD, ("np.sqrt(start**2 + 2 * layers * branch**2)",
                           "start**2 + 2 * layers * branch**2")),
        ),
        Mistake(
            "the start is forgotten",
            "what the stream began with is still in it: add its variance too.",
            changed(_STD, ("start**2 + ", "")),
        ),
        Mistake(
            "growth by factors",
            "each block multiplies here: with a norm before each branch, what a branch adds does "
            "not grow with the stream, so the blocks add.",
            changed(_STD, ("np.sqrt(start**2 + 2 * layers * branch**2)",
                           "start * (1 + branch**2) ** layers")),
        ),
    ),
)  # fmt: skip

# pre_norm_stream: find the bug ------------------------------------------------------------------


def _pre_norm_stream(x, w_in, w_out):
    for layer in range(len(w_in)):
        n = x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5)
        x = x + np.maximum(n @ w_in[layer], 0.0) @ w_out[layer]
    return x


def _stream_cases(rng: np.random.Generator) -> list[Case]:
    def three(T: int, C: int, hidden: int, layers: int) -> tuple:
        x = rng.normal(size=(T, C)) * 2.0 + 1.0
        return x, rng.normal(size=(layers, C, hidden)), rng.normal(size=(layers, hidden, C))

    zero = "branches that add nothing"
    x, w_in, w_out = three(2, 3, 4, 2)
    return [
        Case((np.array([[3.0, 4.0]]), np.ones((1, 2, 1)), np.zeros((1, 1, 2))), zero),
        Case((x, w_in, w_out * 0.0), zero),
        Case(three(1, 3, 16, 1), "one layer"),
        Case(three(3, 4, 16, 1), "one layer"),
        Case(three(2, 4, 16, 3), "several layers"),
        Case(three(4, 3, 16, 5), "several layers"),
    ]


_STREAM = solution_of(_pre_norm_stream, "pre_norm_stream")
_NORM = "n = x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5)"

PRE_NORM_STREAM = Exercise(
    name="pre_norm_stream",
    lesson="08",
    task="Find the bug in spoilt_stream, and write it so that the norm is on the branch alone.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_STREAM,
    why="x = norm(x) puts the normalised row into the stream itself: what was there is gone, and "
    "what the branches before added is squeezed again at every layer. The norm belongs to what "
    "the branch reads; give it a name of its own, and the stream is only ever added to.",
    hints=(
        "When all branches add 0, what should come out? And what does come out of spoilt_stream?",
        "Follow the name x through one turn of the loop: which x is added to at the end?",
        "n = unit_rms(x); x = x + np.maximum(... @ w_in[layer], 0) @ w_out[layer]",
    ),
    reference=_pre_norm_stream,
    cases=_stream_cases,
    parts={"branches that add nothing": 1, "one layer": 1, "several layers": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "as it was given",
            "the stream itself is normalised, as in spoilt_stream: the norm is for what the "
            "branch reads.",
            changed(_STREAM, ("n = x /", "x = x /"), ("(n @", "(x @")),
        ),
        Mistake(
            "post-norm",
            "the sum is normalised, after the branch: that is post-norm, and its stream is "
            "squeezed at every layer.",
            changed(
                _STREAM,
                (f"        {_NORM}\n", ""),
                ("(n @", "(x @"),
                ("@ w_out[layer]\n", f"@ w_out[layer]\n        {_NORM.replace('n =', 'x =')}\n"),
            ),
        ),
        Mistake(
            "no norm",
            "the branch reads the bare stream: the norm has gone with the bug.",
            changed(_STREAM, ("(n @", "(x @")),
        ),
        Mistake(
            "no stream",
            "the branch's output replaces the stream: it should be added to it.",
            changed(_STREAM, ("x = x + np", "x = np")),
        ),
        Mistake(
            "the norm of the beginning",
            "the norm is taken once, before the loop: every layer then reads the first stream.",
            changed(
                _STREAM,
                (f"        {_NORM}\n", ""),
                ("    for layer", f"    {_NORM}\n    for layer"),
            ),
        ),
        Mistake(
            "a norm at the end too",
            "the last stream is normalised before it is returned: that is the model's business, "
            "after all its blocks.",
            changed(_STREAM, ("    return x", f"    {_NORM}\n    return n")),
        ),
        Mistake(
            "the norm of the branch",
            "the norm is on what the branch gives; it belongs on what the branch reads.",
            changed(
                _STREAM,
                (f"        {_NORM}\n", ""),
                ("x = x + np.maximum(n @ w_in[layer], 0.0) @ w_out[layer]",
                 "b = np.maximum(x @ w_in[layer], 0.0) @ w_out[layer]\n"
                 "        x = x + b / np.sqrt((b * b).mean(axis=-1, keepdims=True) + 1e-5)"),
            ),
        ),
    ),
)  # fmt: skip

EXERCISES = (STREAM_STD, PRE_NORM_STREAM)
