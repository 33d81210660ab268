"""Exercise of lesson 09: what a decoder is given, and what it is asked for."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of


def _teacher_forced_batch(ids, pad, start, end):
    B, T = ids.shape
    decoder_input = np.full((B, T + 1), pad)
    decoder_input[:, 0] = start
    decoder_input[:, 1:] = ids
    labels = np.full((B, T + 1), -100)
    labels[:, :T] = np.where(ids == pad, -100, ids)
    labels[np.arange(B), (ids != pad).sum(axis=1)] = end
    return decoder_input, labels


def _cases(rng: np.random.Generator) -> list[Case]:
    def rows(T: int, *lengths: int, pad: int = 0) -> np.ndarray:
        ids = np.full((len(lengths), T), pad)
        for row, length in enumerate(lengths):
            ids[row, :length] = rng.permutation(np.arange(3, 60))[:length]
        return ids

    whole, padded, other = "targets of one length", "shorter targets", "another id for padding"
    return [
        Case((np.array([[7, 8]]), 0, 1, 2), whole),
        Case((rows(4, 4, 4), 0, 1, 2), whole),
        Case((rows(3, 3, 1), 0, 1, 2), padded),
        Case((rows(5, 2, 5, 4), 0, 1, 2), padded),
        Case((rows(4, 3, 2, pad=90), 90, 91, 92), other),
    ]


_CODE = solution_of(_teacher_forced_batch, "teacher_forced_batch")
_START = "    decoder_input[:, 0] = start\n"
_REST = "    decoder_input[:, 1:] = ids\n"
_END = "    labels[np.arange(B), (ids != pad).sum(axis=1)] = end\n"
_LABELS = "np.where(ids == pad, -100, ids)"

TEACHER_FORCED_BATCH = Exercise(
    name="teacher_forced_batch",
    lesson="09",
    task="From targets ids (B, T), filled up with pad, make decoder_input and labels, both "
    "(B, T + 1): start before each target, end after each, -100 where nothing is asked.",
    points=5,
    minutes=14,
    difficulty="medium",
    solution=_CODE,
    why="Position t is given token t - 1 and asked for token t, so the input is the target moved "
    "right by one, with start in the gap. The end stands right after the last word, which is at "
    "another place in each row: at its length. Padding is never asked.",
    hints=(
        "Write both rows by hand for [7, 8], and for [7, 8] in a batch of width 4.",
        "Begin with np.full of pad for the input and of -100 for the labels. In each row the end "
        "stands at the position that equals the row's length.",
        "labels[np.arange(B), (ids != pad).sum(axis=1)] = ...",
    ),
    reference=_teacher_forced_batch,
    cases=_cases,
    parts={"targets of one length": 2, "shorter targets": 2, "another id for padding": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "not moved",
            "the input is not moved: position t is given the very token that it is asked for.",
            changed(_CODE, (_START, ""), (_REST, "    decoder_input[:, :T] = ids\n")),
        ),
        Mistake(
            "no start",
            "the input has no start token: nothing is there for the first word to follow.",
            changed(_CODE, (_START, "")),
        ),
        Mistake(
            "no end",
            "the end is never asked: such a model never learns to stop.",
            changed(_CODE, (_END, "")),
        ),
        Mistake(
            "the end at the edge",
            "the end stands in the last column of each row; in a short target it should stand "
            "right after the last word.",
            changed(_CODE, (_END, "    labels[:, T] = end\n")),
        ),
        Mistake(
            "padding is asked",
            "padding stands among the labels: the model would be paid for predicting it.",
            changed(
                _CODE, ("np.full((B, T + 1), -100)", "np.full((B, T + 1), pad)"), (_LABELS, "ids")
            ),
        ),
        Mistake(
            "the start is asked",
            "the start token stands in the labels: it is given, and never predicted.",
            changed(
                _CODE,
                ("    labels[:, :T] = ", "    labels[:, 0] = start\n    labels[:, 1:] = "),
                (_END, ""),
            ),
        ),
        Mistake(
            "the end in the input too",
            "the end stands in the input too. Nothing follows it, so it is never given.",
            changed(
                _CODE,
                (
                    "    labels = np.full((B, T + 1), -100)\n",
                    "    decoder_input[np.arange(B), (ids != pad).sum(axis=1)] = end\n"
                    "    labels = np.full((B, T + 1), -100)\n",
                ),
            ),
        ),
        Mistake(
            "one place too early",
            "the end takes the place of the last word.",
            changed(_CODE, (".sum(axis=1)]", ".sum(axis=1) - 1]")),
        ),
        Mistake(
            "0 is padding",
            "padding is looked for as id 0; which id it is comes as an argument.",
            changed(_CODE, ("== pad", "== 0"), ("!= pad", "!= 0")),
        ),
        Mistake(
            "-100 in the input",
            "-100 stands in the input: it is no id, and an embedding would refuse it.",
            changed(
                _CODE,
                ("np.full((B, T + 1), pad)", "np.full((B, T + 1), -100)"),
                (_REST, f"    decoder_input[:, 1:] = {_LABELS}\n"),
            ),
        ),
    ),
)
