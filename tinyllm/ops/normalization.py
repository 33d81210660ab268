"""layer_norm and rms_norm over the last axis, and rms_norm of some heads."""

from __future__ import annotations

import numpy as np

from tinyllm import kernels
from tinyllm.ops.function import Array, Context, Function


class LayerNorm(Function):
    """y = n * weight + bias, n = (x - mean) * rstd, rstd = 1 / sqrt(var + eps), over the last axis.

    Shapes:   x (..., D), weight (D), bias (D), either of them None -> y (..., D)
    Adjoint:  with g = grad_y * weight: grad_x = rstd * (g - mean(g) - n * mean(g * n)): moving one
              x moves the mean and the variance of its row too
              grad_weight = sum of grad_y * n, grad_bias = sum of grad_y, over rows
    Saved:    x, weight, mean, rstd
    Source:   Ba, Kiros and Hinton 2016, arXiv:1607.06450
    """

    numpy_may_warn = False

    @staticmethod
    def forward(
        ctx: Context, x: Array, weight: Array | None, bias: Array | None, *, eps: float
    ) -> Array:
        width = x.shape[-1]
        weight = np.ones(width, x.dtype) if weight is None else weight
        bias = np.zeros(width, x.dtype) if bias is None else bias
        y, mean, rstd = kernels.layer_norm(x, weight, bias, eps)
        ctx.save_for_backward(x, weight, mean, rstd)
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> tuple[Array | None, ...]:
        grads = kernels.layer_norm_backward(grad_y, *ctx.saved_tensors)
        return tuple(
            grad if wanted else None
            for grad, wanted in zip(grads, ctx.needs_input_grad, strict=True)
        )


class RMSNorm(Function):
    """y = n * weight, n = x * rstd, rstd = 1 / sqrt(mean(x^2) + eps), over the last axis.

    Shapes:   x (..., D), weight (D) or None -> y (..., D)
    Adjoint:  with g = grad_y * weight: grad_x = rstd * (g - n * mean(g * n));
              grad_weight = sum of grad_y * n over rows
    Saved:    x, weight, rstd
    Source:   Zhang and Sennrich 2019, arXiv:1910.07467
    """

    numpy_may_warn = False

    @staticmethod
    def forward(ctx: Context, x: Array, weight: Array | None, *, eps: float) -> Array:
        weight = np.ones(x.shape[-1], x.dtype) if weight is None else weight
        y, rstd = kernels.rms_norm(x, weight, eps)
        ctx.save_for_backward(x, weight, rstd)
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> tuple[Array | None, Array | None]:
        grad_x, grad_weight = kernels.rms_norm_backward(grad_y, *ctx.saved_tensors)
        return grad_x, (grad_weight if ctx.needs_input_grad[1] else None)


class RMSNormHeads(Function):
    """y = x * scale, scale = gain / sqrt(mean(x^2) + eps), in the first `heads` heads, else x.

    Shapes:   x (B, T, N, D) -> y (B, T, N, D)
    Adjoint:  grad_x = scale * (grad_y - y * mean(grad_y * y) / gain^2), or grad_y in the rest
    Saved:    y, scale
    Source:   Henry et al. 2020, arXiv:2010.04245; with the root mean square: Dehghani et al. 2023,
              arXiv:2302.05442
    """

    numpy_may_warn = False

    @staticmethod
    def forward(ctx: Context, x: Array, *, heads: int, eps: float, gain: float) -> Array:
        y, scale = kernels.rms_norm_heads(x, heads, eps, gain)
        ctx.save_for_backward(y, scale)
        ctx.gain = gain
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        return kernels.rms_norm_heads_backward(grad_y, *ctx.saved_tensors, ctx.gain)
