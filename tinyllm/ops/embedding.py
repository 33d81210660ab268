"""Rows of a table, looked up by index."""

from __future__ import annotations

from tinyllm import kernels
from tinyllm.ops.function import Array, Context, Function


class Embedding(Function):
    """y[...] = weight[ids[...]].

    Shapes:   weight (V, C), ids (...) integers -> y (..., C)
    Adjoint:  grad_weight[v] = sum of grad_y where ids is v; 0 at `padding_idx`
    Saved:    nothing but a copy of the ids
    """

    numpy_may_warn = False

    @staticmethod
    def forward(ctx: Context, weight: Array, *, ids: Array, padding_idx: int | None) -> Array:
        ctx.padding_idx, ctx.num_embeddings = padding_idx, weight.shape[0]
        if ctx.needs_input_grad[0]:
            ctx.ids = ids.copy()  # a caller may fill the same array with the next batch
        return kernels.embedding(weight, ids)

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        grad_weight = kernels.embedding_backward(grad_y, ctx.ids, ctx.num_embeddings)
        if ctx.padding_idx is not None:
            grad_weight[ctx.padding_idx] = 0
        return grad_weight
