"""Rotation of pairs, for rotary position embedding."""

from __future__ import annotations

import numpy as np

from tinyllm.kernels.jit import parallel
from tinyllm.kernels.kernel import kernel
from tinyllm.kernels.memory import empty_like
from tinyllm.kernels.threads import threads_for


@kernel
def rotate(x, cos, sin, heads):
    """Turn the pairs (x_i, x_{i + D/2}) of the first `heads` heads; the others stay as they are.

    y_i = x_i cos_i - x_{i + D/2} sin_i;  y_{i + D/2} = x_{i + D/2} cos_i + x_i sin_i
    x (B, T, N, D), cos and sin (T, D/2) -> y (B, T, N, D)
    """
    y = np.array(x, order="C")
    half = x.shape[-1] // 2
    cos, sin = cos[:, None], sin[:, None]
    first, second = x[:, :, :heads, :half], x[:, :, :heads, half:]
    y[:, :, :heads, :half] = first * cos - second * sin
    y[:, :, :heads, half:] = second * cos + first * sin
    return y


@rotate.fast
def rotate(x, cos, sin, heads):
    y = empty_like(x)
    B, T = x.shape[:2]
    rotate_rows(B * T, threads_for(x.size), np.ascontiguousarray(x), cos, sin, heads, y)
    return y


@parallel
def rotate_rows(x, cos, sin, heads, y, start, stop):
    T, N, half = x.shape[1], x.shape[2], x.shape[3] // 2
    for i in range(start, stop):
        b, t = i // T, i % T
        c, s = cos[t], sin[t]
        for h in range(N):
            row, turned = x[b, t, h], y[b, t, h]
            if h < heads:
                for j in range(half):
                    turned[j] = row[j] * c[j] - row[half + j] * s[j]
                    turned[half + j] = row[half + j] * c[j] + row[j] * s[j]
            else:
                for j in range(row.size):
                    turned[j] = row[j]
