"""Dropout."""

from __future__ import annotations

from tinyllm import kernels
from tinyllm.ops.function import Array, Context, Function


class Dropout(Function):
    """y = x z / (1 - p), z = 0 with probability p and 1 otherwise, drawn from `seed`.

    Adjoint:  grad_x = grad_y z / (1 - p): the same map, so only the seed is kept
    Source:   Srivastava et al. 2014, JMLR 15
    """

    numpy_may_warn = False

    @staticmethod
    def forward(ctx: Context, x: Array, *, p: float, seed: int) -> Array:
        ctx.p, ctx.seed = p, seed
        return kernels.dropout(x, p, seed)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        return kernels.dropout(grad_y, ctx.p, ctx.seed)
