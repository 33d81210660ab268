"""Matrix products, and the affine map y = x W^T + b, on the one thread pool."""

from __future__ import annotations

import functools

import numpy as np

from tinyllm.kernels.blas import hold_to_one_thread, product_part, takes_pieces
from tinyllm.kernels.jit import inlined, parallel
from tinyllm.kernels.kernel import kernel
from tinyllm.kernels.memory import empty
from tinyllm.kernels.threads import get_num_threads, threads_for

SMALL_PRODUCT = 250_000  # multiplications below which one thread is quicker
LONG = 256  # rows for each thread, from which on a product of its own rows is worth it
FEW_ROWS = 4  # up to so many, reading the weights once takes longer than multiplying


@kernel
def matmul(a, b):
    """a (..., M, K) @ b (..., K, N) -> (..., M, N); leading dimensions broadcast."""
    return np.matmul(a, b)


@matmul.fast_with_blas
def matmul(a, b):
    if a.dtype != b.dtype or not (a.size and b.size):
        return np.matmul(a, b)
    hold_to_one_thread()
    *batch, m, k = a.shape
    n = b.shape[-1]
    if b.ndim == 2 and (a.ndim == 2 or a.flags.c_contiguous):
        out = empty((*batch, m, n), a.dtype)
        _product_of(_oriented(a.reshape(-1, k)), _oriented(b), out.reshape(-1, n))
        return out
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    left, left_transposed = _oriented(np.broadcast_to(a, (*batch, m, k)))
    right, right_transposed = _oriented(np.broadcast_to(b, (*batch, k, n)))
    out = empty((*batch, m, n), a.dtype)
    matrices = out.reshape(-1, m, n)
    _matmul_batched(
        len(matrices),
        threads_for_product(out.size * k),
        left.reshape(-1, *left.shape[-2:]),
        left_transposed,
        right.reshape(-1, *right.shape[-2:]),
        right_transposed,
        matrices,
        takes_pieces(),
    )
    return out


def _product_of(left, right, out):
    """Two matrices, each with whether its memory holds it transposed."""
    (a, a_transposed), (b, b_transposed) = left, right
    (m, n), k = out.shape, a.size // len(out)
    threads = threads_for_product(m * n * k)
    if a_transposed and not b_transposed and _each_its_own_rows(m, n, k, threads):
        others = empty((threads - 1, m, n), out.dtype)
        _matmul_by_rows(threads, threads, a, b, out, others, takes_pieces())
        _add_up(out.size, threads_for(out.size), out.reshape(-1), others.reshape(len(others), -1))
    else:
        _matmul(
            threads, threads, a, a_transposed, b, b_transposed, out, threads, takes_pieces()
        )  # fmt: skip


def _each_its_own_rows(m: int, n: int, k: int, threads: int) -> bool:
    """Whether each thread shall multiply its own of the k rows, all sums to be added up after it.

    Such is the gradient of a weight, over k tokens. Cut by its own rows, each thread would read
    what the other wrote, all k (m + n) numbers; where threads share no cache that takes longer than
    to add up so many times m n.
    """
    return threads > 1 and k >= LONG * threads and 2 * threads * m * n <= k * (m + n)


@kernel
def linear(x, weight, bias, onto):
    """y = x W^T + b + onto, x (..., in), weight (out, in) -> y (..., out).

    bias (out) or None; onto (..., out) or None: what the result is added to, such as the stream of
    a residual branch.
    """
    y = np.matmul(x, weight.T)
    y = y if bias is None else y + bias
    return y if onto is None else y + onto


@linear.fast_with_blas
def linear(x, weight, bias, onto):
    features_out, features_in = weight.shape
    y = empty((*x.shape[:-1], features_out), x.dtype)
    if not (x.size and weight.size):
        y[...] = 0 if bias is None else bias
        return y if onto is None else y + onto
    hold_to_one_thread()
    threads = threads_for_product(x.size * features_out)
    rows = y.reshape(-1, features_out)
    no_bias, no_rows = nothing(x.dtype)
    arrays = (
        np.ascontiguousarray(x).reshape(-1, features_in),
        np.ascontiguousarray(weight),
        no_bias if bias is None else bias,
        no_rows if onto is None else np.ascontiguousarray(onto).reshape(rows.shape),
        rows,
    )
    if x.size <= FEW_ROWS * features_in:
        linear_few_rows(features_out, threads, *arrays)
    else:
        linear_parts(threads, threads, *arrays, threads, takes_pieces())
    return y


@functools.cache
def nothing(dtype):
    """A bias and an `onto` that are not there."""
    return np.empty(0, dtype), np.empty((0, 0), dtype)


def threads_for_product(multiplications: int) -> int:
    return 1 if multiplications < SMALL_PRODUCT else get_num_threads()


def _oriented(matrices):
    """Contiguous memory for the matrices, and whether it holds them transposed."""
    if matrices.flags.c_contiguous:
        return matrices, False
    swapped = matrices.swapaxes(-1, -2)
    if swapped.flags.c_contiguous:
        return swapped, True
    return np.ascontiguousarray(matrices), False


@inlined
def _part_of(shape, part, parts):
    """The rows and columns of one part of a matrix, which is cut across its longer side."""
    rows, columns = shape
    if rows >= columns:
        return rows * part // parts, rows * (part + 1) // parts, 0, columns
    return 0, rows, columns * part // parts, columns * (part + 1) // parts


@parallel
def _matmul(a, a_transposed, b, b_transposed, out, parts, pieces, start, stop):
    for part in range(start, stop):
        row0, row1, col0, col1 = _part_of(out.shape, part, parts)
        product_part(a, a_transposed, b, b_transposed, out, 0.0, row0, row1, col0, col1, pieces)


@parallel
def _matmul_by_rows(a, b, out, others, pieces, start, stop):
    (rows, m), n, parts = a.shape, out.shape[1], len(others) + 1
    for part in range(start, stop):
        first, last = rows * part // parts, rows * (part + 1) // parts
        mine = others[part - 1] if part else out
        product_part(
            a[first:last], True, b[first:last], False, mine, 0.0, 0, m, 0, n, pieces
        )  # fmt: skip


@parallel
def _add_up(total, others, start, stop):
    for i in range(len(others)):
        other = others[i]
        for j in range(start, stop):
            total[j] += other[j]


@parallel
def _matmul_batched(a, a_transposed, b, b_transposed, out, pieces, start, stop):
    rows, columns = out.shape[1:]
    for i in range(start, stop):
        product_part(
            a[i], a_transposed, b[i], b_transposed, out[i], 0.0, 0, rows, 0, columns, pieces
        )


@inlined
def _lay_down(y, bias, onto, row0, row1, col0, col1):
    """What the product is added to: y = onto + bias, either of them perhaps not there."""
    here = bias[col0:col1]
    for i in range(row0, row1):
        row = y[i, col0:col1]
        if onto.size:
            stream = onto[i, col0:col1]
            for j in range(row.size):
                row[j] = stream[j]
            for j in range(here.size):
                row[j] += here[j]
        else:
            for j in range(here.size):
                row[j] = here[j]


@parallel
def linear_parts(x, weight, bias, onto, y, parts, pieces, start, stop):
    """What the product is added to is laid down first: no second pass over y."""
    for part in range(start, stop):
        row0, row1, col0, col1 = _part_of(y.shape, part, parts)
        beta = 0.0
        if bias.size or onto.size:
            beta = 1.0
            _lay_down(y, bias, onto, row0, row1, col0, col1)
        product_part(x, False, weight, True, y, beta, row0, row1, col0, col1, pieces)


@inlined
def _dot(x, y):
    total = x.dtype.type(0)
    for k in range(x.size):
        total += x[k] * y[k]
    return total


@parallel
def linear_few_rows(x, weight, bias, onto, y, start, stop):
    """A dot product for each number: BLAS would first copy all weights into another order."""
    for i in range(x.shape[0]):
        row, out = x[i], y[i]
        for j in range(start, stop):
            out[j] = _dot(row, weight[j])
        if bias.size:
            for j in range(start, stop):
                out[j] += bias[j]
        if onto.size:
            stream = onto[i]
            for j in range(start, stop):
                out[j] += stream[j]
