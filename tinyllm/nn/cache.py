"""The keys and values of tokens already read, so that a new token need not read them again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinyllm import kernels
from tinyllm.defaults import get_default_dtype
from tinyllm.grad_mode import is_grad_enabled
from tinyllm.nn.attention_functions import check_prefix
from tinyllm.tensor import Tensor


class KeyValueCache:
    """Room for the keys and values of up to `capacity` tokens, in every layer.

    The rows of a batch may differ in length: texts that are filled up to the longest are read at
    once, `truncate` then forgets the filling, and what follows stands behind each row's own end.
    A token counts in `lengths` once the last layer has kept it, so a forward that was broken off
    halfway leaves nothing behind.

    Args:    heads: key heads H (fewer than the query's under grouped-query attention).
             head_size: D.
    """

    def __init__(
        self,
        layers: int,
        batch_size: int,
        heads: int,
        capacity: int,
        head_size: int,
        dtype: Any = None,
    ) -> None:
        if min(layers, batch_size, heads, capacity, head_size) < 1:
            raise ValueError(
                f"KeyValueCache: layers {layers}, batch_size {batch_size}, heads {heads}, capacity "
                f"{capacity} and head_size {head_size} must all be at least 1"
            )
        self.layers, self.capacity = layers, capacity
        self._lengths = np.zeros(batch_size, np.int64)
        self.length = 0  # of the longest row
        self.even = True  # all rows have that length
        dtype = np.dtype(dtype or get_default_dtype())
        shape = (batch_size, heads, capacity, head_size)
        self._keys = [np.empty(shape, dtype) for _ in range(layers)]
        self._values = [np.empty(shape, dtype) for _ in range(layers)]

    @property
    def lengths(self) -> np.ndarray:
        """The tokens kept of each row: (B,) int64."""
        return self._lengths.copy()

    def positions(self, tokens: int) -> np.ndarray:
        """Where so many new tokens of each row stand: (B, tokens); (tokens,) if rows are even."""
        new = np.arange(self.length, self.length + tokens)
        return new if self.even else self._lengths[:, None] + np.arange(tokens)

    def attend(
        self, layer: int, qkv: Tensor, heads: int, prefix: np.ndarray | None = None
    ) -> Tensor:
        """Keep new tokens' keys and values; let each token attend to all up to itself.

        Args:    heads: query heads H, a multiple of the cache's key heads Hk.
                 prefix: (B,) int64: all new tokens of row b see its first prefix[b] tokens too.
        Shapes:  qkv (B, T, (H + 2 Hk) D), packed as `functional.self_attention` has it
                 -> (B, T, H D)
        Raises:  ValueError beyond the capacity or for other shapes, TypeError for another dtype,
                 RuntimeError while recording.
        """
        if qkv._requires_grad and is_grad_enabled():
            raise RuntimeError(
                "KeyValueCache: the cache keeps no graph, so gradients would be lost: run the "
                "model inside tinyllm.no_grad(), or without a cache"
            )
        kept = self.reserve(layer, qkv.array.shape, qkv.dtype, heads)
        B, T, _ = qkv.array.shape
        if prefix is not None:
            least = self.length if self.even else int(self._lengths.min())
            check_prefix("KeyValueCache", prefix, B, least + T)
        y = kernels.cached_attention(qkv.array, *kept, heads, prefix)
        self.advance(layer, T)
        return Tensor(y)

    def reserve(
        self, layer: int, shape: tuple[int, ...], dtype: np.dtype, heads: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Give a layer's keys, values (B, Hk, capacity, D) and lengths (B,), with room for new ones
        that a qkv of such a shape holds.

        Raises:  as `attend`
        """
        keys, values = self._keys[layer], self._values[layer]
        B, kv_heads, capacity, D = keys.shape
        if len(shape) != 3 or shape[0] != B or shape[2] != (heads + 2 * kv_heads) * D:
            raise ValueError(
                f"KeyValueCache: qkv {shape} must be (B, T, (H + 2 Hk) D) with B, H, Hk, D = {B}, "
                f"{heads}, {kv_heads}, {D}: was the cache made for this model and batch size?"
            )
        if dtype != keys.dtype:
            raise TypeError(f"KeyValueCache: qkv is {dtype}, the cache keeps {keys.dtype}")
        if self.length + shape[1] > capacity:
            raise ValueError(
                f"KeyValueCache: {self.length} tokens kept and {shape[1]} new ones exceed capacity "
                f"{capacity}: make a larger cache, or truncate() or reset() this one"
            )
        return keys, values, self._lengths

    def advance(self, layer: int, tokens: int) -> None:
        """Note that a layer has kept so many new tokens of each row."""
        if layer == self.layers - 1:
            self._lengths += tokens
            self.length += tokens

    def truncate(self, length: int | Sequence[int]) -> None:
        """Forget all but the first `length` tokens, of each row its own if several are given.

        Raises:  ValueError for a length that a row does not have.
        """
        given = np.asarray(length, np.int64)
        if given.ndim and given.shape != self._lengths.shape:
            raise ValueError(
                f"KeyValueCache: truncate got lengths of shape {given.shape} for "
                f"{len(self._lengths)} rows"
            )
        wrong = np.flatnonzero((given < 0) | (given > self._lengths))
        if wrong.size:
            asked = np.broadcast_to(given, self._lengths.shape)[wrong[0]]
            raise ValueError(
                f"KeyValueCache: cannot truncate to {asked} tokens, {self._lengths[wrong[0]]} are "
                "kept"
            )
        self._set_lengths(np.broadcast_to(given, self._lengths.shape).copy())

    def reset(self) -> None:
        """Forget all tokens."""
        self._set_lengths(np.zeros_like(self._lengths))

    def select(self, rows: Sequence[int]) -> None:
        """Make a batch of these rows, in this order; a row may come more than once, or not at all.

        Raises:  IndexError for a row that there is not.
        """
        rows = np.asarray(rows, np.int64)
        for arrays in (self._keys, self._values):
            for layer, old in enumerate(arrays):
                arrays[layer] = np.empty((len(rows), *old.shape[1:]), old.dtype)
                arrays[layer][:, :, : self.length] = old[rows, :, : self.length]
        self._set_lengths(self._lengths[rows])

    def _set_lengths(self, lengths: np.ndarray) -> None:
        self._lengths, self.length = lengths, int(lengths.max())
        self.even = bool((lengths == self.length).all())

    def __repr__(self) -> str:
        B, H, capacity, D = self._keys[0].shape
        return (
            f"KeyValueCache({self.length} of {capacity} tokens, {self.layers} layers, "
            f"batch_size={B}, heads={H}, head_size={D})"
        )
