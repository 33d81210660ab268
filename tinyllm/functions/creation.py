"""Functions that make tensors: from data, of one value, in sequence, at random."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinyllm.defaults import check_device, get_default_dtype
from tinyllm.functions.arguments import Number, check_dtype, check_sizes, check_tensor
from tinyllm.tensor import Tensor

# From data


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Copy data (numbers, nested lists, an array, a tensor) into a new tensor.

    Python floats become the default dtype, ints int64; arrays keep their dtype.
    PyTorch: torch.tensor.
    """
    check_device(device)
    array = _array_of("tensor", data, dtype)
    return Tensor(np.array(array, order="C"), requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """Make a tensor that shares memory with an array, and copies where it must.

    PyTorch: torch.as_tensor.
    """
    check_device(device)
    if isinstance(data, Tensor) and (
        dtype is None or check_dtype("as_tensor", dtype) == data.dtype
    ):
        return data
    return Tensor(_array_of("as_tensor", data, dtype))


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """Make a tensor that shares memory with an array: a change through one is seen in the other.

    A read-only array gives a tensor that refuses in-place changes.

    Raises:  TypeError if it is no array, or of a dtype that tensors cannot have.
    PyTorch: torch.from_numpy, which warns of a read-only array, and refuses negative strides.
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(
            f"from_numpy: needs a NumPy array, got {type(ndarray).__name__}; use tensor()"
        )
    if check_dtype("from_numpy", ndarray.dtype) != ndarray.dtype:
        raise ValueError(
            f"from_numpy: {ndarray.dtype} is in the byte order of another machine; use tensor(), "
            "which copies"
        )
    return Tensor(np.asarray(ndarray))  # without the ways of a subclass, such as a matrix


def _array_of(who: str, data: Any, dtype: Any) -> np.ndarray:
    """The data as an array, of the dtype wanted or the one that PyTorch infers."""
    wanted = None if dtype is None else check_dtype(who, dtype)
    if isinstance(data, Tensor):
        array = data.array
    elif isinstance(data, np.ndarray | np.generic):
        array = np.asarray(data)
        wanted = wanted or check_dtype(who, array.dtype)
    else:
        try:
            array = np.asarray(_without_tensors(data))
        except ValueError:
            raise ValueError(
                f"{who}: the nested lists are ragged: all lists of one level must be equally long"
            ) from None
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{who}: cannot make numbers of {type(data).__name__} {array.dtype}")
        if wanted is None:
            plain = array.dtype.kind == "f" and not _holds_arrays(data)
            wanted = get_default_dtype() if plain or not array.size else array.dtype
            wanted = check_dtype(who, np.int64 if wanted.kind in "iu" and plain else wanted)
    if wanted is None or wanted == array.dtype:
        return array
    with np.errstate(invalid="ignore"):  # nan to an integer
        return array.astype(wanted)


def _without_tensors(data: Any) -> Any:
    """The data with each tensor in it as its array."""
    if isinstance(data, Tensor):
        return data.array
    return [_without_tensors(part) for part in data] if isinstance(data, list | tuple) else data


def _holds_arrays(data: Any) -> bool:
    """Whether the innermost values are arrays or tensors, which have a dtype of their own."""
    while isinstance(data, list | tuple) and data:
        data = data[0]
    return isinstance(data, Tensor | np.ndarray | np.generic)


# Of one value


def _dtype_or_default(who: str, dtype: Any) -> np.dtype:
    return get_default_dtype() if dtype is None else check_dtype(who, dtype)


def _shape(who: str, sizes: tuple[Any, ...]) -> tuple[int, ...]:
    shape = check_sizes(who, sizes)
    if any(size < 0 for size in shape):
        raise ValueError(f"{who}: sizes must not be negative, got {shape}")
    return shape


def zeros(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Make a tensor of zeros. PyTorch: torch.zeros."""
    check_device(device)
    return Tensor(np.zeros(_shape("zeros", size), _dtype_or_default("zeros", dtype)), requires_grad)


def ones(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Make a tensor of ones. PyTorch: torch.ones."""
    check_device(device)
    return Tensor(np.ones(_shape("ones", size), _dtype_or_default("ones", dtype)), requires_grad)


def empty(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Make a tensor of whatever stands in memory. PyTorch: torch.empty."""
    check_device(device)
    return Tensor(np.empty(_shape("empty", size), _dtype_or_default("empty", dtype)), requires_grad)


def full(
    size: Any,
    fill_value: Number,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Make a tensor of one value everywhere. PyTorch: torch.full."""
    check_device(device)
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    if dtype is None and isinstance(value, bool | int):
        dtype = np.bool_ if isinstance(value, bool) else np.int64
    shape = _shape("full", (size,))
    return Tensor(np.full(shape, value, _dtype_or_default("full", dtype)), requires_grad)


def _like(input: Tensor, dtype: Any) -> Any:
    return check_tensor("_like", input).dtype if dtype is None else dtype


def zeros_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Make zeros in input's shape and dtype. PyTorch: torch.zeros_like."""
    return zeros(input.shape, dtype=_like(input, dtype), device=device, requires_grad=requires_grad)


def ones_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Make ones in input's shape and dtype. PyTorch: torch.ones_like."""
    return ones(input.shape, dtype=_like(input, dtype), device=device, requires_grad=requires_grad)


def empty_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Make a tensor of whatever stands in memory, as input. PyTorch: torch.empty_like."""
    return empty(input.shape, dtype=_like(input, dtype), device=device, requires_grad=requires_grad)


def full_like(
    input: Tensor,
    fill_value: Number,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Make one value everywhere in input's shape and dtype. PyTorch: torch.full_like."""
    dtype = _like(input, dtype)
    return full(input.shape, fill_value, dtype=dtype, device=device, requires_grad=requires_grad)


# In sequence


def _numbers(who: str, dtype: Any) -> np.dtype:
    """The dtype checked, which must not be bool."""
    checked = check_dtype(who, dtype)
    if checked.kind == "b":
        raise TypeError(f"{who}: bools do not come in sequence; compare the numbers, such as x > 0")
    return checked


def arange(
    *bounds: Number,
    start: Number = 0,
    end: Number | None = None,
    step: Number = 1,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Make the numbers start, start + step, ... below end.

    `arange(end)`, `arange(start, end)`, `arange(start, end, step)`.

    PyTorch: torch.arange.
    """
    check_device(device)
    if len(bounds) > 3:
        raise TypeError(f"arange: takes start, end and step, got {len(bounds)} numbers")
    if len(bounds) == 1 and end is None:
        end = bounds[0]
    elif bounds:
        start, end, step = (*bounds, *(start, end, step)[len(bounds) :])
    if end is None:
        raise TypeError("arange: needs an end")
    start, end, step = (x.item() if hasattr(x, "item") else x for x in (start, end, step))
    whole = all(isinstance(x, int) for x in (start, end, step))
    wanted = _numbers("arange", dtype or (np.int64 if whole else get_default_dtype()))
    if not all(math.isfinite(x) for x in (start, end, step)):
        raise ValueError(f"arange: from {start} to {end} in steps of {step} are not finitely many")
    if wanted == np.int64:  # as in PyTorch, 0.9 is 0 before it counts
        start, end, step, whole = int(start), int(end), int(step), True
    if step == 0 or (end - start) * step < 0:
        raise ValueError(f"arange: from {start} one does not come to {end} in steps of {step}")
    count = -((start - end) // step) if whole else math.ceil((end - start) / step)
    numbers = np.arange(count, dtype=np.int64 if whole else np.float64) * step + start
    return Tensor(numbers.astype(wanted), requires_grad)


def linspace(
    start: float,
    end: float,
    steps: int,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Make `steps` evenly spaced numbers, start and end included.

    Integers are evenly spaced between int(start) and int(end), then rounded towards 0.
    PyTorch: torch.linspace.
    """
    check_device(device)
    (steps,) = check_sizes("linspace", (steps,))
    if steps < 0:
        raise ValueError(f"linspace: steps must not be negative, got {steps}")
    wanted = _dtype_or_default("linspace", dtype)
    if steps > 1:  # as in PyTorch, fewer are no sequence
        _numbers("linspace", wanted)
    start, end = ((int if wanted.kind in "iu" else float)(bound) for bound in (start, end))
    return Tensor(np.linspace(start, end, steps).astype(wanted), requires_grad)


def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Make a matrix with ones on the diagonal and zeros elsewhere. PyTorch: torch.eye."""
    check_device(device)
    shape = _shape("eye", (n, n if m is None else m))
    return Tensor(np.eye(*shape, dtype=_dtype_or_default("eye", dtype)), requires_grad)
