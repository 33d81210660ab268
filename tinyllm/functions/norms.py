"""Lengths of vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tinyllm.functions.arguments import check_dims, check_dtype, check_tensor, with_dtype
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
    Raises:  TypeError for integers, ValueError for the largest or smallest of nothing.
    PyTorch: torch.linalg.vector_norm
    """
    who = "vector_norm"
    if check_tensor(who, x).array.dtype.kind != "f":
        raise TypeError(f"{who}: needs a floating-point tensor, got {x.dtype}; call .float() first")
    if dtype is not None:
        x = with_dtype(x, check_dtype(who, dtype))
    dims, ord = check_dims(who, dim, x.ndim), float(ord)
    reduced = x.shape if dims is None else [x.shape[axis] for axis in dims]
    if (math.isinf(ord) or ord < 0) and 0 in reduced:
        raise ValueError(f"{who}: x {x.shape} has no element along dim {dim}, and ord is {ord}")
    return apply(VectorNorm, x, p=ord, dim=dims, keepdim=keepdim)
