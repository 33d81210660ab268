"""Exercises of lesson 09: cross-attention, and two stacks whose masks are borrowed."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of


def padding(width: int, *lengths: int) -> np.ndarray:
    """Padding of sentences of these lengths, True where there is none of them: (B, width)."""
    return np.arange(width) >= np.array(lengths)[:, None]


# cross_attention --------------------------------------------------------------------------------


def _cross_attention(x, memory, padding, w_q, w_k, w_v):
    q = x @ w_q  # (B, T, D)
    k = memory @ w_k  # (B, S, D)
    v = memory @ w_v  # (B, S, D)
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])  # (B, T, S)
    scores = np.where(padding[:, None, :], -np.inf, scores)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = weights / weights.sum(axis=-1, keepdims=True)
    return weights @ v  # (B, T, D)


def _cross_cases(rng: np.random.Generator) -> list[Case]:
    def drawn(B: int, T: int, C: int, D: int, S: int, *lengths: int) -> tuple:
        x, memory = rng.normal(size=(B, T, C)), rng.normal(size=(B, S, C))
        weights = (rng.normal(size=(C, D)) for _ in range(3))
        return x, memory, padding(S, *lengths), *weights

    equal, unequal, hidden = "equal lengths", "unequal lengths", "padding"
    return [
        Case(drawn(1, 2, 2, 1, 2, 2), equal),
        Case(drawn(2, 3, 4, 2, 3, 3, 3), equal),
        Case(drawn(1, 2, 2, 2, 4, 4), unequal),
        Case(drawn(2, 5, 4, 3, 3, 3, 3), unequal),
        Case(drawn(1, 3, 3, 2, 3, 2), hidden),
        Case(drawn(2, 2, 4, 3, 4, 3, 1), hidden),
    ]


_CROSS = solution_of(_cross_attention, "cross_attention")
_HIDING = "    scores = np.where(padding[:, None, :], -np.inf, scores)\n"
_ROOT = " / np.sqrt(q.shape[-1])"

CROSS_ATTENTION = Exercise(
    name="cross_attention",
    lesson="09",
    task="Write cross-attention with one head: the target x (B, T, C) looks at the encoded source "
    "memory (B, S, C), whose padding (B, S) is True where nobody may look.",
    points=6,
    minutes=15,
    difficulty="medium",
    solution=_CROSS,
    why="Who asks is the target, what answers is the source: queries from x, keys and values from "
    "memory. So the scores are (B, T, S), and neither length need be the other. The padding "
    "is the source's, it hides columns, and the same ones from every query.",
    hints=(
        "Who asks, and who answers? Write the shapes: (B, T, D), (B, S, D) -> (B, T, S).",
        "Queries come from x, keys and values from memory. The padding gets an axis for the "
        "queries, (B, 1, S), and acts before the softmax along the last axis.",
        "scores = np.where(padding[:, None, :], -np.inf, x @ w_q @ (memory @ w_k).swapaxes(...) "
        "/ np.sqrt(...))",
    ),
    reference=_cross_attention,
    cases=_cross_cases,
    parts={"equal lengths": 2, "unequal lengths": 2, "padding": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "self-attention",
            "queries, keys and values all come from the target: it looks at itself, and never at "
            "the source.",
            changed(_CROSS, ("memory @ w_k", "x @ w_k"), ("memory @ w_v", "x @ w_v")),
        ),
        Mistake(
            "the source asks",
            "the queries come from the source and the keys and values from the target: the wrong "
            "side asks.",
            changed(
                _CROSS, ("q = x", "q = memory"), ("k = memory", "k = x"), ("v = memory", "v = x")
            ),
        ),
        Mistake(
            "values of the target",
            "keys come from the source but values from the target. With equal lengths nothing "
            "complains: keys and values are two faces of one thing, the memory.",
            changed(_CROSS, ("v = memory", "v = x")),
        ),
        Mistake(
            "keys of the target",
            "values come from the source but keys from the target: a query then chooses among "
            "target words, and gets what stands at the same places of the source.",
            changed(_CROSS, ("k = memory", "k = x")),
        ),
        Mistake(
            "the padding is looked at",
            "the padding is not hidden: it takes a share of the weights like any word.",
            changed(_CROSS, (_HIDING, "")),
        ),
        Mistake(
            "the words are hidden",
            "the padding mask is used the other way round: True means padding, and that is what "
            "must be hidden.",
            changed(_CROSS, ("np.where(padding[", "np.where(~padding[")),
        ),
        Mistake(
            "0 in the place of -inf",
            "a hidden score is set to 0, and exp(0) is 1: the padding still gets a share.",
            changed(_CROSS, ("-np.inf, scores)", "0.0, scores)")),
        ),
        Mistake(
            "the mask after the softmax",
            "the padding is hidden after the softmax: the weights no longer sum to 1.",
            changed(
                _CROSS,
                (_HIDING, ""),
                ("weights @ v", "np.where(padding[:, None, :], 0.0, weights) @ v"),
            ),
        ),
        Mistake(
            "a causal mask",
            "a causal mask is in it: the source is known as a whole before the target begins, so "
            "every target position may look at all of it.",
            changed(
                _CROSS,
                (
                    "np.where(padding[:, None, :], ",
                    "np.where(padding[:, None, :] | ~np.tri(*scores.shape[1:], dtype=bool), ",
                ),
            ),
        ),
        Mistake(
            "no scale",
            "the scores are not divided by √D, the root of a query's width.",
            changed(_CROSS, (_ROOT, "")),
        ),
        Mistake(
            "the root of C",
            "the scale is the root of C, the model's width; it should be that of a query, D.",
            changed(_CROSS, (_ROOT, " / np.sqrt(x.shape[-1])")),
        ),
        Mistake(
            "softmax over the queries",
            "softmax runs over the queries; each query shares its 1 among the keys.",
            changed(_CROSS, ("axis=-1, keepdims", "axis=-2, keepdims")),
        ),
    ),
)

# read_and_write: find the bug -------------------------------------------------------------------


def attend(x, y, may_look):
    """x (B, T, C) looks at y (B, S, C); may_look broadcasts to (B, T, S)."""
    scores = x @ y.swapaxes(-1, -2) / np.sqrt(x.shape[-1])
    scores = np.where(may_look, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True) @ y


def _read_and_write(source, target, source_mask, target_mask, source_padding):
    real = ~source_padding[:, None, :]  # (B, 1, S)
    memory = attend(source, source, source_mask & real)
    x = attend(target, target, target_mask)
    return attend(x, memory, real)


def _stacks_cases(rng: np.random.Generator) -> list[Case]:
    def drawn(C: int, S: int, T: int, causal: bool, *lengths: int) -> tuple:
        B = len(lengths)
        source, target = rng.normal(size=(B, S, C)) * 2, rng.normal(size=(B, T, C)) * 2
        mask = np.tri(S, dtype=bool) if causal else np.ones((S, S), dtype=bool)
        return source, target, mask, np.tri(T, dtype=bool), padding(S, *lengths)

    equal, unequal, padded = "equal lengths", "unequal lengths", "padding"
    return [
        Case(drawn(2, 2, 2, True, 2), equal),
        Case(drawn(3, 4, 4, True, 4, 4), equal),
        Case(drawn(2, 3, 2, False, 3), unequal),
        Case(drawn(2, 2, 4, False, 2, 2), unequal),
        Case(drawn(3, 5, 3, True, 5, 5), unequal),
        Case(drawn(2, 4, 4, False, 4, 2), padded),
        Case(drawn(3, 5, 3, False, 5, 3), padded),
    ]


_STACKS = f"import numpy as np\n\n{code_of(attend, 'attend')}\n\n" + code_of(
    _read_and_write, "read_and_write"
)
_LAST = "return attend(x, memory, real)"

READ_AND_WRITE = Exercise(
    name="read_and_write",
    lesson="09",
    task="Write borrowed_masks without its bug, and with source_padding (B, S), True = padding: "
    "for a source (B, S, C) and a target (B, T, C) of any two lengths.",
    points=5,
    minutes=15,
    difficulty="hard",
    solution=_STACKS,
    why="The source's mask says which source positions see which, (S, S). In the cross-attention "
    "it is target positions that look, (T, S), and they may see all of the source that is real. "
    "So nothing of source_mask belongs there; the padding does, in both places where the source "
    "is looked at.",
    hints=(
        "Which of the three attentions should have which shape of mask? Which of them has not?",
        "The cross-attention's mask must not come from source_mask. What must stay hidden from "
        "everybody is the padding, wherever the source is looked at: twice.",
        "real = ~source_padding[:, None, :]; then attend(source, source, source_mask & ...), and "
        "in the last line ...",
    ),
    reference=_read_and_write,
    cases=_stacks_cases,
    parts={"equal lengths": 2, "unequal lengths": 2, "padding": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "as it was given",
            "the last line still borrows source_mask, which says what source positions may see of "
            "each other.",
            changed(_STACKS, (_LAST, "return attend(x, memory, source_mask & real)")),
        ),
        Mistake(
            "the first rows of it",
            "source_mask is cut to T rows: now it fits where the target is shorter, and still "
            "hides from target position t what source position t may not see.",
            changed(
                _STACKS,
                (_LAST, "return attend(x, memory, source_mask[: x.shape[1]] & real)"),
            ),
        ),
        Mistake(
            "the target's mask",
            "the cross-attention has the target's mask, (T, T), which says what target positions "
            "may see of each other.",
            changed(_STACKS, (_LAST, "return attend(x, memory, target_mask & real)")),
        ),
        Mistake(
            "a triangle of the right shape",
            "the cross-attention's mask has the right shape, (T, S), but is a triangle: nothing of "
            "the source is in the future, it has been read.",
            changed(
                _STACKS,
                (
                    _LAST,
                    "return attend(x, memory, np.tri(x.shape[1], memory.shape[1], dtype=bool) & "
                    "real)",
                ),
            ),
        ),
        Mistake(
            "padding in the cross-attention",
            "the cross-attention still looks at the source's padding: hide it there too.",
            changed(_STACKS, (_LAST, "return attend(x, memory, np.array(True))")),
        ),
        Mistake(
            "padding in the encoder",
            "the encoder still looks at the padding, so that it flows into the words' vectors: "
            "hide it there too.",
            changed(_STACKS, ("source_mask & real", "source_mask")),
        ),
        Mistake(
            "the mask of the source is gone",
            "source_mask is not used at all: the encoder should still obey it.",
            changed(_STACKS, ("source_mask & real", "real")),
        ),
        Mistake(
            "the mask of the target is gone",
            "target_mask is not used: target positions see what they are to predict.",
            changed(_STACKS, ("target, target_mask)", "target, np.array(True))")),
        ),
        Mistake(
            "the words are hidden",
            "the padding mask is the wrong way round: True means padding there, and «may look» in "
            "attend.",
            changed(_STACKS, ("real = ~source_padding", "real = source_padding")),
        ),
        Mistake(
            "the source before the encoder",
            "the target looks at the source itself, and not at what the encoder made of it.",
            changed(_STACKS, (_LAST, "return attend(x, source, real)")),
        ),
    ),
)
