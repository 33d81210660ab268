"""Products of vectors and matrices, and the sums of a tensor and such a product."""

from __future__ import annotations

import numpy as np

from tinyllm.functions.arguments import Number, check_tensor, no_bools
from tinyllm.functions.indexing import getitem
from tinyllm.functions.linalg import check_ndims, check_one_dtype, product
from tinyllm.functions.pointwise import add, masked_fill, mul
from tinyllm.functions.reduction import sum
from tinyllm.functions.shape import reshape, unsqueeze
from tinyllm.tensor import Tensor


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """Return all products of an element of one vector and one of the other.

    Shapes:  (M), (N) -> (M, N)
    PyTorch: torch.outer.
    """
    a, b = check_tensor("outer", input), check_tensor("outer", vec2)
    if a.ndim != 1 or b.ndim != 1:
        raise ValueError(
            f"outer: needs input (M) and vec2 (N), got {a.shape} and {b.shape}; for other dims "
            "multiply with a new dim, input[..., None] * vec2"
        )
    return mul(unsqueeze(a, 1), b)


def inner(input: Tensor, other: Tensor) -> Tensor:
    """Return the sums of products along the last dim of both; a 0-d tensor just multiplies.

    Shapes:  (..., K), (*, K) -> (..., *)
    PyTorch: torch.inner.
    """
    if not check_tensor("inner", input).ndim or not check_tensor("inner", other).ndim:
        return mul(input, other)
    check_one_dtype("inner", ("input", input), ("other", other))
    a, b = input.shape, other.shape
    if a[-1] != b[-1]:
        raise ValueError(
            f"inner: input (..., K) = {a} and other (..., K) = {b} disagree on K: "
            f"{a[-1]} != {b[-1]}"
        )
    rows = [reshape(x, (int(np.prod(x.shape[:-1])), x.shape[-1])) for x in (input, other)]
    return reshape(product("inner", rows[0], rows[1].mT), (*a[:-1], *b[:-1]))


def addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Number = 1, alpha: Number = 1
) -> Tensor:
    """Return beta input + alpha mat1 mat2; input broadcasts.

    Args:    beta, alpha: 0 leaves its term out, nan and all; for integers a fraction is cut off.
    Shapes:  input (M, N), mat1 (M, K), mat2 (K, N) -> (M, N)
    PyTorch: torch.addmm.
    """
    check_ndims("addmm", "two matrices", mat1=(mat1, "(M, K)"), mat2=(mat2, "(K, N)"))
    return _added("addmm", input, ("mat1", mat1), ("mat2", mat2), beta, alpha)


def addmv(
    input: Tensor, mat: Tensor, vec: Tensor, *, beta: Number = 1, alpha: Number = 1
) -> Tensor:
    """Return beta input + alpha mat vec; input broadcasts.

    Args:    beta, alpha: 0 leaves its term out, nan and all; for integers a fraction is cut off.
    Shapes:  input (M), mat (M, K), vec (K) -> (M)
    PyTorch: torch.addmv.
    """
    check_ndims("addmv", "a matrix and a vector", mat=(mat, "(M, K)"), vec=(vec, "(K)"))
    return _added("addmv", input, ("mat", mat), ("vec", vec), beta, alpha)


def baddbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1
) -> Tensor:
    """Return beta input + alpha batch1 batch2, matrix by matrix; input broadcasts.

    Args:    beta, alpha: 0 leaves its term out, nan and all; for integers a fraction is cut off.
    Shapes:  input (B, M, N), batch1 (B, M, K), batch2 (B, K, N) -> (B, M, N)
    PyTorch: torch.baddbmm.
    """
    check_ndims(
        "baddbmm",
        "two batches of matrices",
        batch1=(batch1, "(B, M, K)"),
        batch2=(batch2, "(B, K, N)"),
    )
    if batch1.shape[0] != batch2.shape[0]:
        raise ValueError(
            f"baddbmm: batch1 {batch1.shape} and batch2 {batch2.shape} disagree on B: "
            f"{batch1.shape[0]} != {batch2.shape[0]}"
        )
    return _added("baddbmm", input, ("batch1", batch1), ("batch2", batch2), beta, alpha)


def _added(
    who: str,
    input: Tensor,
    left: tuple[str, Tensor],
    right: tuple[str, Tensor],
    beta: Number,
    alpha: Number,
) -> Tensor:
    check_one_dtype(who, ("input", input), left, right)
    y = product(who, left[1], right[1], f"{left[0]} {right[0]}")
    fits = len(input.shape) <= y.ndim and all(
        n in (1, m) for n, m in zip(reversed(input.shape), reversed(y.shape), strict=False)
    )
    if not fits:
        raise ValueError(
            f"{who}: input {input.shape} does not broadcast to the product of {left[0]} "
            f"{left[1].shape} and {right[0]} {right[1].shape}, which is {y.shape}"
        )
    return add(_times(input, beta), _times(y, alpha))


def _times(x: Tensor, factor: Number) -> Tensor:
    factor = factor if x.is_floating_point() else int(factor)
    if factor == 0:  # 0 nan would be nan
        return masked_fill(x, Tensor(np.ones((), bool)), 0)
    return x if factor == 1 else mul(x, factor)


def trace(input: Tensor) -> Tensor:
    """Return the sum of the diagonal of a matrix.

    Shapes:  (N, M) -> ()
    PyTorch: torch.trace.
    """
    no_bools("trace", check_tensor("trace", input))
    if input.ndim != 2:
        raise ValueError(f"trace: needs a matrix (N, M), got {input.shape}")
    place = Tensor(np.arange(min(input.shape)))
    return sum(getitem(input, (place, place)))
