"""What an optimizer does to all parameters at once, in place: Adam's update, the parts of clipping.

A model has many small arrays. The compiled bodies get a table of their addresses. Each thread has
its part of every array: about that whose gradient it added up, so it is at hand (matmul.py).
"""

from __future__ import annotations

import math
from ctypes import addressof, c_char

import numpy as np

from tinyllm.kernels.jit import array_at, inlined, parallel
from tinyllm.kernels.kernel import kernel
from tinyllm.kernels.threads import threads_for


@kernel
def adam_step(
    params, grads, exp_avgs, exp_avg_sqs, step, lr, beta1, beta2, eps, weight_decay, decoupled
):
    """One step of Adam (Kingma and Ba 2015), or of AdamW where weight decay is `decoupled`.

    m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
    param -= lr * (m / (1 - beta1^step)) / (sqrt(v / (1 - beta2^step)) + eps)
    Before that: param *= 1 - lr weight_decay (AdamW), or g += weight_decay param (Adam).
    Changes each param, exp_avg (m) and exp_avg_sq (v) of the four lists in place.
    """
    for param, grad, m, v in zip(params, grads, exp_avgs, exp_avg_sqs, strict=True):
        g = grad
        if decoupled:
            param *= 1 - lr * weight_decay
        elif weight_decay:
            g = grad + weight_decay * param
        m += (g - m) * (1 - beta1)
        v *= beta2
        v += (1 - beta2) * g * g
        denominator = np.sqrt(v) / math.sqrt(1 - beta2**step) + eps
        param -= (lr / (1 - beta1**step)) * m / denominator


@adam_step.fast
def adam_step(
    params, grads, exp_avgs, exp_avg_sqs, step, lr, beta1, beta2, eps, weight_decay, decoupled
):
    lists = (params, grads, exp_avgs, exp_avg_sqs)
    table = _table_of(*lists)
    if table is None:
        adam_step.definition(*lists, step, lr, beta1, beta2, eps, weight_decay, decoupled)
        return
    count = sum([param.size for param in params])
    threads = threads_for(count)
    _adam(
        threads,
        threads,
        threads,
        table,
        params[0].reshape(-1),
        lr / (1 - beta1**step),
        1 / math.sqrt(1 - beta2**step),
        float(beta1),
        float(beta2),
        float(eps),
        1 - lr * weight_decay if decoupled else 1.0,
        0.0 if decoupled else float(weight_decay),
    )


@kernel
def sum_of_squares(arrays):
    """sum_i x_i^2 over all elements x_i of a list of arrays, as a Python float."""
    return float(sum([np.square(x, dtype=np.float64).sum() for x in arrays]))


@sum_of_squares.fast
def sum_of_squares(arrays):
    arrays = [x if x.flags.c_contiguous else np.array(x, order="C") for x in arrays]
    table = _table_of(arrays)
    if table is None:
        return sum_of_squares.definition(arrays)
    count = sum([x.size for x in arrays])
    threads = threads_for(count)
    partial = np.zeros(threads, np.float64)
    _sum_of_squares(threads, threads, table, arrays[0].reshape(-1), partial)
    return float(partial.sum())


@kernel
def scale_(arrays, factor):
    """Multiply each array of a list by a number, in place."""
    for x in arrays:
        x *= x.dtype.type(factor)


@scale_.fast
def scale_(arrays, factor):
    table = _table_of(arrays)
    if table is None:
        scale_.definition(arrays, factor)
        return
    count = sum([x.size for x in arrays])
    threads = threads_for(count)
    _scale(threads, threads, threads, table, arrays[0].reshape(-1), float(factor))


def _table_of(*lists):
    """For each place in the lists the size of its arrays, then the address of each list's array.

    None where the arrays are not all contiguous, writable, of one dtype and not empty.
    """
    dtype = lists[0][0].dtype
    if any([x.dtype != dtype for arrays in lists for x in arrays]):  # noqa: C419 - quicker so
        return None
    try:
        columns = [[addressof(c_char.from_buffer(x)) for x in arrays] for arrays in lists]
    except (TypeError, ValueError):  # it has gaps, is read-only, or has no element
        return None
    return np.array([[x.size for x in lists[0]], *columns], np.int64).T


@inlined
def _share(table, i, part, parts, like):
    """The part of array i that is one thread's: (first, count), the first as an offset in bytes."""
    size = table[i, 0]
    first = size * part // parts
    return first * like.itemsize, size * (part + 1) // parts - first


@parallel
def _adam(parts, table, like, lr, correction2, beta1, beta2, eps, keep, l2, start, stop):
    real = like.dtype.type
    lr, correction2, eps = real(lr), real(correction2), real(eps)
    b2, c1, c2 = real(beta2), real(1 - beta1), real(1 - beta2)
    keep, l2 = real(keep), real(l2)
    for part in range(start, stop):
        for i in range(len(table)):
            skip, n = _share(table, i, part, parts, like)
            p, g = array_at(like, table[i, 1] + skip, n), array_at(like, table[i, 2] + skip, n)
            m, v = array_at(like, table[i, 3] + skip, n), array_at(like, table[i, 4] + skip, n)
            for j in range(n):
                gradient = g[j] + l2 * p[j]
                m[j] += (gradient - m[j]) * c1
                v[j] = b2 * v[j] + c2 * gradient * gradient
                p[j] = p[j] * keep - lr * m[j] / (np.sqrt(v[j]) * correction2 + eps)


@inlined
def _squares(x):
    """Blocks summed in x's own precision, which vectorises; the blocks in double."""
    total = 0.0
    for block in range(0, x.size, 1024):
        piece = x[block : block + 1024]
        subtotal = x.dtype.type(0)
        for i in range(piece.size):
            subtotal += piece[i] * piece[i]
        total += subtotal
    return total


@parallel
def _sum_of_squares(table, like, partial, start, stop):
    for part in range(start, stop):
        total = 0.0  # written once: the threads' sums lie in one line of the cache
        for i in range(len(table)):
            skip, n = _share(table, i, part, partial.size, like)
            total += _squares(array_at(like, table[i, 1] + skip, n))
        partial[part] = total


@parallel
def _scale(parts, table, like, factor, start, stop):
    for part in range(start, stop):
        for i in range(len(table)):
            skip, n = _share(table, i, part, parts, like)
            x = array_at(like, table[i, 1] + skip, n)
            for j in range(n):
                x[j] *= x.dtype.type(factor)
