"""Dropout from a counter: an element is kept if the product of two hashes is large enough.

One is the hash of its row's number, the other of its column's, each with a half of the seed. So
the backward needs no stored mask: it is the same function of the gradient with the same seed.
"""

from __future__ import annotations

import functools

import numpy as np

from tinyllm.kernels.jit import parallel
from tinyllm.kernels.kernel import kernel
from tinyllm.kernels.memory import empty_like
from tinyllm.kernels.rows import as_flat
from tinyllm.kernels.threads import threads_for
from tinyllm.kernels.vector_math import column_hashes, odd_hash

ROW = 1024  # elements that share a row: the hashes of so many columns stay in the nearest cache


def split_seed(seed: int) -> tuple[int, int]:
    """The two 32-bit halves of a 64-bit seed."""
    return seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF


@functools.cache
def drop_below(p: float) -> int:
    """The hash value below which an element is dropped: p as a fraction of 2^32."""
    return min(round(p * 2**32), 2**32 - 1)


def keep_mask(rows, width, p, seed):
    """True where an element is kept: row hash * column hash modulo 2^32 >= p 2^32."""
    low, high = split_seed(seed)
    row, column = _odd_hash(np.arange(rows), low), _odd_hash(np.arange(width), high)
    return row[:, None] * column >= np.uint32(drop_below(p))


def _odd_hash(index, seed):
    """`vector_math.odd_hash` over arrays; unsigned overflow is meant."""
    x = index.astype(np.uint32) ^ np.uint32(seed)
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
    return (x ^ (x >> np.uint32(16))) | np.uint32(1)


@kernel
def dropout(x, p, seed):
    """y = x / (1 - p) where kept, 0 where dropped, each element dropped with probability p < 1.

    The elements, in order, fill rows of 1024, whatever the shape of x.
    The gradient is the same map: grad_x = dropout(grad_y, p, seed).
    """
    keep = keep_mask(_rows(x), ROW, p, seed).reshape(-1)[: x.size].reshape(x.shape)
    return np.where(keep, x * x.dtype.type(1 / (1 - p)), x.dtype.type(0))


@dropout.fast
def dropout(x, p, seed):
    y = empty_like(x)
    low, high = split_seed(seed)
    threads, bound = threads_for(x.size), drop_below(p)
    _dropout(_rows(x), threads, as_flat(x), as_flat(y), 1 / (1 - p), low, high, bound)
    return y


def _rows(x):
    """How many rows the elements of x fill, the last perhaps in part."""
    return -(-x.size // ROW)


@parallel
def _dropout(x, y, scale, low, high, bound, start, stop):
    zero, factor = x.dtype.type(0), x.dtype.type(scale)
    columns = column_hashes(ROW, high)
    for i in range(start, stop):
        hashed = odd_hash(i, low)
        given, kept = x[i * ROW : (i + 1) * ROW], y[i * ROW : (i + 1) * ROW]
        for j in range(given.size):
            keep = np.uint32(hashed * columns[j]) >= np.uint32(bound)
            kept[j] = given[j] * factor if keep else zero
