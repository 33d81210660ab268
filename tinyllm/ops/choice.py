"""Ops that choose, element by element, between values; all broadcast but Clamp."""

from __future__ import annotations

import numpy as np

from tinyllm.ops.function import Array, Context, Function, unbroadcast


class Maximum(Function):
    """z = max(x, y), broadcast.

    Adjoint:  the larger one gets grad_z; where they are equal each gets half
    Saved:    x, y
    """

    @staticmethod
    def forward(ctx: Context, x: Array, y: Array) -> Array:
        ctx.save_for_backward(x, y)
        return np.maximum(x, y)

    @staticmethod
    def backward(ctx: Context, grad_z: Array) -> tuple[Array | None, Array | None]:
        x, y = ctx.saved_tensors
        return _to_the_chosen(ctx, grad_z, x < y, x > y)


class Minimum(Function):
    """z = min(x, y), broadcast.

    Adjoint:  the smaller one gets grad_z; where they are equal each gets half
    Saved:    x, y
    """

    @staticmethod
    def forward(ctx: Context, x: Array, y: Array) -> Array:
        ctx.save_for_backward(x, y)
        return np.minimum(x, y)

    @staticmethod
    def backward(ctx: Context, grad_z: Array) -> tuple[Array | None, Array | None]:
        x, y = ctx.saved_tensors
        return _to_the_chosen(ctx, grad_z, x > y, x < y)


def _to_the_chosen(
    ctx: Context, grad_z: Array, x_lost: Array, y_lost: Array
) -> tuple[Array | None, Array | None]:
    """Give grad_z to the one that did not lose, and half to each where they are equal."""
    x, y = ctx.saved_tensors
    wants_x, wants_y = ctx.needs_input_grad
    shared = np.where(x == y, grad_z / 2, grad_z)
    grad_x = unbroadcast(np.where(x_lost, 0, shared), x.shape) if wants_x else None
    grad_y = unbroadcast(np.where(y_lost, 0, shared), y.shape) if wants_y else None
    return grad_x, grad_y


class Clamp(Function):
    """y = x held within [min, max]; either bound may be None.

    Adjoint:  grad_x = grad_y where min <= x <= max (the bounds included), else 0
    Saved:    x
    """

    @staticmethod
    def forward(
        ctx: Context, x: Array, min: float | None = None, max: float | None = None
    ) -> Array:
        ctx.save_for_backward(x)
        ctx.bounds = min, max
        y = x if min is None else np.maximum(x, min)
        return y.copy() if min is max is None else y if max is None else np.minimum(y, max)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (x,) = ctx.saved_tensors
        low, high = ctx.bounds
        inside = np.ones_like(x, bool)
        if low is not None:
            inside &= x >= low
        if high is not None:
            inside &= x <= high
        return np.where(inside, grad_y, 0)


class Where(Function):
    """z = x where condition holds, else y; all three broadcast.

    Adjoint:  grad_x = grad_z where condition holds, else 0; grad_y the other way round
    Saved:    condition
    """

    @staticmethod
    def forward(ctx: Context, condition: Array, x: Array, y: Array) -> Array:
        ctx.save_for_backward(condition)
        ctx.shapes = x.shape, y.shape
        return np.where(condition, x, y)

    @staticmethod
    def backward(ctx: Context, grad_z: Array) -> tuple[None, Array | None, Array | None]:
        (condition,) = ctx.saved_tensors
        x_shape, y_shape = ctx.shapes
        _, wants_x, wants_y = ctx.needs_input_grad
        grad_x = unbroadcast(np.where(condition, grad_z, 0), x_shape) if wants_x else None
        grad_y = unbroadcast(np.where(condition, 0, grad_z), y_shape) if wants_y else None
        return None, grad_x, grad_y


class MaskedFill(Function):
    """y = value where mask holds, else x; x and mask broadcast.

    Adjoint:  grad_x = 0 where mask holds, else grad_y
    Saved:    mask
    """

    @staticmethod
    def forward(ctx: Context, x: Array, mask: Array, value: float) -> Array:
        ctx.save_for_backward(mask)
        ctx.shape = x.shape
        return np.where(mask, x.dtype.type(value), x)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> tuple[Array, None]:
        (mask,) = ctx.saved_tensors
        return unbroadcast(np.where(mask, 0, grad_y), ctx.shape), None
