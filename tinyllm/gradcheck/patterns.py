"""Patterns in a wrong gradient: a constant factor, a sign, a transposition, a term left out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations, permutations
from typing import NamedTuple

import numpy as np

NUMBERS = {
    "2": 2.0,
    "3": 3.0,
    "4": 4.0,
    "1/3": 1 / 3,
    "1/4": 1 / 4,
    "ln 2": math.log(2),
    "1 / ln 2": 1 / math.log(2),
    "ln 10": math.log(10),
    "1 / ln 10": 1 / math.log(10),
    "sqrt(2)": math.sqrt(2),
    "1 / sqrt(2)": math.sqrt(1 / 2),
    "pi": math.pi,
    "1 / pi": 1 / math.pi,
}
HALF = "1/2 (a factor 2 left out, or one of two equal uses counted)"


class Pattern(NamedTuple):
    """Two gradients to be told apart, and the difference allowed at each element."""

    analytic: np.ndarray
    numeric: np.ndarray
    allowed: np.ndarray
    measured: np.ndarray


def alike(a: np.ndarray, b: np.ndarray | float, allowed: np.ndarray, where: np.ndarray) -> bool:
    """Whether two arrays agree at the places of a mask."""
    return bool((np.abs(a - b) <= allowed)[where].all())


# A constant factor


def factor_in_words(
    analytic: np.ndarray,
    numeric: np.ndarray,
    allowed: np.ndarray,
    shapes: Sequence[tuple[int, ...]],
) -> str | None:
    """Say by which constant factor the gradient is off, if it is; name it by the shapes."""
    size = float((numeric * numeric).sum())
    if size == 0:
        return None
    ratio = float((analytic * numeric).sum()) / size
    room = allowed * max(1.0, abs(ratio))
    if ratio == 0 or not (np.abs(analytic - ratio * numeric) <= room).all():
        return None
    if abs(ratio - 1) < 1e-2:
        return None
    name = _named(abs(ratio), shapes)
    several = int((np.abs(numeric) > allowed).sum()) > 1
    if not several and name is None and abs(ratio + 1) > 1e-2:
        return None  # any one number is some multiple of another
    if abs(ratio + 1) <= 1e-2:
        return "sign: analytic = -numeric, a minus is missing or one too many"
    sign = " and sign" if ratio < 0 else ""
    meaning = f", which is {'-' if ratio < 0 else ''}{name}" if name else ""
    sure = "" if several else " (told from one element)"
    return f"constant factor{sign}: analytic = {ratio:.6g} * numeric{meaning}{sure}"


def _named(ratio: float, shapes: Sequence[tuple[int, ...]]) -> str | None:
    names = [name for name, value in NUMBERS.items() if _same(ratio, value)]
    if _same(ratio, 0.5):
        names.append(HALF)
    for n, meaning in _sizes(shapes).items():
        forms = {
            f"{n}, {meaning}: a division by it (a mean) is missing": n,
            f"1/{n}, {n} being {meaning}: divided by it once too often": 1 / n,
            f"sqrt({n}), {n} being {meaning}": math.sqrt(n),
            f"1/sqrt({n}), {n} being {meaning}": 1 / math.sqrt(n),
            f"{n}/{n - 1}, {n} being {meaning} (Bessel's correction)": n / (n - 1),
            f"{n - 1}/{n}, {n} being {meaning} (Bessel's correction)": (n - 1) / n,
        }
        names += [name for name, value in forms.items() if _same(ratio, value)]
    return ", or ".join(names) or None


def _sizes(shapes: Sequence[tuple[int, ...]]) -> dict[int, str]:
    """Every number above 1 that the shapes hold, and what it is."""
    sizes: dict[int, str] = {}
    for shape in shapes:
        for axis, n in enumerate(shape):
            sizes.setdefault(n, f"the size of axis {axis} of shape {shape}")
    for shape in shapes:
        sizes.setdefault(math.prod(shape), f"the number of elements of shape {shape}")
        for a, b in combinations(range(len(shape)), 2):
            sizes.setdefault(shape[a] * shape[b], f"the size of axes {a} and {b} of shape {shape}")
    return {n: meaning for n, meaning in sizes.items() if n > 1}


def _same(a: float, b: float) -> bool:
    return abs(a - b) <= 2e-3 * abs(b)


def sign_of_some(pattern: Pattern) -> str | None:
    """Is the size right everywhere, and the sign wrong at some elements?"""
    sizes = np.abs(pattern.analytic), np.abs(pattern.numeric)
    wrong = np.abs(pattern.analytic - pattern.numeric) > pattern.allowed
    if wrong.sum() < 2 or not alike(*sizes, pattern.allowed, pattern.measured):
        return None
    return f"sign: wrong at {int(wrong.sum())} of {pattern.measured.sum()} elements, sizes right"


# Elements in the wrong places


def transposed(pattern: Pattern) -> str | None:
    """Are these the right numbers with axes swapped?"""
    ndim = pattern.numeric.ndim
    if ndim > 5:
        return None
    for axes in sorted(
        permutations(range(ndim)), key=lambda p: sum(i != a for i, a in enumerate(p))
    ):
        moved = pattern.numeric.transpose(axes)
        if moved.shape == pattern.analytic.shape:
            how = "a transpose too many, or one left out"
        else:
            how = "a reshape where a transpose was meant"
        if axes != tuple(range(ndim)) and alike(
            pattern.analytic,
            moved.reshape(pattern.analytic.shape),
            pattern.allowed,
            pattern.measured,
        ):
            return f"transposed: the right numbers, with axes in the order {axes}: {how}"
    return None


def wrong_shape(got: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """Say how a gradient came by another shape than its input's."""
    padded = (1,) * (len(got) - len(wanted)) + wanted
    if len(padded) == len(got) and all(w in (1, g) for g, w in zip(got, padded, strict=True)):
        extra = len(got) - len(wanted)
        axes = [i for i, (g, w) in enumerate(zip(got, padded, strict=True)) if i < extra or g != w]
        return (
            f"not summed over a broadcast axis: {wanted} was broadcast to {got}; sum over axes "
            f"{tuple(axes)}, as `unbroadcast` does"
        )
    if sorted(got) == sorted(wanted):
        return f"transposed: {got} holds the sizes of {wanted} in another order"
    return f"the gradient of an input of shape {wanted} must have that shape, not {got}"


# A term left out


def missing_term(
    difference: np.ndarray, allowed: np.ndarray, like: Mapping[str, np.ndarray]
) -> str | None:
    """Is numeric - analytic a constant, or a multiple of something known, along an axis?"""
    terms: dict[str, list[np.ndarray]] = {"constant": [np.ones_like(difference)]}
    for name, array in like.items():
        if np.isfinite(array).all():
            terms[f"proportional to {name}"] = [array]
    if np.isfinite(like["the input"]).all():
        terms["a constant plus a multiple of the input"] = [
            np.ones_like(difference),
            like["the input"],
        ]
    ways: list[int | None] = [None, *reversed(range(difference.ndim))]
    for name, basis in terms.items():
        for axis in ways:
            if _explains(difference, basis, axis, allowed):
                place = "everywhere" if axis is None else f"along axis {axis}"
                hint = _HINTS.get(name, "")
                return f"missing term: numeric - analytic is {name} {place}{hint}"
    return None


_HINTS = {
    "constant": " (a mean or sum of the gradient left out, as in layer_norm or softmax?)",
    "a constant plus a multiple of the input": " (as the two means in layer_norm's backward)",
    "proportional to the input": " (as the projection in rms_norm's backward, or weight decay)",
    "proportional to the output": " (as - y * sum(grad_y * y) in softmax's backward)",
    "proportional to grad_y, the output's gradient": " (a direct path, such as a residual?)",
}


def _explains(
    difference: np.ndarray, basis: list[np.ndarray], axis: int | None, allowed: np.ndarray
) -> bool:
    """Whether each line along the axis (None: the whole) is a combination of the basis."""
    if axis is None:
        lines = [a.reshape(1, -1) for a in (difference, allowed, *basis)]
    else:
        length = difference.shape[axis]
        lines = [
            np.moveaxis(a, axis, -1).reshape(-1, length) for a in (difference, allowed, *basis)
        ]
    left, room, *columns = lines
    rows, length = left.shape
    if length < 2 or rows * (length - len(columns)) < 2 or length <= len(columns):
        return False
    for i in range(rows):
        a = np.stack([column[i] for column in columns], axis=1)
        solution = np.linalg.lstsq(a, left[i], rcond=None)[0]
        if not (np.abs(left[i] - a @ solution) <= room[i]).all():
            return False
    return True


# Where


def where_wrong(x: np.ndarray, wrong: np.ndarray, measured: np.ndarray) -> str:
    """Say what the wrong elements have in common, if only some are wrong."""
    right = measured & ~wrong
    if not right.any():
        return ""
    conditions = {"negative": x < 0, "positive": x > 0, "zero": x == 0}
    for name, condition in conditions.items():
        if wrong.sum() > 1 and (condition == wrong)[measured].all():
            return f"; wrong just where the input is {name}"
    for axis in range(x.ndim):
        positions = sorted({int(i) for i in np.nonzero(wrong)[axis]})
        whole = np.isin(np.arange(x.shape[axis]), positions)
        shape = [-1 if i == axis else 1 for i in range(x.ndim)]
        inside = np.broadcast_to(whole.reshape(shape), x.shape)
        if not whole.all() and (inside == wrong)[measured].all():
            return f"; wrong just at {positions[:8]} of axis {axis}"
    return f"; wrong at {int(wrong.sum())} of {int(measured.sum())} elements"
