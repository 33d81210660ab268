"""Rotation of pairs, for rotary position embedding."""

from __future__ import annotations

import numpy as np

from tinyllm.ops.function import Array, Context, Function


class Rotate(Function):
    """Turn each pair (x_i, x_{i + D/2}) by its angle.

    y_i = x_i cos_i - x_{i + D/2} sin_i;  y_{i + D/2} = x_{i + D/2} cos_i + x_i sin_i

    Shapes:   x (..., T, D), cos and sin (T, D/2) -> y (..., T, D)
    Adjoint:  the inverse rotation: the same with -sin, since a rotation's transpose is its inverse
    Saved:    nothing but cos and sin
    Source:   Su et al. 2021, arXiv:2104.09864, eq. 34
    """

    @staticmethod
    def forward(ctx: Context, x: Array, *, cos: Array, sin: Array) -> Array:
        ctx.cos, ctx.sin = cos, sin
        return _turned(x, cos, sin)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        return _turned(grad_y, ctx.cos, -ctx.sin)


def _turned(x: Array, cos: Array, sin: Array) -> Array:
    y = np.empty_like(x)  # in x's order of axes, which attention's backward reads without a copy
    half = x.shape[-1] // 2
    first, second = x[..., :half], x[..., half:]
    np.multiply(first, cos, out=y[..., :half])
    np.multiply(second, cos, out=y[..., half:])
    y[..., :half] -= second * sin
    y[..., half:] += first * sin
    return y
