"""layer_norm and rms_norm over the last axis, forward and backward."""

from __future__ import annotations

import numpy as np

from tinyllm.kernels.jit import inlined, parallel
from tinyllm.kernels.kernel import kernel
from tinyllm.kernels.memory import empty_like
from tinyllm.kernels.rows import as_rows, n_rows
from tinyllm.kernels.threads import sums_apart, threads_for


@kernel
def layer_norm(x, weight, bias, eps):
    """y = (x - mean) * rstd * weight + bias, rstd = 1 / sqrt(var + eps); also mean and rstd.

    x (..., D), weight and bias (D,) -> y (..., D), mean (...), rstd (...)
    """
    mean = x.mean(axis=-1)
    centred = x - mean[..., None]
    rstd = 1 / np.sqrt((centred * centred).mean(axis=-1) + x.dtype.type(eps))
    return centred * rstd[..., None] * weight + bias, mean, rstd


@layer_norm.fast
def layer_norm(x, weight, bias, eps):
    rows, threads = as_rows(x), threads_for(x.size)
    y = empty_like(rows)
    mean, rstd = np.empty(len(rows), x.dtype), np.empty(len(rows), x.dtype)
    layer_norm_rows(len(rows), threads, rows, weight, bias, eps, y, mean, rstd)
    shape = x.shape[:-1]
    return y.reshape(x.shape), mean.reshape(shape), rstd.reshape(shape)


@kernel
def layer_norm_backward(grad_y, x, weight, mean, rstd):
    """With n = (x - mean) * rstd and g = grad_y * weight:

    grad_x = rstd * (g - mean_j g_j - n * mean_j (g_j n_j)); grad_weight = sum over rows of
    grad_y * n; grad_bias = sum over rows of grad_y.
    """
    n = (x - mean[..., None]) * rstd[..., None]
    g = grad_y * weight
    grad_x = rstd[..., None] * (
        g - g.mean(axis=-1, keepdims=True) - n * (g * n).mean(axis=-1, keepdims=True)
    )
    rows = tuple(range(x.ndim - 1))
    return grad_x, (grad_y * n).sum(axis=rows), grad_y.sum(axis=rows)


@layer_norm_backward.fast
def layer_norm_backward(grad_y, x, weight, mean, rstd):
    grad_x, rows = empty_like(x), as_rows(x)
    threads = threads_for(x.size)
    partial = sums_apart(threads, (2, weight.size), weight.dtype)  # of grad_weight, grad_bias
    _layer_norm_backward(
        threads,
        threads,
        as_rows(grad_y),
        rows,
        weight,
        mean.reshape(-1),
        rstd.reshape(-1),
        grad_x.reshape(rows.shape),
        partial,
    )
    sums = partial.sum(axis=0) if threads > 1 else partial[0]
    grad_weight, grad_bias = sums[:, : weight.size]
    return grad_x, grad_weight, grad_bias


@kernel
def rms_norm(x, weight, eps):
    """y = x * rstd * weight, rstd = 1 / sqrt(mean(x^2) + eps); also rstd.

    x (..., D), weight (D,) -> y (..., D), rstd (...)
    """
    rstd = 1 / np.sqrt((x * x).mean(axis=-1) + x.dtype.type(eps))
    return x * rstd[..., None] * weight, rstd


@rms_norm.fast
def rms_norm(x, weight, eps):
    y, rstd = empty_like(x), np.empty(x.shape[:-1], x.dtype)
    rms_norm_rows(n_rows(x), threads_for(x.size), as_rows(x), weight, eps, as_rows(y), rstd.ravel())
    return y, rstd


@kernel
def rms_norm_backward(grad_y, x, weight, rstd):
    """With n = x * rstd and g = grad_y * weight:

    grad_x = rstd * (g - n * mean_j (g_j n_j)); grad_weight = sum over rows of grad_y * n.
    """
    n = x * rstd[..., None]
    g = grad_y * weight
    grad_x = rstd[..., None] * (g - n * (g * n).mean(axis=-1, keepdims=True))
    return grad_x, (grad_y * n).sum(axis=tuple(range(x.ndim - 1)))


@rms_norm_backward.fast
def rms_norm_backward(grad_y, x, weight, rstd):
    grad_x = empty_like(x)
    threads = threads_for(x.size)
    partial = sums_apart(threads, weight.shape, weight.dtype)
    rstd, rows = rstd.ravel(), as_rows(x)
    _rms_norm_backward(
        threads, threads, as_rows(grad_y), rows, weight, rstd, as_rows(grad_x), partial
    )
    sums = partial.sum(axis=0) if threads > 1 else partial[0]
    return grad_x, sums[: weight.size]


@parallel
def layer_norm_rows(x, weight, bias, eps, y, mean, rstd, start, stop):
    width = x.shape[1]
    one = x.dtype.type(1)
    per_element = one / x.dtype.type(width)
    for i in range(start, stop):
        total = x.dtype.type(0)
        for j in range(width):
            total += x[i, j]
        m = total * per_element
        squares = x.dtype.type(0)
        for j in range(width):
            squares += (x[i, j] - m) * (x[i, j] - m)
        r = one / np.sqrt(squares * per_element + x.dtype.type(eps))
        mean[i], rstd[i] = m, r
        for j in range(width):
            y[i, j] = (x[i, j] - m) * r * weight[j] + bias[j]


@inlined
def _layer_norm_backward_rows(grad_y, x, weight, mean, rstd, grad_x, partial, start, stop):
    width = x.shape[1]
    per_element = x.dtype.type(1) / x.dtype.type(width)
    for i in range(start, stop):
        m, r = mean[i], rstd[i]
        sum_g, sum_gn = x.dtype.type(0), x.dtype.type(0)
        for j in range(width):
            g = grad_y[i, j] * weight[j]
            sum_g += g
            sum_gn += g * (x[i, j] - m)
        mean_g, mean_gn = sum_g * per_element, sum_gn * r * per_element
        for j in range(width):
            n = (x[i, j] - m) * r
            grad_x[i, j] = r * (grad_y[i, j] * weight[j] - mean_g - n * mean_gn)
            partial[0, j] += grad_y[i, j] * n
            partial[1, j] += grad_y[i, j]


@parallel
def _layer_norm_backward(grad_y, x, weight, mean, rstd, grad_x, partial, start, stop):
    parts, rows = partial.shape[0], x.shape[0]
    for part in range(start, stop):
        first, last = rows * part // parts, rows * (part + 1) // parts
        _layer_norm_backward_rows(grad_y, x, weight, mean, rstd, grad_x, partial[part], first, last)


@parallel
def rms_norm_rows(x, weight, eps, y, rstd, start, stop):
    width = x.shape[1]
    one = x.dtype.type(1)
    for i in range(start, stop):
        squares = x.dtype.type(0)
        for j in range(width):
            squares += x[i, j] * x[i, j]
        r = one / np.sqrt(squares / x.dtype.type(width) + x.dtype.type(eps))
        rstd[i] = r
        for j in range(width):
            y[i, j] = x[i, j] * r * weight[j]


@inlined
def _rms_norm_backward_rows(grad_y, x, weight, rstd, grad_x, partial, start, stop):
    width = x.shape[1]
    for i in range(start, stop):
        r = rstd[i]
        sum_gn = x.dtype.type(0)
        for j in range(width):
            sum_gn += grad_y[i, j] * weight[j] * x[i, j]
        mean_gn = sum_gn * r / x.dtype.type(width)
        for j in range(width):
            n = x[i, j] * r
            grad_x[i, j] = r * (grad_y[i, j] * weight[j] - n * mean_gn)
            partial[j] += grad_y[i, j] * n


@parallel
def _rms_norm_backward(grad_y, x, weight, rstd, grad_x, partial, start, stop):
    parts, rows = partial.shape[0], x.shape[0]
    for part in range(start, stop):
        first, last = rows * part // parts, rows * (part + 1) // parts
        _rms_norm_backward_rows(grad_y, x, weight, rstd, grad_x, partial[part], first, last)
