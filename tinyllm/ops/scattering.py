"""Ops that write or add elements at positions named by an index, or by a mask."""

from __future__ import annotations

import numpy as np

from tinyllm.ops.function import Array, Context, Function
from tinyllm.ops.indexing import along


def _part(shape: tuple[int, ...]) -> tuple[slice, ...]:
    """The first shape[i] elements along each axis: as much of src as index speaks of."""
    return tuple(slice(n) for n in shape)


class Scatter(Function):
    """y = x, but y[i][index[i][j][k]][k] = src[i][j][k] for dim = 1, and likewise for others.

    Shapes:   x (..., N, ...), index (..., M, ...), src at least as large as index -> y as x
    Adjoint:  grad_x = grad_y, but 0 where src was written; grad_src = grad_y at these positions, 0
              beyond index. Where index names a position twice the last one stays, and as in PyTorch
              each gets the gradient: only where it names none twice is the gradient right.
    Saved:    index
    """

    numpy_may_warn = False

    @staticmethod
    def forward(ctx: Context, x: Array, index: Array, src: Array, dim: int) -> Array:
        ctx.save_for_backward(index)
        ctx.src_shape, ctx.dim = src.shape, dim
        y = x.copy()
        y[along(index, dim)] = src[_part(index.shape)]
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> tuple[Array | None, None, Array | None]:
        (index,) = ctx.saved_tensors
        wants_x, _, wants_src = ctx.needs_input_grad
        grad_x = grad_src = None
        if wants_x:
            grad_x = grad_y.copy()
            grad_x[along(index, ctx.dim)] = 0
        if wants_src:
            grad_src = _grad_of_source(grad_y, index, ctx.src_shape, ctx.dim)
        return grad_x, None, grad_src


class ScatterAdd(Function):
    """y = x, plus each src[i][j][k] at y[i][index[i][j][k]][k] for dim = 1, likewise for others.

    Shapes:   x (..., N, ...), index (..., M, ...), src at least as large as index -> y as x
    Adjoint:  grad_x = grad_y; grad_src = grad_y at the positions that index names, 0 beyond index
    Saved:    index
    """

    @staticmethod
    def forward(ctx: Context, x: Array, index: Array, src: Array, dim: int) -> Array:
        ctx.save_for_backward(index)
        ctx.src_shape, ctx.dim = src.shape, dim
        y = x.copy()
        np.add.at(y, along(index, dim), src[_part(index.shape)])
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> tuple[Array, None, Array | None]:
        (index,) = ctx.saved_tensors
        if not ctx.needs_input_grad[2]:
            return grad_y, None, None
        return grad_y, None, _grad_of_source(grad_y, index, ctx.src_shape, ctx.dim)


def _grad_of_source(grad_y: Array, index: Array, shape: tuple[int, ...], dim: int) -> Array:
    picked = grad_y[along(index, dim)]
    if shape == index.shape:
        return picked
    grad_src = np.zeros(shape, grad_y.dtype)
    grad_src[_part(index.shape)] = picked
    return grad_src


class IndexAdd(Function):
    """y = x, plus slice i of source at slice index_i of y along dim.

    Shapes:   x (..., N, ...), index (M,), source (..., M, ...) -> y as x
    Adjoint:  grad_x = grad_y; grad_source = the slices of grad_y that index names
    Saved:    index
    """

    @staticmethod
    def forward(ctx: Context, x: Array, index: Array, source: Array, dim: int) -> Array:
        ctx.save_for_backward(index)
        ctx.dim = dim
        y = x.copy()
        np.add.at(y, (*(slice(None),) * dim, index), source)
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> tuple[Array, None, Array | None]:
        (index,) = ctx.saved_tensors
        wanted = ctx.needs_input_grad[2]
        return grad_y, None, np.take(grad_y, index, axis=ctx.dim) if wanted else None


class MaskedScatter(Function):
    """y = x, but where mask holds the elements of source, in row-major order.

    Shapes:   x and mask of one shape, source of any with enough elements -> y as x
    Adjoint:  grad_x = 0 where mask holds, else grad_y; grad_source = grad_y where mask holds, one
              after the other, and 0 for elements that were not used
    Saved:    mask
    """

    numpy_may_warn = False

    @staticmethod
    def forward(ctx: Context, x: Array, mask: Array, source: Array) -> Array:
        ctx.save_for_backward(mask)
        ctx.source_shape = source.shape
        y = x.copy()
        y[mask] = source.reshape(-1)[: np.count_nonzero(mask)]
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> tuple[Array, None, Array]:
        (mask,) = ctx.saved_tensors
        grad_source = np.zeros(ctx.source_shape, grad_y.dtype)
        used = grad_y[mask]
        grad_source.reshape(-1)[: used.size] = used  # a view: grad_source is contiguous
        return np.where(mask, 0, grad_y), None, grad_source
