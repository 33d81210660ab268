"""Batches of texts of like length, each a row of its own, with the targets that count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tinyllm.data.order import EpochLoader, id_lists
from tinyllm.data.translation import IGNORE, pad


class RowBatch(NamedTuple):
    """B rows, filled up to the longest."""

    ids: np.ndarray
    """(B, T) int64: each row without its last token."""
    targets: np.ndarray
    """(B, T) int64: what is to be predicted after each, as a rule the next token; -100, which loss
    ignores, where nothing is to be learned."""


class RowBatches(EpochLoader[RowBatch]):
    """Batches of rows, shuffled, with little padding; resumable. See `EpochLoader` for state_dict.

    Args:
        rows: token ids, at least 2 each.
        targets: of each row what is to be predicted after each token but the last, -100 for
            nothing; None: the next token. See `shifted_targets`.
        batch_size: B. pad_id: what fills up; causal models do not look at it.
        pool: batches sorted by length together; 1 sorts nothing.
        seed: of the order.
    """

    def __init__(
        self,
        rows: Sequence[Sequence[int]],
        batch_size: int,
        *,
        targets: Sequence[Sequence[int]] | None = None,
        pad_id: int = 0,
        pool: int = 20,
        shuffle: bool = True,
        seed: int = 0,
    ) -> None:
        if batch_size < 1 or pool < 1:
            raise ValueError(f"RowBatches: batch_size {batch_size} and pool {pool} are at least 1")
        super().__init__(seed, shuffle)
        self.rows = id_lists("RowBatches", rows, "row")
        self.batch_size, self.pad_id, self.pool = batch_size, pad_id, pool
        given = [row[1:] for row in self.rows] if targets is None else targets
        self.targets = [
            _checked(number, row, target)
            for number, (row, target) in enumerate(zip(self.rows, given, strict=True))
        ]
        self._lengths = np.array([len(row) for row in self.rows])

    def _settings(self) -> dict[str, Any]:
        names = ("seed", "shuffle", "batch_size", "pool")
        return {"rows": len(self.rows), **{name: getattr(self, name) for name in names}}

    def _data(self) -> list[list[np.ndarray]]:
        return [self.rows, self.targets]

    def _plan(self, generator: np.random.Generator | None) -> list[np.ndarray]:
        order, batches = np.arange(len(self.rows)), []
        if generator is not None:
            order = generator.permutation(order)
        size = self.pool * self.batch_size
        for start in range(0, len(order), size):
            part = order[start : start + size]
            if generator is not None and self.pool > 1:
                part = part[np.argsort(self._lengths[part], kind="stable")]
            batches += [part[i : i + self.batch_size] for i in range(0, len(part), self.batch_size)]
        if generator is not None:
            batches = [batches[i] for i in generator.permutation(len(batches))]
        return batches

    def _make(self, planned: np.ndarray) -> RowBatch:
        ids, _ = pad([self.rows[i][:-1] for i in planned], self.pad_id)
        targets, _ = pad([self.targets[i] for i in planned], IGNORE)
        return RowBatch(ids, targets)


def shifted_targets(row: Sequence[int], learned: Sequence[bool]) -> np.ndarray:
    """Return what is to be predicted after each token but the last: the next one, or nothing.

    target_t = row_{t+1} if learned_{t+1} else -100

    Shapes:  (n), (n) -> (n - 1)
    Raises:  ValueError where there are not as many in both.
    """
    if len(row) != len(learned):
        raise ValueError(
            f"shifted_targets: row has {len(row)} tokens, learned says of {len(learned)} "
            "whether they are learned"
        )
    return np.where(learned, row, IGNORE)[1:]


def _checked(number: int, row: np.ndarray, targets: Sequence[int]) -> np.ndarray:
    kept = np.asarray(targets, np.int64)
    if kept.shape != (len(row) - 1,):
        raise ValueError(
            f"RowBatches: row {number} has {len(row)} tokens, so {len(row) - 1} targets, "
            f"and was given targets of shape {kept.shape}"
        )
    if not (kept != IGNORE).any():
        raise ValueError(f"RowBatches: row {number} has no token to be predicted")
    return kept
