"""Rows gathered from a table by index, and their gradients scattered back. Indices are in range."""

from __future__ import annotations

import numpy as np

from tinyllm.kernels.jit import address, array_at, parallel
from tinyllm.kernels.kernel import kernel
from tinyllm.kernels.memory import empty, zeros
from tinyllm.kernels.rows import as_flat, as_rows
from tinyllm.kernels.threads import threads_for


@kernel
def embedding(weight, ids):
    """y[...] = weight[ids[...]]: weight (V, C), ids (...) -> y (..., C)."""
    return weight[ids]


@embedding.fast
def embedding(weight, ids):
    y = empty((*ids.shape, weight.shape[1]), weight.dtype)
    if y.size:
        _gather(
            ids.size, threads_for(y.size), np.ascontiguousarray(weight), as_flat(ids), as_rows(y)
        )
    return y


@kernel
def embedding_backward(grad_y, ids, num_embeddings):
    """grad_weight[v] = sum of grad_y over the places where ids is v: (V, C)."""
    grad_weight = np.zeros((num_embeddings, grad_y.shape[-1]), grad_y.dtype)
    np.add.at(grad_weight, ids, grad_y)
    return grad_weight


@embedding_backward.fast
def embedding_backward(grad_y, ids, num_embeddings):
    grad_weight = zeros((num_embeddings, grad_y.shape[-1]), grad_y.dtype)
    if grad_y.size:
        # Each thread has its own columns: no two add to one place, and the order is fixed.
        columns, threads = grad_y.shape[-1], threads_for(grad_y.size)
        _scatter_add(columns, threads, as_rows(grad_y), as_flat(ids), grad_weight)
    return grad_weight


@parallel
def _gather(weight, ids, y, start, stop):
    """Rows are found by address: so short a loop feels that a slice is counted as a holder."""
    width = weight.shape[1]
    step = width * weight.itemsize
    for i in range(start, stop):
        row = array_at(weight, address(y) + i * step, width)
        found = array_at(weight, address(weight) + ids[i] * step, width)
        for j in range(width):
            row[j] = found[j]


@parallel
def _scatter_add(grad_y, ids, grad_weight, start, stop):
    """Rows are sliced before the loop: an index that Numba must check keeps it from vectorising."""
    for i in range(ids.size):
        total, grad = grad_weight[ids[i], start:stop], grad_y[i, start:stop]
        for j in range(total.size):
            total[j] += grad[j]
