"""Ops that repeat, turn round, shift and surround elements; all copy. Dims are not negative."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinyllm.ops.function import Array, Context, Function


class Repeat(Function):
    """y = x laid side by side repeats[i] times along axis i.

    Shapes:   x (N, M), say -> y (R N, Q M)
    Adjoint:  grad_x = the sum of grad_y over the copies
    Saved:    nothing
    """

    numpy_may_warn = False

    @staticmethod
    def forward(ctx: Context, x: Array, repeats: tuple[int, ...]) -> Array:
        ctx.shape, ctx.repeats = x.shape, repeats
        return np.tile(x, repeats)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        fresh = len(ctx.repeats) - len(ctx.shape)  # new axes in front have size 1 in x
        sizes = (1,) * fresh + ctx.shape
        # axis i of y becomes two: which copy, and where in it
        copies = [n for pair in zip(ctx.repeats, sizes, strict=True) for n in pair]
        summed = grad_y.reshape(copies).sum(axis=tuple(range(0, len(copies), 2)))
        return np.asarray(summed).reshape(ctx.shape)


class RepeatInterleave(Function):
    """y = x with each slice along `dim` repeated on the spot: `repeats` times, or repeats[i] times.

    Shapes:   x (..., N, ...) -> y (..., sum of repeats, ...)
    Adjoint:  each slice of grad_x is the sum of grad_y over its repetitions
    Saved:    nothing (repeats is kept)
    """

    numpy_may_warn = False

    @staticmethod
    def forward(ctx: Context, x: Array, repeats: int | Array, dim: int) -> Array:
        ctx.shape, ctx.repeats, ctx.dim = x.shape, repeats, dim
        return np.repeat(x, repeats, axis=dim)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        shape, dim = ctx.shape, ctx.dim
        if isinstance(ctx.repeats, int):
            apart = (*shape[: dim + 1], ctx.repeats, *shape[dim + 1 :])
            return grad_y.reshape(apart).sum(axis=dim + 1)
        origin = np.repeat(np.arange(shape[dim]), ctx.repeats)
        grad_x = np.zeros(shape, grad_y.dtype)
        np.add.at(grad_x, (*(slice(None),) * dim, origin), grad_y)
        return grad_x


class Flip(Function):
    """y = x in reverse order along some axes.

    Adjoint:  grad_x = grad_y in reverse order along the same axes
    Saved:    nothing
    """

    numpy_may_warn = False

    @staticmethod
    def forward(ctx: Context, x: Array, dims: tuple[int, ...]) -> Array:
        ctx.dims = dims
        return np.flip(x, dims).copy()

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        return np.flip(grad_y, ctx.dims).copy()


class Roll(Function):
    """y_((i + shift) mod N) = x_i along each of some axes: what falls off comes in at the start.

    Adjoint:  grad_x = grad_y shifted back
    Saved:    nothing
    """

    numpy_may_warn = False

    @staticmethod
    def forward(ctx: Context, x: Array, shifts: tuple[int, ...], dims: tuple[int, ...]) -> Array:
        ctx.back, ctx.dims = tuple(-shift for shift in shifts), dims
        return np.roll(x, shifts, dims)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        return np.roll(grad_y, ctx.back, ctx.dims)


class Pad(Function):
    """y = x surrounded by `value`: widths[i] = (before, after) along axis i; below 0 cuts off.

    Shapes:   x (..., N, ...) -> y (..., before + N + after, ...)
    Adjoint:  grad_x = grad_y where x stands in y; 0 for what was cut off
    Saved:    nothing
    """

    numpy_may_warn = False

    @staticmethod
    def forward(ctx: Context, x: Array, widths: Sequence[tuple[int, int]], value: float) -> Array:
        shape = [before + n + after for n, (before, after) in zip(x.shape, widths, strict=True)]
        ctx.shape = x.shape
        ctx.kept = _window(x.shape, [(-before, -after) for before, after in widths])
        ctx.place = _window(shape, widths)
        y = np.full(shape, value, x.dtype)
        y[ctx.place] = x[ctx.kept]
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        grad_x = np.zeros(ctx.shape, grad_y.dtype)
        grad_x[ctx.kept] = grad_y[ctx.place]
        return grad_x


def _window(shape: Sequence[int], widths: Sequence[tuple[int, int]]) -> tuple[slice, ...]:
    """What is left of each axis without margins of the given widths, where they are above 0."""
    return tuple(
        slice(max(before, 0), n - max(after, 0))
        for n, (before, after) in zip(shape, widths, strict=True)
    )
