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
        learned: of each row, which tokens are to be predicted, as bools; None: all but the first.
        targets: in place of `learned`, where it is not always the next token: of each row what is
            to be predicted after each token but the last, -100 for nothing.
        batch_size: B. pad_id: what fills up; causal models do not look at it.
        pool: batches sorted by length together; 1 sorts nothing.
        seed: of the order.
    """

    def __init__(
        self,
        rows: Sequence[Sequence[int]],
        batch_size: int,
        *,
        learned: Sequence[Sequence[bool]] | None = None,
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
        if targets is not None:
            self.targets = _targets_of(self.rows, targets, learned)
        elif learned is None:
            self.targets = [row[1:] for row in self.rows]
        else:
            self.targets = [
                np.where(np.asarray(mask, bool)[1:], row[1:], IGNORE)
                for row, mask in zip(self.rows, learned, strict=True)
            ]
        for number, targets in enumerate(self.targets):
            if not (targets != IGNORE).any():
                raise ValueError(f"RowBatches: row {number} has no token to be predicted")
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


def _targets_of(
    rows: list[np.ndarray],
    targets: Sequence[Sequence[int]],
    learned: Sequence[Sequence[bool]] | None,
) -> list[np.ndarray]:
    if learned is not None:
        raise ValueError("RowBatches: `learned` and `targets` say the same thing: give one")
    kept = [np.asarray(target, np.int64) for target in targets]
    for number, (row, target) in enumerate(zip(rows, kept, strict=True)):
        if target.shape != (len(row) - 1,):
            raise ValueError(
                f"RowBatches: row {number} has {len(row)} tokens, so {len(row) - 1} targets, "
                f"and was given targets of shape {target.shape}"
            )
    return kept
