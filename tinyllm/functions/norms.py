"""Lengths of vectors, sizes of matrices, distances."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinyllm.functions.arguments import (
    check_broadcast,
    check_dims,
    check_dtype,
    check_tensor,
    with_dtype,
)
from tinyllm.functions.pointwise import abs, sub
from tinyllm.functions.reduction import amax, amin, floating, sum
from tinyllm.ops.norms import VectorNorm
from tinyllm.tensor import Tensor, apply


def vector_norm(
    x: Tensor,
    ord: float = 2,
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Tensor:
    """Compute (sum |x|^ord)^(1/ord) of all elements, or along dim.

    Args:    ord: inf and -inf give the largest and smallest |x|, 0 counts what is not 0.
             dtype: a wider one, to which x is cast first.
    Raises:  TypeError for integers or a narrower dtype, ValueError for the largest or smallest of
             nothing.
    PyTorch: torch.linalg.vector_norm
    """
    return _vector_norm("vector_norm", x, ord, dim, keepdim, dtype)


def _vector_norm(who: str, x: Tensor, ord: float, dim: Any, keepdim: bool, dtype: Any) -> Tensor:
    x = _widened(who, x, dtype)
    if not isinstance(ord, int | float):
        raise TypeError(f"{who}: ord must be a number, got {ord!r}")
    dims, ord = check_dims(who, dim, x.ndim), float(ord)
    reduced = x.shape if dims is None else [x.shape[axis] for axis in dims]
    if (math.isinf(ord) or ord < 0) and 0 in reduced:
        raise ValueError(f"{who}: {x.shape} has no element along dim {dim}, and ord is {ord}")
    return apply(VectorNorm, x, p=ord, dim=dims, keepdim=keepdim)


def _widened(who: str, x: Tensor, dtype: Any) -> Tensor:
    floating(who, x)
    if dtype is None:
        return x
    wanted = check_dtype(who, dtype)
    if wanted.kind != "f" or np.promote_types(x.dtype, wanted) != wanted:
        raise TypeError(f"{who}: dtype {wanted} is narrower than the tensor's {x.dtype}")
    return with_dtype(x, wanted)


def matrix_norm(
    A: Tensor,
    ord: float | str = "fro",
    dim: tuple[int, int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Tensor:
    """Compute a norm of the matrices in two dims.

    Args:    ord: "fro", the root of the sum of squares; inf and -inf, the largest and the smallest
             sum of |x| over a row; 1 and -1, over a column.
    Raises:  ValueError for another ord.
    PyTorch: torch.linalg.matrix_norm; 2, -2 and "nuc" need singular values, and are not here.
    """
    return _matrix_norm("matrix_norm", A, ord, dim, keepdim, dtype)


def _matrix_norm(
    who: str, x: Tensor, ord: float | str, dim: Any, keepdim: bool, dtype: Any
) -> Tensor:
    x = _widened(who, x, dtype)
    if x.ndim < 2 or not isinstance(dim, tuple | list) or len(dim) != 2:
        raise ValueError(f"{who}: needs two dims of a matrix, got dim {dim} of {x.shape}")
    dims = check_dims(who, dim, x.ndim)
    if ord == "fro":
        return _vector_norm(who, x, 2, dims, keepdim, None)
    if isinstance(ord, str) or ord not in (1, -1, math.inf, -math.inf):
        raise ValueError(
            f"{who}: ord {ord!r} of a matrix is not here; 'fro', inf, -inf, 1 and -1 are, and "
            "vector_norm takes any number over all elements"
        )
    summed, searched = dims if ord in (1, -1) else dims[::-1]
    sums = sum(abs(x), summed, keepdim=True)
    y = (amax if ord > 0 else amin)(sums, searched, keepdim=True)
    return y if keepdim else y.squeeze(dims)


def linalg_norm(
    A: Tensor,
    ord: float | str | None = None,
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Tensor:
    """Compute the norm of vectors (one dim) or matrices (two dims).

    Args:    ord: None is the root of the sum of squares, of all elements unless there is a dim;
             otherwise as in vector_norm, or in matrix_norm where there are two dims.
    Raises:  ValueError where neither a vector nor a matrix is named.
    PyTorch: torch.linalg.norm; 2, -2 and "nuc" of matrices are not here, as in matrix_norm.
    """
    who = "linalg.norm"
    dims = [dim] if isinstance(dim, int) else dim
    if dims is not None and len(dims) not in (1, 2):
        raise ValueError(f"{who}: dim must name one or two dims, got {dim}; see vector_norm")
    if isinstance(ord, str) or (ord is not None and len(dims or check_tensor(who, A).shape) == 2):
        return _matrix_norm(who, A, ord, (-2, -1) if dims is None else dims, keepdim, dtype)
    if ord is not None and dims is None and A.ndim != 1:
        raise ValueError(f"{who}: with ord and without dim, needs 1 or 2 dims, got {A.shape}")
    return _vector_norm(who, A, 2 if ord is None else ord, dims, keepdim, dtype)


def norm(
    input: Tensor,
    p: float | str | None = "fro",
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Tensor:
    """Compute (sum |x|^p)^(1/p) of all elements, or along dim: matrices, too, count as vectors.

    Args:    p: "fro", None and 2 are the root of the sum of squares.
    PyTorch: torch.norm; "nuc" is not here.
    """
    if isinstance(p, str) and p != "fro":
        raise ValueError(f"norm: p must be a number or 'fro', got {p!r}")
    if p == "fro" and isinstance(dim, tuple | list) and len(dim) > 2:
        raise ValueError(f"norm: 'fro' is of one or two dims, got {dim}; use p=2")
    return _vector_norm("norm", input, 2 if p in ("fro", None) else p, dim, keepdim, dtype)


def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """Compute the p-norm of input - other, which broadcast. PyTorch: torch.dist."""
    shapes = (
        ("input", check_tensor("dist", input).shape),
        ("other", check_tensor("dist", other).shape),
    )
    check_broadcast("dist", *shapes)
    gap = sub(input, other)
    return _vector_norm("dist", gap, p, None, False, None)
