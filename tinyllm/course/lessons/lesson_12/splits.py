"""Exercise of lesson 12: a split in which no copy of a held-out text stays in training."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of


def _held_out_positions(texts, count):
    held_out = set(list(dict.fromkeys(texts))[:count])
    training = [i for i, text in enumerate(texts) if text not in held_out]
    return training, [i for i, text in enumerate(texts) if text in held_out]


def _split_cases(rng: np.random.Generator) -> list[Case]:
    once, copies = "texts that come once", "copies of a text"
    words = [str(word) for word in rng.permutation(["ash", "bee", "cow", "den", "elk", "fig"])]
    a, b, c, d, e, f = words
    return [
        Case((["b", "a"], 1), once),
        Case(([a, b, c, d], 2), once),
        Case((words, 1), once),
        Case((["b", "a", "b"], 1), copies),
        Case(([a, a, b, c, b, a, d], 2), copies),
        Case(([c, d, e, c, f, f, d, a, e], 3), copies),
    ]


_SPLIT = solution_of(_held_out_positions, "held_out_positions")
_HELD = "set(list(dict.fromkeys(texts))[:count])"

HELD_OUT_POSITIONS = Exercise(
    name="held_out_positions",
    lesson="12",
    task="Hold out the first `count` different texts with all their copies: return the positions "
    "for training and those for validation, two lists.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_SPLIT,
    why="The decision is made for a text, not for a place: all copies of it follow. dict.fromkeys "
    "gives the different texts in the order in which they first come.",
    hints=(
        "Where does the third text of [b, a, b] go, if b is held out?",
        "First the different texts, in their order; the first `count` of them are a set. Then go "
        "over all positions and ask whether the text there is in the set.",
        "held_out = set(list(dict.fromkeys(texts))[:count]); then two list comprehensions over "
        "enumerate(texts)",
    ),
    reference=_held_out_positions,
    cases=_split_cases,
    parts={"texts that come once": 1, "copies of a text": 3},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "by position",
            "the first `count` places are held out: copies of their texts stay in training.",
            changed(
                _SPLIT,
                ("if text not in held_out", "if i >= count"),
                ("if text in held_out", "if i < count"),
            ),
        ),
        Mistake(
            "the first places' texts",
            "copies follow now, but the first `count` places hold fewer than `count` different "
            "texts if one of them comes twice.",
            changed(_SPLIT, (_HELD, "set(texts[:count])")),
        ),
        Mistake(
            "the first copy alone",
            "only the first copy of a text is held out: the others stay in training.",
            changed(
                _SPLIT,
                ("if text not in held_out", "if text not in held_out or i > texts.index(text)"),
                ("if text in held_out", "if text in held_out and i == texts.index(text)"),
            ),
        ),
        Mistake(
            "copies are thrown away",
            "copies are thrown away: every position belongs to one of the two lists.",
            changed(
                _SPLIT,
                ("if text not in held_out", "if text not in held_out and i == texts.index(text)"),
                ("if text in held_out", "if text in held_out and i == texts.index(text)"),
            ),
        ),
        Mistake(
            "the other order",
            "validation stands first in what you return: training should.",
            changed(
                _SPLIT,
                ("if text not in held_out", "HERE"),
                ("if text in held_out", "if text not in held_out"),
                ("HERE", "if text in held_out"),
            ),
        ),
        Mistake(
            "in the alphabet's order",
            "the different texts are sorted: the first that come were to be held out.",
            changed(_SPLIT, ("list(dict.fromkeys(texts))", "sorted(set(texts))")),
        ),
        Mistake(
            "the last ones",
            "the last different texts are held out: the first were asked.",
            changed(_SPLIT, ("[:count]", "[-count:]")),
        ),
        Mistake(
            "texts, not positions",
            "these are the texts: their positions were asked.",
            changed(_SPLIT, ("[i for i", "[text for i")),
        ),
    ),
)
