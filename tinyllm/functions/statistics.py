"""How elements spread about their mean, and the one in their middle."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinyllm.functions.arguments import check_dim, check_dims, check_tensor, no_bools
from tinyllm.functions.comparison import ValuesAndIndices, argsort
from tinyllm.functions.indexing import gather, getitem
from tinyllm.functions.reduction import Dims, amax, floating, mean, not_empty
from tinyllm.functions.shape import squeeze
from tinyllm.ops.function import Function
from tinyllm.ops.reduction import Std, Var
from tinyllm.tensor import Tensor, apply


def _spread(
    who: str,
    function: type[Function],
    input: Tensor,
    dim: Dims | bool,
    unbiased: bool | None,
    keepdim: bool,
    correction: float | None,
) -> tuple[Tensor, tuple[int, ...] | None]:
    """Var or Std of all elements or along dim, and the dims. `var(x, False)` has no dim."""
    if isinstance(dim, bool):
        if unbiased is not None:
            raise TypeError(f"{who}: dim must be an int, got {dim}; {who}(x, {dim}) is unbiased")
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise TypeError(
            f"{who}: give correction={correction} or unbiased={unbiased}, which says the same in "
            "older words, not both"
        )
    if correction is None:
        correction = 0 if unbiased is False else 1
    dims = check_dims(who, dim, floating(who, input).ndim)
    return apply(function, input, dim=dims, correction=correction, keepdim=keepdim), dims


def var(
    input: Tensor,
    dim: Dims | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """Return sum (x - mean)^2 / (N - correction), of all elements or along dim.

    Args:    dim: a bool in its place is `unbiased`: var(x, False) is var(x, unbiased=False).
             unbiased: PyTorch's older name: True is correction 1, False is correction 0.
             correction: 1, the default, estimates the variance of what the elements were drawn
             from; 0 is the variance of the elements themselves, as in layer_norm.
    PyTorch: torch.var.
    """
    return _spread("var", Var, input, dim, unbiased, keepdim, correction)[0]


def std(
    input: Tensor,
    dim: Dims | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """Return the square root of the variance; its gradient at equal elements is 0.

    Args:    as for var.
    PyTorch: torch.std.
    """
    return _spread("std", Std, input, dim, unbiased, keepdim, correction)[0]


def var_mean(
    input: Tensor,
    dim: Dims | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the variance and the mean. PyTorch: torch.var_mean."""
    y, dims = _spread("var_mean", Var, input, dim, unbiased, keepdim, correction)
    return y, mean(input, dims, keepdim)


def std_mean(
    input: Tensor,
    dim: Dims | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the square root of the variance, and the mean. PyTorch: torch.std_mean."""
    y, dims = _spread("std_mean", Std, input, dim, unbiased, keepdim, correction)
    return y, mean(input, dims, keepdim)


def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the element in the middle of the order; with dim, those along it and their indices.

    Of an even number it is the lower of the two. nan, if there is one, is the median. The gradient
    goes to the element at the index; without dim, in equal parts to all that equal the median.
    PyTorch: torch.median, where the index among equal elements is any; here that of a stable sort.
    """
    no_bools("median", check_tensor("median", input))
    if dim is None:
        if keepdim:
            raise TypeError("median: keepdim=True needs a dim to keep")
        return _median_of_all(input)
    axis = check_dim("median", dim, input.ndim)
    if input.ndim == 0:
        return ValuesAndIndices(input.clone(), Tensor(np.zeros((), np.int64)))
    not_empty("median", input, (axis,))
    nans = np.isnan(input.array).sum(axis=axis, keepdims=True)
    size = input.shape[axis]
    middle = np.where(nans > 0, size - nans, (size - 1) // 2)
    order = argsort(input, axis, stable=True).array
    index = Tensor(np.take_along_axis(order, middle, axis=axis))
    values = gather(input, axis, index)
    if keepdim:
        return ValuesAndIndices(values, index)
    return ValuesAndIndices(squeeze(values, axis), squeeze(index, axis))


def _median_of_all(input: Tensor) -> Tensor:
    array = input.array
    if array.dtype.kind == "f" and (not array.size or np.isnan(array).any()):
        return mean(getitem(input, Tensor(np.isnan(array))))  # of nothing it is nan as well
    not_empty("median", input, None)
    middle = np.partition(array, (array.size - 1) // 2, axis=None)[(array.size - 1) // 2]
    return amax(getitem(input, Tensor(array == middle)))
