"""Comparisons, tests and orderings. Their results are bools and indices, without gradient;
the values that sort and topk return carry one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinyllm.functions.arguments import (
    Number,
    check_broadcast,
    check_dim,
    check_dims,
    check_tensor,
    no_bools,
    promoted,
)
from tinyllm.ops.indexing import Gather
from tinyllm.tensor import Tensor, apply


class ValuesAndIndices(NamedTuple):
    """What max, min, sort and topk return: the values, and where they stood."""

    values: Tensor
    indices: Tensor


# Element by element


def _compare(who: str, compare: Callable, input: Any, other: Any) -> Tensor:
    a, b = promoted(who, check_tensor(who, input), other)
    check_broadcast(who, ("input", a.shape), ("other", b.shape))
    with np.errstate(invalid="ignore"):
        return Tensor(np.asarray(compare(a.array, b.array)))


def eq(input: Tensor, other: Tensor | Number) -> Tensor:
    """Return where the two are equal. PyTorch: torch.eq."""
    return _compare("eq", np.equal, input, other)


def ne(input: Tensor, other: Tensor | Number) -> Tensor:
    """Return where the two differ. PyTorch: torch.ne."""
    return _compare("ne", np.not_equal, input, other)


def lt(input: Tensor, other: Tensor | Number) -> Tensor:
    """Return where input < other. PyTorch: torch.lt."""
    return _compare("lt", np.less, input, other)


def le(input: Tensor, other: Tensor | Number) -> Tensor:
    """Return where input <= other. PyTorch: torch.le."""
    return _compare("le", np.less_equal, input, other)


def gt(input: Tensor, other: Tensor | Number) -> Tensor:
    """Return where input > other. PyTorch: torch.gt."""
    return _compare("gt", np.greater, input, other)


def ge(input: Tensor, other: Tensor | Number) -> Tensor:
    """Return where input >= other. PyTorch: torch.ge."""
    return _compare("ge", np.greater_equal, input, other)


def isnan(input: Tensor) -> Tensor:
    """Return where the elements are not a number. PyTorch: torch.isnan."""
    return Tensor(np.asarray(np.isnan(check_tensor("isnan", input).array)))


def isinf(input: Tensor) -> Tensor:
    """Return where the elements are inf or -inf. PyTorch: torch.isinf."""
    return Tensor(np.asarray(np.isinf(check_tensor("isinf", input).array)))


def isfinite(input: Tensor) -> Tensor:
    """Return where the elements are neither inf, -inf nor nan. PyTorch: torch.isfinite."""
    return Tensor(np.asarray(np.isfinite(check_tensor("isfinite", input).array)))


# Bits and truth: & | ^ ~


def _bitwise(who: str, operate: Callable, input: Any, other: Any) -> Tensor:
    if not isinstance(input, Tensor):
        check_tensor(who, other)
    a, b = promoted(who, input, other)
    if a.array.dtype.kind == "f":
        raise TypeError(f"{who}: needs bool or integer tensors, not {a.dtype}; compare first")
    check_broadcast(who, ("input", a.shape), ("other", b.shape))
    return Tensor(np.asarray(operate(a.array, b.array)))


def bitwise_and(input: Tensor, other: Tensor | Number) -> Tensor:
    """Return input & other: for bools, where both hold. PyTorch: torch.bitwise_and."""
    return _bitwise("bitwise_and", np.bitwise_and, input, other)


def bitwise_or(input: Tensor, other: Tensor | Number) -> Tensor:
    """Return input | other: for bools, where either holds. PyTorch: torch.bitwise_or."""
    return _bitwise("bitwise_or", np.bitwise_or, input, other)


def bitwise_xor(input: Tensor, other: Tensor | Number) -> Tensor:
    """Return input ^ other: for bools, where one alone holds. PyTorch: torch.bitwise_xor."""
    return _bitwise("bitwise_xor", np.bitwise_xor, input, other)


def bitwise_not(input: Tensor) -> Tensor:
    """Return ~input: for bools, where it does not hold. PyTorch: torch.bitwise_not."""
    if check_tensor("bitwise_not", input).array.dtype.kind == "f":
        raise TypeError(f"bitwise_not: needs a bool or integer tensor, not {input.dtype}")
    return Tensor(np.asarray(np.invert(input.array)))


def logical_not(input: Tensor) -> Tensor:
    """Return where the elements are 0 or False. PyTorch: torch.logical_not."""
    return Tensor(np.asarray(np.logical_not(check_tensor("logical_not", input).array)))


def _truth(who: str, operate: Callable, input: Tensor, other: Tensor) -> Tensor:
    a, b = check_tensor(who, input), check_tensor(who, other)
    check_broadcast(who, ("input", a.shape), ("other", b.shape))
    return Tensor(np.asarray(operate(a.array, b.array)))


def logical_and(input: Tensor, other: Tensor) -> Tensor:
    """Return where both are nonzero. PyTorch: torch.logical_and."""
    return _truth("logical_and", np.logical_and, input, other)


def logical_or(input: Tensor, other: Tensor) -> Tensor:
    """Return where either is nonzero. PyTorch: torch.logical_or."""
    return _truth("logical_or", np.logical_or, input, other)


def logical_xor(input: Tensor, other: Tensor) -> Tensor:
    """Return where one alone is nonzero. PyTorch: torch.logical_xor."""
    return _truth("logical_xor", np.logical_xor, input, other)


# Of a whole tensor, or along dims


def all(input: Tensor, dim: int | Sequence[int] | None = None, keepdim: bool = False) -> Tensor:
    """Return whether all elements are nonzero, of all or along dim; of uint8 as uint8.

    PyTorch: torch.all. An empty tuple of dims reduces none, there and here.
    """
    return _over_dims("all", np.all, input, dim, keepdim)


def any(input: Tensor, dim: int | Sequence[int] | None = None, keepdim: bool = False) -> Tensor:
    """Return whether some element is nonzero, of all or along dim; of uint8 as uint8.

    PyTorch: torch.any. An empty tuple of dims reduces none, there and here.
    """
    return _over_dims("any", np.any, input, dim, keepdim)


def _over_dims(
    who: str, holds: Callable, input: Tensor, dim: int | Sequence[int] | None, keepdim: bool
) -> Tensor:
    dims = check_dims(who, dim, check_tensor(who, input).ndim)
    if dims is None and dim is not None:
        dims = ()
    held = holds(input.array, axis=dims, keepdims=keepdim)
    return Tensor(np.asarray(held, np.uint8 if input.array.dtype == np.uint8 else np.bool_))


def equal(input: Tensor, other: Tensor) -> bool:
    """Return whether shapes and all elements are the same. PyTorch: torch.equal."""
    a, b = check_tensor("equal", input).array, check_tensor("equal", other).array
    return bool(np.array_equal(a, b))


def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Return where |input - other| <= atol + rtol |other|. PyTorch: torch.isclose."""
    a, b = check_tensor("isclose", input), check_tensor("isclose", other)
    if a.dtype != b.dtype:
        raise TypeError(
            f"isclose: input is {a.dtype} and other is {b.dtype}; compare tensors of one dtype, "
            "such as input.to(other.dtype)"
        )
    if rtol < 0 or atol < 0:
        raise ValueError(f"isclose: rtol = {rtol} and atol = {atol} must not be negative")
    check_broadcast("isclose", ("input", a.shape), ("other", b.shape))
    with np.errstate(invalid="ignore"):
        return Tensor(np.asarray(np.isclose(a.array, b.array, rtol, atol, equal_nan)))


def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    """Return whether all |input - other| <= atol + rtol |other|. PyTorch: torch.allclose."""
    return bool(isclose(input, other, rtol, atol, equal_nan).array.all())


def _arg(who: str, search: Callable, input: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    array = no_bools(who, check_tensor(who, input))[0].array
    axis = None if dim is None else check_dim(who, dim, input.ndim)
    if array.size == 0 and (axis is None or array.shape[axis] == 0):
        raise ValueError(f"{who}: there is no element to choose in a tensor of shape {input.shape}")
    if axis is not None and array.ndim == 0:
        axis = None
    return Tensor(np.asarray(search(array, axis=axis, keepdims=keepdim)))


def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return the index of the largest element (the first, if several), of all or along dim.

    PyTorch: torch.argmax.
    """
    return _arg("argmax", np.argmax, input, dim, keepdim)


def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return the index of the smallest element (the first, if several), of all or along dim.

    PyTorch: torch.argmin.
    """
    return _arg("argmin", np.argmin, input, dim, keepdim)


# Orders


def _order(array: np.ndarray, axis: int, descending: bool) -> np.ndarray:
    """Indices that sort stably; nan counts as the largest."""
    if array.ndim == 0:
        return np.zeros((), np.int64)
    if not descending:
        return np.argsort(array, axis=axis, kind="stable")
    backwards = np.argsort(np.flip(array, axis), axis=axis, kind="stable")
    return array.shape[axis] - 1 - np.flip(backwards, axis)


def sort(
    input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False
) -> ValuesAndIndices:
    """Return the elements in order along dim, and the indices at which they stood.

    PyTorch: torch.sort; here always stable.
    """
    axis = check_dim("sort", dim, check_tensor("sort", input).ndim)
    indices = Tensor(_order(input.array, axis, descending))
    return ValuesAndIndices(apply(Gather, input, indices, dim=axis), indices)


def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """Return the indices that put the elements in order along dim. PyTorch: torch.argsort."""
    axis = check_dim("argsort", dim, check_tensor("argsort", input).ndim)
    return Tensor(_order(input.array, axis, descending))


def topk(
    input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> ValuesAndIndices:
    """Return the k largest (or smallest) elements along dim in order, and their indices.

    PyTorch: torch.topk; here always sorted, and equal elements come in the order of their indices.
    """
    axis = check_dim("topk", dim, no_bools("topk", check_tensor("topk", input))[0].ndim)
    size = input.array.shape[axis] if input.ndim else 1
    if not 0 <= k <= size:
        raise ValueError(
            f"topk: k = {k} of a dimension of size {size} (dim {dim} of {input.shape})"
        )
    order = _order(input.array, axis, descending=largest)
    if input.ndim:
        order = order[(*(slice(None),) * axis, slice(k))]
    indices = Tensor(np.ascontiguousarray(order) if order.ndim else order)
    return ValuesAndIndices(apply(Gather, input, indices, dim=axis), indices)


def is_tensor(obj: Any) -> bool:
    """Return whether the object is a Tensor. PyTorch: torch.is_tensor."""
    return isinstance(obj, Tensor)


def is_floating_point(input: Tensor) -> bool:
    """Return whether the elements are floating-point numbers. PyTorch: torch.is_floating_point."""
    return check_tensor("is_floating_point", input).is_floating_point()


def numel(input: Tensor) -> int:
    """Return the number of elements. PyTorch: torch.numel."""
    return math.prod(check_tensor("numel", input).shape)
