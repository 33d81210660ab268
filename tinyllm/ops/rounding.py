"""Ops that are steps, such as floor, and division with a rest.

A step's derivative is 0 wherever it has one, so the gradient of every step here is 0.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinyllm.ops.function import Array, Context, Function, unbroadcast


def sign(x: Array) -> Array:
    """-1, 0 or 1; 0 for NaN, as in PyTorch."""
    return np.subtract(x > 0, x < 0, dtype=x.dtype)


STEPS: dict[str, Callable[[Array], Array]] = {
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "round": np.rint,  # of two equally near, the even one
    "sign": sign,
}


class Step(Function):
    """y = floor x, or ceil, trunc, round or sign, by `how`; "round" may keep decimals.

    round(x, decimals) = round(x 10^decimals) / 10^decimals
    Adjoint:  grad_x = 0
    Saved:    nothing
    """

    @staticmethod
    def forward(ctx: Context, x: Array, how: str, decimals: int = 0) -> Array:
        step, scale = STEPS[how], x.dtype.type(10.0 ** abs(decimals))
        if decimals > 0:
            return step(x * scale) / scale
        return step(x / scale) * scale if decimals < 0 else step(x)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        return np.zeros_like(grad_y)


class Quotient(Function):
    """z = x / y rounded, down ("floor") or towards 0 ("trunc"); broadcast.

    Adjoint:  grad_x = 0, grad_y = 0
    Saved:    nothing
    """

    @staticmethod
    def forward(ctx: Context, x: Array, y: Array, rounding: str) -> Array:
        ctx.shapes = x.shape, y.shape
        return quotient(x, y, rounding)

    @staticmethod
    def backward(ctx: Context, grad_z: Array) -> tuple[Array, Array]:
        x_shape, y_shape = ctx.shapes
        return np.zeros(x_shape, grad_z.dtype), np.zeros(y_shape, grad_z.dtype)


class Remainder(Function):
    """z = x - q y, where q is x / y rounded, down ("floor") or towards 0 ("trunc"); broadcast.

    With "floor" the rest has the sign of y (`%`), with "trunc" that of x (`fmod`).
    Adjoint:  grad_x = grad_z, grad_y = -grad_z q, since q is a step
    Saved:    x, y
    """

    @staticmethod
    def forward(ctx: Context, x: Array, y: Array, rounding: str) -> Array:
        ctx.save_for_backward(x, y)
        ctx.rounding = rounding
        return np.remainder(x, y) if rounding == "floor" else np.fmod(x, y)

    @staticmethod
    def backward(ctx: Context, grad_z: Array) -> tuple[Array | None, Array | None]:
        x, y = ctx.saved_tensors
        wants_x, wants_y = ctx.needs_input_grad
        grad_x = unbroadcast(grad_z, x.shape) if wants_x else None
        grad_y = None
        if wants_y:
            grad_y = unbroadcast(-grad_z * quotient(x, y, ctx.rounding), y.shape)
        return grad_x, grad_y


def quotient(x: Array, y: Array, rounding: str) -> Array:
    """x / y rounded; integers are divided exactly."""
    if rounding == "trunc" and x.dtype.kind == "f":
        return np.trunc(x / y)
    floored = np.floor_divide(x, y)
    if rounding == "floor":
        return floored
    return floored + ((floored < 0) & (floored * y != x)).astype(x.dtype)
