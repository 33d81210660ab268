"""The point between two, and the reciprocal."""

from __future__ import annotations

import numpy as np

from tinyllm.ops.function import Array, Context, Function, unbroadcast


class Lerp(Function):
    """z = x + w (y - x), on the line from x (w = 0) to y (w = 1); all three broadcast.

    From the middle on it is counted from y, z = y - (1 - w) (y - x), so that w = 1 gives y itself.
    Adjoint:  grad_x = grad_z (1 - w), grad_y = grad_z w, grad_w = grad_z (y - x)
    Saved:    x, y, w
    """

    @staticmethod
    def forward(ctx: Context, x: Array, y: Array, w: Array) -> Array:
        ctx.save_for_backward(x, y, w)
        return np.where(np.abs(w) < 0.5, x + w * (y - x), y - (1 - w) * (y - x))

    @staticmethod
    def backward(ctx: Context, grad_z: Array) -> tuple[Array | None, Array | None, Array | None]:
        x, y, w = ctx.saved_tensors
        wants_x, wants_y, wants_w = ctx.needs_input_grad
        grad_x = unbroadcast(grad_z * (1 - w), x.shape) if wants_x else None
        grad_y = unbroadcast(grad_z * w, y.shape) if wants_y else None
        grad_w = unbroadcast(grad_z * (y - x), w.shape) if wants_w else None
        return grad_x, grad_y, grad_w


class Reciprocal(Function):
    """y = 1 / x.

    Adjoint:  grad_x = -grad_y y^2
    Saved:    y
    """

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        y = 1 / x
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (y,) = ctx.saved_tensors
        return -grad_y * (y * y)
