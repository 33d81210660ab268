"""Self-attention on the packed projection: queries, keys and values side by side in each row.

A row of qkv holds H query heads, then Hk key heads, then Hk value heads, D numbers each: one
product made them, and nothing needs to be cut apart. The work is that of attention.py.
"""

from __future__ import annotations

import math

import numpy as np

from tinyllm.kernels.attention import attention, attention_backward, threads_for_heads
from tinyllm.kernels.attention_blocks import COLUMNS, attend, attend_backward, place, sizes
from tinyllm.kernels.blas import hold_to_one_thread
from tinyllm.kernels.dropout import drop_below, split_seed
from tinyllm.kernels.jit import address, parallel
from tinyllm.kernels.kernel import kernel
from tinyllm.kernels.memory import empty

NO_PREFIX = np.empty(0, np.int64)


@kernel
def self_attention(qkv, heads, kv_heads, is_causal, prefix, dropout_p, seed):
    """y = dropout(softmax(q k^T / sqrt(D))) v, head by head, and lse, as `attention` has it.

    is_causal: query t of row b sees keys 0 .. t, and those before prefix[b] too.
    qkv (B, T, (H + 2 Hk) D), prefix (B,) int64 or None -> y (B, T, H D), lse (B, H, T)
    """
    q, k, v = _cut(qkv, heads, kv_heads)
    scale, mask = 1 / math.sqrt(q.shape[-1]), _may_attend(qkv.shape[1], is_causal, prefix)
    out, lse = attention.definition(q, k, v, mask, False, scale, dropout_p, seed)
    return _joined(out), lse


@kernel
def self_attention_backward(grad_y, qkv, heads, kv_heads, is_causal, prefix, dropout_p, seed, lse):
    """grad_qkv (B, T, (H + 2 Hk) D): the gradients of q, k and v side by side."""
    q, k, v = _cut(qkv, heads, kv_heads)
    B, H, T, D = q.shape
    grad_out, scale = grad_y.reshape(B, T, H, D).transpose(0, 2, 1, 3), 1 / math.sqrt(D)
    mask = _may_attend(T, is_causal, prefix)
    grads = attention_backward.definition(
        grad_out, q, k, v, mask, False, scale, dropout_p, seed, lse
    )
    return np.concatenate([_joined(grad) for grad in grads], axis=-1)


@kernel
def cached_attention(qkv, keys, values, starts, heads, prefix):
    """Attention of new tokens to those kept and to themselves, whose keys and values it keeps too.

    Of each row b, starts[b] tokens are kept. The T new ones stand behind them, at starts[b] + t,
    and see keys 0 .. starts[b] + t, and those before prefix[b] too.
    qkv (B, T, (H + 2 Hk) D), keys and values (B, Hk, capacity, D), changed, starts and prefix (B,)
    int64, at most starts[b] + T, or None -> y (B, T, H D)
    """
    T, longest = qkv.shape[1], starts.max(initial=0) + qkv.shape[1]
    q, k, v = _cut(qkv, heads, keys.shape[1])
    places = starts[:, None] + np.arange(T)  # (B, T)
    for b, here in enumerate(places):
        keys[b][:, here], values[b][:, here] = k[b], v[b]
    last = places if prefix is None else np.maximum(places, prefix[:, None] - 1)
    may_attend = np.arange(longest) <= last[:, None, :, None]  # (B, 1, T, longest)
    scale = 1 / math.sqrt(q.shape[-1])
    seen = np.arange(longest) < starts[:, None] + T  # behind it a row's memory is not written yet
    kept = (np.where(seen[:, None, :, None], x[:, :, :longest], 0) for x in (keys, values))
    return _joined(attention.definition(q, *kept, may_attend, False, scale, 0.0, 0)[0])


def _may_attend(T, is_causal, prefix):
    """Which keys a query sees, (T, T) or (B, 1, T, T); None for all."""
    if not is_causal:
        return None
    past = np.tri(T, dtype=bool)
    return past if prefix is None else past | (np.arange(T) < prefix[:, None, None, None])


def _cut(qkv, heads, kv_heads):
    """q (B, H, T, D), k and v (B, Hk, T, D), views of qkv."""
    B, T, width = qkv.shape
    cut = qkv.reshape(B, T, heads + 2 * kv_heads, width // (heads + 2 * kv_heads))
    cut = cut.transpose(0, 2, 1, 3)
    return cut[:, :heads], cut[:, heads : heads + kv_heads], cut[:, heads + kv_heads :]


def _joined(out):
    """out (B, H, T, D) with the heads of each position side by side: (B, T, H D)."""
    B, H, T, D = out.shape
    return out.transpose(0, 2, 1, 3).reshape(B, T, H * D)


@self_attention.fast_with_blas
def self_attention(qkv, heads, kv_heads, is_causal, prefix, dropout_p, seed):
    if not qkv.size:
        return self_attention.definition(qkv, heads, kv_heads, is_causal, prefix, dropout_p, seed)
    hold_to_one_thread()
    B, T, width = qkv.shape
    D = width // (heads + 2 * kv_heads)
    y, lse = empty((B, T, heads * D), qkv.dtype), empty((B, heads, T), qkv.dtype)
    low, high = split_seed(seed)
    _self_attention(
        B * heads, threads_for_heads(B * heads, T * T * D), np.ascontiguousarray(qkv), y,
        kv_heads, is_causal, NO_PREFIX if prefix is None else prefix, 1 / math.sqrt(D), dropout_p,
        low, high, drop_below(dropout_p), lse,
    )  # fmt: skip
    return y, lse


@self_attention_backward.fast_with_blas
def self_attention_backward(grad_y, qkv, heads, kv_heads, is_causal, prefix, dropout_p, seed, lse):
    if not qkv.size:
        return empty(qkv.shape, qkv.dtype)
    hold_to_one_thread()
    B, T, width = qkv.shape
    D = width // (heads + 2 * kv_heads)
    grad_qkv = empty(qkv.shape, qkv.dtype)
    low, high = split_seed(seed)
    _self_attention_backward(
        B * kv_heads, threads_for_heads(B * kv_heads, T * T * D),
        np.ascontiguousarray(qkv), np.ascontiguousarray(grad_y), grad_qkv,
        is_causal, NO_PREFIX if prefix is None else prefix, 1 / math.sqrt(D), dropout_p, low, high,
        drop_below(dropout_p), lse,
    )  # fmt: skip
    return grad_qkv


@cached_attention.fast_with_blas
def cached_attention(qkv, keys, values, starts, heads, prefix):
    whole = keys.flags.c_contiguous and values.flags.c_contiguous
    if not (qkv.size and whole):
        return cached_attention.definition(qkv, keys, values, starts, heads, prefix)
    hold_to_one_thread()
    (B, T, _), (_, kv_heads, _, D) = qkv.shape, keys.shape
    y = empty((B, T, heads * D), qkv.dtype)
    longest = int(starts[0] if B == 1 else starts.max()) + T
    threads = threads_for_heads(B * kv_heads, heads // kv_heads * T * longest * D)
    qkv = np.ascontiguousarray(qkv)
    prefix, scale = NO_PREFIX if prefix is None else prefix, 1 / math.sqrt(D)
    cached_attention_heads(B * kv_heads, threads, qkv, keys, values, starts, prefix, y, scale)
    return y


@parallel
def _self_attention(
    qkv, y, kv_heads, is_causal, prefix, scale, p, low, high, bound, lse, start, stop
):
    B, H, T = lse.shape
    D, width = y.shape[2] // H, qkv.shape[2]
    head = D * qkv.itemsize
    q = address(qkv)
    table = np.empty((5, COLUMNS), np.int64)
    place(table, 0, q, T * width, D, width)
    place(table, 1, q + H * head, T * width, D, width)
    place(table, 2, q + (H + kv_heads) * head, T * width, D, width)
    place(table, 3, address(y), T * H * D, D, H * D)
    sizes(table[4], B, H, kv_heads, T, T, D, D, 0)
    no_mask, strides = np.empty(0, lse.dtype), np.zeros(4, np.int64)
    attend(table, no_mask, strides, is_causal, prefix, scale, p, low, high, bound, lse, start, stop)


@parallel
def _self_attention_backward(
    qkv, grad_y, grad_qkv, is_causal, prefix, scale, p, low, high, bound, lse, start, stop
):
    B, H, T = lse.shape
    D, width = grad_y.shape[2] // H, qkv.shape[2]
    kv_heads = (width // D - H) // 2
    head = D * qkv.itemsize
    table = np.empty((8, COLUMNS), np.int64)
    for i, first in enumerate((address(qkv), address(grad_qkv))):
        place(table, 4 * i, first, T * width, D, width)
        place(table, 4 * i + 1, first + H * head, T * width, D, width)
        place(table, 4 * i + 2, first + (H + kv_heads) * head, T * width, D, width)
    place(table, 3, address(grad_y), T * H * D, D, H * D)
    sizes(table[7], B, H, kv_heads, T, T, D, D, 0)
    no_mask, strides = np.empty(0, lse.dtype), np.zeros(4, np.int64)
    attend_backward(
        table, no_mask, strides, is_causal, prefix, scale, p, low, high, bound, lse, start, stop
    )


@parallel
def cached_attention_heads(qkv, keys, values, starts, prefix, y, scale, start, stop):
    """Do the (batch, key head) pairs from `start` to `stop`, and keep their keys and values."""
    B, T, width = qkv.shape
    Hk, capacity, D = keys.shape[1:]
    H = width // D - 2 * Hk
    item = qkv.itemsize
    table = np.empty((5, COLUMNS), np.int64)
    no_mask, strides = np.empty(0, y.dtype), np.zeros(4, np.int64)
    lse = np.empty((1, H, T), y.dtype)  # each thread's own; nobody asks for it
    for b in range(start // Hk, (stop + Hk - 1) // Hk):
        first, last = max(start - b * Hk, 0), min(stop - b * Hk, Hk)  # of this row's key heads
        past = starts[b]
        for kv in range(first, last):
            key, value = (H + kv) * D, (H + Hk + kv) * D
            for t in range(T):
                row = qkv[b, t]
                kept_key, kept_value = keys[b, kv, past + t], values[b, kv, past + t]
                for d in range(D):
                    kept_key[d] = row[key + d]
                    kept_value[d] = row[value + d]
        place(table, 0, address(qkv) + b * T * width * item, T * width, D, width)
        kept = b * Hk * capacity * D * item
        place(table, 1, address(keys) + kept, Hk * capacity * D, capacity * D, D)
        place(table, 2, address(values) + kept, Hk * capacity * D, capacity * D, D)
        place(table, 3, address(y) + b * T * H * D * item, T * H * D, D, H * D)
        sizes(table[4], 1, H, Hk, T, past + T, D, D, past)
        group = H // Hk
        ahead = prefix[b : b + 1]  # empty if nobody has one
        attend(
            table, no_mask, strides, True, ahead, scale, 0.0, 0, 0, 0, lse,
            first * group, last * group,
        )  # fmt: skip
