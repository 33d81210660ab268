"""Ops that pick elements by position. Picking one element twice adds its gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinyllm.ops.function import Array, Context, Function


class GetItem(Function):
    """y = x[index]; index is a tuple of slices, ints, None, `...`, and integer or bool arrays.

    Shapes:   as NumPy's indexing; slices and ints give a view, arrays a copy
    Adjoint:  grad_x = 0, plus grad_y at the positions that index names, as often as it names them
    Saved:    nothing (a copy of index is kept, since its arrays may change later)
    """

    @staticmethod
    def forward(ctx: Context, x: Array, index: tuple[Any, ...]) -> Array:
        ctx.shape, index = x.shape, with_ellipsis(index)
        if ctx.needs_input_grad[0]:
            ctx.index = tuple([p.copy() if isinstance(p, np.ndarray) else p for p in index])
        return x[index]

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        grad_x = np.zeros(ctx.shape, grad_y.dtype)
        scatter_add(grad_x, ctx.index, grad_y)
        return grad_x


def with_ellipsis(index: tuple[Any, ...]) -> tuple[Any, ...]:
    """End the index with `...`: it changes nothing, but x[0, 0, ...] stays an array, and a view."""
    return index if any(part is Ellipsis for part in index) else (*index, Ellipsis)


def scatter_add(target: Array, index: tuple[Any, ...], source: Array) -> None:
    """target[index] += source, where positions named twice get both."""
    if any(isinstance(part, np.ndarray) and part.dtype != bool for part in index):
        np.add.at(target, index, source)
    else:  # slices and masks name no position twice
        target[index] = source


class Gather(Function):
    """y[i][j][k] = x[i][index[i][j][k]][k] for dim = 1, and likewise for others.

    Shapes:   x (..., N, ...), index (..., M, ...) -> y (..., M, ...)
    Adjoint:  grad_x = 0, plus each grad_y at the position it came from
    Saved:    index
    """

    @staticmethod
    def forward(ctx: Context, x: Array, index: Array, dim: int) -> Array:
        ctx.save_for_backward(index)
        ctx.shape, ctx.dim = x.shape, dim
        return x[along(index, dim)]

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> tuple[Array, None]:
        (index,) = ctx.saved_tensors
        grad_x = np.zeros(ctx.shape, grad_y.dtype)
        positions = along(index, ctx.dim)
        if index.ndim and index.shape[ctx.dim] == 1:  # one pick along dim: none is named twice
            grad_x[positions] = grad_y
        else:
            np.add.at(grad_x, positions, grad_y)
        return grad_x, None


def along(index: Array, dim: int) -> tuple[Any, ...]:
    """The full index of every element: `index` itself along dim, and its own place elsewhere."""
    if index.ndim == 0:
        return (...,)
    places = list(np.ogrid[tuple(slice(n) for n in index.shape)])
    places[dim] = index
    return tuple(places)


class IndexSelect(Function):
    """y = the slices of x along dim that a 1-d index names, in its order.

    Shapes:   x (..., N, ...), index (M,) -> y (..., M, ...)
    Adjoint:  grad_x = 0, plus each slice of grad_y at the slice it came from
    Saved:    index
    """

    @staticmethod
    def forward(ctx: Context, x: Array, index: Array, dim: int) -> Array:
        ctx.save_for_backward(index)
        ctx.shape, ctx.dim = x.shape, dim
        return np.take(x, index, axis=dim)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> tuple[Array, None]:
        (index,) = ctx.saved_tensors
        grad_x = np.zeros(ctx.shape, grad_y.dtype)
        np.add.at(grad_x, (*(slice(None),) * ctx.dim, index), grad_y)
        return grad_x, None
