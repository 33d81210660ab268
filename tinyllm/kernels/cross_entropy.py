"""Softmax and cross-entropy in one pass, so that the probabilities are never stored."""

from __future__ import annotations

import numpy as np

from tinyllm.kernels.jit import parallel, widest_registers
from tinyllm.kernels.kernel import kernel
from tinyllm.kernels.memory import empty_like
from tinyllm.kernels.threads import threads_for
from tinyllm.kernels.vector_math import exp, largest


@kernel
def cross_entropy(logits, targets, ignore_index, label_smoothing):
    """The loss of each row, and its log-sum-exp.

    loss = lse - (1 - e) logits[target] - e mean_j logits[j], e = label_smoothing, lse = log sum_j
    exp(logits[j]); 0 where target is ignore_index. logits (N, V), targets (N) -> (N), (N)
    """
    with np.errstate(invalid="ignore"):
        m = logits.max(axis=1)
        lse = m + np.log(np.exp(logits - m[:, None]).sum(axis=1))
    ignored = targets == ignore_index
    at_target = logits[np.arange(len(targets)), np.where(ignored, 0, targets)]
    losses = lse - at_target
    if label_smoothing:
        e = logits.dtype.type(label_smoothing)
        losses = (1 - e) * losses + e * (lse - logits.mean(axis=1))
    return np.where(ignored, logits.dtype.type(0), losses), lse


@cross_entropy.fast
def cross_entropy(logits, targets, ignore_index, label_smoothing):
    losses, lse = np.empty(len(targets), logits.dtype), np.empty(len(targets), logits.dtype)
    _cross_entropy(
        len(targets),
        threads_for(logits.size),
        np.ascontiguousarray(logits),
        targets,
        ignore_index,
        float(label_smoothing),
        losses,
        lse,
    )
    return losses, lse


@kernel
def cross_entropy_backward(grad_losses, logits, targets, lse, ignore_index, label_smoothing):
    """grad_logits = grad_loss * (exp(logits - lse) - (1 - e) 1[j = target] - e / V), row by row."""
    V = logits.shape[1]
    e = label_smoothing
    grad_losses = np.where(targets == ignore_index, logits.dtype.type(0), grad_losses)
    grad = np.exp(logits - lse[:, None]) - logits.dtype.type(e / V)
    rows = np.flatnonzero(targets != ignore_index)
    grad[rows, targets[rows]] -= logits.dtype.type(1 - e)
    return np.where(grad_losses[:, None] == 0, logits.dtype.type(0), grad * grad_losses[:, None])


@cross_entropy_backward.fast
def cross_entropy_backward(grad_losses, logits, targets, lse, ignore_index, label_smoothing):
    grad_logits = empty_like(logits)
    _cross_entropy_backward(
        len(targets),
        threads_for(logits.size),
        np.ascontiguousarray(grad_losses),
        np.ascontiguousarray(logits),
        targets,
        lse,
        ignore_index,
        float(label_smoothing),
        grad_logits,
    )
    return grad_logits


@parallel
def _cross_entropy(logits, targets, ignore_index, label_smoothing, losses, lse, start, stop):
    widest_registers()
    V = logits.shape[1]
    e = logits.dtype.type(label_smoothing)
    one = logits.dtype.type(1)
    # No view of a row outlives its line: Numba counts who holds one that is alive at a branch, and
    # threads that count in the same place wait for each other at every row.
    for i in range(start, stop):
        m = largest(logits[i])
        total, plain = logits.dtype.type(0), logits.dtype.type(0)
        for j in range(V):
            total += exp(logits[i, j] - m)
        lse[i] = m + np.log(total)
        losses[i] = 0
        if targets[i] != ignore_index:
            losses[i] = lse[i] - logits[i, targets[i]]
            if label_smoothing > 0:
                for j in range(V):
                    plain += logits[i, j]
                uniform = lse[i] - plain / logits.dtype.type(V)
                losses[i] = (one - e) * losses[i] + e * uniform


@parallel
def _cross_entropy_backward(
    grad_losses, logits, targets, lse, ignore_index, label_smoothing, grad_logits, start, stop
):
    widest_registers()
    V = logits.shape[1]
    real = logits.dtype.type
    for i in range(start, stop):
        g = grad_losses[i]
        if targets[i] == ignore_index or g == 0:
            grad_logits[i, :] = 0
        else:
            spread = real(label_smoothing) / real(V)
            for j in range(V):
                grad_logits[i, j] = g * (exp(logits[i, j] - lse[i]) - spread)
            grad_logits[i, targets[i]] -= g * (real(1) - real(label_smoothing))
