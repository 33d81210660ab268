"""Functions that reduce dims to one value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinyllm.functions.arguments import check_dim, check_dims, check_dtype, check_tensor, with_dtype
from tinyllm.functions.comparison import ValuesAndIndices
from tinyllm.functions.pointwise import maximum, minimum, sqrt
from tinyllm.functions.shape import reshape
from tinyllm.ops.function import Function
from tinyllm.ops.reduction import Amax, Amin, LogSumExp, Max, Mean, Min, Sum, Var
from tinyllm.tensor import Tensor, apply

Dims = int | Sequence[int] | None


def _floating(who: str, input: Tensor) -> Tensor:
    if check_tensor(who, input).array.dtype.kind != "f":
        raise TypeError(
            f"{who}: needs a floating-point tensor, got {input.dtype}; call .float() first"
        )
    return input


def sum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the sum of all elements, or along dim; bools and integers sum to int64.

    PyTorch: torch.sum.
    """
    dims = check_dims("sum", dim, check_tensor("sum", input).ndim)
    if dtype is not None:
        input = with_dtype(input, check_dtype("sum", dtype))
    elif input.array.dtype.kind != "f":
        input = with_dtype(input, np.dtype(np.int64))
    return apply(Sum, input, dim=dims, keepdim=keepdim)


def mean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the mean of all elements, or along dim. PyTorch: torch.mean."""
    dims = check_dims("mean", dim, check_tensor("mean", input).ndim)
    if dtype is not None:
        input = with_dtype(input, check_dtype("mean", dtype))
    return apply(Mean, _floating("mean", input), dim=dims, keepdim=keepdim)


def var(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float = 1,
) -> Tensor:
    """Return sum (x - mean)^2 / (N - correction), of all elements or along dim.

    Args:    correction: 1 estimates the variance of what the elements were drawn from; 0 is the
             variance of the elements themselves, as in layer_norm.
             unbiased: PyTorch's older name: True is correction 1, False is correction 0.
    PyTorch: torch.var.
    """
    dims = check_dims("var", dim, _floating("var", input).ndim)
    if unbiased is not None:
        correction = 1 if unbiased else 0
    return apply(Var, input, dim=dims, correction=correction, keepdim=keepdim)


def std(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float = 1,
) -> Tensor:
    """Return the square root of the variance. PyTorch: torch.std."""
    return sqrt(var(input, dim, unbiased, keepdim, correction=correction))


def _not_empty(who: str, input: Tensor, dims: tuple[int, ...] | None) -> None:
    reduced = input.shape if dims is None else [input.shape[axis] for axis in dims]
    if 0 in reduced:
        raise ValueError(
            f"{who}: a tensor of shape {input.shape} has no element to choose; "
            "an empty tensor has no maximum or minimum"
        )


def _extreme(who: str, function: type[Function], input: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    dims = check_dims(who, dim, check_tensor(who, input).ndim)
    _not_empty(who, input, dims)
    return apply(function, input, dim=dims, keepdim=keepdim)


def amax(input: Tensor, dim: Dims = (), keepdim: bool = False) -> Tensor:
    """Return the largest element of all, or along dim; equal ones share the gradient.

    PyTorch: torch.amax.
    """
    return _extreme("amax", Amax, input, dim, keepdim)


def amin(input: Tensor, dim: Dims = (), keepdim: bool = False) -> Tensor:
    """Return the smallest element of all, or along dim; equal ones share the gradient.

    PyTorch: torch.amin.
    """
    return _extreme("amin", Amin, input, dim, keepdim)


def _extreme_along(
    who: str, function: type[Function], input: Tensor, dim: int, keepdim: bool
) -> ValuesAndIndices:
    axis = check_dim(who, dim, check_tensor(who, input).ndim)
    if input.ndim == 0:
        values, indices = apply(function, reshape(input, 1), dim=0, keepdim=False)
        return ValuesAndIndices(values, indices)
    _not_empty(who, input, (axis,))
    return ValuesAndIndices(*apply(function, input, dim=axis, keepdim=keepdim))


def max(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """Return the largest element; with dim, the largest along it and their indices.

    `max(input, other)` with a second tensor is maximum. The gradient goes to the element at the
    index; without dim, in equal parts to all that reach the maximum.
    PyTorch: torch.max.
    """
    if isinstance(dim, Tensor):
        return maximum(input, dim)
    if dim is None:
        return _extreme("max", Amax, input, None, keepdim=False)
    return _extreme_along("max", Max, input, dim, keepdim)


def min(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """Return the smallest element; with dim, the smallest along it and their indices.

    `min(input, other)` with a second tensor is minimum. The gradient goes to the element at the
    index; without dim, in equal parts to all that reach the minimum.
    PyTorch: torch.min.
    """
    if isinstance(dim, Tensor):
        return minimum(input, dim)
    if dim is None:
        return _extreme("min", Amin, input, None, keepdim=False)
    return _extreme_along("min", Min, input, dim, keepdim)


def logsumexp(input: Tensor, dim: int | Sequence[int], keepdim: bool = False) -> Tensor:
    """Return log sum exp(input) along dim, without overflow.

    PyTorch: torch.logsumexp; where all elements are -inf the gradient here is 0, not nan.
    """
    dims = check_dims("logsumexp", dim, check_tensor("logsumexp", input).ndim)
    return apply(LogSumExp, _floating("logsumexp", input), dim=dims, keepdim=keepdim)


def cumsum(input: Tensor, dim: int) -> Tensor:
    """Return the running sum along dim, without gradient.

    PyTorch: torch.cumsum; there it carries a gradient, and here it is refused.
    """
    axis = check_dim("cumsum", dim, check_tensor("cumsum", input).ndim)
    if input.requires_grad:
        raise RuntimeError("cumsum: has no gradient here; call it on input.detach()")
    if input.ndim == 0:
        return Tensor(input.array.copy())
    whole = input.array.dtype.kind != "f"
    return Tensor(np.cumsum(input.array, axis=axis, dtype=np.int64 if whole else None))
