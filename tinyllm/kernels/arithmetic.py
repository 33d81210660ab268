"""Arithmetic of whole arrays, where NumPy would use one thread and fresh memory."""

from __future__ import annotations

import numpy as np

from tinyllm.kernels.jit import parallel
from tinyllm.kernels.kernel import kernel
from tinyllm.kernels.memory import LARGE, empty_like
from tinyllm.kernels.threads import threads_for


@kernel
def add(x, y, into=None):
    """z = x + y, broadcast; written into an array of z's shape and dtype, such as x, if given."""
    return np.add(x, y, out=into)


@add.fast
def add(x, y, into=None):
    arrays = (x, y) if into is None else (x, y, into)
    if x.nbytes < LARGE or not all(
        each.shape == x.shape and each.dtype == x.dtype and each.flags.c_contiguous
        for each in arrays
    ):
        return np.add(x, y, out=into)
    if into is x:
        _add_to(x.size, threads_for(x.size), y.reshape(-1), x.reshape(-1))
        return x
    z = empty_like(x) if into is None else into
    _add(x.size, threads_for(x.size), x.reshape(-1), y.reshape(-1), z.reshape(-1))
    return z


@parallel
def _add(x, y, z, start, stop):
    x, y, z = x[start:stop], y[start:stop], z[start:stop]
    for i in range(x.size):
        z[i] = x[i] + y[i]


@parallel
def _add_to(y, x, start, stop):
    """Where z is x: three names for two arrays would keep the loop from vectorising."""
    y, x = y[start:stop], x[start:stop]
    for i in range(y.size):
        x[i] += y[i]
