"""Ops between a diagonal and the matrix that it lies in. Dims are not negative."""

from __future__ import annotations

import numpy as np

from tinyllm.ops.function import Array, Context, Function


def diagonal_of(x: Array, offset: int, dim1: int, dim2: int) -> Array:
    """The diagonal `offset` to the right of the main one, as a view that can be written to."""
    view = np.diagonal(x, offset, dim1, dim2)
    view.flags.writeable = x.flags.writeable  # NumPy gives a read-only view
    return view


class Diagonal(Function):
    """y_i = x[i, i + offset] of each matrix over the axes dim1 and dim2, without copying.

    Shapes:   x (..., N, ..., M, ...) -> y (..., L), L elements of the diagonal
    Adjoint:  grad_x = 0, but grad_y on the diagonal
    Saved:    nothing
    """

    numpy_may_warn = False

    @staticmethod
    def forward(ctx: Context, x: Array, offset: int, dim1: int, dim2: int) -> Array:
        ctx.shape, ctx.place = x.shape, (offset, dim1, dim2)
        return diagonal_of(x, offset, dim1, dim2)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        grad_x = np.zeros(ctx.shape, grad_y.dtype)
        diagonal_of(grad_x, *ctx.place)[...] = grad_y
        return grad_x


class DiagEmbed(Function):
    """y[i, i + offset] = x_i in a matrix of zeros over the axes dim1 and dim2 of y.

    Shapes:   x (..., L) -> y (..., N, ..., N, ...) with N = L + |offset|
    Adjoint:  grad_x = the diagonal of grad_y
    Saved:    nothing
    """

    numpy_may_warn = False

    @staticmethod
    def forward(ctx: Context, x: Array, offset: int, dim1: int, dim2: int) -> Array:
        ctx.place = offset, dim1, dim2
        size = x.shape[-1] + abs(offset)
        shape = list(x.shape[:-1])
        for axis in sorted((dim1, dim2)):
            shape.insert(axis, size)
        y = np.zeros(shape, x.dtype)
        diagonal_of(y, *ctx.place)[...] = x
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        return np.diagonal(grad_y, *ctx.place)
