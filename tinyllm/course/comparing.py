"""Whether what a learner's code gave is what was expected, and if not, how it differs."""

from __future__ import annotations

from typing import Any

import numpy as np


def difference(got: Any, expected: Any, relative: float, absolute: float) -> str | None:
    """Say in a few words how `got` differs from `expected`; None if it does not.

    Numbers and arrays may differ by relative * |expected| + absolute; a NaN equals a NaN.
    """
    if isinstance(expected, (list, tuple)):
        return _of_sequences(got, expected, relative, absolute)
    if isinstance(expected, dict):
        return _of_dicts(got, expected, relative, absolute)
    if isinstance(expected, (str, bool, set, frozenset, type(None))):
        if type(got) is type(expected) and got == expected:
            return None
        if isinstance(expected, bool) and isinstance(got, np.ndarray) and got.shape == ():
            return None if bool(got) == expected and got.dtype.kind == "b" else "another value"
        return "another value" if type(got) is type(expected) else _kinds(got, expected)
    return _of_arrays(got, expected, relative, absolute)


def _kinds(got: Any, expected: Any) -> str:
    return f"{_kind(got)} where {_kind(expected)} was expected"


def _kind(value: Any) -> str:
    if value is None:
        return "None (is the return missing?)"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _of_sequences(got: Any, expected: Any, relative: float, absolute: float) -> str | None:
    if not isinstance(got, (list, tuple)):
        return _kinds(got, expected)
    if len(got) != len(expected):
        return f"{len(got)} items where {len(expected)} were expected"
    for place, (one, other) in enumerate(zip(got, expected, strict=True)):
        if found := difference(one, other, relative, absolute):
            return f"item {place}: {found}"
    return None


def _of_dicts(got: Any, expected: Any, relative: float, absolute: float) -> str | None:
    if not isinstance(got, dict):
        return _kinds(got, expected)
    if set(got) != set(expected):
        missing, more = set(expected) - set(got), set(got) - set(expected)
        return f"keys missing: {sorted(missing, key=repr)}, not expected: {sorted(more, key=repr)}"
    for key, other in expected.items():
        if found := difference(got[key], other, relative, absolute):
            return f"[{key!r}]: {found}"
    return None


def _of_arrays(got: Any, expected: Any, relative: float, absolute: float) -> str | None:
    if isinstance(got, (str, dict, set, frozenset, type(None))):
        return _kinds(got, expected)
    try:
        one = np.asarray(got)
    except ValueError:
        return _kinds(got, expected)
    other = np.asarray(expected)
    if one.dtype.kind not in "biufc":
        return _kinds(got, expected)
    if one.shape != other.shape:
        return f"shape {one.shape} where {other.shape} was expected"
    if (one.dtype.kind == "b") != (other.dtype.kind == "b"):
        given, wanted = ("True and False", "numbers")[:: 1 if one.dtype.kind == "b" else -1]
        return f"{given} where {wanted} were expected"
    close = np.isclose(one, other, rtol=relative, atol=absolute, equal_nan=True)
    if close.all():
        return None
    wrong = int(close.size - close.sum())
    if close.ndim == 0:
        return "another value"
    return f"{wrong} of {close.size} values differ"
