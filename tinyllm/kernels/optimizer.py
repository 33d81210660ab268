"""What an optimizer does to whole arrays, in place: Adam's update, and the pieces of clipping."""

from __future__ import annotations

import math

import numpy as np

from tinyllm.kernels.jit import parallel
from tinyllm.kernels.kernel import kernel
from tinyllm.kernels.rows import as_flat
from tinyllm.kernels.threads import threads_for


@kernel
def adam_step(
    param, grad, exp_avg, exp_avg_sq, step, lr, beta1, beta2, eps, weight_decay, decoupled
):
    """One step of Adam (Kingma and Ba 2015), or of AdamW where weight decay is `decoupled`.

    m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
    param -= lr * (m / (1 - beta1^step)) / (sqrt(v / (1 - beta2^step)) + eps)
    Before that: param *= 1 - lr weight_decay (AdamW), or g += weight_decay param (Adam).
    Changes param, exp_avg (m) and exp_avg_sq (v) in place.
    """
    if decoupled:
        param *= 1 - lr * weight_decay
    elif weight_decay:
        grad = grad + weight_decay * param
    exp_avg += (grad - exp_avg) * (1 - beta1)
    exp_avg_sq *= beta2
    exp_avg_sq += (1 - beta2) * grad * grad
    denominator = np.sqrt(exp_avg_sq) / math.sqrt(1 - beta2**step) + eps
    param -= (lr / (1 - beta1**step)) * exp_avg / denominator


@adam_step.fast
def adam_step(
    param, grad, exp_avg, exp_avg_sq, step, lr, beta1, beta2, eps, weight_decay, decoupled
):
    arrays = (param, grad, exp_avg, exp_avg_sq)
    if not all(a.flags.c_contiguous and a.dtype == param.dtype for a in arrays):
        adam_step.definition(*arrays, step, lr, beta1, beta2, eps, weight_decay, decoupled)
        return
    _adam(
        param.size,
        threads_for(param.size),
        *(a.reshape(-1) for a in arrays),
        lr / (1 - beta1**step),
        1 / math.sqrt(1 - beta2**step),
        float(beta1),
        float(beta2),
        float(eps),
        1 - lr * weight_decay if decoupled else 1.0,
        0.0 if decoupled else float(weight_decay),
    )


@kernel
def sum_of_squares(x):
    """sum_i x_i^2, as a Python float summed in double precision."""
    line = as_flat(x).astype(np.float64, copy=False)
    return float(line @ line)


@sum_of_squares.fast
def sum_of_squares(x):
    line = as_flat(x)
    threads = threads_for(x.size)
    partial = np.zeros(threads, np.float64)
    _sum_of_squares(threads, threads, line, partial)
    return float(partial.sum())


@kernel
def scale_(x, factor):
    """Multiply x by a number, in place."""
    x *= x.dtype.type(factor)


@scale_.fast
def scale_(x, factor):
    if x.flags.c_contiguous:
        _scale(x.size, threads_for(x.size), x.reshape(-1), float(factor))
    else:
        scale_.definition(x, factor)


@parallel
def _adam(p, g, m, v, lr, correction2, beta1, beta2, eps, keep, l2, start, stop):
    p, g, m, v = p[start:stop], g[start:stop], m[start:stop], v[start:stop]
    real = p.dtype.type
    lr, correction2, eps = real(lr), real(correction2), real(eps)
    b2, c1, c2 = real(beta2), real(1 - beta1), real(1 - beta2)
    keep, l2 = real(keep), real(l2)
    for i in range(p.size):
        gradient = g[i] + l2 * p[i]
        m[i] += (gradient - m[i]) * c1
        v[i] = b2 * v[i] + c2 * gradient * gradient
        p[i] = p[i] * keep - lr * m[i] / (np.sqrt(v[i]) * correction2 + eps)


@parallel
def _sum_of_squares(x, partial, start, stop):
    """Blocks summed in x's own precision, which vectorises; the blocks in double."""
    parts = partial.size
    for part in range(start, stop):
        first, last = x.size * part // parts, x.size * (part + 1) // parts
        total = 0.0
        for block in range(first, last, 1024):
            piece = x[block : min(block + 1024, last)]
            subtotal = x.dtype.type(0)
            for i in range(piece.size):
                subtotal += piece[i] * piece[i]
            total += subtotal
        partial[part] = total


@parallel
def _scale(x, factor, start, stop):
    x = x[start:stop]
    for i in range(x.size):
        x[i] *= x.dtype.type(factor)
