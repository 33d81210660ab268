"""Ops that act on each element alone: arithmetic, which broadcasts, and functions of one array."""

from __future__ import annotations

import numpy as np

from tinyllm import kernels
from tinyllm.ops.function import Array, Context, Function, unbroadcast
from tinyllm.ops.rounding import sign

# Arithmetic of two arrays: each broadcasts, so each gradient is summed back with `unbroadcast`


class Add(Function):
    """z = x + y, broadcast.

    Adjoint:  grad_x = grad_z, grad_y = grad_z
    Saved:    nothing
    """

    @staticmethod
    def forward(ctx: Context, x: Array, y: Array) -> Array:
        ctx.shapes = x.shape, y.shape
        return kernels.add(x, y)

    @staticmethod
    def backward(ctx: Context, grad_z: Array) -> tuple[Array | None, Array | None]:
        x_shape, y_shape = ctx.shapes
        wants_x, wants_y = ctx.needs_input_grad
        grad_x = unbroadcast(grad_z, x_shape) if wants_x else None
        grad_y = unbroadcast(grad_z, y_shape) if wants_y else None
        return grad_x, grad_y


class Sub(Function):
    """z = x - y, broadcast.

    Adjoint:  grad_x = grad_z, grad_y = -grad_z
    Saved:    nothing
    """

    @staticmethod
    def forward(ctx: Context, x: Array, y: Array) -> Array:
        ctx.shapes = x.shape, y.shape
        return x - y

    @staticmethod
    def backward(ctx: Context, grad_z: Array) -> tuple[Array | None, Array | None]:
        x_shape, y_shape = ctx.shapes
        wants_x, wants_y = ctx.needs_input_grad
        grad_x = unbroadcast(grad_z, x_shape) if wants_x else None
        grad_y = -unbroadcast(grad_z, y_shape) if wants_y else None
        return grad_x, grad_y


class Mul(Function):
    """z = x y, broadcast.

    Adjoint:  grad_x = grad_z y, grad_y = grad_z x
    Saved:    x, y
    """

    @staticmethod
    def forward(ctx: Context, x: Array, y: Array) -> Array:
        ctx.save_for_backward(x, y)
        return x * y

    @staticmethod
    def backward(ctx: Context, grad_z: Array) -> tuple[Array | None, Array | None]:
        x, y = ctx.saved_tensors
        wants_x, wants_y = ctx.needs_input_grad
        grad_x = unbroadcast(grad_z * y, x.shape) if wants_x else None
        grad_y = unbroadcast(grad_z * x, y.shape) if wants_y else None
        return grad_x, grad_y


class Div(Function):
    """z = x / y, broadcast.

    Adjoint:  grad_x = grad_z / y, grad_y = -grad_z z / y, since dz/dy = -x / y^2
    Saved:    x, y
    """

    @staticmethod
    def forward(ctx: Context, x: Array, y: Array) -> Array:
        ctx.save_for_backward(x, y)
        return x / y

    @staticmethod
    def backward(ctx: Context, grad_z: Array) -> tuple[Array | None, Array | None]:
        x, y = ctx.saved_tensors
        wants_x, wants_y = ctx.needs_input_grad
        grad_x = unbroadcast(grad_z / y, x.shape) if wants_x else None
        grad_y = unbroadcast(-grad_z * (x / y / y), y.shape) if wants_y else None
        return grad_x, grad_y


class Pow(Function):
    """z = x^y, broadcast.

    Adjoint:  grad_x = grad_z y x^(y-1), and 0 where y = 0
              grad_y = grad_z z log x,   and 0 where x = 0 and y >= 0
    Saved:    x, y, z
    """

    @staticmethod
    def forward(ctx: Context, x: Array, y: Array) -> Array:
        z = _power(x, y)
        ctx.save_for_backward(x, y, z)
        return z

    @staticmethod
    def backward(ctx: Context, grad_z: Array) -> tuple[Array | None, Array | None]:
        x, y, z = ctx.saved_tensors
        wants_x, wants_y = ctx.needs_input_grad
        grad_x = grad_y = None
        if wants_x:
            grad_x = unbroadcast(grad_z * _power_derivative(x, y), x.shape)
        if wants_y:  # 0^y log 0 would be nan
            grad_y = np.where((x == 0) & (y >= 0), 0, grad_z * (z * np.log(x)))
            grad_y = unbroadcast(grad_y, y.shape)
        return grad_x, grad_y


def _power(x: Array, y: Array) -> Array:
    """x**y; one exponent for all is given as a number, for which NumPy squares or takes roots.

    An integer to a negative power is rounded towards 0, as in PyTorch: 0 but for 1 and -1.
    """
    if y.dtype.kind == "i" and (y < 0).any():
        small = np.where(np.abs(x) == 1, x, 0) ** np.abs(y)
        return np.where(y < 0, small, x ** np.maximum(y, 0))
    return x ** (y.item() if y.ndim == 0 else y)


def _power_derivative(x: Array, y: Array) -> Array:
    """y x^(y-1), and 0 where y = 0, where 0 * 0^-1 would be nan."""
    if y.ndim == 0:
        exponent = y.item()
        return np.zeros_like(x) if exponent == 0 else exponent * x ** (exponent - 1)
    return np.where(y == 0, 0, y * x ** (y - 1))


# Functions of one array


class Neg(Function):
    """y = -x.

    Adjoint:  grad_x = -grad_y
    Saved:    nothing
    """

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        return -x

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        return -grad_y


class Exp(Function):
    """y = exp x.

    Adjoint:  grad_x = grad_y y
    Saved:    y
    """

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        y = np.exp(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (y,) = ctx.saved_tensors
        return grad_y * y


class Log(Function):
    """y = log x, the natural logarithm.

    Adjoint:  grad_x = grad_y / x
    Saved:    x
    """

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        ctx.save_for_backward(x)
        return np.log(x)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (x,) = ctx.saved_tensors
        return grad_y / x


class Sqrt(Function):
    """y = sqrt x.

    Adjoint:  grad_x = grad_y / (2 y)
    Saved:    y
    """

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        y = np.sqrt(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (y,) = ctx.saved_tensors
        return grad_y / (2 * y)


class Rsqrt(Function):
    """y = 1 / sqrt x.

    Adjoint:  grad_x = -grad_y y^3 / 2
    Saved:    y
    """

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        y = 1 / np.sqrt(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (y,) = ctx.saved_tensors
        return -0.5 * grad_y * (y * y * y)


class Tanh(Function):
    """y = tanh x.

    Adjoint:  grad_x = grad_y (1 - y^2)
    Saved:    y
    """

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        y = np.tanh(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (y,) = ctx.saved_tensors
        return grad_y * (1 - y * y)


class Sigmoid(Function):
    """y = 1 / (1 + exp(-x)).

    Adjoint:  grad_x = grad_y y (1 - y)
    Saved:    y
    """

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        y = 1 / (1 + np.exp(-x))  # exp may overflow to inf, and 1 / inf is the 0 that is wanted
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (y,) = ctx.saved_tensors
        return grad_y * y * (1 - y)


class ReLU(Function):
    """y = max(x, 0).

    Adjoint:  grad_x = grad_y where y > 0, else 0 (at the kink too)
    Saved:    y
    """

    numpy_may_warn = False

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        y = kernels.relu(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (y,) = ctx.saved_tensors
        return kernels.relu_backward(grad_y, y)


class Abs(Function):
    """y = |x|.

    Adjoint:  grad_x = grad_y sign x, which is 0 at 0 and at NaN
    Saved:    x
    """

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        ctx.save_for_backward(x)
        return np.abs(x)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (x,) = ctx.saved_tensors
        return grad_y * sign(x)
