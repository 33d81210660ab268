"""Windows of a long run of tokens: what a decoder sees, and what it should say next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np


class HasNumpyGenerator(Protocol):
    """A generator that wraps NumPy's, as tinyllm.Generator does."""

    numpy: np.random.Generator


class Windows:
    """Batches (ids, targets) from tokens (N,); targets are ids, one token later.

    tokens        t0 t1 t2 t3 t4 t5 …
    ids           t0 t1 t2 t3           context_length T = 4, from offset 0
    targets          t1 t2 t3 t4

    Batches are int64 and the caller's own; `tokens` may be a memory map, of which only the windows
    asked for are read.

    Args:
        tokens: ids (N,), any integer dtype.
        context_length: T, tokens per window.
        name: what the errors call the tokens, such as "the validation text".
        allow_short: accept fewer tokens than one window needs, T + 1, but at least 2; then only
            `non_overlapping` serves.
    """

    def __init__(
        self,
        tokens: np.ndarray,
        context_length: int,
        *,
        name: str = "the text",
        allow_short: bool = False,
    ) -> None:
        tokens = np.asarray(tokens)
        if tokens.ndim != 1:
            raise ValueError(f"Windows: tokens are one sequence (N,), got shape {tokens.shape}")
        if tokens.size and tokens.dtype.kind not in "iu":
            raise TypeError(f"Windows: tokens are integers, got dtype {tokens.dtype}")
        if context_length < 1:
            raise ValueError(f"Windows: context_length is {context_length}, at least 1 is needed")
        self.tokens, self.context_length, self.name = tokens, int(context_length), name
        if not (allow_short and len(tokens) >= 2):
            self._check_length()

    def __len__(self) -> int:
        """The offsets at which a whole window with its targets can start."""
        return max(len(self.tokens) - self.context_length, 0)

    @property
    def num_targets(self) -> int:
        """How many tokens `non_overlapping` predicts: all but the first."""
        return len(self.tokens) - 1

    def random_batch(
        self, batch_size: int, generator: np.random.Generator | HasNumpyGenerator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Take windows at random offsets, all equally likely: ids (B, T), targets (B, T)."""
        self._check_length()
        _check_batch_size(batch_size)
        offsets = _numpy_generator(generator).integers(len(self), size=batch_size)
        return self._at(offsets, self.context_length)

    def non_overlapping(self, batch_size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Walk through all tokens, predicting each but the first exactly once.

        Gives batches (B, T), the last of them perhaps of fewer rows; then, if tokens are left,
        one (1, T') with T' < T. So a mean over the text weighs each batch by its targets.size.
        """
        _check_batch_size(batch_size)
        T = self.context_length
        whole = self.num_targets // T
        for first in range(0, whole, batch_size):
            yield self._at(np.arange(first, min(first + batch_size, whole)) * T, T)
        if left := self.num_targets - whole * T:
            yield self._at(np.array([whole * T]), left)

    def _at(self, offsets: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
        rows = np.empty((len(offsets), length + 1), dtype=np.int64)  # (B, T + 1)
        for row, offset in zip(rows, offsets.tolist(), strict=True):
            row[:] = self.tokens[offset : offset + length + 1]
        return rows[:, :-1].copy(), rows[:, 1:].copy()

    def _check_length(self) -> None:
        T = self.context_length
        if len(self.tokens) < T + 1:
            raise ValueError(
                f"Windows: {self.name} has {len(self.tokens)} tokens, too few for "
                f"context_length {T}: {T + 1} are needed, {T} to read and the one after: give more "
                f"text or a smaller context_length"
            )


def _check_batch_size(batch_size: int) -> None:
    if batch_size < 1:
        raise ValueError(f"Windows: batch_size is {batch_size}, at least 1 is needed")


def _numpy_generator(generator: np.random.Generator | HasNumpyGenerator) -> np.random.Generator:
    generator = getattr(generator, "numpy", generator)
    if not isinstance(generator, np.random.Generator):
        raise TypeError(
            f"Windows: generator is a {type(generator).__name__}: give a tinyllm.Generator or a "
            f"np.random.Generator"
        )
    return generator
