"""assert_close: two values agree, or where they differ most, and the mistake it looks like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

import numpy as np

from tinyllm.bridges import array_of_torch, is_torch_tensor
from tinyllm.tensor import Tensor

# dtype: relative, absolute; PyTorch's. Integers and booleans must be equal.
TOLERANCES = {"float16": (1e-3, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7)}


def assert_close(
    actual: Any,
    expected: Any,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_dtype: bool = True,
    msg: str = "",
) -> None:
    """Fail unless |actual - expected| <= atol + rtol |expected| everywhere.

    Args:    actual, expected: tensors (tinyllm's or PyTorch's), arrays, numbers, or lists, tuples
             and dicts of these, item by item.
             rtol, atol: both or neither; by default by dtype, the looser of the two: 1.3e-6 and
             1e-5 for float32, 1e-7 and 1e-7 for float64.
             equal_nan: whether NaN equals NaN.
             check_dtype: whether tensors and arrays must have one dtype.
             msg: said before what was found.
    Raises:  AssertionError; ValueError for one tolerance without the other.
    PyTorch: torch.testing.assert_close; there msg stands in the place of what was found, and a
             tensor never equals an array.
    """
    if (rtol is None) != (atol is None):
        raise ValueError("assert_close: give rtol and atol, or neither of them")
    given = None if rtol is None or atol is None else (rtol, atol)
    found = difference(actual, expected, given, equal_nan, check_dtype)
    if found is not None:
        raise AssertionError(f"{msg}\n{found}" if msg else found)


def difference(
    actual: Any,
    expected: Any,
    tolerances: tuple[float, float] | None = None,
    equal_nan: bool = False,
    check_dtype: bool = True,
    name: str = "the result",
) -> str | None:
    """Say how two values differ, or None if they are close; arguments as of assert_close."""
    rest = (tolerances, equal_nan, check_dtype)
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        if set(actual) != set(expected):
            return f"{name} has the keys {sorted(actual)}, expected {sorted(expected)}"
        pairs = [(f"{name}[{key!r}]", actual[key], expected[key]) for key in expected]
    elif _is_sequence(expected) and _is_sequence(actual):
        if len(actual) != len(expected):
            return f"{name} has {len(actual)} items, expected {len(expected)}"
        both = zip(actual, expected, strict=True)
        pairs = [(f"{name}[{i}]", one, other) for i, (one, other) in enumerate(both)]
    else:
        return _of_arrays(actual, expected, *rest, name)
    found = (difference(one, other, *rest, each) for each, one, other in pairs)
    return next((text for text in found if text is not None), None)


def array_of(value: Any) -> np.ndarray | None:
    """The numbers of a tensor, an array or a number; None for what holds no numbers."""
    if isinstance(value, Tensor):
        return value.array
    if is_torch_tensor(value):
        return array_of_torch(value)
    if isinstance(value, np.ndarray | np.generic | bool | int | float):
        array = np.asarray(value)
        return array if array.dtype.kind in "biuf" else None
    return None


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _of_arrays(
    actual: Any,
    expected: Any,
    tolerances: tuple[float, float] | None,
    equal_nan: bool,
    check_dtype: bool,
    name: str,
) -> str | None:
    one, other = array_of(actual), array_of(expected)
    if one is None or other is None:
        if one is None and other is None and type(actual) is type(expected):
            return None if actual == expected else f"{name} is {actual!r}, expected {expected!r}"
        forgotten = ": is the return missing?" if actual is None else ""
        return f"{name} is {_kind(actual)}, expected {_kind(expected)}{forgotten}"
    if one.shape != other.shape:
        return f"{name} has shape {one.shape}, expected {other.shape}{_of_shapes(one, other)}"
    has_dtype = not isinstance(actual, int | float) and not isinstance(expected, int | float)
    if check_dtype and has_dtype and one.dtype != other.dtype:
        return f"{name} is {one.dtype}, expected {other.dtype}{_of_dtypes(one, other)}"
    rtol, atol = tolerances or _usual(one.dtype, other.dtype)
    close = np.isclose(one, other, rtol, atol, equal_nan)
    return None if close.all() else _in_words(one, other, close, (rtol, atol), name)


def _kind(value: Any) -> str:
    array = array_of(value)
    if value is None:
        return "None"
    if array is None:
        return f"a {type(value).__name__}"
    return f"a {type(value).__name__} of shape {array.shape}" if array.ndim else "a number"


def _usual(*dtypes: np.dtype) -> tuple[float, float]:
    """The tolerances of the coarsest dtype."""
    known = [TOLERANCES.get(dtype.name, (0.0, 0.0)) for dtype in dtypes]
    return max(rtol for rtol, _ in known), max(atol for _, atol in known)


def _in_words(
    one: np.ndarray,
    other: np.ndarray,
    close: np.ndarray,
    tolerances: tuple[float, float],
    name: str,
) -> str:
    """How many differ, where the difference is largest, and what it looks like."""
    with np.errstate(invalid="ignore"):
        error = np.abs(one.astype(np.float64) - other.astype(np.float64))
    error = np.where(close, 0.0, np.where(np.isnan(error), np.inf, error))
    worst = np.unravel_index(int(error.argmax()), error.shape)
    index = tuple(int(i) for i in worst)
    got, wanted = one[worst], other[worst]
    count = f"{int((~close).sum())} of {close.size} values of {name} differ"
    if close.ndim == 0:
        count = f"{name} differs"
    where = f"the largest difference is at index {index}: " if close.ndim else ""
    relative = (
        f", {error[worst] / abs(wanted):.2g} of it" if wanted and error[worst] < np.inf else ""
    )
    lines = [
        count,
        f"  {where}got {got:.9g}, expected {wanted:.9g}, off by {error[worst]:.3g}{relative}",
        f"  allowed: {tolerances[1]:g} + {tolerances[0]:g} * |expected|",
    ]
    if guess := _looks_like(one, other, close, tolerances):
        lines.append(f"  it looks like this: {guess}")
    return "\n".join(lines)


# What a difference looks like


def _looks_like(
    one: np.ndarray, other: np.ndarray, close: np.ndarray, tolerances: tuple[float, float]
) -> str | None:
    if np.isnan(one).any() and not np.isnan(other).any():
        return "NaN: 0 / 0, inf - inf, inf / inf, or the log or root of a negative number"
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        return None
    one, other = one.astype(np.float64), other.astype(np.float64)
    rtol, atol = max(tolerances[0], 1e-6), max(tolerances[1], 1e-9)

    def same(a: np.ndarray, b: np.ndarray) -> bool:
        return bool(np.allclose(a, b, rtol, atol))

    if one.size > 1:
        if same(one, np.zeros_like(one)):
            return "all zeros"
        if same(one, -other):
            return "every sign is turned round"
        for axes in permutations(range(other.ndim)):
            moved = other.transpose(axes)
            if moved.shape == one.shape and axes != tuple(range(other.ndim)) and same(one, moved):
                return f"the right numbers with the axes in another order, {axes}: a transpose"
            if axes != tuple(range(other.ndim)) and same(one, moved.reshape(one.shape)):
                return "the right numbers in another order: a reshape where a transpose was meant"
        factor = float((one * other).sum() / max((other * other).sum(), 1e-300))
        if same(one, factor * other):
            return f"everything is {factor:.4g} times what it should be{_named(factor, one.shape)}"
        offset = float((one - other).mean())
        if same(one, other + offset):
            return f"everything is off by the same {offset:.4g}"
    return _place(close)


def _named(factor: float, shape: tuple[int, ...]) -> str:
    """Which size, or root of one, a factor is: a mean where a sum was meant."""
    for axis, size in enumerate(shape):
        forms = {"": float(size), "the square root of ": float(size) ** 0.5}
        for text, value in forms.items():
            if size > 1 and np.isclose(factor, value, 1e-5):
                return f", which is {text}the size of axis {axis}"
            if size > 1 and np.isclose(factor, 1 / value, 1e-5):
                return f", which is 1 / {text}the size of axis {axis}"
    return ""


def _place(close: np.ndarray) -> str | None:
    """Whether all that is wrong stands at some positions of one axis."""
    for axis, size in enumerate(close.shape):
        lines = np.moveaxis(close, axis, 0).reshape(size, -1)
        wrong = np.flatnonzero(~lines.all(axis=1))
        if lines.shape[1] > 1 and len(wrong) < size and len(wrong) <= 3:
            return f"all that is wrong stands at {', '.join(map(str, wrong))} of axis {axis}"
    return None


def _of_shapes(one: np.ndarray, other: np.ndarray) -> str:
    if sorted(one.shape) == sorted(other.shape):
        return ": the same sizes in another order; is a transpose missing?"
    if one.size == other.size:
        ones = [size for size in one.shape if size != 1]
        if ones == [size for size in other.shape if size != 1]:
            return ": an axis of size 1 too many or too few; look at keepdim"
        return ": the same number of values; is a reshape missing?"
    return ""


def _of_dtypes(one: np.ndarray, other: np.ndarray) -> str:
    if one.dtype == np.float64 and other.dtype == np.float32:
        return ": some constant or NumPy function made it longer (check_dtype=False lets it pass)"
    if one.dtype.kind in "iub" and other.dtype.kind == "f":
        return ": a floor division, or an array of integers that was written into?"
    return ""
