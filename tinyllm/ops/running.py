"""Running sums: each element and all before it."""

from __future__ import annotations

import numpy as np

from tinyllm.ops.function import Array, Context, Function
from tinyllm.ops.products import sum_from_here


class CumSum(Function):
    """y_i = x_1 + x_2 + … + x_i along one axis.

    Shapes:   x (..., N, ...) -> y (..., N, ...)
    Adjoint:  grad_x_k = sum over i >= k of grad_y_i: each x is in all the sums from its own on
    Saved:    nothing
    """

    @staticmethod
    def forward(ctx: Context, x: Array, dim: int) -> Array:
        ctx.dim = dim
        return x.cumsum(axis=dim, dtype=x.dtype)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        return sum_from_here(grad_y, ctx.dim)


class LogCumSumExp(Function):
    """y_i = log(exp x_1 + exp x_2 + … + exp x_i) along one axis, without overflow.

    Shapes:   x (..., N, ...) -> y (..., N, ...)
    Adjoint:  grad_x_k = exp(x_k) times the sum over i >= k of grad_y_i exp(-y_i), in which those
              of either sign are summed as logarithms; 0 where y_i = -inf
    Saved:    x, y
    """

    @staticmethod
    def forward(ctx: Context, x: Array, dim: int) -> Array:
        y = np.logaddexp.accumulate(x, axis=dim)
        ctx.save_for_backward(x, y)
        ctx.dim = dim
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        x, y = ctx.saved_tensors

        def part(grad: Array) -> Array:
            logs = np.flip(np.where(y == -np.inf, y, np.log(grad) - y), ctx.dim)
            return np.exp(np.flip(np.logaddexp.accumulate(logs, axis=ctx.dim), ctx.dim) + x)

        return part(np.maximum(grad_y, 0)) - part(np.maximum(-grad_y, 0))
