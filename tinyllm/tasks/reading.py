"""What a model learns in pretraining for dialogue: to tell a story again, and to take notes of it.

Under each word of the story it learns to say what a reader keeps in mind there: whom a pronoun
means, on which day it happens (`reading_notes`). The retelling asks for the same, but only at the
end of a long way, on which a model may get by with guesses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from tinyllm.data.rows import shifted_targets
from tinyllm.data.tinyworld.spelling import text_of
from tinyllm.tasks.chat_template import ChatTemplate, Message


class Reading(NamedTuple):
    """A story, the same in plain statements, and a note or None for each word of the story."""

    words: Sequence[str]
    notes: Sequence[str | None]
    messages: list[Message]


def reading_rows(
    template: ChatTemplate, readings: Iterable[Reading], context_length: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return ids and targets of the readings that fit the context.

    Returns: of each reading its ids, n of them, and n - 1 targets: what is to be said after each
             token but the last, -100 where nothing is to be learned
    Raises:  ValueError where the words do not make up the first message.
    """

    @cache
    def tokens(word: str) -> list[int]:
        return template.tokenizer.encode(text_of(["", word]))  # as it stands within a text

    ids, targets = [], []
    for reading in readings:
        row, learned = template.training_row(reading.messages)
        if len(row) > context_length:
            continue
        target = shifted_targets(row, learned)
        ends = np.cumsum([len(tokens(word)) for word in reading.words])  # behind the user's mark
        if list(row[ends[-1] + 1 :][:1]) != [template.end_id]:
            raise ValueError(
                f"reading_rows: the words {' '.join(reading.words)!r} come to {ends[-1]} tokens, "
                f"the message {reading.messages[0]['content']!r} does not"
            )
        for end, note in zip(ends, reading.notes, strict=True):
            if note is not None:
                target[end] = tokens(note)[0]  # of a rare name the beginning
        ids.append(row)
        targets.append(target)
    return ids, targets
