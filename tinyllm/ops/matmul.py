"""Matrix products."""

from __future__ import annotations

import math

import numpy as np

from tinyllm import kernels
from tinyllm.ops.function import Array, Context, Function, unbroadcast


class MatMul(Function):
    """y = a b, matrix by matrix; leading dimensions broadcast.

    Shapes:   a (..., M, K), b (..., K, N) -> y (..., M, N)
    Adjoint:  grad_a = grad_y b^T, grad_b = a^T grad_y, summed over broadcast dimensions
    Saved:    a, b
    """

    @staticmethod
    def forward(ctx: Context, a: Array, b: Array) -> Array:
        ctx.save_for_backward(a, b)
        return kernels.matmul(a, b)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> tuple[Array | None, Array | None]:
        a, b = ctx.saved_tensors
        grad_a = grad_b = None
        if ctx.needs_input_grad[0]:
            grad_a = unbroadcast(kernels.matmul(grad_y, b.swapaxes(-1, -2)), a.shape)
        if ctx.needs_input_grad[1]:
            if b.ndim == 2:  # one b for every a: one long product sums over the leading dimensions
                grad_b = _long_product(a, grad_y)
            else:
                grad_b = unbroadcast(kernels.matmul(a.swapaxes(-1, -2), grad_y), b.shape)
        return grad_a, grad_b


class Linear(Function):
    """y = x W^T + b + onto.

    Shapes:   x (..., in), weight (out, in), bias (out) or None, onto (..., out) or None
              -> y (..., out)
    Adjoint:  grad_x = grad_y W; grad_weight = grad_y^T x and grad_bias = grad_y, summed over rows;
              grad_onto = grad_y
    Saved:    x, weight
    """

    numpy_may_warn = False

    @staticmethod
    def forward(
        ctx: Context, x: Array, weight: Array, bias: Array | None, onto: Array | None
    ) -> Array:
        ctx.save_for_backward(x, weight)
        return kernels.linear(x, weight, bias, onto)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> tuple[Array | None, ...]:
        x, weight = ctx.saved_tensors
        wants_x, wants_weight, wants_bias, wants_onto = ctx.needs_input_grad
        grad_rows = _rows(np.ascontiguousarray(grad_y))
        grad_x = kernels.matmul(grad_rows, weight).reshape(x.shape) if wants_x else None
        grad_weight = _long_product(grad_rows, x) if wants_weight else None
        grad_bias = grad_rows.sum(axis=0) if wants_bias else None
        return grad_x, grad_weight, grad_bias, grad_y if wants_onto else None


def _long_product(a: Array, b: Array) -> Array:
    """sum over all leading dimensions of a^T b: a (..., M), b (..., N) -> (M, N)."""
    return kernels.matmul(_rows(a).T, _rows(b))


def _rows(x: Array) -> Array:
    """x (..., D) as a matrix (rows, D); where D is 0, -1 cannot stand for the rows."""
    return x.reshape(-1 if x.size else math.prod(x.shape[:-1]), x.shape[-1])
