"""Activations beside ReLU, sigmoid and tanh, which are in elementwise.py."""

from __future__ import annotations

import numpy as np

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


class ReLUSquared(Function):
    """y = max(x, 0)^2.

    Adjoint:  grad_x = grad_y 2 max(x, 0)
    Saved:    x
    Source:   So et al. 2021, arXiv:2109.08668, section 4.3
    """

    numpy_may_warn = False

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        ctx.save_for_backward(x)
        return kernels.relu_squared(x)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (x,) = ctx.saved_tensors
        return kernels.relu_squared_backward(grad_y, x)


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


class Softplus(Function):
    """y = log(1 + exp(z)) / beta, z = beta x: a smooth ReLU; y = x where z is above `threshold`.

    Computed as (max(z, 0) + log(1 + exp(-|z|))) / beta, in which nothing overflows.
    Adjoint:  grad_x = grad_y sigmoid(z), or grad_y above the threshold
    Saved:    x
    """

    @staticmethod
    def forward(ctx: Context, x: Array, *, beta: float = 1.0, threshold: float = 20.0) -> Array:
        ctx.save_for_backward(x)
        ctx.beta, ctx.threshold = beta, threshold
        z = x * beta
        smooth = (np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))) / x.dtype.type(beta)
        return np.where(z > threshold, x, smooth)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (x,) = ctx.saved_tensors
        z = x * ctx.beta
        small = np.exp(-np.abs(z))
        sigmoid = np.where(z < 0, small, 1) / (1 + small)
        return np.where(z > ctx.threshold, grad_y, grad_y * sigmoid)


class LogSigmoid(Function):
    """y = log(1 / (1 + exp(-x))) = min(x, 0) - log(1 + exp(-|x|)), finite for every finite x.

    Adjoint:  grad_x = grad_y sigmoid(-x)
    Saved:    x
    """

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        ctx.save_for_backward(x)
        return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (x,) = ctx.saved_tensors
        small = np.exp(-np.abs(x))
        return grad_y * (np.where(x < 0, 1, small) / (1 + small))


class LeakyReLU(Function):
    """y = x above 0, slope x below.

    Adjoint:  grad_x = grad_y where x > 0, else slope grad_y (at the kink too)
    Saved:    x
    Source:   Maas, Hannun and Ng 2013, Rectifier nonlinearities improve acoustic models
    """

    @staticmethod
    def forward(ctx: Context, x: Array, *, slope: float) -> Array:
        ctx.save_for_backward(x)
        ctx.slope = slope
        return np.where(x > 0, x, x * x.dtype.type(slope))

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (x,) = ctx.saved_tensors
        return np.where(x > 0, grad_y, grad_y * x.dtype.type(ctx.slope))


class ELU(Function):
    """y = x above 0, alpha (exp(x) - 1) below.

    Adjoint:  grad_x = grad_y where x > 0, else grad_y alpha exp(x) (at the kink too)
    Saved:    x
    Source:   Clevert, Unterthiner and Hochreiter 2015, arXiv:1511.07289
    """

    @staticmethod
    def forward(ctx: Context, x: Array, *, alpha: float) -> Array:
        ctx.save_for_backward(x)
        ctx.alpha = alpha
        return np.where(x < 0, np.expm1(np.minimum(x, 0)) * x.dtype.type(alpha), x)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        (x,) = ctx.saved_tensors
        below = grad_y * (np.exp(np.minimum(x, 0)) * x.dtype.type(ctx.alpha))
        return np.where(x > 0, grad_y, below)
