"""Logarithms and exponentials near 0, logarithms to a base, sine and its kin, erf."""

from __future__ import annotations

import math

import numpy as np

from tinyllm import kernels
from tinyllm.ops.function import Array, Context, Function, unbroadcast


class Log1p(Function):
    """y = log(1 + x), exact for small x, where 1 + x would round x away.

    Adjoint:  grad_x = grad_y / (1 + x)
    Saved:    x
    """

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        ctx.save_for_backward(x)
        return np.log1p(x)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (x,) = ctx.saved_tensors
        return grad_y / (x + 1)


class Expm1(Function):
    """y = exp(x) - 1, exact for small x.

    Adjoint:  grad_x = grad_y (y + 1), since exp is its own derivative
    Saved:    y
    """

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        y = np.expm1(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (y,) = ctx.saved_tensors
        return grad_y * (y + 1)


class LogToBase(Function):
    """y = log x to the base 2 or 10.

    Adjoint:  grad_x = grad_y / (x log base)
    Saved:    x
    """

    @staticmethod
    def forward(ctx: Context, x: Array, base: int) -> Array:
        ctx.save_for_backward(x)
        ctx.base = base
        return np.log2(x) if base == 2 else np.log10(x)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (x,) = ctx.saved_tensors
        return grad_y / (x * math.log(ctx.base))


class LogAddExp(Function):
    """z = log(exp x + exp y), without overflow; broadcast.

    Adjoint:  grad_x = grad_z exp(x) / (exp(x) + exp(y)) = grad_z / (1 + exp(y - x)), and as much
              for y the other way round
    Saved:    x, y
    """

    @staticmethod
    def forward(ctx: Context, x: Array, y: Array) -> Array:
        ctx.save_for_backward(x, y)
        return np.logaddexp(x, y)

    @staticmethod
    def backward(ctx: Context, grad_z: Array) -> tuple[Array | None, Array | None]:
        x, y = ctx.saved_tensors
        wants_x, wants_y = ctx.needs_input_grad
        grad_x = unbroadcast(grad_z / (1 + np.exp(y - x)), x.shape) if wants_x else None
        grad_y = unbroadcast(grad_z / (1 + np.exp(x - y)), y.shape) if wants_y else None
        return grad_x, grad_y


class Sin(Function):
    """y = sin x.

    Adjoint:  grad_x = grad_y cos x
    Saved:    x
    """

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        ctx.save_for_backward(x)
        return np.sin(x)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (x,) = ctx.saved_tensors
        return grad_y * np.cos(x)


class Cos(Function):
    """y = cos x.

    Adjoint:  grad_x = -grad_y sin x
    Saved:    x
    """

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        ctx.save_for_backward(x)
        return np.cos(x)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (x,) = ctx.saved_tensors
        return grad_y * -np.sin(x)


class Tan(Function):
    """y = tan x.

    Adjoint:  grad_x = grad_y (1 + y^2)
    Saved:    y
    """

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        y = np.tan(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (y,) = ctx.saved_tensors
        return grad_y * (1 + y * y)


class Erf(Function):
    """y = erf x = 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.

    Adjoint:  grad_x = grad_y 2 / sqrt(pi) exp(-x^2)
    Saved:    x
    """

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        ctx.save_for_backward(x)
        return kernels.erf(x)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (x,) = ctx.saved_tensors
        return grad_y * (2 / math.sqrt(math.pi) * np.exp(-x * x))
