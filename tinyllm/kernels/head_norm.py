"""Queries and keys divided by their root mean square, head by head; forward and backward."""

from __future__ import annotations

import numpy as np

from tinyllm.kernels.jit import parallel
from tinyllm.kernels.kernel import kernel
from tinyllm.kernels.memory import empty_like
from tinyllm.kernels.threads import threads_for


@kernel
def rms_norm_heads(x, heads, eps, gain):
    """y = x * scale, scale = gain / sqrt(mean(x^2) + eps), in the first `heads` heads; also scale.

    The other heads stay as they are. x (B, T, N, D) -> y (B, T, N, D), scale (B, T, heads)
    """
    y = np.array(x, order="C")
    first = x[:, :, :heads]
    scale = x.dtype.type(gain) / np.sqrt((first * first).mean(axis=-1) + x.dtype.type(eps))
    y[:, :, :heads] = first * scale[..., None]
    return y, scale


@rms_norm_heads.fast
def rms_norm_heads(x, heads, eps, gain):
    B, T, N, D = x.shape
    y, scale = empty_like(x), np.empty((B, T, heads), x.dtype)
    rows = np.ascontiguousarray(x).reshape(B * T, N, D)
    out, per_row = y.reshape(rows.shape), scale.reshape(B * T, heads)
    rms_norm_heads_rows(B * T, threads_for(x.size), rows, float(eps), float(gain), out, per_row)
    return y, scale


@kernel
def rms_norm_heads_backward(grad_y, y, scale, gain):
    """grad_x = scale * (grad_y - y * mean_j (grad_y_j y_j) / gain^2) in the heads with a scale.

    grad_y and y (B, T, N, D), scale (B, T, heads) -> grad_x (B, T, N, D)
    """
    heads = scale.shape[2]
    grad_x = np.array(grad_y, order="C")
    g, n = grad_y[:, :, :heads], y[:, :, :heads]
    along = (g * n).mean(axis=-1, keepdims=True) / y.dtype.type(gain * gain)
    grad_x[:, :, :heads] = scale[..., None] * (g - n * along)
    return grad_x


@rms_norm_heads_backward.fast
def rms_norm_heads_backward(grad_y, y, scale, gain):
    B, T, N, D = y.shape
    grad_x = empty_like(y)
    shape = (B * T, N, D)
    _rms_norm_heads_backward(
        B * T,
        threads_for(y.size),
        np.ascontiguousarray(grad_y).reshape(shape),
        np.ascontiguousarray(y).reshape(shape),
        np.ascontiguousarray(scale).reshape(B * T, scale.shape[2]),
        float(gain),
        grad_x.reshape(shape),
    )
    return grad_x


@parallel
def rms_norm_heads_rows(x, eps, gain, y, scale, start, stop):
    heads, D = scale.shape[1], x.shape[2]
    one = x.dtype.type(1)
    for i in range(start, stop):
        for h in range(x.shape[1]):
            row, out = x[i, h], y[i, h]
            r = one
            if h < heads:
                squares = x.dtype.type(0)
                for j in range(D):
                    squares += row[j] * row[j]
                r = x.dtype.type(gain) / np.sqrt(squares / x.dtype.type(D) + x.dtype.type(eps))
                scale[i, h] = r
            for j in range(D):
                out[j] = row[j] * r


@parallel
def _rms_norm_heads_backward(grad_y, y, scale, gain, grad_x, start, stop):
    heads, D = scale.shape[1], y.shape[2]
    share = y.dtype.type(1 / (D * gain * gain))
    for i in range(start, stop):
        for h in range(heads):
            g, n, out = grad_y[i, h], y[i, h], grad_x[i, h]
            total = y.dtype.type(0)
            for j in range(D):
                total += g[j] * n[j]
            r, along = scale[i, h], total * share
            for j in range(D):
                out[j] = r * (g[j] - n[j] * along)
        for h in range(heads, y.shape[1]):  # in a loop of their own: a branch keeps both scalar
            g, out = grad_y[i, h], grad_x[i, h]
            for j in range(D):
                out[j] = g[j]
