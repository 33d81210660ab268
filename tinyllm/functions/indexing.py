"""Picking elements by position or mask: x[...], gather, nonzero …; and x[...] = value."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from tinyllm import grad_mode
from tinyllm.functions.arguments import check_broadcast, check_dim, check_tensor
from tinyllm.functions.shape import expand, reshape
from tinyllm.ops.indexing import Gather, GetItem, IndexSelect, with_ellipsis
from tinyllm.tensor import Tensor, apply

Index = Any


def getitem(input: Tensor, index: Index) -> Tensor:
    """Return input[index]: slices, ints, None, `...`, integer tensors and bool masks, in any mix.

    Slices and ints give a view; tensors, arrays and lists a copy.
    PyTorch: torch.Tensor.__getitem__; nested lists are an integer tensor here, not a tuple.
    """
    basic, advanced = _two_steps("getitem", index, input.ndim)
    try:
        if advanced is None:
            return apply(GetItem, input, index=basic)
        rest = input if basic is None else apply(GetItem, input, index=basic)
        return apply(GetItem, rest, index=advanced)
    except IndexError as error:
        raise IndexError(f"getitem: {error} (the tensor has shape {input.shape})") from None


def setitem(input: Tensor, index: Index, value: Any) -> None:
    """Write value into input[index], in place; it is cast to input's dtype, and broadcasts.

    Raises:  RuntimeError while recording, if input or value requires a gradient.
    """
    if isinstance(value, Tensor):
        refuse_recorded("setitem", value)
        value = value.array
    basic, advanced = _two_steps("setitem", index, input.ndim)
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


def _two_steps(who: str, index: Index, ndim: int) -> tuple[tuple | None, tuple | None]:
    """Split an index into slices, ints, None and `...`, and then arrays on what these leave.

    PyTorch applies the two in this order. NumPy takes ints as arrays where arrays are present,
    which moves dims: x[0, :, [1, 2]] would be (2, N) rather than (N, 2).
    """
    parts = [_plain(who, part) for part in (index if isinstance(index, tuple) else (index,))]
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


def _plain(who: str, part: Any) -> Any:
    """One part of an index as NumPy wants it: an int or bool, a slice, None, `...` or an array."""
    if isinstance(part, slice) and part.step is not None and operator.index(part.step) < 0:
        raise ValueError(f"{who}: a slice must step forwards, and {part.step} is below 0: use flip")
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
    if isinstance(array, np.ndarray) and array.dtype == np.uint8:
        raise IndexError(
            f"{who}: a uint8 tensor is a mask in old PyTorch code, and could be ids as well: use "
            ".bool() for a mask, .long() for ids"
        )
    if isinstance(array, np.ndarray | np.bool_) and array.dtype.kind in "iub":
        return np.asarray(array)
    got = f"a {array.dtype} tensor" if isinstance(array, np.ndarray) else type(part).__name__
    raise IndexError(
        f"{who}: an index is an int, a slice, None, `...`, an integer or a bool tensor, not {got}"
    )


def _dims_consumed(part: Any) -> int:
    if isinstance(part, np.ndarray):
        return part.ndim if part.dtype.kind == "b" else 1
    return 0 if part is None or part is Ellipsis else 1


def check_index(who: str, index: Tensor, size: int, dim: int, from_end: bool = False) -> Tensor:
    """Return the index. Refuse one that is not integer, or outside [0, size).

    Args:    from_end: allow [-size, size): NumPy counts what is negative from the end.
    """
    if check_tensor(who, index).array.dtype.kind not in "iu":
        raise TypeError(f"{who}: the index must be an integer tensor, got {index.dtype}")
    array = index.array
    least = -size if from_end else 0
    outside = (array < least) | (array >= size)
    if outside.any():
        place = tuple(int(i) for i in np.argwhere(outside)[0])
        raise IndexError(
            f"{who}: index {array[place]} at {list(place)} is outside [{least}, {size}), the size "
            f"of dim {dim}"
        )
    return index


def with_a_dim(x: Tensor) -> Tensor:
    """Return a 0-d tensor as one of shape (1,), which is how PyTorch indexes it; others as is."""
    return x if x.ndim else reshape(x, 1)


def no_larger(index: Tensor, other: Tensor, but: int | None = None) -> bool:
    """Whether index has the dims of other and is no larger in any, but in dim `but`."""
    return index.ndim == other.ndim and all(
        m <= n or axis == but
        for axis, (m, n) in enumerate(zip(index.shape, other.shape, strict=True))
    )


def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Return the elements along dim that index names: for dim = 1, y[i][j] = x[i][index[i][j]].

    Shapes:  input (..., N, ...), index (..., M, ...) -> (..., M, ...)
    Raises:  ValueError where the shapes disagree, TypeError for an index that is not integer,
             IndexError for one outside [0, N).
    PyTorch: torch.gather.
    """
    axis = check_dim("gather", dim, check_tensor("gather", input).ndim)
    x, positions = with_a_dim(input), with_a_dim(check_tensor("gather", index))
    if not index.array.size and index.ndim != input.ndim:  # nothing is picked, in any shape
        check_index("gather", index, 0, dim)
        return reshape(getitem(reshape(x, -1), slice(0)), index.shape)
    if not no_larger(positions, x, but=axis):
        raise ValueError(
            f"gather: index {index.shape} and input {input.shape} must have equally many dims, and "
            f"index must be no larger than input except in dim {dim}"
        )
    check_index("gather", index, x.shape[axis], dim)
    return reshape_if(apply(Gather, x, positions, dim=axis), index.shape)


def reshape_if(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return x in the shape, itself if it has it already."""
    return x if x.shape == shape else reshape(x, shape)


def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """Return the elements along dim that indices name; other dims broadcast. Fits argmax, argsort.

    Args:    indices: with input's number of dims; a negative one counts from the end.
             dim: None takes input and indices as flat, and indices from 0 on.
    Raises:  ValueError where the shapes disagree, TypeError for indices that are not integer,
             IndexError for one out of range.
    PyTorch: torch.take_along_dim, where an index out of range is taken modulo the size.
    """
    who = "take_along_dim"
    check_tensor(who, input), check_tensor(who, indices)
    if dim is None:
        flat = reshape(input, -1)
        return gather(flat, 0, check_index(who, reshape(indices, -1), flat.shape[0], 0))
    axis = check_dim(who, dim, input.ndim)
    if indices.ndim != input.ndim:
        raise ValueError(
            f"{who}: input {input.shape} and indices {indices.shape} must have equally many dims; "
            "argmax and max keep the dim with keepdim=True"
        )
    if not input.ndim:
        raise ValueError(f"{who}: a 0-d input has no dim to take along; leave dim out")
    check_index(who, indices, input.shape[axis], dim, from_end=True)
    others = [(*x.shape[:axis], 1, *x.shape[axis + 1 :]) for x in (input, indices)]
    shape = list(check_broadcast(who, ("input", others[0]), ("indices", others[1])))
    both = []
    for x in (input, indices):
        shape[axis] = x.shape[axis]
        both.append(expand(x, shape))
    return apply(Gather, *both, dim=axis)


def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Return the slices of input along dim that a 1-d index names, in its order.

    Shapes:  input (..., N, ...), index (M,) -> (..., M, ...)
    Raises:  ValueError unless index is 1-d, TypeError unless it is integer, IndexError for one
             outside [0, N).
    PyTorch: torch.index_select.
    """
    who = "index_select"
    axis = check_dim(who, dim, check_tensor(who, input).ndim)
    if check_tensor(who, index).ndim > 1 or (input.ndim == 0 and index.array.size != 1):
        raise ValueError(
            f"{who}: needs a 1-d index, and one element for a 0-d input; got index {index.shape} "
            f"and input {input.shape}"
        )
    x = with_a_dim(input)
    check_index(who, index, x.shape[axis], dim)
    picked = apply(IndexSelect, x, with_a_dim(index), dim=axis)
    return picked if input.ndim else reshape(picked, ())


# By a mask, and where a mask holds


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """Return the elements where the mask is True, in row-major order; the two broadcast.

    Shapes:  input and mask broadcast to one shape -> (number of True,)
    PyTorch: torch.masked_select.
    """
    check_mask("masked_select", mask)
    shape = check_broadcast(
        "masked_select",
        ("input", check_tensor("masked_select", input).shape),
        ("mask", mask.shape),
    )
    return apply(GetItem, expand(input, shape), index=(np.broadcast_to(mask.array, shape),))


def check_mask(who: str, mask: Tensor) -> Tensor:
    """Return the mask. Raises TypeError unless it is a bool tensor."""
    if check_tensor(who, mask).array.dtype.kind != "b":
        raise TypeError(
            f"{who}: the mask must be a bool tensor, got {mask.dtype}; compare it first, such as "
            "`mask != 0`"
        )
    return mask


def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """Return the indices of the elements that are not 0: one row each, or a tuple of columns.

    Shapes:  (n, ndim); as_tuple: ndim tensors (n,), with which input can be indexed
    PyTorch: torch.nonzero.
    """
    array = check_tensor("nonzero", input).array
    if as_tuple:
        return tuple(Tensor(column) for column in np.nonzero(np.atleast_1d(array)))
    return Tensor(np.ascontiguousarray(np.argwhere(array)))


def argwhere(input: Tensor) -> Tensor:
    """Return the indices of the elements that are not 0, one row each. PyTorch: torch.argwhere."""
    return nonzero(check_tensor("argwhere", input))
