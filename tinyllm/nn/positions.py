"""Sinusoidal positions: where a token stands, as waves of many lengths."""

from __future__ import annotations

import numpy as np

from tinyllm.defaults import get_default_dtype
from tinyllm.nn.module import Module
from tinyllm.tensor import Tensor


def _table(length: int, width: int, base: float) -> np.ndarray:
    """The positions (T, C) in double precision."""
    if width % 2 or width < 2 or length < 0:
        raise ValueError(
            f"sinusoidal_positions: needs an even width (sine and cosine) and a length, got width "
            f"{width} and length {length}"
        )
    frequencies = base ** (-np.arange(0, width, 2) / width)  # (C/2)
    angles = np.outer(np.arange(length), frequencies)  # (T, C/2)
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(length, width)  # (T, C)


def sinusoidal_positions(length: int, width: int, base: float = 10000.0) -> Tensor:
    """Make the table PE[t, 2i] = sin(t / base^(2i/C)), PE[t, 2i+1] = cos(t / base^(2i/C)).

    k positions further is the same turn of each pair everywhere, so that attention can learn to
    look k tokens back.

    Shapes:  -> (length, width) = (T, C)
    Raises:  ValueError for an odd width.
    PyTorch: has none.
    Source:  Vaswani et al. 2017, section 3.5, arXiv:1706.03762
    """
    return Tensor(_table(length, width, base).astype(get_default_dtype()))


class SinusoidalPositions(Module):
    """Add sinusoidal positions to embeddings.

    Args:    length: of the longest text. width: C, even.
             batch_first: whether inputs are (B, T, C) or, as nn.Transformer has them by default,
             (T, B, C).
    Shapes:  (T, B, C), or (B, T, C) with batch_first, or (T, C) -> the same
    PyTorch: has none. There is nothing to train or to save.
    Source:  Vaswani et al. 2017, section 3.5, arXiv:1706.03762
    """

    def __init__(
        self, length: int, width: int, batch_first: bool = False, base: float = 10000.0
    ) -> None:
        super().__init__()
        self.length, self.width, self.batch_first, self.base = length, width, batch_first, base
        self._tables = {np.dtype(np.float64): _table(length, width, base)}

    def forward(self, x: Tensor, start: int | np.ndarray = 0) -> Tensor:
        """Add the positions from `start` on.

        Args:    start: or the position of each token, of the shape of x without C.
        Raises:  ValueError beyond `length`, or for another C.
        """
        layout = "(T, C)" if x.ndim == 2 else "(B, T, C)" if self.batch_first else "(T, B, C)"
        if x.ndim not in (2, 3) or x.shape[-1] != self.width:
            raise ValueError(
                f"SinusoidalPositions: x {layout} = {x.shape} and width {self.width} disagree on C"
            )
        T = x.shape[1 if self.batch_first and x.ndim == 3 else 0]
        given = isinstance(start, np.ndarray)
        first, last = (
            (start.min(initial=0), start.max(initial=0)) if given else (start, start + T - 1)
        )
        if first < 0 or last >= self.length:
            raise ValueError(
                f"SinusoidalPositions: x {layout} = {x.shape} has the positions {first} to "
                f"{last}, and length is {self.length}: make it longer, or check "
                f"batch_first={self.batch_first}"
            )
        if x.dtype not in self._tables:
            self._tables[x.dtype] = self._tables[np.dtype(np.float64)].astype(x.dtype)
        if given:
            return x + Tensor(self._tables[x.dtype][start])  # (B, T, C)
        table = self._tables[x.dtype][start : start + T]  # (T, C)
        return x + Tensor(table[:, None] if layout == "(T, B, C)" else table)

    def extra_repr(self) -> str:
        """Say the settings."""
        return f"{self.length}, {self.width}, batch_first={self.batch_first}"
