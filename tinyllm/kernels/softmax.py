"""softmax and log-softmax along the last axis, forward and backward.

A row whose every entry is -inf has no softmax: it gives NaN, as in PyTorch. (Attention, which must
answer for queries that may look at nothing, deals with such rows itself.)
"""

from __future__ import annotations

import numpy as np

from tinyllm.kernels.jit import parallel, widest_registers
from tinyllm.kernels.kernel import kernel
from tinyllm.kernels.memory import empty_like
from tinyllm.kernels.rows import as_rows, n_rows
from tinyllm.kernels.threads import threads_for
from tinyllm.kernels.vector_math import exp, largest


@kernel
def softmax(x):
    """y_i = exp(x_i - max x) / sum_j exp(x_j - max x)."""
    if x.size == 0:
        return empty_like(x)
    with np.errstate(invalid="ignore"):
        exps = np.exp(x - x.max(axis=-1, keepdims=True))
        return exps / exps.sum(axis=-1, keepdims=True)


@softmax.fast
def softmax(x):
    y = empty_like(x)
    if x.size:
        _softmax(n_rows(x), threads_for(x.size), as_rows(x), as_rows(y))
    return y


@kernel
def softmax_backward(grad_y, y):
    """grad_x = y * (grad_y - sum_j grad_y_j y_j)."""
    return y * (grad_y - (grad_y * y).sum(axis=-1, keepdims=True))


@softmax_backward.fast
def softmax_backward(grad_y, y):
    grad_x = empty_like(y)
    if y.size:
        rows, threads = n_rows(y), threads_for(y.size)
        _softmax_backward(rows, threads, as_rows(grad_y), as_rows(y), as_rows(grad_x))
    return grad_x


@kernel
def log_softmax(x):
    """y_i = x_i - max x - log sum_j exp(x_j - max x)."""
    if x.size == 0:
        return empty_like(x)
    with np.errstate(invalid="ignore"):
        shifted = x - x.max(axis=-1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


@log_softmax.fast
def log_softmax(x):
    y = empty_like(x)
    if x.size:
        _log_softmax(n_rows(x), threads_for(x.size), as_rows(x), as_rows(y))
    return y


@kernel
def log_softmax_backward(grad_y, y):
    """grad_x = grad_y - exp(y) * sum_j grad_y_j."""
    return grad_y - np.exp(y) * grad_y.sum(axis=-1, keepdims=True)


@log_softmax_backward.fast
def log_softmax_backward(grad_y, y):
    grad_x = empty_like(y)
    if y.size:
        rows, threads = n_rows(y), threads_for(y.size)
        _log_softmax_backward(rows, threads, as_rows(grad_y), as_rows(y), as_rows(grad_x))
    return grad_x


# The compiled bodies. Each does the rows from `start` to `stop`; `@parallel` hands every thread one
# contiguous run of rows. The calls above give the number of rows and of threads first.


@parallel
def _softmax(x, y, start, stop):
    widest_registers()
    width = x.shape[1]
    for i in range(start, stop):
        m = largest(x[i])
        total = x.dtype.type(0)
        for j in range(width):
            y[i, j] = exp(x[i, j] - m)
        # Not in the loop above: where y lies close behind x the compiler does not vectorise that
        # one, and a sum in another order would make the last bit depend on where arrays lie.
        for j in range(width):
            total += y[i, j]
        scale = x.dtype.type(1) / total
        for j in range(width):
            y[i, j] *= scale


@parallel
def _softmax_backward(grad_y, y, grad_x, start, stop):
    widest_registers()
    width = y.shape[1]
    for i in range(start, stop):
        dot = y.dtype.type(0)
        for j in range(width):
            dot += grad_y[i, j] * y[i, j]
        for j in range(width):
            grad_x[i, j] = y[i, j] * (grad_y[i, j] - dot)


@parallel
def _log_softmax(x, y, start, stop):
    widest_registers()
    width = x.shape[1]
    for i in range(start, stop):
        m = largest(x[i])
        total = x.dtype.type(0)
        for j in range(width):
            total += exp(x[i, j] - m)
        lse = np.log(total)
        for j in range(width):
            y[i, j] = (x[i, j] - m) - lse


@parallel
def _log_softmax_backward(grad_y, y, grad_x, start, stop):
    widest_registers()
    width = y.shape[1]
    for i in range(start, stop):
        total = y.dtype.type(0)
        for j in range(width):
            total += grad_y[i, j]
        for j in range(width):
            grad_x[i, j] = grad_y[i, j] - exp(y[i, j]) * total
