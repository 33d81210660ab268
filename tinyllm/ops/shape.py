"""Ops that move elements and change none: views where NumPy can. Dims are not negative."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from tinyllm.ops.function import Array, Context, Function, unbroadcast


class Reshape(Function):
    """y = the elements of x, in row-major order, in another shape.

    Adjoint:  grad_x = grad_y in the shape of x
    Saved:    nothing
    """

    numpy_may_warn = False

    @staticmethod
    def forward(ctx: Context, x: Array, shape: tuple[int, ...]) -> Array:
        ctx.shape = x.shape
        return x.reshape(shape)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        return grad_y.reshape(ctx.shape)


class Permute(Function):
    """y = x with its axes in another order: axis i of y is axis dims[i] of x.

    Shapes:   x (n_0, n_1, ...) -> y (n_dims[0], n_dims[1], ...)
    Adjoint:  grad_x = grad_y with the order undone
    Saved:    nothing
    """

    numpy_may_warn = False

    @staticmethod
    def forward(ctx: Context, x: Array, dims: tuple[int, ...]) -> Array:
        ctx.dims = dims
        return x.transpose(dims)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        return grad_y.transpose([ctx.dims.index(axis) for axis in range(len(ctx.dims))])


class Transpose(Function):
    """y = x with two axes exchanged.

    Shapes:   x (..., N, ..., M, ...) -> y (..., M, ..., N, ...)
    Adjoint:  grad_x = grad_y with the same axes exchanged
    Saved:    nothing
    """

    numpy_may_warn = False

    @staticmethod
    def forward(ctx: Context, x: Array, dim0: int, dim1: int) -> Array:
        ctx.dims = dim0, dim1
        return x.swapaxes(dim0, dim1)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        return grad_y.swapaxes(*ctx.dims)


class Squeeze(Function):
    """y = x without the axes `dims`, all of size 1.

    Shapes:   x (..., 1, ...) -> y (..., ...)
    Adjoint:  grad_x = grad_y in the shape of x
    Saved:    nothing
    """

    numpy_may_warn = False

    @staticmethod
    def forward(ctx: Context, x: Array, dims: tuple[int, ...]) -> Array:
        ctx.shape = x.shape
        return x.squeeze(axis=dims)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        return grad_y.reshape(ctx.shape)


class Unsqueeze(Function):
    """y = x with a new axis of size 1 at `dim`.

    Shapes:   x (..., ...) -> y (..., 1, ...)
    Adjoint:  grad_x = grad_y in the shape of x
    Saved:    nothing
    """

    numpy_may_warn = False

    @staticmethod
    def forward(ctx: Context, x: Array, dim: int) -> Array:
        ctx.shape = x.shape
        return np.expand_dims(x, dim)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        return grad_y.reshape(ctx.shape)


class Expand(Function):
    """y = x repeated along axes of size 1, and along new axes in front, without copying.

    Shapes:   x (1, N) -> y (M, N), say
    Adjoint:  grad_x = the sum of grad_y over the repetitions
    Saved:    nothing
    """

    numpy_may_warn = False

    @staticmethod
    def forward(ctx: Context, x: Array, shape: tuple[int, ...]) -> Array:
        ctx.shape = x.shape
        # broadcast_to makes a view that cannot be written to, needless where nothing repeats
        return x.reshape(shape) if x.size == np.prod(shape) else np.broadcast_to(x, shape)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        return unbroadcast(grad_y, ctx.shape)


class Cat(Function):
    """y = the arrays one after the other along an axis that they have.

    Shapes:   (..., N_1, ...), (..., N_2, ...) -> y (..., N_1 + N_2, ...)
    Adjoint:  each array gets its stretch of grad_y
    Saved:    nothing
    """

    @staticmethod
    def forward(ctx: Context, *arrays: Array, dim: int) -> Array:
        ctx.dim, ctx.sizes = dim, [x.shape[dim] for x in arrays]
        return np.concatenate(arrays, axis=dim)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> tuple[Array | None, ...]:
        return tuple(
            stretch if wanted else None
            for stretch, wanted in zip(
                _stretches(grad_y, ctx.sizes, ctx.dim), ctx.needs_input_grad, strict=True
            )
        )


class Stack(Function):
    """y = the arrays one after the other along a new axis.

    Shapes:   N times (..., ...) -> y (..., N, ...)
    Adjoint:  array i gets slice i of grad_y
    Saved:    nothing
    """

    @staticmethod
    def forward(ctx: Context, *arrays: Array, dim: int) -> Array:
        ctx.dim = dim
        return np.stack(arrays, axis=dim)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> tuple[Array, ...]:
        return tuple(np.moveaxis(grad_y, ctx.dim, 0))


class Split(Function):
    """Cut x along an axis into stretches of the given sizes.

    Shapes:   x (..., N_1 + N_2, ...) -> (..., N_1, ...), (..., N_2, ...)
    Adjoint:  grad_x = the gradients of the stretches one after the other
    Saved:    nothing
    """

    numpy_may_warn = False

    @staticmethod
    def forward(ctx: Context, x: Array, sizes: Sequence[int], dim: int) -> tuple[Array, ...]:
        ctx.dim = dim
        return tuple(_stretches(x, sizes, dim))

    @staticmethod
    def backward(ctx: Context, *grads: Array) -> Array:
        return np.concatenate(grads, axis=ctx.dim)


def _stretches(x: Array, sizes: Sequence[int], dim: int) -> list[Array]:
    """Views of x along `dim`, of the given sizes."""
    before = (slice(None),) * dim
    ends = accumulate(sizes)
    return [x[(*before, slice(end - n, end))] for n, end in zip(sizes, ends, strict=True)]


class Unbind(Function):
    """Cut x along an axis into slices without that axis.

    Shapes:   x (..., N, ...) -> N times (..., ...)
    Adjoint:  slice i of grad_x is the gradient of slice i
    Saved:    nothing
    """

    numpy_may_warn = False

    @staticmethod
    def forward(ctx: Context, x: Array, dim: int) -> tuple[Array, ...]:
        ctx.dim = dim
        return tuple(np.moveaxis(x, dim, 0) if dim else x)

    @staticmethod
    def backward(ctx: Context, *grads: Array) -> Array:
        stacked = _as_stack(grads)
        if stacked is None:
            return np.stack(grads, axis=ctx.dim)
        return np.moveaxis(stacked, 0, ctx.dim) if ctx.dim else stacked


def _as_stack(parts: Sequence[Array]) -> Array | None:
    """A view whose slices are the parts, in order, if they lie in one array at equal distances.

    Attention's backward writes the gradients of q, k and v side by side: nothing to copy then.
    """
    first, whole = parts[0], parts[0].base
    if not isinstance(whole, np.ndarray) or not whole.flags.c_contiguous:
        return None
    if any([part.base is not whole or part.strides != first.strides for part in parts]):  # noqa: C419
        return None
    start, *others = [part.__array_interface__["data"][0] for part in parts]
    step = others[0] - start if others else 0
    if step < 0 or others != [start + step * i for i in range(1, len(parts))]:
        return None
    offset = start - whole.__array_interface__["data"][0]
    shape, strides = (len(parts), *first.shape), (step, *first.strides)
    return np.ndarray(shape, first.dtype, whole, offset, strides)


class Clone(Function):
    """y = a copy of x in row-major order.

    Adjoint:  grad_x = grad_y
    Saved:    nothing
    """

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        return x.copy()

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        return grad_y
