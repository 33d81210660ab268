"""The keys and values of tokens already read, so that a new token need not read them again."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinyllm import kernels
from tinyllm.defaults import get_default_dtype
from tinyllm.grad_mode import is_grad_enabled
from tinyllm.tensor import Tensor


class KeyValueCache:
    """Room for the keys and values of up to `capacity` tokens, in every layer.

    A token counts in `length` once the last layer has kept it, so a forward that was broken
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

    def attend(self, layer: int, qkv: Tensor, heads: int) -> Tensor:
        """Keep new tokens' keys and values; let each token attend to all up to itself.

        Args:    heads: query heads H, a multiple of the cache's key heads Hk.
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
        keys, values = self._keys[layer], self._values[layer]
        (B, kv_heads, capacity, D), start, shape = keys.shape, self.length, qkv.array.shape
        if len(shape) != 3 or shape[0] != B or shape[2] != (heads + 2 * kv_heads) * D:
            raise ValueError(
                f"KeyValueCache: qkv {shape} must be (B, T, (H + 2 Hk) D) with B, H, Hk, D = {B}, "
                f"{heads}, {kv_heads}, {D}: was the cache made for this model and batch size?"
            )
        if qkv.array.dtype != keys.dtype:
            raise TypeError(f"KeyValueCache: qkv is {qkv.dtype}, the cache keeps {keys.dtype}")
        stop = start + shape[1]
        if stop > capacity:
            raise ValueError(
                f"KeyValueCache: {start} tokens kept and {shape[1]} new ones exceed capacity "
                f"{capacity}: make a larger cache, or truncate() or reset() this one"
            )
        y = kernels.cached_attention(qkv.array, keys, values, start, heads)
        if layer == self.layers - 1:
            self.length = stop
        return Tensor(y)

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
