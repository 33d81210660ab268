"""Products of elements: their derivatives are products of all the others, zeros or not."""

from __future__ import annotations

import numpy as np

from tinyllm.ops.function import Array, Context, Function


class Prod(Function):
    """y = product over one axis of x, or of all elements.

    Shapes:   x (..., N, ...) -> y (..., ...), or (..., 1, ...) with keepdim
    Adjoint:  grad_x_i = grad_y times the product of the x_j with j != i: of those before times
              those after, for y / x_i is nan at 0
    Saved:    x
    """

    @staticmethod
    def forward(ctx: Context, x: Array, dim: int | None = None, keepdim: bool = False) -> Array:
        ctx.save_for_backward(x)
        ctx.dim = dim
        return x.prod(axis=dim, dtype=x.dtype, keepdims=keepdim)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (x,) = ctx.saved_tensors
        axis, factors = (0, x.reshape(-1)) if ctx.dim is None else (ctx.dim, x)
        shape = [1 if i == axis else n for i, n in enumerate(factors.shape)]
        before = _product_of_those_before(factors, axis)
        after = np.flip(_product_of_those_before(np.flip(factors, axis), axis), axis)
        return (grad_y.reshape(shape) * before * after).reshape(x.shape)


def _product_of_those_before(x: Array, axis: int) -> Array:
    """1, x_1, x_1 x_2, x_1 x_2 x_3 … along the axis, as many as x has."""
    y = np.ones_like(x)
    rest = (slice(None),) * axis
    np.cumprod(x[(*rest, slice(-1))], axis=axis, out=y[(*rest, slice(1, None))])
    return y


class CumProd(Function):
    """y_i = x_1 x_2 … x_i along one axis.

    Shapes:   x (..., N, ...) -> y (..., N, ...)
    Adjoint:  grad_x_k = sum over i >= k of grad_y_i y_i / x_k, where x_k is not 0;
              at the first 0 the same with that 0 left out of y; 0 at any further one
    Saved:    x, y
    """

    @staticmethod
    def forward(ctx: Context, x: Array, dim: int) -> Array:
        y = x.cumprod(axis=dim, dtype=x.dtype)
        ctx.save_for_backward(x, y)
        ctx.dim = dim
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        x, y = ctx.saved_tensors
        grad_x = sum_from_here(grad_y * y, ctx.dim) / x
        zero = x == 0
        if not zero.any():
            return grad_x
        first = zero & (zero.cumsum(axis=ctx.dim) == 1)
        left_out = np.where(first, 1, x).cumprod(axis=ctx.dim, dtype=x.dtype)
        at_first = sum_from_here(grad_y * left_out, ctx.dim)
        return np.where(zero, np.where(first, at_first, 0), grad_x)


def sum_from_here(x: Array, axis: int) -> Array:
    """y_i = x_i + x_(i+1) + … along the axis, to the end."""
    return np.flip(np.flip(x, axis).cumsum(axis=axis, dtype=x.dtype), axis)
