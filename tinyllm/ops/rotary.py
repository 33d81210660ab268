"""Rotation of pairs, for rotary position embedding."""

from __future__ import annotations

from tinyllm import kernels
from tinyllm.ops.function import Array, Context, Function


class Rotate(Function):
    """Turn each pair (x_i, x_{i + D/2}) of the first `heads` heads by its angle.

    y_i = x_i cos_i - x_{i + D/2} sin_i;  y_{i + D/2} = x_{i + D/2} cos_i + x_i sin_i

    Shapes:   x (B, T, N, D), cos and sin (T, D/2) -> y (B, T, N, D)
    Adjoint:  the inverse rotation: the same with -sin, since a rotation's transpose is its inverse
    Saved:    nothing but cos and sin
    Source:   Su et al. 2021, arXiv:2104.09864, eq. 34
    """

    numpy_may_warn = False

    @staticmethod
    def forward(ctx: Context, x: Array, *, cos: Array, sin: Array, heads: int) -> Array:
        ctx.turn = cos, sin, heads
        return kernels.rotate(x, cos, sin, heads)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        cos, sin, heads = ctx.turn
        return kernels.rotate(grad_y, cos, -sin, heads)
