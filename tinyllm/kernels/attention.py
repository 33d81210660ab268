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

from tinyllm.kernels.blas import NORMAL, TRANSPOSED, gemm, hold_to_one_thread
from tinyllm.kernels.dropout import drop_below, keep_mask, split_seed
from tinyllm.kernels.jit import address, inlined, parallel
from tinyllm.kernels.kernel import kernel
from tinyllm.kernels.memory import empty, zeros
from tinyllm.kernels.threads import get_num_threads
from tinyllm.kernels.vector_math import exp, hash32, largest

BLOCK = 64  # queries worked on at once: their scores against all keys stay in the cache
SHORT = 256  # up to this many keys half a block is quicker: it skips more of what causality hides


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
    out = _heads(empty, q, H, v.shape[3])
    lse = empty((B, H, T), q.dtype)
    geometry = np.empty((5, 7), np.int64)
    geometry[4] = B, H, k.shape[1], T, k.shape[2], D, v.shape[3]
    arrays = [_described(geometry, i, array) for i, array in enumerate((q, k, v))]
    _describe(1, 1, geometry, 3, out)
    line, strides = _mask_line(mask, (B, H, T, k.shape[2]), q.dtype)
    low, high = split_seed(seed)
    _attend(
        B * H, _threads_for(B * H, T * k.shape[2] * D),
        geometry, line, strides, is_causal, scale, dropout_p, low, high, drop_below(dropout_p), lse,
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
    geometry = np.empty((8, 7), np.int64)
    geometry[7] = B, H, Hk, T, S, D, Dv
    arrays = [_described(geometry, i, array) for i, array in enumerate((q, k, v, grad_out))]
    grads = _gradients_like(q, k, v, geometry)
    for i, grad in enumerate(grads, start=4):
        _describe(1, 1, geometry, i, grad)
    line, strides = _mask_line(mask, (B, H, T, S), q.dtype)
    low, high = split_seed(seed)
    _attend_backward(
        B * Hk, _threads_for(B * Hk, T * S * D),
        geometry, line, strides, is_causal, scale, dropout_p, low, high, drop_below(dropout_p), lse,
    )  # fmt: skip
    del arrays
    return tuple(grads)


def _gradients_like(q, k, v, geometry):
    """Memory for the gradients, those of k and v zero: in one piece where q, k, v are, or k, v."""
    (H, D), (Hk, Dv) = q.shape[1::2], v.shape[1::2]
    step = q.strides[1]
    starts = geometry[:3, 0].tolist()
    packed_kv = k.strides == v.strides and Dv == D and starts[2] - starts[1] == Hk * k.strides[1]
    as_long = q.shape[2] == k.shape[2]  # not so for the first queries alone
    if packed_kv and as_long and q.strides == k.strides and starts[1] - starts[0] == H * step:
        packed = _heads(zeros, q, H + 2 * Hk, D)
        return packed[:, :H], packed[:, H : H + Hk], packed[:, H + Hk :]
    grad_q = _heads(empty, q, H, D)
    if packed_kv:
        packed = _heads(zeros, k, 2 * Hk, D)
        return grad_q, packed[:, :Hk], packed[:, Hk:]
    return grad_q, _heads(zeros, k, Hk, D), _heads(zeros, v, Hk, Dv)


def _heads(make, like, heads, size):
    """An array (B, heads, T, size) in which each position has its heads side by side, the batch or
    the positions outermost as in `like`: the layers around cut and join heads without a copy."""
    B, _, T, _ = like.shape
    if like.strides[2] > like.strides[0]:  # (T, B, H, D) in memory: batch_first=False
        return make((T, B, heads, size), like.dtype).transpose(1, 2, 0, 3)
    return make((B, T, heads, size), like.dtype).transpose(0, 2, 1, 3)


def _threads_for(tasks: int, work: int) -> int:
    return 1 if tasks * work < 50_000 else min(tasks, get_num_threads())


def _described(geometry, i, array):
    """Write row i of the table that the compiled bodies find arrays by, so that one body serves
    every layout: address in bytes, then the strides of batch, head and position in elements.

    The table's last row: B, H, Hk, T, S, D, Dv.
    Returns the array, or its copy with rows in one piece: to be kept alive, the table does not.
    """
    array = array if _fits_blas(array) else np.array(array, order="C")
    _describe(1, 1, geometry, i, array)
    return array


@parallel
def _describe(geometry, i, array, start, stop):
    geometry[i, 0] = address(array)
    for axis in range(3):
        geometry[i, 1 + axis] = array.strides[axis] // array.itemsize


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


@inlined
def _block(keys):
    return BLOCK // 2 if keys <= SHORT else BLOCK


@inlined
def _add_mask(row, keys, mask, start, stride):
    if mask.size:
        for s in range(keys):
            row[s] += mask[start + s * stride]


@inlined
def _softmax_block(scores, first, rows, keys, is_causal, mask, mask_start, strides, lse):
    """Turn a block of scores into weights, in place, row by row; write each row's log-sum-exp."""
    zero = scores.dtype.type(0)
    for i in range(rows):
        row = scores[i]
        t = first + i
        _add_mask(row, keys, mask, mask_start + t * strides[2], strides[3])
        seen = min(t + 1, keys) if is_causal else keys
        m = largest(row[:seen])
        total = zero
        if m > -np.inf or m != m:
            for s in range(seen):
                e = exp(row[s] - m)
                row[s] = e
                total += e
        else:
            seen = 0
        lse[t] = m + np.log(total)
        scale = scores.dtype.type(1) / total if seen else zero
        for s in range(seen):
            row[s] *= scale
        for s in range(seen, keys):
            row[s] = zero


@inlined
def _drop_block(block, rows, keys, first_row, factor, low, high, bound):
    """Multiply by dropout's factors; `first_row` is the block's place among all B H T rows."""
    zero = block.dtype.type(0)
    for i in range(rows):
        row = block[i]
        by_row = hash32(first_row + i, low) ^ np.uint32(high)
        for s in range(keys):
            row[s] = row[s] * factor if hash32(s, by_row) >= np.uint32(bound) else zero


@inlined
def _at(geometry, i, b, h, t, item):
    """The address of row t of head h of batch b of array i."""
    row = geometry[i]
    return row[0] + item * (b * row[1] + h * row[2] + t * row[3])


@parallel
def _attend(geometry, mask, strides, is_causal, scale, p, low, high, bound, lse, start, stop):
    """Do the (batch, head) pairs from `start` to `stop`."""
    B, H, Hk, T, S, D, Dv = geometry[4]
    item = lse.itemsize
    block = min(T, _block(S))
    scores = np.empty((block, S), lse.dtype)
    factor = lse.dtype.type(1 / (1 - p)) if p > 0 else lse.dtype.type(1)
    here = address(scores)
    row = geometry[:, 3]
    for task in range(start, stop):
        b, h = task // H, task % H
        kv = h // (H // Hk)
        k, v = _at(geometry, 1, b, kv, 0, item), _at(geometry, 2, b, kv, 0, item)
        for first in range(0, T, block):
            rows = min(block, T - first)
            keys = min(first + rows, S) if is_causal else S
            q, out = _at(geometry, 0, b, h, first, item), _at(geometry, 3, b, h, first, item)
            gemm(scores, TRANSPOSED, NORMAL, keys, rows, D,
                 scale, k, row[1], q, row[0], 0.0, here, S)  # fmt: skip
            mask_start = b * strides[0] + h * strides[1]
            _softmax_block(
                scores, first, rows, keys, is_causal, mask, mask_start, strides, lse[b, h]
            )
            if p > 0:
                _drop_block(scores, rows, keys, (b * H + h) * T + first, factor, low, high, bound)
            gemm(scores, NORMAL, NORMAL, Dv, rows, keys,
                 1.0, v, row[2], here, S, 0.0, out, row[3])  # fmt: skip


@inlined
def _weights_again(weights, first, rows, keys, is_causal, mask, mask_start, strides, lse):
    """The forward's weights from its scores and log-sum-exp, in place."""
    zero = weights.dtype.type(0)
    for i in range(rows):
        row = weights[i]
        t = first + i
        _add_mask(row, keys, mask, mask_start + t * strides[2], strides[3])
        seen = min(t + 1, keys) if is_causal else keys
        if lse[t] == -np.inf:
            seen = 0
        for s in range(seen):
            row[s] = exp(row[s] - lse[t])
        for s in range(seen, keys):
            row[s] = zero


@inlined
def _grad_scores_block(weights, grads, rows, keys, scale):
    """dS = scale P * (dP - rowsum(P * dP)), written over dP."""
    for i in range(rows):
        p, g = weights[i], grads[i]
        dot = weights.dtype.type(0)
        for s in range(keys):
            dot += p[s] * g[s]
        for s in range(keys):
            g[s] = p[s] * (g[s] - dot) * scale


@parallel
def _attend_backward(
    geometry, mask, strides, is_causal, scale, p, low, high, bound, lse, start, stop
):
    """Do the (batch, key head) pairs from `start` to `stop`: no two share a gradient."""
    B, H, Hk, T, S, D, Dv = geometry[7]
    item, groups = lse.itemsize, H // Hk
    block = min(T, _block(S))
    weights, grads = np.empty((block, S), lse.dtype), np.empty((block, S), lse.dtype)
    factor = lse.dtype.type(1 / (1 - p)) if p > 0 else lse.dtype.type(1)
    w, g = address(weights), address(grads)
    row = geometry[:, 3]
    for task in range(start * groups, stop * groups):
        b, h = task // H, task % H
        k, v = _at(geometry, 1, b, h // groups, 0, item), _at(geometry, 2, b, h // groups, 0, item)
        grad_k = _at(geometry, 5, b, h // groups, 0, item)
        grad_v = _at(geometry, 6, b, h // groups, 0, item)
        for first in range(0, T, block):
            rows = min(block, T - first)
            keys = min(first + rows, S) if is_causal else S
            dropout_row = (b * H + h) * T + first
            q, grad_out = _at(geometry, 0, b, h, first, item), _at(geometry, 3, b, h, first, item)
            grad_q = _at(geometry, 4, b, h, first, item)
            gemm(weights, TRANSPOSED, NORMAL, keys, rows, D,
                 scale, k, row[1], q, row[0], 0.0, w, S)  # fmt: skip
            mask_start = b * strides[0] + h * strides[1]
            _weights_again(
                weights, first, rows, keys, is_causal, mask, mask_start, strides, lse[b, h]
            )
            gemm(grads, TRANSPOSED, NORMAL, keys, rows, Dv,
                 1.0, v, row[2], grad_out, row[3], 0.0, g, S)  # fmt: skip
            if p > 0:
                _drop_block(grads, rows, keys, dropout_row, factor, low, high, bound)
            _grad_scores_block(weights, grads, rows, keys, lse.dtype.type(scale))
            gemm(grads, NORMAL, NORMAL, D, rows, keys,
                 1.0, k, row[1], g, S, 0.0, grad_q, row[4])  # fmt: skip
            gemm(grads, NORMAL, TRANSPOSED, D, keys, rows,
                 1.0, q, row[0], g, S, 1.0, grad_k, row[5])  # fmt: skip
            if p > 0:
                _drop_block(weights, rows, keys, dropout_row, factor, low, high, bound)
            gemm(weights, NORMAL, TRANSPOSED, Dv, keys, rows,
                 1.0, grad_out, row[3], w, S, 1.0, grad_v, row[6])  # fmt: skip
