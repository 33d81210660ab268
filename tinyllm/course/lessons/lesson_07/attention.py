"""Exercises of lesson 07: attention, and a causal one that leaks."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# attention --------------------------------------------------------------------------------------


def _attention(q, k, v):
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])  # (..., T, S)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = weights / weights.sum(axis=-1, keepdims=True)
    return weights @ v  # (..., T, Dv)


def _attention_cases(rng: np.random.Generator) -> list[Case]:
    def three(T: int, S: int, D: int, Dv: int, *lead: int, size: float = 1.0) -> tuple:
        q, k = rng.normal(size=(*lead, T, D)) * size, rng.normal(size=(*lead, S, D))
        return q, k, rng.normal(size=(*lead, S, Dv))

    values, lengths = "the right values", "more keys than queries"
    return [
        Case(three(1, 1, 1, 1), values),
        Case(three(2, 2, 1, 1), values),
        Case(three(2, 2, 4, 1), values),
        Case(three(3, 3, 4, 2), values),
        Case(three(1, 5, 4, 3), lengths),
        Case(three(2, 6, 3, 3), lengths),
        Case(three(3, 4, 4, 4, 2), "batches and heads in front"),
        Case(three(3, 4, 2, 4, 2, 2), "batches and heads in front"),
        Case(three(2, 4, 4, 2, size=4000.0), "large scores"),
    ]


_CODE = solution_of(_attention, "attention")

ATTENTION = Exercise(
    name="attention",
    lesson="07",
    task="Write softmax(q kᵀ / √D) v for q (..., T, D), k (..., S, D), v (..., S, Dv).",
    points=5,
    minutes=15,
    difficulty="medium",
    solution=_CODE,
    why="Each of the T rows of scores holds one query's similarity to the S keys; softmax along "
    "the keys makes shares of it, and the product with v mixes the values by those shares. √D "
    "keeps the scores' spread at 1 however wide the vectors are.",
    hints=(
        "Write the shape of each step on paper first: (T, D), (S, D) -> (T, S) -> (T, Dv).",
        "Scores are q times k transposed, divided by the root of the width; softmax runs over "
        "the last axis, the keys; only then comes v. swapaxes(-1, -2) leaves batches alone.",
        "scores = q @ k.swapaxes(-1, -2) / np.sqrt(...); weights = your softmax of them; "
        "return weights @ ...",
    ),
    reference=_attention,
    cases=_attention_cases,
    parts={
        "the right values": 2,
        "more keys than queries": 1,
        "batches and heads in front": 1,
        "large scores": 1,
    },
    refused=REFUSED,
    mistakes=(
        Mistake(
            "no scale",
            "the scores are not divided by √D: in wide vectors one key then takes all.",
            changed(_CODE, (" / np.sqrt(q.shape[-1])", "")),
        ),
        Mistake(
            "the scale is D",
            "the scores are divided by D, where its square root was asked.",
            changed(_CODE, ("np.sqrt(q.shape[-1])", "q.shape[-1]")),
        ),
        Mistake(
            "the root of the wrong size",
            "the scale is the root of the number of keys: it should be that of the width of a key.",
            changed(_CODE, ("np.sqrt(q.shape[-1])", "np.sqrt(k.shape[-2])")),
        ),
        Mistake(
            "the root of a value's width",
            "the scale is the root of a value's width, Dv: it should be that of a key, D.",
            changed(_CODE, ("np.sqrt(q.shape[-1])", "np.sqrt(v.shape[-1])")),
        ),
        Mistake(
            "not divided by the sum",
            "the weights are exponentials that do not sum to 1: divide each row by its sum.",
            changed(_CODE, ("    weights = weights / weights.sum(axis=-1, keepdims=True)\n", "")),
        ),
        Mistake(
            "softmax over the queries",
            "softmax runs over the queries: here the columns sum to 1, where the rows should.",
            changed(_CODE, ("axis=-1, keepdims", "axis=-2, keepdims")),
        ),
        Mistake(
            "scaled after the softmax",
            "the division by √D comes after the softmax: weights no longer sum to 1.",
            changed(
                _CODE,
                (" / np.sqrt(q.shape[-1])", ""),
                ("weights @ v", "weights @ v / np.sqrt(q.shape[-1])"),
            ),
        ),
        Mistake(
            "no softmax",
            "the values are mixed by the bare scores: the softmax between is missing.",
            changed(_CODE, ("weights @ v", "scores @ v")),
        ),
        Mistake(
            "no maximum taken off",
            "large scores overflow in exp: use a softmax that takes each row's maximum off.",
            changed(_CODE, ("scores - scores.max(axis=-1, keepdims=True)", "scores")),
        ),
        Mistake(
            "all axes turned round",
            "k.T turns round all axes: with batches in front only the last two may change places.",
            changed(_CODE, ("k.swapaxes(-1, -2)", "k.T")),
        ),
    ),
)

# causal_attention: find the bug -----------------------------------------------------------------


def _causal_attention(q, k, v):
    T, D = q.shape[-2:]
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(D)  # (..., T, T)
    may_look = np.tri(T, T, 0, dtype=bool)
    scores = np.where(may_look, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = weights / weights.sum(axis=-1, keepdims=True)
    return weights @ v


def _causal_cases(rng: np.random.Generator) -> list[Case]:
    def three(*shape: int) -> tuple:
        return tuple(rng.normal(size=shape) for _ in range(3))

    return [
        Case(three(1, 2), "a position sees itself"),
        Case(three(2, 2), "no position sees what comes after it"),
        Case(three(4, 3), "no position sees what comes after it"),
        Case(three(2, 2, 5, 4), "no position sees what comes after it"),
    ]


_CAUSAL = solution_of(_causal_attention, "causal_attention")
_MASKING = "    scores = np.where(may_look, scores, -np.inf)\n"

CAUSAL_ATTENTION = Exercise(
    name="causal_attention",
    lesson="07",
    task="Find the bug in leaking_attention and write it without: its model has a loss near 0 "
    "in training and writes nonsense.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_CAUSAL,
    why="np.tri(T, T, 1) has one diagonal too many: each position also sees the one after it, "
    "which is just what it is asked to predict. Training then needs only to copy; when text is "
    "generated there is nothing to copy yet. The third argument should be 0.",
    hints=(
        "A loss near 0 that is too good to be true: what can the model see that it should not?",
        "Print may_look for T = 3, and read it row by row: which keys may query 0 look at?",
        "np.tri(T, T, k) is True where column <= row + k. Which k lets a position see itself and "
        "nothing later?",
    ),
    reference=_causal_attention,
    cases=_causal_cases,
    parts={"a position sees itself": 1, "no position sees what comes after it": 3},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "as it was given",
            "each position still sees the one after it, as in leaking_attention.",
            changed(_CAUSAL, ("np.tri(T, T, 0", "np.tri(T, T, 1")),
        ),
        Mistake(
            "not itself",
            "one diagonal too few: position 0 sees nothing at all, and its row becomes NaN.",
            changed(_CAUSAL, ("np.tri(T, T, 0", "np.tri(T, T, -1")),
        ),
        Mistake(
            "transposed",
            "the triangle is transposed: each position sees itself and what comes after.",
            changed(_CAUSAL, ("np.tri(T, T, 0, dtype=bool)", "np.tri(T, T, 0, dtype=bool).T")),
        ),
        Mistake(
            "no mask",
            "no position is hidden from any: the mask has gone with the bug.",
            changed(_CAUSAL, (_MASKING, "")),
        ),
        Mistake(
            "0 in the place of -inf",
            "hidden scores are set to 0, and exp(0) is 1: they still get a share.",
            changed(_CAUSAL, ("scores, -np.inf", "scores, 0.0")),
        ),
        Mistake(
            "the mask after the softmax",
            "the mask comes after the softmax: the rows no longer sum to 1.",
            changed(
                _CAUSAL,
                (_MASKING, ""),
                ("return weights @ v", "return np.where(may_look, weights, 0.0) @ v"),
            ),
        ),
        Mistake(
            "the scale is lost",
            "the mask is right now, but the scores are no longer divided by √D.",
            changed(_CAUSAL, (" / np.sqrt(D)", "")),
        ),
    ),
)
