"""Exercises of lesson 09: padding as a mask, the three masks, and masks that are added."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# padding_from_lengths ---------------------------------------------------------------------------


def _padding_from_lengths(lengths, S):
    return np.arange(S) >= lengths[:, None]


def _padding_cases(rng: np.random.Generator) -> list[Case]:
    one, several = "one sentence", "a batch"
    return [
        Case((np.array([2]), 4), one),
        Case((np.array([3]), 3), one),
        Case((np.array([3, 1]), 3), several),
        Case((rng.permutation([1, 2, 4, 5]), 5), several),
    ]


_PADDING = solution_of(_padding_from_lengths, "padding_from_lengths")
_COMPARED = "np.arange(S) >= lengths[:, None]"

PADDING_FROM_LENGTHS = Exercise(
    name="padding_from_lengths",
    lesson="09",
    task="From the lengths (B) of sentences give the padding mask (B, S): True where there is "
    "padding.",
    points=2,
    minutes=6,
    difficulty="easy",
    solution=_PADDING,
    why="Positions are 0 .. S - 1, and a sentence of length n fills 0 .. n - 1: position n is the "
    "first of the padding. The lengths get an axis of their own, (B, 1), so that each row is "
    "compared with its own length.",
    hints=(
        "Write the row for a sentence of length 2 in a batch of width 4.",
        "Compare the positions np.arange(S) with the lengths; an axis of length 1 makes rows.",
        "np.arange(S) >= lengths[:, ...]",
    ),
    reference=_padding_from_lengths,
    cases=_padding_cases,
    parts={"one sentence": 1, "a batch": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "what is real",
            "True stands at the words; here it is to stand at the padding.",
            changed(_PADDING, (">=", "<")),
        ),
        Mistake(
            "one too late",
            "off by one: a sentence of length n fills positions 0 to n - 1, so position n is "
            "padding already.",
            changed(_PADDING, (">=", ">")),
        ),
        Mistake(
            "one too early",
            "off by one: the last word of each sentence is taken for padding.",
            changed(_PADDING, ("lengths[:, None]", "lengths[:, None] - 1")),
        ),
        Mistake(
            "at the beginning",
            "the padding stands at the beginning of each row; it fills up the end.",
            changed(_PADDING, (_COMPARED, "np.arange(S) < S - lengths[:, None]")),
        ),
        Mistake(
            "transposed",
            "this is (S, B): sentences are rows, and positions are columns.",
            changed(_PADDING, (_COMPARED, "np.arange(S)[:, None] >= lengths")),
        ),
        Mistake(
            "numbers",
            "the places are right, but 1 and 0 are numbers: a mask of True and False was asked.",
            changed(_PADDING, (_COMPARED, f"({_COMPARED}).astype(float)")),
        ),
    ),
)

# three_masks ------------------------------------------------------------------------------------


def _three_masks(source_padding, target_padding):
    S, T = source_padding.shape[1], target_padding.shape[1]
    real_source = ~source_padding[:, None, :]  # (B, 1, S)
    real_target = ~target_padding[:, None, :]  # (B, 1, T)
    return {
        "encoder": np.ones((S, 1), dtype=bool) & real_source,  # (B, S, S)
        "decoder": np.tri(T, dtype=bool) & real_target,  # (B, T, T)
        "cross": np.ones((T, 1), dtype=bool) & real_source,  # (B, T, S)
    }


def _three_cases(rng: np.random.Generator) -> list[Case]:
    def padding(width: int, *lengths: int) -> np.ndarray:
        return np.arange(width) >= np.array(lengths)[:, None]

    bare, source, target = "without padding", "padded sources", "padded targets"
    S, T = (int(n) for n in rng.permutation([3, 4]))
    return [
        Case((padding(2, 2), padding(3, 3)), bare),
        Case((padding(S, S, S), padding(T, T, T)), bare),
        Case((padding(3, 2), padding(3, 3)), source),
        Case((padding(5, 5, 3), padding(3, 3, 3)), source),
        Case((padding(3, 3), padding(3, 2)), target),
        Case((padding(4, 4, 2), padding(5, 1, 5)), target),
    ]


_THREE = solution_of(_three_masks, "three_masks")
_ENCODER = "np.ones((S, 1), dtype=bool) & real_source,  # (B, S, S)"
_DECODER = "np.tri(T, dtype=bool) & real_target"
_CROSS = "np.ones((T, 1), dtype=bool) & real_source,  # (B, T, S)"

THREE_MASKS = Exercise(
    name="three_masks",
    lesson="09",
    task="From source_padding (B, S) and target_padding (B, T), True = padding, give the masks of "
    'the three attentions, True = may look: {"encoder": (B, S, S), "decoder": (B, T, T), '
    '"cross": (B, T, S)}.',
    points=6,
    minutes=16,
    difficulty="medium",
    solution=_THREE,
    why="Rows are those who look, columns what is looked at. Padding hides columns, those of "
    "whichever side is looked at: the source's in the encoder and in the cross-attention, the "
    "target's in the decoder. Only the decoder looks at what it is still to write, so only its "
    "mask is causal.",
    hints=(
        "For each of the three say first: who looks (the rows), and at what (the columns)?",
        "Padding hides columns: (B, 1, columns) broadcasts over the rows. One of the three has a "
        "triangle too. A row of ones, (T, 1), makes the shape whole.",
        '"cross": np.ones((T, 1), dtype=bool) & ~source_padding[:, None, :]',
    ),
    reference=_three_masks,
    cases=_three_cases,
    parts={"without padding": 2, "padded sources": 2, "padded targets": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "a causal cross-attention",
            "the cross-attention is causal: the whole source has been read before the first word "
            "is written, so each target position may look at all of it.",
            changed(_THREE, (_CROSS, "np.tri(T, S, dtype=bool) & real_source,")),
        ),
        Mistake(
            "a causal encoder",
            "the encoder is causal: the source is given as a whole, and each of its positions may "
            "look ahead.",
            changed(_THREE, (_ENCODER, "np.tri(S, dtype=bool) & real_source,")),
        ),
        Mistake(
            "a decoder that sees ahead",
            "the decoder's mask lacks the triangle: a target position sees the words that it is "
            "to predict.",
            changed(_THREE, (_DECODER, "np.ones((T, 1), dtype=bool) & real_target")),
        ),
        Mistake(
            "the cross-attention transposed",
            "the cross-attention's mask is (B, S, T): its rows are those who look, the target's "
            "positions.",
            changed(_THREE, (_CROSS, f"({_CROSS.partition(',  #')[0]}).swapaxes(1, 2),")),
        ),
        Mistake(
            "the target's padding in the cross-attention",
            "the cross-attention hides rows by the target's padding; what is looked at there is "
            "the source, so it is the source's padding that must be hidden.",
            changed(
                _THREE,
                (_CROSS, "~target_padding[:, :, None] & np.ones((1, S), dtype=bool),"),
            ),
        ),
        Mistake(
            "rows are hidden",
            "the padding hides rows: who is padding may not look. It is the columns that must be "
            "hidden, so that nobody looks at padding.",
            changed(
                _THREE,
                (_ENCODER, "~source_padding[:, :, None] & np.ones((1, S), dtype=bool),"),
                (_DECODER, "np.tri(T, dtype=bool) & ~target_padding[:, :, None]"),
            ),
        ),
        Mistake(
            "the padding of the source forgotten",
            "the source's padding is not hidden: its positions would be read like words.",
            changed(
                _THREE, ("~source_padding[:, None, :]", "np.ones_like(source_padding)[:, None, :]")
            ),
        ),
        Mistake(
            "the padding of the target forgotten",
            "the target's padding is not hidden in the decoder.",
            changed(
                _THREE, ("~target_padding[:, None, :]", "np.ones_like(target_padding)[:, None, :]")
            ),
        ),
        Mistake(
            "True means padding",
            "padding is let through and words are hidden: True means padding in what you are "
            "given, and «may look» in what was asked.",
            changed(
                _THREE,
                ("~source_padding[:, None, :]", "source_padding[:, None, :]"),
                ("~target_padding[:, None, :]", "target_padding[:, None, :]"),
            ),
        ),
        Mistake(
            "transposed triangle",
            "the triangle is transposed: each target position sees itself and what comes after.",
            changed(_THREE, ("np.tri(T, dtype=bool)", "np.tri(T, dtype=bool).T")),
        ),
    ),
)

# additive_mask ----------------------------------------------------------------------------------


def _additive_mask(hidden, padding):
    blocked = hidden | padding[:, None, None, :]  # (B, 1, T, S)
    return np.where(blocked, -np.inf, 0.0)


def _additive_cases(rng: np.random.Generator) -> list[Case]:
    def padding(width: int, *lengths: int) -> np.ndarray:
        return np.arange(width) >= np.array(lengths)[:, None]

    one, both, lengths = "one mask alone", "both masks", "T is not S"
    none = np.zeros((2, 3), dtype=bool)
    some = rng.permutation(np.array([[1, 0, 0, 0], [0, 1, 0, 0]], dtype=bool), axis=1)
    return [
        Case((np.zeros((1, 2), dtype=bool), padding(2, 1)), one),
        Case((~np.tri(3, dtype=bool), padding(3, 3)), one),
        Case((~np.tri(3, dtype=bool), padding(3, 2)), both),
        Case((~np.tri(4, dtype=bool), padding(4, 2, 3)), both),
        Case((none, padding(3, 1, 2)), lengths),
        Case((np.concatenate([some, some]) & np.tri(4, dtype=bool), padding(4, 3, 4)), both),
        Case((some, padding(4, 2, 4, 3)), lengths),
    ]


_ADDITIVE = solution_of(_additive_mask, "additive_mask")
_BLOCKED = "hidden | padding[:, None, None, :]"
_CHOSEN = "np.where(blocked, -np.inf, 0.0)"

ADDITIVE_MASK = Exercise(
    name="additive_mask",
    lesson="09",
    task="From hidden (T, S) and padding (B, S), True = may not be looked at, make one mask "
    "(B, 1, T, S) to add to the scores.",
    points=4,
    minutes=10,
    difficulty="medium",
    solution=_ADDITIVE,
    why="A key is out of bounds if either mask says so, hence |, not &. np.where chooses between "
    "two numbers; a product would meet 0 times infinity, which is NaN. The axis of length 1 "
    "serves all heads.",
    hints=(
        "A key is hidden if one mask or the other hides it. And what is 0 times infinity?",
        "Give padding two axes, (B, 1, 1, S), join the masks, then choose between -inf and 0.",
        "np.where(hidden | padding[:, None, ...], ..., ...)",
    ),
    reference=_additive_mask,
    cases=_additive_cases,
    parts={"one mask alone": 1, "both masks": 2, "T is not S": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "both must agree",
            "a key is hidden only where both masks hide it; one of them is enough.",
            changed(_ADDITIVE, ("hidden | ", "hidden & ")),
        ),
        Mistake(
            "times infinity",
            "0 times infinity is NaN, and one NaN ruins a whole row of weights: choose between two "
            "numbers, do not multiply.",
            changed(_ADDITIVE, (_CHOSEN, "blocked * -np.inf")),
        ),
        Mistake(
            "the other way round",
            "what is hidden gets 0, and the rest -inf: True means hidden here.",
            changed(_ADDITIVE, (_CHOSEN, "np.where(blocked, 0.0, -np.inf)")),
        ),
        Mistake(
            "minus one",
            "hidden keys get -1: that only lowers their share. Only -inf makes it exactly 0.",
            changed(_ADDITIVE, (_CHOSEN, "np.where(blocked, -1.0, 0.0)")),
        ),
        Mistake(
            "a large number",
            "-1e9 is no infinity: in a row that is hidden as a whole all keys are equal again.",
            changed(_ADDITIVE, ("-np.inf", "-1e9")),
        ),
        Mistake(
            "the padding forgotten",
            "padding is not hidden: only the first mask is used.",
            changed(_ADDITIVE, (_BLOCKED, "hidden | np.zeros_like(padding)[:, None, None, :]")),
        ),
        Mistake(
            "padding alone",
            "only the padding is hidden: what the first mask hides is let through.",
            changed(_ADDITIVE, (_BLOCKED, "np.zeros_like(hidden) | padding[:, None, None, :]")),
        ),
        Mistake(
            "padding along the rows",
            "the padding hides rows, those who look; it should hide columns, what is looked at.",
            changed(_ADDITIVE, ("padding[:, None, None, :]", "padding[:, None, :, None]")),
        ),
        Mistake(
            "no axis for the heads",
            "this is (B, T, S): an axis of length 1 for the heads stands after the batch.",
            changed(_ADDITIVE, ("padding[:, None, None, :]", "padding[:, None, :]")),
        ),
        Mistake(
            "True and False",
            "this mask is True and False; numbers to add to scores were asked.",
            changed(_ADDITIVE, (_CHOSEN, "blocked")),
        ),
    ),
)

EXERCISES = (PADDING_FROM_LENGTHS, THREE_MASKS, ADDITIVE_MASK)
