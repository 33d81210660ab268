"""The length of vectors, in the sense of any p."""

from __future__ import annotations

import math

import numpy as np

from tinyllm.ops.function import Array, Context, Function
from tinyllm.ops.reduction import Axes, kept


class VectorNorm(Function):
    """y = (sum |x|^p)^(1/p) along dim; the largest or smallest |x| for p = inf or -inf.

    Shapes:   x (..., N, ...) -> y (..., ...), or (..., 1, ...) with keepdim
    Adjoint:  grad_x = grad_y sign(x) (|x| / y)^(p - 1), and 0 where y is 0; for p = inf and -inf
              the elements that reach y share grad_y
    Saved:    x, y
    """

    @staticmethod
    def forward(ctx: Context, x: Array, *, p: float, dim: Axes, keepdim: bool = False) -> Array:
        size = np.abs(x)
        if p == 2:
            y = np.sqrt((x * x).sum(axis=dim, keepdims=True))
        elif math.isinf(p):
            y = (size.max if p > 0 else size.min)(axis=dim, keepdims=True)
        elif p == 0:
            y = (x != 0).sum(axis=dim, keepdims=True).astype(x.dtype)
        elif p == 1:
            y = size.sum(axis=dim, keepdims=True)
        else:
            y = (size**p).sum(axis=dim, keepdims=True) ** (1 / p)
        y = np.asarray(y, x.dtype)
        ctx.p, ctx.dim = p, dim
        ctx.save_for_backward(x, y)
        return y if keepdim else y.reshape(_without(x.shape, dim))

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        x, y = ctx.saved_tensors
        p, grad = ctx.p, kept(grad_y, x.shape, ctx.dim)
        sign = np.where(np.isnan(x), 0, np.sign(x))  # as PyTorch's, which says 0 for NaN
        if p == 0:
            return np.zeros_like(x)
        if p == 1:
            return sign * grad
        if p == 2:
            return grad * np.where(y == 0, 0, x / y)
        if math.isinf(p):
            reach = (np.abs(x) == y) | np.isnan(x)
            shares = reach.sum(axis=ctx.dim, keepdims=True).astype(x.dtype)
            return sign * ((grad / shares) * reach)
        if p < 1:
            steep = np.where(x == 0, 0, np.abs(x) ** (p - 1))
            return sign * steep * grad * y ** (1 - p)
        scale = np.where(y == 0, 0, grad / y ** (p - 1))
        return sign * np.abs(x) ** (p - 1) * scale


def _without(shape: tuple[int, ...], dim: Axes) -> tuple[int, ...]:
    return () if dim is None else tuple(n for axis, n in enumerate(shape) if axis not in dim)
