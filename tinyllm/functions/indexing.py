"""Picking elements by position: x[...], gather, index_select; and x[...] = value."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinyllm import grad_mode
from tinyllm.functions.arguments import check_dim, check_tensor
from tinyllm.ops.indexing import Gather, GetItem, IndexSelect, with_ellipsis
from tinyllm.tensor import Tensor, apply

Index = Any


def getitem(input: Tensor, index: Index) -> Tensor:
    """Return input[index]: slices, ints, None, `...`, integer tensors and bool masks, in any mix.

    Slices and ints give a view; tensors, arrays and lists a copy.
    PyTorch: torch.Tensor.__getitem__; a slice may also step backwards here.
    """
    basic, advanced = _two_steps(index, input.ndim)
    try:
        if advanced is None:
            return apply(GetItem, input, index=basic)
        if basic is not None:
            input = apply(GetItem, input, index=basic)
        return apply(GetItem, input, index=advanced)
    except IndexError as error:
        raise IndexError(f"getitem: {error} (the tensor has shape {input.shape})") from None


def setitem(input: Tensor, index: Index, value: Any) -> None:
    """Write value into input[index], in place; it is cast to input's dtype, and broadcasts.

    Raises:  RuntimeError while recording, if input or value requires a gradient.
    """
    if isinstance(value, Tensor):
        refuse_recorded("setitem", value)
        value = value.array
    basic, advanced = _two_steps(index, input.ndim)
    target = input.changing("setitem")
    try:
        if advanced is not None and basic is not None:
            target, basic = target[with_ellipsis(basic)], None
        with np.errstate(invalid="ignore"):  # nan to an integer
            target[with_ellipsis(advanced if basic is None else basic)] = value
    except IndexError as error:
        raise IndexError(f"setitem: {error} (the tensor has shape {input.shape})") from None
    except ValueError as error:
        raise ValueError(f"setitem: {error} (the tensor has shape {input.shape})") from None


def refuse_recorded(who: str, value: Tensor) -> None:
    """Refuse to write a value whose gradient would be lost."""
    if value._requires_grad and grad_mode.state.recording:
        raise RuntimeError(
            f"{who}: the value requires a gradient, and writing it in place would not be recorded: "
            "its gradient would be lost. Build the tensor from its parts (cat, stack, where), or "
            "write value.detach(), or write inside tinyllm.no_grad()."
        )


def _two_steps(index: Index, ndim: int) -> tuple[tuple | None, tuple | None]:
    """Split an index into slices, ints, None and `...`, and then arrays on what these leave.

    PyTorch applies the two in this order. NumPy takes ints as arrays where arrays are present,
    which moves dims: x[0, :, [1, 2]] would be (2, N) rather than (N, 2).
    """
    parts = [_plain(part) for part in (index if isinstance(index, tuple) else (index,))]
    if not any(isinstance(part, np.ndarray) for part in parts):
        return tuple(parts), None
    basic: list[Any] = []
    advanced: list[Any] = []
    consumed = sum(_dims_consumed(part) for part in parts)
    for part in parts:
        if isinstance(part, np.ndarray):
            basic.extend([slice(None)] * _dims_consumed(part))
            advanced.append(part)
        elif part is Ellipsis:
            basic.append(part)
            advanced.extend([slice(None)] * max(ndim - consumed, 0))
        else:
            basic.append(part)
            if part is None or isinstance(part, slice):
                advanced.append(slice(None))
    if all(part is Ellipsis or part == slice(None) for part in basic):
        return None, tuple(advanced)
    return tuple(basic), tuple(advanced)


def _plain(part: Any) -> Any:
    """One part of an index as NumPy wants it: an int or bool, a slice, None, `...` or an array."""
    if part is None or part is Ellipsis or isinstance(part, int | slice):
        # x[True] is a mask without dims; NumPy reads it so, but not in a view
        return np.asarray(part) if isinstance(part, bool) else part
    if isinstance(part, list | tuple | range):
        part = np.asarray([int(p) if isinstance(p, Tensor) and not p.ndim else p for p in part])
        part = part if part.size else part.astype(np.int64)
    array = part.array if isinstance(part, Tensor) else part
    if isinstance(array, np.integer) or (
        isinstance(array, np.ndarray) and array.ndim == 0 and array.dtype.kind in "iu"
    ):
        return int(array)
    if isinstance(array, np.ndarray | np.bool_) and array.dtype.kind in "iub":
        return np.asarray(array)
    got = f"a {array.dtype} tensor" if isinstance(array, np.ndarray) else type(part).__name__
    raise IndexError(
        f"getitem: an index is an int, a slice, None, `...`, an integer or a bool tensor, not {got}"
    )


def _dims_consumed(part: Any) -> int:
    if isinstance(part, np.ndarray):
        return part.ndim if part.dtype.kind == "b" else 1
    return 0 if part is None or part is Ellipsis else 1


def _check_index(who: str, index: Tensor, size: int, dim: int) -> None:
    """Refuse an index that is not integer, or outside [0, size)."""
    if check_tensor(who, index).array.dtype.kind not in "iu":
        raise TypeError(f"{who}: the index must be an integer tensor, got {index.dtype}")
    outside = (index.array < 0) | (index.array >= size)
    if outside.any():
        place = tuple(int(i) for i in np.argwhere(outside)[0])
        raise IndexError(
            f"{who}: index {index.array[place]} at {list(place)} is outside [0, {size}), the size "
            f"of dim {dim}"
        )


def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Return the elements along dim that index names: for dim = 1, y[i][j] = x[i][index[i][j]].

    Shapes:  input (..., N, ...), index (..., M, ...) -> (..., M, ...)
    PyTorch: torch.gather.
    """
    axis = check_dim("gather", dim, check_tensor("gather", input).ndim)
    check_tensor("gather", index)
    if index.ndim != input.ndim or any(
        m > n for i, (m, n) in enumerate(zip(index.shape, input.shape, strict=False)) if i != axis
    ):
        raise ValueError(
            f"gather: index {index.shape} and input {input.shape} must have equally many dims, and "
            f"index must be no larger than input except in dim {dim}"
        )
    _check_index("gather", index, input.shape[axis] if input.ndim else 1, dim)
    return apply(Gather, input, index, dim=axis)


def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Return the slices of input along dim that a 1-d index names, in its order.

    Shapes:  input (..., N, ...), index (M,) -> (..., M, ...)
    PyTorch: torch.index_select.
    """
    axis = check_dim("index_select", dim, check_tensor("index_select", input).ndim)
    if check_tensor("index_select", index).ndim > 1 or input.ndim == 0:
        raise ValueError(
            f"index_select: needs a 1-d index and an input with dims, got index {index.shape} and "
            f"input {input.shape}"
        )
    _check_index("index_select", index, input.shape[axis], dim)
    return apply(IndexSelect, input, Tensor(np.atleast_1d(index.array)), dim=axis)
