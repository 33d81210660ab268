"""Functions that reduce dims to one value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tinyllm.functions.arguments import (
    as_floating,
    check_dim,
    check_dims,
    check_dtype,
    check_tensor,
    with_dtype,
)
from tinyllm.functions.comparison import ValuesAndIndices, isnan, logical_not
from tinyllm.functions.pointwise import div, maximum, minimum, where
from tinyllm.functions.shape import reshape
from tinyllm.ops.function import Function
from tinyllm.ops.products import Prod
from tinyllm.ops.reduction import Amax, Amin, LogSumExp, Max, Mean, Min, Sum
from tinyllm.tensor import Tensor, apply

Dims = int | Sequence[int] | None


def floating(who: str, input: Tensor) -> Tensor:
    """Return the tensor. Raises TypeError if it is not floating-point."""
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
    return apply(Sum, accumulated("sum", input, dtype), dim=dims, keepdim=keepdim)


def accumulated(who: str, input: Tensor, dtype: Any) -> Tensor:
    """Return the tensor in the dtype in which it is summed: int64 for bools and integers."""
    if dtype is not None:
        return with_dtype(input, check_dtype(who, dtype))
    whole = check_tensor(who, input).array.dtype.kind != "f"
    return with_dtype(input, np.dtype(np.int64)) if whole else input


def mean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the mean of all elements, or along dim. PyTorch: torch.mean."""
    dims = check_dims("mean", dim, check_tensor("mean", input).ndim)
    if dtype is not None:
        input = with_dtype(input, check_dtype("mean", dtype))
    return apply(Mean, floating("mean", input), dim=dims, keepdim=keepdim)


def nansum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the sum of all elements, or along dim, that are not nan. PyTorch: torch.nansum."""
    if check_tensor("nansum", input).array.dtype.kind == "f":
        input = where(isnan(input), 0.0, input)
    return sum(input, dim, keepdim, dtype=dtype)


def nanmean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the mean of all elements, or along dim, that are not nan.

    PyTorch: torch.nanmean; where all elements are nan the gradient here is 0, not nan.
    """
    numbers = sum(logical_not(isnan(floating("nanmean", input))), dim, keepdim)
    return div(nansum(input, dim, keepdim, dtype=dtype), numbers)


def prod(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """Return the product of all elements, or along one dim; bools and integers give int64.

    PyTorch: torch.prod; its gradient at an inf is nan, and here the product of the others.
    """
    if dim is None and keepdim:
        raise TypeError("prod: keepdim=True needs a dim to keep")
    axis = None if dim is None else check_dim("prod", dim, check_tensor("prod", input).ndim)
    input = accumulated("prod", input, dtype)
    return apply(Prod, input, dim=axis if input.ndim else None, keepdim=keepdim)


def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    """Return how many elements are not 0, of all or along dim. PyTorch: torch.count_nonzero."""
    dims = check_dims("count_nonzero", dim, check_tensor("count_nonzero", input).ndim)
    return Tensor(np.asarray(np.count_nonzero(input.array, axis=dims), np.int64))


def not_empty(who: str, input: Tensor, dims: tuple[int, ...] | None) -> None:
    """Raise ValueError if there is nothing to choose from."""
    reduced = input.shape if dims is None else [input.shape[axis] for axis in dims]
    if 0 in reduced:
        raise ValueError(
            f"{who}: a tensor of shape {input.shape} has no element to choose; "
            "an empty tensor has no maximum or minimum"
        )


def _extreme(who: str, function: type[Function], input: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    dims = check_dims(who, dim, check_tensor(who, input).ndim)
    not_empty(who, input, dims)
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
    not_empty(who, input, (axis,))
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


class MinAndMax(NamedTuple):
    """What aminmax returns."""

    min: Tensor
    max: Tensor


def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> MinAndMax:
    """Return the smallest and the largest element, of all or along dim.

    Equal ones share the gradient. PyTorch: torch.aminmax.
    """
    if dim is not None:
        check_dim("aminmax", dim, check_tensor("aminmax", input).ndim)
    return MinAndMax(
        _extreme("aminmax", Amin, input, dim, keepdim),
        _extreme("aminmax", Amax, input, dim, keepdim),
    )


def logsumexp(input: Tensor, dim: int | Sequence[int], keepdim: bool = False) -> Tensor:
    """Return log sum exp(input) along dim, without overflow; of integers as the default float.

    PyTorch: torch.logsumexp; where all elements are -inf the gradient here is 0, not nan.
    """
    dims = check_dims("logsumexp", dim, check_tensor("logsumexp", input).ndim)
    return apply(LogSumExp, as_floating("logsumexp", input), dim=dims, keepdim=keepdim)
