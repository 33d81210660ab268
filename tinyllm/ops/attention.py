"""Scaled dot-product attention as one op, of separate queries, keys and values or packed ones."""

from __future__ import annotations

from tinyllm import kernels
from tinyllm.ops.function import Array, Context, Function, unbroadcast


class ScaledDotProductAttention(Function):
    """out = Z P v, P = softmax(scale q k^T + mask), Z dropout on the weights.

    Shapes:   q (B, H, T, D), k (B, Hk, S, D), v (B, Hk, S, Dv), mask None or broadcastable to
              (B, H, T, S): bool (True = may attend), or numbers added to the scores
              -> out (B, H, T, Dv)
    Adjoint:  with dP = Z * (grad_out v^T) and dS = P * (dP - rowsum(P * dP)), softmax's adjoint:
              grad_v = (Z P)^T grad_out, grad_q = scale dS k, grad_k = scale dS^T q, grad_mask = dS
    Saved:    q, k, v, mask, lse (the log-sum-exp of each row, from which P is computed again)
    Source:   Vaswani et al. 2017, eq. 1, arXiv:1706.03762; Dao et al. 2022, arXiv:2205.14135
    """

    numpy_may_warn = False

    @staticmethod
    def forward(
        ctx: Context,
        q: Array,
        k: Array,
        v: Array,
        mask: Array | None,
        *,
        is_causal: bool,
        scale: float,
        dropout_p: float,
        seed: int,
    ) -> Array:
        ctx.settings = (is_causal, scale, dropout_p, seed)
        out, lse = kernels.attention(q, k, v, mask, *ctx.settings)
        ctx.save_for_backward(q, k, v, mask, lse)
        return out

    @staticmethod
    def backward(ctx: Context, grad_out: Array) -> tuple[Array | None, ...]:
        q, k, v, mask, lse = ctx.saved_tensors
        arguments = (grad_out, q, k, v, mask, *ctx.settings, lse)
        grad_mask = None
        if ctx.needs_input_grad[3]:
            grad_mask = unbroadcast(kernels.attention_grad_scores(*arguments), mask.shape)
        if not any(ctx.needs_input_grad[:3]):
            return None, None, None, grad_mask
        return (*kernels.attention_backward(*arguments), grad_mask)


class SelfAttention(Function):
    """y = Z P v in each head, P = softmax(q k^T / sqrt(D)), Z dropout on the weights.

    Queries, keys and values stand side by side in each row: H heads, then Hk, then Hk. Nothing is
    cut apart, neither here nor in the backward. With is_causal position t of row b sees positions
    0 .. t, and all before prefix[b].

    Shapes:   qkv (B, T, (H + 2 Hk) D) -> y (B, T, H D)
    Adjoint:  that of ScaledDotProductAttention; the gradients side by side as q, k and v are
    Saved:    qkv, lse
    Source:   Vaswani et al. 2017, eq. 1, arXiv:1706.03762; Dao et al. 2022, arXiv:2205.14135
    """

    numpy_may_warn = False

    @staticmethod
    def forward(
        ctx: Context,
        qkv: Array,
        *,
        heads: int,
        kv_heads: int,
        is_causal: bool,
        prefix: Array | None,
        dropout_p: float,
        seed: int,
    ) -> Array:
        ctx.settings = (heads, kv_heads, is_causal, prefix, dropout_p, seed)
        y, lse = kernels.self_attention(qkv, *ctx.settings)
        ctx.save_for_backward(qkv, lse)
        return y

    @staticmethod
    def backward(ctx: Context, grad_y: Array) -> Array:
        qkv, lse = ctx.saved_tensors
        return kernels.self_attention_backward(grad_y, qkv, *ctx.settings, lse)
