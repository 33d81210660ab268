"""Activations with a kernel of their own. (ReLU, sigmoid and tanh are in elementwise.py.)"""

from __future__ import annotations

from tinyllm import kernels
from tinyllm.ops.function import Array, Context, Function


class GELU(Function):
    """y = x Phi(x), Phi the standard normal distribution function; or its tanh approximation.

    approximate="tanh":  y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
    Adjoint:  grad_x = grad_y (Phi(x) + x phi(x)), phi the normal density
    Saved:    x
    Source:   Hendrycks and Gimpel 2016, arXiv:1606.08415
    """

    numpy_may_warn = False

    @staticmethod
    def forward(ctx: Context, x: Array, *, approximate: str = "none") -> Array:
        ctx.save_for_backward(x)
        ctx.approximate = approximate
        return kernels.gelu_tanh(x) if approximate == "tanh" else kernels.gelu(x)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (x,) = ctx.saved_tensors
        if ctx.approximate == "tanh":
            return kernels.gelu_tanh_backward(grad_y, x)
        return kernels.gelu_backward(grad_y, x)


class SiLU(Function):
    """y = x s, s = sigmoid(x) = 1 / (1 + exp(-x)).

    Adjoint:  grad_x = grad_y s (1 + x (1 - s)), since ds/dx = s (1 - s)
    Saved:    x
    Source:   Elfwing, Uchibe and Doya 2017, arXiv:1702.03118
    """

    numpy_may_warn = False

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        ctx.save_for_backward(x)
        return kernels.silu(x)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (x,) = ctx.saved_tensors
        return kernels.silu_backward(grad_y, x)
