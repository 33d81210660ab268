"""Matrix products, and softmax along a dim."""

from __future__ import annotations

from typing import Any

from tinyllm.functions.arguments import (
    check_dim,
    check_dtype,
    check_tensor,
    plain_operand,
    with_dtype,
)
from tinyllm.functions.shape import reshape, squeeze, transpose, unsqueeze
from tinyllm.ops.function import Function
from tinyllm.ops.matmul import MatMul
from tinyllm.ops.softmax import LogSoftmax, Softmax
from tinyllm.tensor import Tensor, apply


def matmul(input: Tensor, other: Tensor) -> Tensor:
    """Return the matrix product, `input @ other`; dims before the last two broadcast.

    Shapes:  (..., M, K), (..., K, N) -> (..., M, N)
             (K), (..., K, N) -> (..., N);  (..., M, K), (K) -> (..., M);  (K), (K) -> ()
    PyTorch: torch.matmul.
    """
    input = check_tensor("matmul", plain_operand("matmul", input))
    other = check_tensor("matmul", plain_operand("matmul", other))
    if input.array.dtype != other.array.dtype:
        raise TypeError(
            f"matmul: input is {input.dtype} and other is {other.dtype}; cast one of them, such as "
            "other.to(input.dtype)"
        )
    _check_product(input, other)
    a = unsqueeze(input, 0) if input.ndim == 1 else input  # a vector on the left is a row
    b = unsqueeze(other, 1) if other.ndim == 1 else other  # one on the right is a column
    y = apply(MatMul, a, b)
    if other.ndim == 1:
        y = squeeze(y, -1)
    if input.ndim == 1:
        y = squeeze(y, -1 if other.ndim == 1 else -2)
    return y


def _check_product(input: Tensor, other: Tensor) -> None:
    a, b = input.array.shape, other.array.shape
    if not a or not b:
        raise ValueError(f"matmul: needs at least 1 dim in each, got input {a} and other {b}")
    inner = b[-2] if len(b) > 1 else b[0]
    if a[-1] != inner:
        mend = ""
        if len(b) > 1 and a[-1] == b[-1]:
            mend = ": did you mean other.mT?"
        elif len(a) > 1 and a[-2] == inner:
            mend = ": did you mean input.mT?"
        raise ValueError(
            f"matmul: input (..., M, K) = {a} and other (..., K, N) = {b} disagree on K: "
            f"{a[-1]} != {inner}{mend}"
        )
    for n, m in zip(reversed(a[:-2]), reversed(b[:-2]), strict=False):
        if n != m and n != 1 and m != 1:
            raise ValueError(
                f"matmul: input {a} and other {b} disagree in their leading dims: {n} != {m}; each "
                "must be equal, or 1 in one of them"
            )


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """Return the product of two matrices. PyTorch: torch.mm."""
    if check_tensor("mm", input).ndim != 2 or check_tensor("mm", mat2).ndim != 2:
        raise ValueError(f"mm: needs two matrices, got {input.shape} and {mat2.shape}; see matmul")
    return matmul(input, mat2)


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """Return the products of two batches of matrices. PyTorch: torch.bmm.

    Shapes:  (B, M, K), (B, K, N) -> (B, M, N)
    """
    a, b = check_tensor("bmm", input).shape, check_tensor("bmm", mat2).shape
    if len(a) != 3 or len(b) != 3 or a[0] != b[0]:
        raise ValueError(f"bmm: needs (B, M, K) and (B, K, N), got {a} and {b}; see matmul")
    return matmul(input, mat2)


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """Return the inner product of two vectors. PyTorch: torch.dot."""
    if check_tensor("dot", input).ndim != 1 or check_tensor("dot", tensor).ndim != 1:
        raise ValueError(
            f"dot: needs two vectors, got {input.shape} and {tensor.shape}; see matmul"
        )
    return matmul(input, tensor)


def _along(who: str, function: type[Function], input: Tensor, dim: int, dtype: Any) -> Tensor:
    """Apply an op over the last axis along any dim, by moving that dim to the end and back."""
    axis = check_dim(who, dim, check_tensor(who, input).ndim)
    if dtype is not None:
        input = with_dtype(input, check_dtype(who, dtype))
    if input.array.dtype.kind != "f":
        raise TypeError(f"{who}: needs a floating-point tensor, got {input.dtype}; call .float()")
    if input.ndim == 0:
        return reshape(apply(function, reshape(input, 1)), ())
    if axis == input.ndim - 1:
        return apply(function, input)
    return transpose(apply(function, transpose(input, axis, -1)), axis, -1)


def softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Return exp(x_i) / sum_j exp(x_j) along dim: positive numbers that sum to 1.

    PyTorch: torch.softmax.
    """
    return _along("softmax", Softmax, input, dim, dtype)


def log_softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Return x_i - log sum_j exp(x_j) along dim. PyTorch: torch.log_softmax."""
    return _along("log_softmax", LogSoftmax, input, dim, dtype)
