"""Ops that reduce axes to one value. `dim` is a tuple of axes (none negative), or None for all."""

from __future__ import annotations

import numpy as np

from tinyllm.ops.function import Array, Context, Function

Axes = tuple[int, ...] | None


def kept(reduced: Array, shape: tuple[int, ...], dim: Axes) -> Array:
    """Put the reduced axes back, with size 1, so that the array broadcasts against the input."""
    axes = range(len(shape)) if dim is None else dim
    return reduced.reshape([1 if axis in axes else n for axis, n in enumerate(shape)])


def spread(grad_y: Array, shape: tuple[int, ...], dim: Axes) -> Array:
    """Repeat the gradient of a reduced array over the axes that were reduced."""
    grad = kept(grad_y, shape, dim)
    if 0 in shape:
        return np.zeros(shape, grad.dtype)
    if all(n == 1 or m != 1 for n, m in zip(shape, grad.shape, strict=True)):
        return grad  # nothing repeats; a broadcast view would be read-only for no reason
    return np.broadcast_to(grad, shape)


def count(shape: tuple[int, ...], dim: Axes) -> int:
    """How many elements are reduced to one."""
    return int(np.prod(shape if dim is None else [shape[axis] for axis in dim], dtype=np.int64))


class Sum(Function):
    """y = sum over dim of x.

    Shapes:   x (..., N, ...) -> y (..., ...), or (..., 1, ...) with keepdim
    Adjoint:  grad_x = grad_y, repeated along dim
    Saved:    nothing
    """

    @staticmethod
    def forward(ctx: Context, x: Array, dim: Axes = None, keepdim: bool = False) -> Array:
        ctx.shape, ctx.dim = x.shape, dim
        return x.sum(axis=dim, dtype=x.dtype, keepdims=keepdim)  # NumPy widens small integers

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        return spread(grad_y, ctx.shape, ctx.dim)


class Mean(Function):
    """y = (sum over dim of x) / N.

    Shapes:   x (..., N, ...) -> y (..., ...), or (..., 1, ...) with keepdim
    Adjoint:  grad_x = grad_y / N, repeated along dim
    Saved:    nothing
    """

    @staticmethod
    def forward(ctx: Context, x: Array, dim: Axes = None, keepdim: bool = False) -> Array:
        ctx.shape, ctx.dim = x.shape, dim
        return x.sum(axis=dim, keepdims=keepdim) / x.dtype.type(count(x.shape, dim))

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        return spread(grad_y / grad_y.dtype.type(count(ctx.shape, ctx.dim)), ctx.shape, ctx.dim)


class Var(Function):
    """y = sum over dim of (x - mean)^2 / (N - correction).

    Shapes:   x (..., N, ...) -> y (..., ...), or (..., 1, ...) with keepdim
    Adjoint:  grad_x = grad_y 2 (x - mean) / (N - correction); the mean's own term sums to zero
              (as in PyTorch inf where N <= correction, and nan where x is the mean besides)
    Saved:    x - mean
    """

    @staticmethod
    def forward(
        ctx: Context, x: Array, dim: Axes = None, correction: float = 1, keepdim: bool = False
    ) -> Array:
        y, centred, ctx.freedom = _variance(x, dim, correction, keepdim)
        ctx.save_for_backward(centred)
        ctx.dim = dim
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (centred,) = ctx.saved_tensors
        return spread(grad_y, centred.shape, ctx.dim) * _slope(centred, ctx.freedom)


class Std(Function):
    """y = sqrt(sum over dim of (x - mean)^2 / (N - correction)).

    Shapes:   x (..., N, ...) -> y (..., ...), or (..., 1, ...) with keepdim
    Adjoint:  grad_x = grad_y (x - mean) / (N - correction) / y, and 0 where y is 0: of all slopes
              between which it jumps there, the one that leaves equal elements alone
    Saved:    x - mean, y
    """

    @staticmethod
    def forward(
        ctx: Context, x: Array, dim: Axes = None, correction: float = 1, keepdim: bool = False
    ) -> Array:
        variance, centred, ctx.freedom = _variance(x, dim, correction, keepdim)
        y = np.sqrt(variance)
        ctx.save_for_backward(centred, y)
        ctx.dim = dim
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        centred, y = ctx.saved_tensors
        grad_variance = np.where(y == 0, 0, grad_y / (2 * y))
        return spread(grad_variance, centred.shape, ctx.dim) * _slope(centred, ctx.freedom)


def _variance(
    x: Array, dim: Axes, correction: float, keepdim: bool
) -> tuple[Array, Array, np.floating]:
    """The variance, x - mean, and N - correction."""
    n = x.dtype.type(count(x.shape, dim))
    centred = x - x.sum(axis=dim, keepdims=True) / n
    freedom = np.maximum(n - x.dtype.type(correction), 0)
    return (centred * centred).sum(axis=dim, keepdims=keepdim) / freedom, centred, freedom


def _slope(centred: Array, freedom: np.floating) -> Array:
    """d variance / d x."""
    if freedom > 0:
        return 2 * centred / freedom
    return np.where(centred == 0, np.nan, np.inf).astype(centred.dtype)


class Amax(Function):
    """y = the largest x over dim.

    Shapes:   x (..., N, ...) -> y (..., ...), or (..., 1, ...) with keepdim
    Adjoint:  grad_y goes in equal parts to all elements that reach the maximum
    Saved:    x, y
    """

    @staticmethod
    def forward(ctx: Context, x: Array, dim: Axes = None, keepdim: bool = False) -> Array:
        y = x.max(axis=dim, keepdims=keepdim)
        ctx.save_for_backward(x, y)
        ctx.dim = dim
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        return _to_the_extremes(ctx, grad_y)


class Amin(Function):
    """y = the smallest x over dim.

    Shapes:   x (..., N, ...) -> y (..., ...), or (..., 1, ...) with keepdim
    Adjoint:  grad_y goes in equal parts to all elements that reach the minimum
    Saved:    x, y
    """

    @staticmethod
    def forward(ctx: Context, x: Array, dim: Axes = None, keepdim: bool = False) -> Array:
        y = x.min(axis=dim, keepdims=keepdim)
        ctx.save_for_backward(x, y)
        ctx.dim = dim
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        return _to_the_extremes(ctx, grad_y)


def _to_the_extremes(ctx: Context, grad_y: Array) -> Array:
    x, y = ctx.saved_tensors
    reached = x == kept(y, x.shape, ctx.dim)
    ties = reached.sum(axis=ctx.dim, keepdims=True).astype(x.dtype)
    return reached * (kept(grad_y, x.shape, ctx.dim) / ties)


class Max(Function):
    """y = the largest x along one axis, and the index at which it stands (the first one).

    Shapes:   x (..., N, ...) -> y, index (..., ...), or (..., 1, ...) with keepdim
    Adjoint:  grad_y goes to the element at the index
    Saved:    index
    """

    @staticmethod
    def forward(ctx: Context, x: Array, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
        return _take(ctx, x, np.argmax(x, axis=dim, keepdims=True), dim, keepdim)

    @staticmethod
    def backward(ctx: Context, grad_y: Array, grad_index: Array) -> Array:
        return _put(ctx, grad_y)


class Min(Function):
    """y = the smallest x along one axis, and the index at which it stands (the first one).

    Shapes:   x (..., N, ...) -> y, index (..., ...), or (..., 1, ...) with keepdim
    Adjoint:  grad_y goes to the element at the index
    Saved:    index
    """

    @staticmethod
    def forward(ctx: Context, x: Array, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
        return _take(ctx, x, np.argmin(x, axis=dim, keepdims=True), dim, keepdim)

    @staticmethod
    def backward(ctx: Context, grad_y: Array, grad_index: Array) -> Array:
        return _put(ctx, grad_y)


def _take(ctx: Context, x: Array, index: Array, dim: int, keepdim: bool) -> tuple[Array, Array]:
    ctx.save_for_backward(index)
    ctx.shape, ctx.dim = x.shape, dim
    ctx.mark_non_differentiable(1)
    y = np.take_along_axis(x, index, axis=dim)
    if keepdim:
        return y, index.copy()
    return y.squeeze(axis=dim), index.squeeze(axis=dim).copy()


def _put(ctx: Context, grad_y: Array) -> Array:
    (index,) = ctx.saved_tensors
    grad_x = np.zeros(ctx.shape, grad_y.dtype)
    np.put_along_axis(grad_x, index, grad_y.reshape(index.shape), axis=ctx.dim)
    return grad_x


class LogSumExp(Function):
    """y = log sum over dim of exp x, computed as m + log sum exp(x - m) with m = max x.

    Shapes:   x (..., N, ...) -> y (..., ...), or (..., 1, ...) with keepdim
    Adjoint:  grad_x = grad_y exp(x - y), the softmax; 0 where y = -inf
    Saved:    x, y
    """

    @staticmethod
    def forward(ctx: Context, x: Array, dim: Axes, keepdim: bool = False) -> Array:
        m = x.max(axis=dim, keepdims=True, initial=-np.inf)
        m = np.where(np.isfinite(m), m, 0)  # -inf - -inf would be nan
        y = np.log(np.exp(x - m).sum(axis=dim, keepdims=keepdim))
        y = y + m.reshape(y.shape)
        ctx.save_for_backward(x, y)
        ctx.dim = dim
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        x, y = ctx.saved_tensors
        y = kept(y, x.shape, ctx.dim)
        share = np.exp(x - np.where(y == -np.inf, 0, y))
        return kept(grad_y, x.shape, ctx.dim) * share
