"""Rotary position embedding: a position turns queries and keys, pair by pair, by an angle."""

from __future__ import annotations

import numpy as np

from tinyllm.nn.module import Module
from tinyllm.ops.rotary import Rotate
from tinyllm.tensor import Tensor, apply


class RotaryEmbedding(Module):
    """Turn each pair (x_i, x_{i + D/2}) at position t by the angle t * base^(-2i / D).

    The product of a query at t and a key at s then depends on t - s alone.

    Args:    head_size: D, even.
             context_length: the number of positions.
    Shapes:  (B, T, N, D), N heads side by side at each position -> the same
    PyTorch: has none. The pairing of the first half with the second is that of Llama in Hugging
             Face's transformers; the paper's pairs neighbours, which is a permutation of D.
    Source:  Su et al. 2021, arXiv:2104.09864, section 3.2.2
    """

    def __init__(self, head_size: int, context_length: int, base: float = 10000.0) -> None:
        super().__init__()
        if head_size % 2:
            raise ValueError(f"RotaryEmbedding: head_size {head_size} must be even, to make pairs")
        self.head_size, self.context_length, self.base = head_size, context_length, base
        self._tables: dict[np.dtype, tuple[np.ndarray, np.ndarray]] = {}

    def tables(self, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
        """Give cos and sin of all angles, (context_length, D/2) each, made at the first request."""
        if dtype not in self._tables:
            frequencies = self.base ** (-np.arange(0, self.head_size, 2) / self.head_size)  # (D/2)
            angles = np.outer(np.arange(self.context_length), frequencies)  # in double precision
            self._tables[dtype] = np.cos(angles).astype(dtype), np.sin(angles).astype(dtype)
        return self._tables[dtype]

    def forward(self, x: Tensor, start: int | np.ndarray = 0, heads: int | None = None) -> Tensor:
        """Turn the heads of x (B, T, N, D), whose first row stands at position `start`.

        Args:    start: or the position of each token, (T,) or (B, T).
                 heads: turn only the first so many, the queries and keys of a packed projection;
                 the rest, its values, stays as it is. None turns all.
        Raises:  ValueError beyond `context_length`, or for other dimensions.
        """
        if x.ndim != 4 or x.shape[3] != self.head_size:
            raise ValueError(
                f"RotaryEmbedding: x must be (B, T, N, D) with D = head_size = {self.head_size}, "
                f"not of shape {x.shape}"
            )
        T, N = x.shape[1:3]
        heads = N if heads is None else heads
        if not 0 <= heads <= N:
            raise ValueError(f"RotaryEmbedding: heads = {heads}, and x {x.shape} has N = {N}")
        cos, sin = self.at(start, T, x.dtype)
        if cos.ndim == 3:  # each row has places of its own: rows in one row
            y = x.reshape(1, -1, N, self.head_size)  # (1, B T, N, D)
            cos, sin = (each.reshape(-1, each.shape[-1]) for each in (cos, sin))
            return apply(Rotate, y, cos=cos, sin=sin, heads=heads).view(x.shape)
        return apply(Rotate, x, cos=cos, sin=sin, heads=heads)  # (B, T, N, D)

    def at(
        self, start: int | np.ndarray, tokens: int, dtype: np.dtype
    ) -> tuple[np.ndarray, np.ndarray]:
        """Give cos and sin from a position on, (tokens, D/2), or of given positions, (..., D/2)."""
        cos, sin = self.tables(dtype)
        if isinstance(start, np.ndarray):
            if start.size:
                self._check_positions(int(start.min()), int(start.max()))
            return cos[start], sin[start]
        self._check_positions(start, start + tokens - 1)
        return cos[start : start + tokens], sin[start : start + tokens]

    def _check_positions(self, first: int, last: int) -> None:
        if first < 0 or last >= self.context_length:
            raise ValueError(
                f"RotaryEmbedding: positions {first} to {last} exceed context_length "
                f"{self.context_length}"
            )

    def extra_repr(self) -> str:
        """Say the settings."""
        return f"{self.head_size}, context_length={self.context_length}, base={self.base}"
