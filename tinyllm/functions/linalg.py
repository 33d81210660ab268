"""Matrix products, and softmax along a dim."""

from __future__ import annotations

from typing import Any

from tinyllm.functions.arguments import (
    check_dim,
    check_dtype,
    check_tensor,
    no_bools,
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
    return product("matmul", plain_operand("matmul", input), plain_operand("matmul", other))


def product(who: str, input: Any, other: Any, names: str = "input other") -> Tensor:
    """The matrix product for `who`, under the names that it has for its operands."""
    left, right = names.split()
    check_one_dtype(who, (left, input), (right, other))
    _check_product(who, input, other, left, right)
    a = unsqueeze(input, 0) if input.ndim == 1 else input  # a vector on the left is a row
    b = unsqueeze(other, 1) if other.ndim == 1 else other  # one on the right is a column
    y = apply(MatMul, a, b)
    if other.ndim == 1:
        y = squeeze(y, -1)
    if input.ndim == 1:
        y = squeeze(y, -1 if other.ndim == 1 else -2)
    return y


def check_one_dtype(who: str, *named: tuple[str, Any]) -> None:
    """Refuse to multiply matrices of two dtypes, or of bools."""
    (first, input), *others = named
    check_tensor(who, input)
    for name, other in others:
        if check_tensor(who, other).array.dtype != input.array.dtype:
            raise TypeError(
                f"{who}: {first} is {input.dtype} and {name} is {other.dtype}; cast one of them, "
                f"such as {name}.to({first}.dtype)"
            )
    if input.array.dtype.kind == "b" and all(x.array.size for _, x in named):
        no_bools(who, input)  # as in PyTorch, empty ones pass


def _check_product(who: str, input: Tensor, other: Tensor, left: str, right: str) -> None:
    a, b = input.array.shape, other.array.shape
    if not a or not b:
        raise ValueError(f"{who}: needs at least 1 dim in each, got {left} {a} and {right} {b}")
    inner = b[-2] if len(b) > 1 else b[0]
    if a[-1] != inner:
        mend = ""
        if len(b) > 1 and a[-1] == b[-1]:
            mend = f": did you mean {right}.mT?"
        elif len(a) > 1 and a[-2] == inner:
            mend = f": did you mean {left}.mT?"
        forms = "(..., M, K)" if len(a) > 1 else "(K)", "(..., K, N)" if len(b) > 1 else "(K)"
        raise ValueError(
            f"{who}: {left} {forms[0]} = {a} and {right} {forms[1]} = {b} disagree on K: "
            f"{a[-1]} != {inner}{mend}"
        )
    for n, m in zip(reversed(a[:-2]), reversed(b[:-2]), strict=False):
        if n != m and n != 1 and m != 1:
            raise ValueError(
                f"{who}: {left} {a} and {right} {b} disagree in their leading dims: {n} != {m}; "
                "each must be equal, or 1 in one of them"
            )


def check_ndims(who: str, what: str, **named: tuple[Any, str]) -> None:
    """Refuse operands of other numbers of dims than their forms, such as "(M, K)", have."""
    given = {name: check_tensor(who, x).shape for name, (x, _) in named.items()}
    if any(len(given[name]) != len(form.split()) for name, (_, form) in named.items()):
        needs = " and ".join(f"{name} {form}" for name, (_, form) in named.items())
        got = " and ".join(str(shape) for shape in given.values())
        raise ValueError(f"{who}: needs {what}, {needs}, got {got}; for other dims use matmul")


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """Return the product of two matrices.

    Shapes:  (M, K), (K, N) -> (M, N)
    PyTorch: torch.mm.
    """
    check_ndims("mm", "two matrices", input=(input, "(M, K)"), mat2=(mat2, "(K, N)"))
    return product("mm", input, mat2, "input mat2")


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """Return the product of a matrix and a vector.

    Shapes:  (M, K), (K) -> (M)
    PyTorch: torch.mv.
    """
    check_ndims("mv", "a matrix and a vector", input=(input, "(M, K)"), vec=(vec, "(K)"))
    return product("mv", input, vec, "input vec")


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """Return the products of two batches of matrices.

    Shapes:  (B, M, K), (B, K, N) -> (B, M, N)
    PyTorch: torch.bmm.
    """
    check_ndims(
        "bmm", "two batches of matrices", input=(input, "(B, M, K)"), mat2=(mat2, "(B, K, N)")
    )
    if input.shape[0] != mat2.shape[0]:
        raise ValueError(
            f"bmm: input (B, M, K) = {input.shape} and mat2 (B, K, N) = {mat2.shape} disagree on "
            f"B: {input.shape[0]} != {mat2.shape[0]}; matmul would repeat a B of 1"
        )
    return product("bmm", input, mat2, "input mat2")


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """Return the inner product of two vectors.

    Shapes:  (K), (K) -> ()
    PyTorch: torch.dot.
    """
    check_ndims("dot", "two vectors", input=(input, "(K)"), tensor=(tensor, "(K)"))
    return product("dot", input, tensor, "input tensor")


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
