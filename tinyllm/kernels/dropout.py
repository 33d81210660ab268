"""Dropout from a counter: whether an element is kept is a hash of (row, column, seed).

So the backward needs no stored mask: it is the same function of the gradient with the same seed.
"""

from __future__ import annotations

import numpy as np

from tinyllm.kernels.jit import parallel
from tinyllm.kernels.kernel import kernel
from tinyllm.kernels.memory import empty_like
from tinyllm.kernels.rows import as_rows, n_rows
from tinyllm.kernels.threads import threads_for
from tinyllm.kernels.vector_math import column_hash, row_key


def split_seed(seed: int) -> tuple[int, int]:
    """The two 32-bit halves of a 64-bit seed."""
    return seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF


def drop_below(p: float) -> int:
    """The hash value below which an element is dropped: p as a fraction of 2^32."""
    return min(round(p * 2**32), 2**32 - 1)


def keep_mask(rows: int, width: int, p: float, seed: int) -> np.ndarray:
    """True where an element is kept: column_hash(column, row_key(row, seed)) >= p 2^32."""
    low, high = split_seed(seed)
    key = _hash32(np.arange(rows, dtype=np.uint32), np.uint32(low)) ^ np.uint32(high)
    key = key ^ (key >> np.uint32(16))
    hashes = _column_hash(np.arange(width, dtype=np.uint32), key[:, None])
    return hashes >= np.uint32(drop_below(p))


def _hash32(index, seed):
    """`vector_math.hash32` over arrays; unsigned overflow is meant."""
    x = index ^ seed
    x = _column_hash(x ^ (x >> np.uint32(16)), np.uint32(0))
    return x ^ (x >> np.uint32(16))


def _column_hash(column, key):
    """`vector_math.column_hash` over arrays."""
    x = (column ^ key) * np.uint32(0x7FEB352D)
    x = x ^ (x >> np.uint32(15))
    return x * np.uint32(0x846CA68B)


@kernel
def dropout(x, p, seed):
    """y = x / (1 - p) where kept, 0 where dropped, each element dropped with probability p < 1.

    The gradient is the same map: grad_x = dropout(grad_y, p, seed).
    """
    rows = as_rows(x)
    keep = keep_mask(*rows.shape, p, seed).reshape(x.shape)
    return np.where(keep, x * x.dtype.type(1 / (1 - p)), x.dtype.type(0))


@dropout.fast
def dropout(x, p, seed):
    y = empty_like(x)
    low, high = split_seed(seed)
    rows, threads = n_rows(x), threads_for(x.size)
    _dropout(rows, threads, as_rows(x), as_rows(y), 1 / (1 - p), low, high, drop_below(p))
    return y


@parallel
def _dropout(x, y, scale, low, high, bound, start, stop):
    zero, factor = x.dtype.type(0), x.dtype.type(scale)
    for i in range(start, stop):
        key = row_key(i, low, high)
        for j in range(x.shape[1]):
            y[i, j] = x[i, j] * factor if column_hash(j, key) >= np.uint32(bound) else zero
