"""Scaled dot-product attention, forward and backward: softmax(scale Q K^T + mask) V.

The compiled bodies work through blocks of queries, one (batch, head) at a time, and keep only the
log-sum-exp of each row: no T x S matrix outlives its block, so memory grows with T, not its square
(Dao et al. 2022, arXiv:2205.14135; here a block sees its whole row, so no running maximum is
needed). Queries, keys and values are read where they lie, strides and all, so the packed
projection of a Transformer layer is never copied apart.

A query that may look at nothing gets output 0 and gradient 0, as in PyTorch.
"""

from __future__ import annotations

import numpy as np

from tinyllm.kernels.attention_blocks import COLUMNS, attend, attend_backward, place
from tinyllm.kernels.blas import hold_to_one_thread
from tinyllm.kernels.dropout import drop_below, keep_mask, split_seed
from tinyllm.kernels.jit import address, parallel
from tinyllm.kernels.kernel import kernel
from tinyllm.kernels.memory import empty
from tinyllm.kernels.threads import get_num_threads

SMALL_HEADS = 50_000  # multiplications of all heads below which one thread is quicker


@kernel
def attention(q, k, v, mask, is_causal, scale, dropout_p, seed):
    """out = dropout(softmax(scale q k^T + mask)) v, and lse, the log-sum-exp of each row of scores.

    q (B, H, T, D), k (B, Hk, S, D), v (B, Hk, S, Dv), H a multiple of Hk: each key head serves
    H / Hk neighbouring query heads. mask None or broadcastable to (B, H, T, S): bool (True = may
    attend) or added to the scores. is_causal: query t sees keys 0 .. t.
    -> out (B, H, T, Dv), lse (B, H, T)
    """
    scores, k, v = _scores(q, k, v, mask, is_causal, scale)
    weights, lse = _weights(scores)
    return _drop(weights, dropout_p, seed) @ v, lse


@kernel
def attention_backward(grad_out, q, k, v, mask, is_causal, scale, dropout_p, seed, lse):
    """The gradients of q, k, v. With P the weights, Z dropout's factors, dP = Z * (grad_out v^T):

    grad_v = (Z * P)^T grad_out;  dS = P * (dP - rowsum(P * dP));
    grad_q = scale dS k;  grad_k = scale dS^T q
    """
    grad_scores = attention_grad_scores(
        grad_out, q, k, v, mask, is_causal, scale, dropout_p, seed, lse
    )
    groups = q.shape[1] // k.shape[1]
    scores, k_all, v_all = _scores(q, k, v, mask, is_causal, scale)
    weights, _ = _weights(scores)
    grad_q = scale * (grad_scores @ k_all)
    grad_k = scale * (grad_scores.swapaxes(-1, -2) @ q)
    grad_v = _drop(weights, dropout_p, seed).swapaxes(-1, -2) @ grad_out
    return grad_q, _sum_groups(grad_k, groups), _sum_groups(grad_v, groups)


@kernel
def attention_grad_scores(grad_out, q, k, v, mask, is_causal, scale, dropout_p, seed, lse):
    """The gradient of the masked scores, (B, H, T, S): what a learned additive mask receives."""
    scores, _, v = _scores(q, k, v, mask, is_causal, scale)
    weights, _ = _weights(scores)
    grad_weights = _drop(grad_out @ v.swapaxes(-1, -2), dropout_p, seed)
    return weights * (grad_weights - (weights * grad_weights).sum(axis=-1, keepdims=True))


def _scores(q, k, v, mask, is_causal, scale):
    """The masked scores, and keys and values repeated to one per query head."""
    groups = q.shape[1] // k.shape[1]
    if groups > 1:
        k, v = np.repeat(k, groups, axis=1), np.repeat(v, groups, axis=1)
    scores = (q @ k.swapaxes(-1, -2)) * q.dtype.type(scale)
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask
    if is_causal:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf)
    return scores.astype(q.dtype, copy=False), k, v


def _weights(scores):
    """softmax over the last axis, 0 where a whole row is -inf; and the log-sum-exp."""
    m = scores.max(axis=-1, keepdims=True, initial=-np.inf)
    shifted = np.exp(scores - np.where(m == -np.inf, 0, m).astype(scores.dtype))
    total = shifted.sum(axis=-1, keepdims=True)
    with np.errstate(divide="ignore"):
        lse = (m + np.log(total))[..., 0]
    return shifted / np.where(total == 0, 1, total).astype(scores.dtype), lse


def _drop(weights, p, seed):
    if not p:
        return weights
    keep = keep_mask(weights.size // weights.shape[-1], weights.shape[-1], p, seed)
    return weights * keep.reshape(weights.shape) * weights.dtype.type(1 / (1 - p))


def _sum_groups(grad, groups):
    """Add up the gradients of the query heads that shared one key head."""
    if groups == 1:
        return grad
    B, H, S, D = grad.shape
    return grad.reshape(B, H // groups, groups, S, D).sum(axis=2)


@attention.fast_with_blas
def attention(q, k, v, mask, is_causal, scale, dropout_p, seed):
    if not (q.size and k.size and v.size):
        return attention.definition(q, k, v, mask, is_causal, scale, dropout_p, seed)
    hold_to_one_thread()
    B, H, T, D = q.shape
    out = _heads(q, H, v.shape[3])
    lse = empty((B, H, T), q.dtype)
    table = np.empty((5, COLUMNS), np.int64)
    table[4] = B, H, k.shape[1], T, k.shape[2], D, v.shape[3], 0
    arrays = [_described(table, i, array) for i, array in enumerate((q, k, v))]
    _describe(1, 1, table, 3, out)
    line, strides = _mask_line(mask, (B, H, T, k.shape[2]), q.dtype)
    low, high = split_seed(seed)
    _attend(
        B * H, threads_for_heads(B * H, T * k.shape[2] * D),
        table, line, strides, is_causal, scale, dropout_p, low, high, drop_below(dropout_p), lse,
    )  # fmt: skip
    del arrays  # alive until here: the kernel reads them by address
    return out, lse


@attention_backward.fast_with_blas
def attention_backward(grad_out, q, k, v, mask, is_causal, scale, dropout_p, seed, lse):
    if not (q.size and k.size and v.size):
        return attention_backward.definition(
            grad_out, q, k, v, mask, is_causal, scale, dropout_p, seed, lse
        )
    hold_to_one_thread()
    (B, H, T, D), (_, Hk, S, Dv) = q.shape, v.shape
    table = np.empty((8, COLUMNS), np.int64)
    table[7] = B, H, Hk, T, S, D, Dv, 0
    arrays = [_described(table, i, array) for i, array in enumerate((q, k, v, grad_out))]
    grads = _gradients_like(q, k, v, table)
    for i, grad in enumerate(grads, start=4):
        _describe(1, 1, table, i, grad)
    line, strides = _mask_line(mask, (B, H, T, S), q.dtype)
    low, high = split_seed(seed)
    _attend_backward(
        B * Hk, threads_for_heads(B * Hk, T * S * D),
        table, line, strides, is_causal, scale, dropout_p, low, high, drop_below(dropout_p), lse,
    )  # fmt: skip
    del arrays
    return tuple(grads)


def _gradients_like(q, k, v, table):
    """Memory for the gradients: in one piece where q, k, v are, or k, v."""
    (H, D), (Hk, Dv) = q.shape[1::2], v.shape[1::2]
    step = q.strides[1]
    starts = table[:3, 0].tolist()
    packed_kv = k.strides == v.strides and Dv == D and starts[2] - starts[1] == Hk * k.strides[1]
    as_long = q.shape[2] == k.shape[2]  # not so for the first queries alone
    if packed_kv and as_long and q.strides == k.strides and starts[1] - starts[0] == H * step:
        packed = _heads(q, H + 2 * Hk, D)
        return packed[:, :H], packed[:, H : H + Hk], packed[:, H + Hk :]
    grad_q = _heads(q, H, D)
    if packed_kv:
        packed = _heads(k, 2 * Hk, D)
        return grad_q, packed[:, :Hk], packed[:, Hk:]
    return grad_q, _heads(k, Hk, D), _heads(v, Hk, Dv)


def _heads(like, heads, size):
    """An array (B, heads, T, size) in which each position has its heads side by side, the batch or
    the positions outermost as in `like`: the layers around cut and join heads without a copy."""
    B, _, T, _ = like.shape
    if like.strides[2] > like.strides[0]:  # (T, B, H, D) in memory: batch_first=False
        return empty((T, B, heads, size), like.dtype).transpose(1, 2, 0, 3)
    return empty((B, T, heads, size), like.dtype).transpose(0, 2, 1, 3)


def threads_for_heads(tasks: int, work: int) -> int:
    return 1 if tasks * work < SMALL_HEADS else min(tasks, get_num_threads())


def _described(table, i, array):
    """Write row i of the table by which compiled bodies find arrays.

    Returns the array, or its copy with rows in one piece: to be kept alive, the table does not.
    """
    array = array if _fits_blas(array) else np.array(array, order="C")
    _describe(1, 1, table, i, array)
    return array


@parallel
def _describe(table, i, array, start, stop):
    item, strides = array.itemsize, array.strides
    place(table, i, address(array), strides[0] // item, strides[1] // item, strides[2] // item)


def _fits_blas(a):
    """Whether each row lies in one piece and the next comes after it: reversed or repeating rows
    (a broadcast gradient) have strides that BLAS does not take, and it says so only on stderr."""
    return a.strides[3] == a.itemsize and a.strides[2] >= a.shape[3] * a.itemsize


def _mask_line(mask, shape, dtype):
    """The mask as one contiguous line of numbers to add, and its strides (0 where it repeats)."""
    if mask is None:
        return np.empty(0, dtype), np.zeros(4, np.int64)
    if mask.dtype == bool:
        mask = np.where(mask, dtype.type(0), dtype.type(-np.inf))
    mask = np.ascontiguousarray(mask, dtype)
    seen = np.broadcast_to(mask, shape)
    return mask.reshape(-1), np.array(seen.strides, np.int64) // mask.itemsize


@parallel
def _attend(table, mask, strides, is_causal, scale, p, low, high, bound, lse, start, stop):
    no_prefix = np.empty(0, np.int64)
    attend(table, mask, strides, is_causal, no_prefix, scale, p, low, high, bound, lse, start, stop)


@parallel
def _attend_backward(table, mask, strides, is_causal, scale, p, low, high, bound, lse, start, stop):
    no_prefix = np.empty(0, np.int64)
    attend_backward(
        table, mask, strides, is_causal, no_prefix, scale, p, low, high, bound, lse, start, stop
    )
