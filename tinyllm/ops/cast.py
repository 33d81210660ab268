"""Change of dtype."""

from __future__ import annotations

import numpy as np

from tinyllm.ops.function import Array, Context, Function


class Cast(Function):
    """y = x in another dtype.

    Adjoint:  grad_x = grad_y in the dtype of x; an integer or bool y carries no gradient
    Saved:    nothing
    """

    @staticmethod
    def forward(ctx: Context, x: Array, dtype: np.dtype) -> Array:
        ctx.dtype = x.dtype
        if dtype.kind != "f":
            ctx.mark_non_differentiable(0)
        return x.astype(dtype)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        return grad_y.astype(ctx.dtype)
