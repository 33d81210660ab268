"""The inner work of attention, block by block of queries: called from compiled code only.

Arrays are found by a table, so that one body serves every layout. Row i: the address of array i in
bytes, then its strides of batch, head and position in elements. The table's last row: B, H, Hk, T,
S, D, Dv, and how many keys stand before the first query.
"""

from __future__ import annotations

import numpy as np

from tinyllm.kernels.blas import GAP, NORMAL, TRANSPOSED, gemm, turn
from tinyllm.kernels.jit import address, array_at, inlined, widest_registers
from tinyllm.kernels.vector_math import column_hashes, exp, largest, odd_hash

BLOCK = 64  # queries worked on at once: their scores against all keys stay in the cache
SHORT = 256  # up to this many keys half a block is quicker: it skips more of what causality hides
FEW_QUERIES = 16  # up to so many, to turn the keys takes longer than it saves
COLUMNS = 8  # columns of a table of arrays


@inlined
def _block(keys):
    return BLOCK // 2 if keys <= SHORT else BLOCK


@inlined
def place(table, i, start, batch, head, position):
    """Write row i of a table: an array's address, and its strides in elements."""
    row = table[i]
    row[0], row[1], row[2], row[3] = start, batch, head, position


@inlined
def sizes(last, B, H, Hk, T, S, D, Dv, past):
    """Write a table's last row."""
    last[0], last[1], last[2], last[3], last[4] = B, H, Hk, T, S
    last[5], last[6], last[7] = D, Dv, past


@inlined
def _at(table, i, b, h, t, item):
    """The address of row t of head h of batch b of array i."""
    row = table[i]
    return row[0] + item * (b * row[1] + h * row[2] + t * row[3])


@inlined
def _add_mask(row, keys, mask, start, stride):
    if mask.size:
        for s in range(keys):
            row[s] += mask[start + s * stride]


@inlined
def _softmax_block(
    scores, first, rows, keys, past, is_causal, prefix, mask, mask_start, strides, lse
):
    """Turn a block of scores into weights, in place, row by row; write each row's log-sum-exp."""
    zero = scores.dtype.type(0)
    for i in range(rows):
        row = scores[i]
        t = first + i
        _add_mask(row, keys, mask, mask_start + t * strides[2], strides[3])
        seen = min(max(past + t + 1, prefix), keys) if is_causal else keys
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
def _drop_block(block, rows, keys, first_row, factor, low, columns, bound):
    """Multiply by dropout's factors; `first_row` is the block's place among all B H T rows."""
    zero = block.dtype.type(0)
    for i in range(rows):
        row = block[i]
        hashed = odd_hash(first_row + i, low)
        for s in range(keys):
            kept = np.uint32(hashed * columns[s]) >= np.uint32(bound)
            row[s] = row[s] * factor if kept else zero


@inlined
def _scores_of_one(scores, q, k, k_step, keys, D, scale):
    """A product of one row: BLAS would first copy all keys into another order."""
    query = array_at(scores, q, D)
    for s in range(keys):
        key = array_at(scores, k + s * k_step * scores.itemsize, D)
        total = scores.dtype.type(0)
        for d in range(D):
            total += query[d] * key[d]
        scores[0, s] = total * scale


@inlined
def _out_of_one(scores, v, v_step, keys, Dv, out):
    y = array_at(scores, out, Dv)
    for d in range(Dv):
        y[d] = scores.dtype.type(0)
    for s in range(keys):
        weight, value = scores[0, s], array_at(scores, v + s * v_step * scores.itemsize, Dv)
        for d in range(Dv):
            y[d] += weight * value[d]


# Products with keys by row are sums along rows of both, for which BLAS's kernels for small matrices
# take nearly twice as long. Turned once, the keys serve all blocks of queries.


@inlined
def attend(table, mask, strides, is_causal, prefixes, scale, p, low, high, bound, lse, start, stop):
    """Do the (batch, head) pairs from `start` to `stop`. Arrays: q, k, v, out; lse (B, H, T).

    prefixes (B,): with is_causal, keys before prefixes[b] are seen by all queries of row b; empty
    if no row has such.
    """
    B, H, Hk, T, S, D, Dv, past = table[4]
    item = lse.itemsize
    block = min(T, _block(S))
    scores, turns = np.empty((block, S), lse.dtype), T > FEW_QUERIES
    across = np.empty((D if turns else 0, S + GAP), lse.dtype)
    factor = lse.dtype.type(1 / (1 - p)) if p > 0 else lse.dtype.type(1)
    columns = column_hashes(S if p > 0 else 0, high)
    here, turned = address(scores), address(across)
    row = table[:, 3]
    for task in range(start, stop):
        b, h = task // H, task % H
        kv = h // (H // Hk)
        prefix = prefixes[b] if prefixes.size else 0
        k, v = _at(table, 1, b, kv, 0, item), _at(table, 2, b, kv, 0, item)
        if turns and (task == start or h % (H // Hk) == 0):
            turn(across, k, row[1], S, D)
        for first in range(0, T, block):
            rows = min(block, T - first)
            keys = min(max(past + first + rows, prefix), S) if is_causal else S
            q, out = _at(table, 0, b, h, first, item), _at(table, 3, b, h, first, item)
            if rows == 1:
                _scores_of_one(scores, q, k, row[1], keys, D, lse.dtype.type(scale))
            elif not turns:
                gemm(scores, TRANSPOSED, NORMAL, keys, rows, D,
                     scale, k, row[1], q, row[0], 0.0, here, S)  # fmt: skip
            else:
                gemm(scores, NORMAL, NORMAL, keys, rows, D,
                     scale, turned, S + GAP, q, row[0], 0.0, here, S)  # fmt: skip
            mask_start = b * strides[0] + h * strides[1]
            _softmax_block(
                scores, first, rows, keys, past, is_causal, prefix,
                mask, mask_start, strides, lse[b, h],
            )  # fmt: skip
            if p > 0:
                dropout_row = (b * H + h) * T + first
                _drop_block(scores, rows, keys, dropout_row, factor, low, columns, bound)
            if rows == 1:
                _out_of_one(scores, v, row[2], keys, Dv, out)
            else:
                gemm(scores, NORMAL, NORMAL, Dv, rows, keys,
                     1.0, v, row[2], here, S, 0.0, out, row[3])  # fmt: skip


@inlined
def _weights_again(weights, first, rows, keys, is_causal, prefix, mask, mask_start, strides, lse):
    """The forward's weights from its scores and log-sum-exp, in place."""
    widest_registers()
    zero = weights.dtype.type(0)
    for i in range(rows):
        row = weights[i]
        t = first + i
        _add_mask(row, keys, mask, mask_start + t * strides[2], strides[3])
        seen = min(max(t + 1, prefix), keys) if is_causal else keys
        if lse[t] == -np.inf:
            seen = 0
        for s in range(seen):
            row[s] = exp(row[s] - lse[t])
        for s in range(seen, keys):
            row[s] = zero


@inlined
def _grad_scores_block(weights, grads, rows, keys, scale):
    """dS = scale P * (dP - rowsum(P * dP)), written over dP."""
    widest_registers()
    for i in range(rows):
        p, g = weights[i], grads[i]
        dot = weights.dtype.type(0)
        for s in range(keys):
            dot += p[s] * g[s]
        for s in range(keys):
            g[s] = p[s] * (g[s] - dot) * scale


@inlined
def _zero_rows(like, start, step, first, last, width):
    for s in range(first, last):
        line = array_at(like, start + s * step * like.itemsize, width)
        for d in range(width):
            line[d] = like.dtype.type(0)


@inlined
def attend_backward(
    table, mask, strides, is_causal, prefixes, scale, p, low, high, bound, lse, start, stop
):
    """Do the (batch, key head) pairs from `start` to `stop`: no two share a gradient.

    Arrays: q, k, v, grad_out, grad_q, grad_k, grad_v. Blocks run from the last to the first: the
    last sees all keys, so it can lay down the gradients of k and v to which the others add.
    """
    B, H, Hk, T, S, D, Dv, _ = table[7]
    item, groups = lse.itemsize, H // Hk
    block = min(T, _block(S))
    weights, grads = np.empty((block, S), lse.dtype), np.empty((block, S), lse.dtype)
    keys_across = np.empty((D, S + GAP), lse.dtype)
    values_across = np.empty((Dv, S + GAP), lse.dtype)
    factor = lse.dtype.type(1 / (1 - p)) if p > 0 else lse.dtype.type(1)
    columns = column_hashes(S if p > 0 else 0, high)
    w, g = address(weights), address(grads)
    turned_keys, turned_values = address(keys_across), address(values_across)
    row = table[:, 3]
    last = (T - 1) // block * block
    for task in range(start * groups, stop * groups):
        b, h = task // H, task % H
        prefix = prefixes[b] if prefixes.size else 0
        k, v = _at(table, 1, b, h // groups, 0, item), _at(table, 2, b, h // groups, 0, item)
        grad_k = _at(table, 5, b, h // groups, 0, item)
        grad_v = _at(table, 6, b, h // groups, 0, item)
        beta = 0.0 if h % groups == 0 else 1.0
        if beta == 0.0:
            turn(keys_across, k, row[1], S, D)
            turn(values_across, v, row[2], S, Dv)
        if is_causal and beta == 0.0:  # keys that no query sees
            _zero_rows(lse, grad_k, row[5], T, S, D)
            _zero_rows(lse, grad_v, row[6], T, S, Dv)
        for first in range(last, -1, -block):
            rows = min(block, T - first)
            keys = min(max(first + rows, prefix), S) if is_causal else S
            dropout_row = (b * H + h) * T + first
            q, grad_out = _at(table, 0, b, h, first, item), _at(table, 3, b, h, first, item)
            grad_q = _at(table, 4, b, h, first, item)
            gemm(weights, NORMAL, NORMAL, keys, rows, D,
                 scale, turned_keys, S + GAP, q, row[0], 0.0, w, S)  # fmt: skip
            mask_start = b * strides[0] + h * strides[1]
            _weights_again(
                weights, first, rows, keys, is_causal, prefix, mask, mask_start, strides, lse[b, h]
            )
            gemm(grads, NORMAL, NORMAL, keys, rows, Dv,
                 1.0, turned_values, S + GAP, grad_out, row[3], 0.0, g, S)  # fmt: skip
            if p > 0:
                _drop_block(grads, rows, keys, dropout_row, factor, low, columns, bound)
            _grad_scores_block(weights, grads, rows, keys, lse.dtype.type(scale))
            gemm(grads, NORMAL, NORMAL, D, rows, keys,
                 1.0, k, row[1], g, S, 0.0, grad_q, row[4])  # fmt: skip
            gemm(grads, NORMAL, TRANSPOSED, D, keys, rows,
                 1.0, q, row[0], g, S, beta, grad_k, row[5])  # fmt: skip
            if p > 0:
                _drop_block(weights, rows, keys, dropout_row, factor, low, columns, bound)
            gemm(weights, NORMAL, TRANSPOSED, Dv, keys, rows,
                 1.0, grad_out, row[3], w, S, beta, grad_v, row[6])  # fmt: skip
            beta = 1.0
