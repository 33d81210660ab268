"""Attention as functions: of separate queries, keys and values, or of a packed projection."""

from __future__ import annotations

import math

import numpy as np

from tinyllm import random
from tinyllm.nn.operands import check_floating
from tinyllm.ops.attention import ScaledDotProductAttention, SelfAttention
from tinyllm.tensor import Tensor, apply


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Compute softmax(query key^T * scale + mask) value, head by head.

    Shapes:  query (B, H, T, D), key (B, H, S, D), value (B, H, S, Dv) -> (B, H, T, Dv); other
             numbers of leading dimensions too, and they broadcast
    Args:    attn_mask: broadcastable to (B, H, T, S); bool: True = may attend (the opposite of
             MultiheadAttention's); floating-point: added to the scores.
             is_causal: query t sees keys 0 .. t, counted from the first of each, even if T != S.
             scale: 1 / sqrt(D) by default.
             enable_gqa: key and value may have fewer heads, each serving H / Hk query heads.
    Raises:  ValueError where shapes disagree, TypeError for dtypes, RuntimeError if both a mask and
             is_causal are given.
    PyTorch: torch.nn.functional.scaled_dot_product_attention. A query that may attend to nothing
             gives 0 there and here.
    Source:  Vaswani et al. 2017, eq. 1, arXiv:1706.03762
    """
    if not enable_gqa:
        query, key, value = _same_leading_dims(query, key, value)
    _check_attention(query, key, value, attn_mask, dropout_p, is_causal, enable_gqa)
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else float(scale)
    seed = random.default_generator.next_seed() if dropout_p else 0
    settings = {"is_causal": is_causal, "scale": scale, "dropout_p": dropout_p, "seed": seed}
    if query.ndim == 4:
        return apply(ScaledDotProductAttention, query, key, value, attn_mask, **settings)
    *lead, T, Dv = (*query.shape[:-1], value.shape[-1])
    if attn_mask is not None and attn_mask.ndim > 2:
        attn_mask = attn_mask.expand(*lead, T, key.shape[-2])
    query, key, value, attn_mask = (
        x if x is None else _as_four(x) for x in (query, key, value, attn_mask)
    )
    out = apply(ScaledDotProductAttention, query, key, value, attn_mask, **settings)
    return out.reshape(*lead, T, Dv)


def _same_leading_dims(*three: Tensor) -> tuple[Tensor, ...]:
    """The three with their dims before the last two broadcast, if they do."""
    shapes = [x.array.shape if isinstance(x, Tensor) else () for x in three]
    leads = [shape[:-2] for shape in shapes]
    if leads[0] == leads[1] == leads[2] or min(len(shape) for shape in shapes) < 2:
        return three
    try:
        lead = np.broadcast_shapes(*leads)
    except ValueError:  # the check that follows says what disagrees
        return three
    return tuple(x.expand(*lead, *x.shape[-2:]) for x in three)


def _as_four(x: Tensor) -> Tensor:
    """x (..., T, D) with exactly two leading dimensions: heads stay, all before them is batch."""
    if x.ndim <= 3:
        return x.reshape(1, *((1,) if x.ndim == 2 else ()), *x.shape)
    return x.reshape(-1, *x.shape[-3:])


def _check_attention(query, key, value, attn_mask, dropout_p, is_causal, enable_gqa) -> None:
    who = "scaled_dot_product_attention"
    check_floating(who, "query", query)
    for name, x in (("key", key), ("value", value)):
        if not isinstance(x, Tensor) or x.dtype != query.dtype:
            got = x.dtype if isinstance(x, Tensor) else type(x).__name__
            raise TypeError(f"{who}: query is {query.dtype} but {name} is {got}")
    q, k, v = query.array.shape, key.array.shape, value.array.shape
    if len(q) < 2 or len(k) != len(q) or len(v) != len(q):
        raise ValueError(
            f"{who}: query {q}, key {k} and value {v} need the same number of dimensions, "
            "(..., length, width)"
        )
    if k[-1] != q[-1]:
        raise ValueError(
            f"{who}: query (B, H, T, D) = {q} and key (B, H, S, D) = {k} disagree on D: "
            f"{q[-1]} != {k[-1]}"
        )
    if k[-2] != v[-2]:
        raise ValueError(
            f"{who}: key (B, H, S, D) = {k} and value (B, H, S, Dv) = {v} disagree on S: "
            f"{k[-2]} != {v[-2]}"
        )
    heads_fit = len(q) < 3 or (
        k[-3] == v[-3] and (q[-3] == k[-3] or (enable_gqa and k[-3] and q[-3] % k[-3] == 0))
    )
    if not heads_fit or q[:-3] != k[:-3] or q[:-3] != v[:-3]:
        raise ValueError(
            f"{who}: query (B, H, T, D) = {q}, key (B, H, S, D) = {k} and value (B, H, S, Dv) = "
            f"{v} disagree on B or H; for fewer key heads than query heads pass enable_gqa=True "
            "with H a multiple of theirs"
        )
    if not 0 <= dropout_p < 1:
        raise ValueError(f"{who}: dropout_p must be at least 0 and below 1, not {dropout_p}")
    if attn_mask is not None:
        _check_mask(who, attn_mask, query, (*q[:-1], k[-2]), is_causal)


def _check_mask(
    who: str, attn_mask: Tensor, query: Tensor, scores: tuple[int, ...], is_causal: bool
) -> None:
    if is_causal:
        raise RuntimeError(f"{who}: give attn_mask or is_causal=True, not both; merge them first")
    if attn_mask.dtype != bool and attn_mask.dtype != query.dtype:
        raise TypeError(
            f"{who}: attn_mask must be bool or {query.dtype} like the query, not {attn_mask.dtype}"
        )
    try:
        fits = np.broadcast_shapes(attn_mask.array.shape, scores) == scores
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"{who}: attn_mask {attn_mask.shape} does not broadcast to the scores (B, H, T, S) = "
            f"{scores}; a mask for padding (B, S) is passed as mask[:, None, None, :]"
        )


def self_attention(
    qkv: Tensor,
    heads: int,
    kv_heads: int | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    prefix: np.ndarray | None = None,
) -> Tensor:
    """Let the positions of a sequence attend to each other, q, k and v packed in one projection.

    softmax(q k^T / sqrt(D)) v in each of the H heads. A row of qkv holds the H query heads side by
    side, then Hk key heads, then Hk value heads; each key head serves H / Hk query heads.

    Shapes:  qkv (B, T, (H + 2 Hk) D) -> (B, T, H D)
    Args:    heads: H.
             kv_heads: Hk, by default H.
             dropout_p: probability with which a weight is dropped.
             is_causal: position t sees positions 0 .. t.
             prefix: (B,) int64, with is_causal: the first prefix[b] positions of row b are seen by
             all of its positions, so that they see each other as an encoder's do.
    Raises:  ValueError where the width is not made of such heads or a prefix does not fit,
             TypeError for dtypes.
    PyTorch: has none. It is scaled_dot_product_attention of what qkv.view(B, T, -1, D) holds, with
             nothing to cut, transpose and join around it.
    Source:  Vaswani et al. 2017, eq. 1, arXiv:1706.03762; prefixes: Raffel et al. 2020, figure 4,
             arXiv:1910.10683
    """
    who = "self_attention"
    check_floating(who, "qkv", qkv)
    kv_heads = heads if kv_heads is None else kv_heads
    check_packed_heads(who, qkv, heads, kv_heads)
    if not 0 <= dropout_p < 1:
        raise ValueError(f"{who}: dropout_p must be at least 0 and below 1, not {dropout_p}")
    if prefix is not None:
        if not is_causal:
            raise ValueError(f"{who}: a prefix is for is_causal=True; without it all see all")
        check_prefix(who, prefix, qkv.array.shape[0], qkv.array.shape[1])
    seed = random.default_generator.next_seed() if dropout_p else 0
    return apply(
        SelfAttention,
        qkv,
        heads=heads,
        kv_heads=kv_heads,
        is_causal=is_causal,
        prefix=prefix,
        dropout_p=dropout_p,
        seed=seed,
    )


def check_prefix(who: str, prefix: np.ndarray, batch: int, longest: int) -> None:
    """Accept (B,) int64 from 0 to `longest`. Raises TypeError or ValueError for anything else."""
    if not isinstance(prefix, np.ndarray) or prefix.dtype != np.int64:
        raise TypeError(f"{who}: prefix must be a NumPy array of int64, not {prefix!r}")
    if prefix.shape != (batch,):
        raise ValueError(f"{who}: prefix must be (B,) = ({batch},), not of shape {prefix.shape}")
    if prefix.size and not 0 <= prefix.min() <= prefix.max() <= longest:
        raise ValueError(f"{who}: prefix must be 0 to {longest} positions, not {prefix.tolist()}")


def check_packed_heads(who: str, qkv: Tensor, heads: int, kv_heads: int) -> None:
    """Accept qkv (B, T, (H + 2 Hk) D). Raises ValueError for anything else."""
    if heads < 1 or kv_heads < 1 or heads % kv_heads:
        raise ValueError(
            f"{who}: heads H = {heads} must be a positive multiple of kv_heads Hk = {kv_heads}"
        )
    shape = qkv.array.shape
    if len(shape) != 3 or shape[2] % (heads + 2 * kv_heads):
        raise ValueError(
            f"{who}: qkv must be (B, T, (H + 2 Hk) D), its width a multiple of "
            f"{heads} + 2 * {kv_heads} heads, not of shape {shape}"
        )
