"""softmax and log-softmax over the last axis."""

from __future__ import annotations

from tinyllm import kernels
from tinyllm.ops.function import Array, Context, Function


class Softmax(Function):
    """y_i = exp(x_i - max x) / sum_j exp(x_j - max x), over the last axis.

    Shapes:   x (..., D) -> y (..., D)
    Adjoint:  grad_x = y * (grad_y - sum_j grad_y_j y_j), since dy_i/dx_j = y_i (1[i=j] - y_j)
    Saved:    y
    """

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        y = kernels.softmax(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (y,) = ctx.saved_tensors
        return kernels.softmax_backward(grad_y, y)


class LogSoftmax(Function):
    """y_i = x_i - log sum_j exp(x_j), over the last axis.

    Shapes:   x (..., D) -> y (..., D)
    Adjoint:  grad_x = grad_y - exp(y) * sum_j grad_y_j, since dy_i/dx_j = 1[i=j] - exp(y_j)
    Saved:    y
    """

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        y = kernels.log_softmax(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (y,) = ctx.saved_tensors
        return kernels.log_softmax_backward(grad_y, y)
