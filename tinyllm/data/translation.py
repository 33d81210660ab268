"""Padded batches of pairs for translation; pairs of like length stand together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tinyllm.data.order import EpochLoader, id_lists

IGNORE = -100  # cross_entropy's ignore_index


class PairBatch(NamedTuple):
    """What a translator reads and should say; B pairs, the longest of S and T + 1 tokens.

    target    <s> t1 t2 </s>
    decoder_input  <s> t1 t2      labels  t1 t2 </s>
    """

    source: np.ndarray
    """(B, S) int64, padded at the end with the pad id."""
    decoder_input: np.ndarray
    """(B, T) int64: the target without its last token, padded with the pad id."""
    labels: np.ndarray
    """(B, T) int64: the target without its first token, padded with -100, which loss ignores."""
    source_padding: np.ndarray
    """(B, S) bool, True at padding: `src_key_padding_mask` of nn.Transformer."""
    target_padding: np.ndarray
    """(B, T) bool, True at padding: `tgt_key_padding_mask`."""
    index: np.ndarray
    """(B,) int64: which pairs these are."""


class PairBatches(EpochLoader[PairBatch]):
    """Batches of (source ids, target ids), shuffled, with little padding; resumable.

    An epoch has each pair once. Shuffled pairs are taken in pools of `pool` batches, sorted by
    length within a pool and cut into batches, which are shuffled again. See `EpochLoader` for
    state_dict.

    Args:
        pairs: (source ids, target ids); a target begins with its start token and ends with its
            end token: at least 2 tokens.
        batch_size: B, pairs per batch; the last ones of a pool may have fewer.
        pad_id: the token that fills up.
        pool: batches sorted together; 1 sorts nothing.
        shuffle: False gives the pairs in their order, unsorted.
        seed: of the order.
    """

    def __init__(
        self,
        pairs: Sequence[tuple[Sequence[int], Sequence[int]]],
        batch_size: int,
        *,
        pad_id: int,
        pool: int = 50,
        shuffle: bool = True,
        seed: int = 0,
    ) -> None:
        if batch_size < 1 or pool < 1:
            raise ValueError(f"PairBatches: batch_size {batch_size} and pool {pool} are at least 1")
        super().__init__(seed, shuffle)
        self.sources = id_lists("PairBatches", (pair[0] for pair in pairs), "source")
        self.targets = id_lists("PairBatches", (pair[1] for pair in pairs), "target")
        for number, target in enumerate(self.targets):
            if len(target) < 2:
                raise ValueError(
                    f"PairBatches: target {number} has 1 token: it needs a start and an end token"
                )
        self.batch_size, self.pad_id, self.pool = batch_size, pad_id, pool
        sizes = [(len(s), len(t)) for s, t in zip(self.sources, self.targets, strict=True)]
        self._lengths = np.array(sizes, np.int64)  # (N, 2)

    def _settings(self) -> dict[str, Any]:
        names = ("seed", "shuffle", "batch_size", "pool")
        return {"pairs": len(self.sources), **{name: getattr(self, name) for name in names}}

    def _data(self) -> list[list[np.ndarray]]:
        return [self.sources, self.targets]

    def _plan(self, generator: np.random.Generator | None) -> list[np.ndarray]:
        order = np.arange(len(self.sources))
        if generator is None:
            return self._cut(order)
        order = generator.permutation(order)
        batches = []
        size = self.pool * self.batch_size
        for start in range(0, len(order), size):
            part = order[start : start + size]
            if self.pool > 1:
                part = part[np.lexsort((self._lengths[part, 0], self._lengths[part, 1]))]
            batches += self._cut(part)
        return [batches[i] for i in generator.permutation(len(batches))]

    def _cut(self, order: np.ndarray) -> list[np.ndarray]:
        return [order[i : i + self.batch_size] for i in range(0, len(order), self.batch_size)]

    def _make(self, planned: np.ndarray) -> PairBatch:
        source, source_padding = pad([self.sources[i] for i in planned], self.pad_id)
        targets = [self.targets[i] for i in planned]
        decoder_input, target_padding = pad([target[:-1] for target in targets], self.pad_id)
        labels, _ = pad([target[1:] for target in targets], IGNORE)
        return PairBatch(
            source, decoder_input, labels, source_padding, target_padding, planned.copy()
        )


def pad(sequences: Sequence[np.ndarray], value: int) -> tuple[np.ndarray, np.ndarray]:
    """Fill sequences up to the longest: ids (B, L), and where the filling is (B, L) bool."""
    ids = np.full((len(sequences), max(map(len, sequences))), value, np.int64)
    padding = np.ones(ids.shape, bool)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = sequence
        padding[row, : len(sequence)] = False
    return ids, padding
