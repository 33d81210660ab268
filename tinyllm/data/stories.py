"""Whole stories packed into rows, with masks that keep them apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tinyllm.data.order import EpochLoader, id_lists
from tinyllm.data.translation import IGNORE


class StoryBatch(NamedTuple):
    """Rows of whole stories, T tokens each.

    ids       a1 a2 a3 b1 b2 __        segments   1 1 1 2 2 0
    targets   a2 a3 -- b2 -- --        positions  0 1 2 0 1 0
    """

    ids: np.ndarray
    """(B, T) int64, filled up with the pad id."""
    targets: np.ndarray
    """(B, T) int64: the next token of the same story; -100, which loss ignores, where none is."""
    segments: np.ndarray
    """(B, T) int64: the number of the story in its row, from 1; 0 is filling."""
    positions: np.ndarray
    """(B, T) int64: the place of a token in its story, from 0."""

    def may_attend(self) -> np.ndarray:
        """Give the mask (B, 1, T, T) bool, True where query t may look at key s.

        Same story, and s <= t; True means may look, as scaled_dot_product_attention has it.
        Filling looks at itself, so that no row of the softmax is empty.
        """
        T = self.ids.shape[1]
        same = self.segments[:, None, :, None] == self.segments[:, None, None, :]
        filling = (self.segments == 0)[:, None, :, None]  # (B, 1, T, 1)
        return (same & ~filling & np.tri(T, dtype=bool)) | (filling & np.eye(T, dtype=bool))


class PackedStories(EpochLoader[StoryBatch]):
    """Batches of rows of `context_length` tokens that hold whole stories; resumable.

    An epoch has each story once. Shuffled stories go, one by one, into the first open row with
    room ("first fit"). See `EpochLoader` for state_dict.

    Args:
        stories: token ids; one that should learn where to stop ends with its end token.
        context_length: T, tokens per row.
        batch_size: B, rows per batch; the last may have fewer.
        pad_id: the token that fills up.
        too_long: a story of more than T tokens is an "error", is "drop"ped, or "cut" at T.
        shuffle: False packs the stories in their order.
        seed: of the order.
    """

    OPEN_ROWS = 64

    def __init__(
        self,
        stories: Sequence[Sequence[int]],
        context_length: int,
        batch_size: int,
        *,
        pad_id: int,
        too_long: str = "error",
        shuffle: bool = True,
        seed: int = 0,
    ) -> None:
        if context_length < 1 or batch_size < 1:
            raise ValueError(
                f"PackedStories: context_length {context_length} and batch_size {batch_size} are "
                f"at least 1"
            )
        if too_long not in ("error", "drop", "cut"):
            raise ValueError(f'PackedStories: too_long {too_long!r} is not "error", "drop", "cut"')
        super().__init__(seed, shuffle)
        self.context_length, self.batch_size, self.pad_id = context_length, batch_size, pad_id
        self.too_long = too_long
        self.stories = self._fitting(id_lists("PackedStories", stories, "story"))

    def _fitting(self, stories: list[np.ndarray]) -> list[np.ndarray]:
        T = self.context_length
        for number, story in enumerate(stories):
            if len(story) > T and self.too_long == "error":
                raise ValueError(
                    f"PackedStories: story {number} has {len(story)} tokens, more than "
                    f'context_length {T}: choose a larger one, or too_long="drop" or "cut"'
                )
        if self.too_long == "drop":
            stories = [story for story in stories if len(story) <= T]
            if not stories:
                raise ValueError(f"PackedStories: every story is longer than context_length {T}")
        return [story[:T] for story in stories]

    def _settings(self) -> dict[str, Any]:
        names = ("seed", "shuffle", "batch_size", "context_length", "too_long")
        return {"stories": len(self.stories), **{name: getattr(self, name) for name in names}}

    def _data(self) -> list[list[np.ndarray]]:
        return [self.stories]

    def _plan(self, generator: np.random.Generator | None) -> list[list[list[int]]]:
        order = np.arange(len(self.stories))
        if generator is not None:
            order = generator.permutation(order)
        rows: list[list[int]] = []
        open_rows: list[tuple[int, list[int]]] = []  # (room, row)
        for number in order.tolist():
            length = len(self.stories[number])
            place = next((i for i, (room, _) in enumerate(open_rows) if room >= length), None)
            if place is None:
                rows.append([number])
                open_rows.append((self.context_length - length, rows[-1]))
                if len(open_rows) > self.OPEN_ROWS:  # the fullest has the least to give
                    open_rows.remove(min(open_rows, key=lambda entry: entry[0]))
            else:
                room, row = open_rows[place]
                row.append(number)
                open_rows[place] = (room - length, row)
        return [rows[i : i + self.batch_size] for i in range(0, len(rows), self.batch_size)]

    def _make(self, planned: list[list[int]]) -> StoryBatch:
        shape = (len(planned), self.context_length)
        ids = np.full(shape, self.pad_id, np.int64)
        targets = np.full(shape, IGNORE, np.int64)
        segments, positions = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for row, numbers in enumerate(planned):
            start = 0
            for segment, number in enumerate(numbers, 1):
                story = self.stories[number]
                end = start + len(story)
                ids[row, start:end] = story
                targets[row, start : end - 1] = story[1:]
                segments[row, start:end] = segment
                positions[row, start:end] = np.arange(len(story))
                start = end
        return StoryBatch(ids, targets, segments, positions)
