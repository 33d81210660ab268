"""The keys and values of tokens already read, so that a new token need not read them again."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinyllm.grad_mode import is_grad_enabled
from tinyllm.tensor import Tensor, get_default_dtype


class KeyValueCache:
    """Room for the keys and values of up to `capacity` tokens, in every layer.

    A token counts in `length` once the last layer has appended it, so a forward that was broken
    off halfway leaves nothing behind.

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
        self.layers, self.capacity, self.length = layers, capacity, 0
        dtype = np.dtype(dtype or get_default_dtype())
        shape = (batch_size, heads, capacity, head_size)
        self._keys = [np.empty(shape, dtype) for _ in range(layers)]
        self._values = [np.empty(shape, dtype) for _ in range(layers)]

    def append(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Add new keys and values of one layer; give all of that layer, old and new.

        Shapes:  key, value (B, H, T, D) -> (B, H, length + T, D) each, views of the cache
        Raises:  ValueError beyond the capacity or for other shapes, RuntimeError while recording.
        """
        if is_grad_enabled() and (key.requires_grad or value.requires_grad):
            raise RuntimeError(
                "KeyValueCache: the cache keeps no graph, so gradients would be lost: run the "
                "model inside tinyllm.no_grad(), or without a cache"
            )
        keys, values = self._keys[layer], self._values[layer]
        B, H, capacity, D = keys.shape
        start, stop = self.length, self.length + key.shape[-2]
        if key.shape != (B, H, stop - start, D) or value.shape != key.shape:
            raise ValueError(
                f"KeyValueCache: key {key.shape} and value {value.shape} must both be (B, H, T, D) "
                f"with B, H, D = {B}, {H}, {D}: was the cache made for this model and batch size?"
            )
        if stop > capacity:
            raise ValueError(
                f"KeyValueCache: {start} tokens kept and {stop - start} new ones exceed capacity "
                f"{capacity}: make a larger cache, or truncate() or reset() this one"
            )
        keys[:, :, start:stop] = key.array
        values[:, :, start:stop] = value.array
        if layer == self.layers - 1:
            self.length = stop
        return Tensor(keys[:, :, :stop]), Tensor(values[:, :, :stop])

    def truncate(self, length: int) -> None:
        """Forget all but the first `length` tokens."""
        if not 0 <= length <= self.length:
            raise ValueError(
                f"KeyValueCache: cannot truncate to {length} tokens, {self.length} are kept"
            )
        self.length = length

    def reset(self) -> None:
        """Forget all tokens."""
        self.length = 0

    def __repr__(self) -> str:
        B, H, capacity, D = self._keys[0].shape
        return (
            f"KeyValueCache({self.length} of {capacity} tokens, {self.layers} layers, "
            f"batch_size={B}, heads={H}, head_size={D})"
        )
