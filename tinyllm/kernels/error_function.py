"""erf, the error function, which NumPy does not have."""

from __future__ import annotations

import math

import numpy as np

from tinyllm.kernels.jit import parallel
from tinyllm.kernels.kernel import kernel
from tinyllm.kernels.memory import empty_like
from tinyllm.kernels.rows import as_flat
from tinyllm.kernels.threads import threads_for
from tinyllm.kernels.vector_math import erf as erf_of

_erf = np.vectorize(math.erf, otypes=[np.float64])  # scipy may be absent


@kernel
def erf(x):
    """y = 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    return np.asarray(_erf(x)).astype(x.dtype) if x.size else empty_like(x)


@erf.fast
def erf(x):
    y = empty_like(x)
    _erf_each(x.size, threads_for(x.size), as_flat(x), y.reshape(-1))
    return y


@parallel
def _erf_each(x, y, start, stop):
    x, y = x[start:stop], y[start:stop]
    one = x.dtype.type(1)  # which rounding may pass by a little
    for i in range(x.size):
        near = min(max(erf_of(x[i]), -one), one)
        y[i] = near if x[i] == x[i] else x[i]
