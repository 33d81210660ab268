"""Exercises of lesson 07: the causal mask, and attention with any mask."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# causal_mask ------------------------------------------------------------------------------------


def _causal_mask(T):
    return np.tri(T, dtype=bool)


def _causal_mask_cases(rng: np.random.Generator) -> list[Case]:
    sizes = [1, 2, 3, int(rng.integers(4, 9))]
    return [Case((T,), "one position" if T == 1 else "several positions") for T in sizes]


_MASK = solution_of(_causal_mask, "causal_mask")

CAUSAL_MASK = Exercise(
    name="causal_mask",
    lesson="07",
    task="Write the mask (T, T) that is True where query t (row) may look at key s: s ≤ t.",
    points=2,
    minutes=4,
    difficulty="easy",
    solution=_MASK,
    why="Row t is the query at position t; it may see positions 0 .. t, itself among them. That is "
    "the lower triangle with its diagonal, which NumPy calls tri.",
    hints=(
        "Draw it for T = 3: which three boxes of nine are forbidden?",
        "It is a triangle. Compare a column of row numbers with a row of column numbers, or look "
        "up np.tri.",
        "np.arange(T)[:, None] >= ...",
    ),
    reference=_causal_mask,
    cases=_causal_mask_cases,
    parts={"one position": 1, "several positions": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "transposed",
            "rows and columns have changed places: here each position sees the future.",
            changed(_MASK, ("np.tri(T, dtype=bool)", "np.tri(T, dtype=bool).T")),
        ),
        Mistake(
            "not itself",
            "off by one: a position may look at itself too, so the diagonal is True.",
            changed(_MASK, ("np.tri(T,", "np.tri(T, k=-1,")),
        ),
        Mistake(
            "one too many",
            "off by one: each position also sees the next one, which it has to predict.",
            changed(_MASK, ("np.tri(T,", "np.tri(T, k=1,")),
        ),
        Mistake(
            "the other way round",
            "True means «may look» here; this mask is True where looking is forbidden.",
            changed(_MASK, ("np.tri(T, dtype=bool)", "~np.tri(T, dtype=bool)")),
        ),
        Mistake(
            "a mask to add",
            "this mask holds 0 and -inf, to be added to scores; True and False were asked.",
            changed(_MASK, ("np.tri(T, dtype=bool)", "np.where(np.tri(T) > 0, 0.0, -np.inf)")),
        ),
        Mistake(
            "nothing is forbidden",
            "every position sees every other: the future is not hidden.",
            changed(_MASK, ("np.tri(T,", "np.ones((T, T),")),
        ),
        Mistake(
            "itself alone",
            "each position sees only itself: the positions before it are missing.",
            changed(_MASK, ("np.tri(", "np.eye(")),
        ),
    ),
)

# masked_attention -------------------------------------------------------------------------------


def _masked_attention(q, k, v, mask):
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])  # (..., T, S)
    scores = np.where(mask, scores, -np.inf)
    largest = scores.max(axis=-1, keepdims=True)
    weights = np.exp(scores - np.where(largest == -np.inf, 0.0, largest))
    total = weights.sum(axis=-1, keepdims=True)
    return weights / np.where(total == 0.0, 1.0, total) @ v


def _masked_cases(rng: np.random.Generator) -> list[Case]:
    def three(T: int, S: int, D: int, Dv: int, *lead: int, size: float = 1.0) -> tuple:
        q, k = rng.normal(size=(*lead, T, D)) * size, rng.normal(size=(*lead, S, D))
        return q, k, rng.normal(size=(*lead, S, Dv))

    values, broadcast = "the right values", "a mask for all heads"
    padding = np.array([[True, True, True, False], [True, True, False, False]])
    nothing = np.array([[True, False, False], [False, False, False]])
    one, far, apart = np.array([[1.0]]), np.array([[0.0], [2000.0]]), rng.normal(size=(2, 1))
    return [
        Case((*three(1, 1, 1, 1), np.array([[True]])), values),
        Case((*three(1, 2, 2, 1), np.array([[True, False]])), values),
        Case((*three(3, 3, 2, 2), np.tri(3, dtype=bool)), values),
        Case((*three(4, 4, 4, 3), np.tri(4, dtype=bool)), values),
        Case((*three(3, 4, 4, 2, 2, 2), padding[:, None, None, :]), broadcast),
        Case((*three(3, 3, 4, 2, size=4000.0), np.tri(3, dtype=bool)), "large scores"),
        Case((one, far, apart, np.array([[True, False]])), "large scores"),  # hidden, and far above
        Case((*three(2, 3, 2, 2), nothing), "a query that may look at nothing gets 0"),
    ]


_MASKED = solution_of(_masked_attention, "masked_attention")
_WHERE = "    scores = np.where(mask, scores, -np.inf)\n"

MASKED_ATTENTION = Exercise(
    name="masked_attention",
    lesson="07",
    task="Write attention with a mask: query t may look at key s only where mask[t, s] is True.",
    points=6,
    minutes=18,
    difficulty="hard",
    solution=_MASKED,
    why="A score of -inf becomes a weight of exactly 0, and the others of its row share the whole "
    "1. In a row of nothing but -inf there is no maximum to take off and the sum is 0: with 0 "
    "and 1 in their places the row comes out as 0, and no NaN spreads.",
    hints=(
        "Which score gives a weight of exactly 0? And what is the maximum of a row of those?",
        "Hide with np.where before the softmax. Then look at a row that is hidden as a whole: "
        "-inf - (-inf) and 0 / 0 are both NaN, so put 0 for that maximum and 1 for that sum.",
        "scores = np.where(mask, scores, -np.inf); largest = ...; weights = np.exp(scores - "
        "np.where(largest == -np.inf, 0, largest)); total = ...; divide by total, or by 1 if 0",
    ),
    reference=_masked_attention,
    cases=_masked_cases,
    parts={
        "the right values": 3,
        "a mask for all heads": 1,
        "large scores": 1,
        "a query that may look at nothing gets 0": 1,
    },
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the mask after the softmax",
            "the mask comes after the softmax: hidden keys have taken their share already, and "
            "the rest of the row no longer sums to 1.",
            changed(
                _MASKED,
                (_WHERE, ""),
                ("weights / np.where", "np.where(mask, weights, 0) / np.where"),
            ),
        ),
        Mistake(
            "0 in the place of -inf",
            "hidden scores are 0, and exp(0) is 1: a hidden key still gets a share.",
            changed(_MASKED, ("scores, -np.inf)", "scores, 0.0)")),
        ),
        Mistake(
            "the other way round",
            "the mask is used the other way round: True means that a query may look.",
            changed(_MASKED, ("np.where(mask, scores", "np.where(~mask, scores")),
        ),
        Mistake(
            "transposed",
            "the mask is transposed: its rows are queries, its columns are keys.",
            changed(_MASKED, ("np.where(mask,", "np.where(np.swapaxes(mask, -1, -2),")),
        ),
        Mistake(
            "True and False added",
            "the mask is added to the scores as 1 and 0: that only nudges them.",
            changed(_MASKED, ("np.where(mask, scores, -np.inf)", "scores + mask")),
        ),
        Mistake(
            "NaN where there is nothing",
            "a row that is hidden as a whole gives -inf - (-inf) and 0 / 0: NaN; 0 was asked.",
            changed(
                _MASKED,
                ("np.where(largest == -np.inf, 0.0, largest)", "largest"),
                ("np.where(total == 0.0, 1.0, total)", "total"),
            ),
        ),
        Mistake(
            "a large number in the place of -inf",
            "-1e9 hides well, but where all is hidden all keys are equal again: their mean comes "
            "out, where 0 was asked.",
            changed(_MASKED, ("scores, -np.inf)", "scores, -1e9)")),
        ),
        Mistake(
            "a mask as an index",
            "a mask used as an index must have the scores' own shape, and one mask for all heads "
            "has not: np.where broadcasts it.",
            changed(
                _MASKED, ("scores = np.where(mask, scores, -np.inf)", "scores[~mask] = -np.inf")
            ),
        ),
        Mistake(
            "the maximum of what is hidden",
            "the maximum is taken over hidden keys too: if a hidden score is much the largest, "
            "all that may be seen rounds to 0. Hide first, then take the maximum.",
            changed(
                _MASKED,
                (_WHERE, ""),
                ("largest))\n", "largest)) * mask\n"),
            ),
        ),
        Mistake(
            "no maximum taken off",
            "large scores overflow in exp: take each row's maximum off, as in a safe softmax.",
            changed(_MASKED, ("scores - np.where(largest == -np.inf, 0.0, largest)", "scores")),
        ),
        Mistake(
            "no scale",
            "the scores are not divided by √D, the root of a key's width.",
            changed(_MASKED, (" / np.sqrt(q.shape[-1])", "")),
        ),
    ),
)
