"""assert_shapes: "B T C -> B H T D", with a different prime for every letter."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from itertools import combinations, pairwise
from typing import Any

from tinyllm.defaults import get_default_dtype
from tinyllm.tensor import Tensor
from tinyllm.testing.inputs import drawn, name_of

PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)
AXIS = re.compile(r"\(([^()]*)\)|(\S+)")
NAME = re.compile(r"[A-Za-z_]\w*")

Axis = tuple[str, ...]  # the names, or numbers, whose product it is: ("H", "D") is written (H D)


def assert_shapes(
    function: Callable[..., Any],
    pattern: str,
    *,
    arrays: bool = False,
    make: Callable[[tuple[int, ...]], Any] | None = None,
    **sizes: int,
) -> None:
    """Fail unless the function turns inputs of the shapes on the left into those on the right.

        assert_shapes(lambda x: split_heads(x, 5), "B T (H D) -> B H T D", H=5)
        assert_shapes(attention, "B T D, B S D, B S V -> B T V")

    Every name gets a prime of its own, so that no two axes can be taken for one another. (H D) is
    one axis of H times D; a number stands for itself; nothing after the arrow is a single number.

    Args:    arrays: the function takes NumPy arrays; by default tensors.
             make: makes an input of a shape, such as token ids; by default random numbers.
             sizes: of names that the function knows, as H=5 above.
    Raises:  AssertionError that names each axis of what came, and the likely mistake; ValueError
             for a pattern that cannot be read.
    """
    inputs, outputs = _read(pattern)
    named = _sizes(inputs, outputs, sizes)
    shapes = [_shape(axes, named) for axes in inputs]
    name = name_of(function)
    given_shapes = ", ".join(_both(*pair) for pair in zip(shapes, inputs, strict=True))
    said_sizes = ", ".join(f"{key}={value}" for key, value in named.items())
    called = f"  called with {given_shapes}; sizes: {said_sizes}"
    given = [make(shape) for shape in shapes] if make else _random(shapes, arrays)
    try:
        result = function(*given)
    except Exception as error:
        raise AssertionError(
            f"assert_shapes: {name} raised {type(error).__name__}: {error}\n{called}"
        ) from error
    results = list(result) if isinstance(result, tuple | list) else [result]
    if len(results) != len(outputs):
        raise AssertionError(
            f"assert_shapes: {name} returned {len(results)} results, expected {len(outputs)}"
        )
    for place, (got, axes) in enumerate(zip(results, outputs, strict=True)):
        which = name if len(outputs) == 1 else f"result {place} of {name}"
        _compare(which, got, axes, named, called)


def _random(shapes: Sequence[tuple[int, ...]], arrays: bool) -> list[Any]:
    """Random arrays, or tensors of the default dtype, as layers expect them."""
    made = drawn(shapes, 0, "arrays")
    return made if arrays else [Tensor(x.astype(get_default_dtype())) for x in made]


def _compare(name: str, got: Any, axes: Sequence[Axis], named: dict[str, int], called: str) -> None:
    wanted = _shape(axes, named)
    shape = getattr(got, "shape", None)
    if shape is None and isinstance(got, int | float):
        shape = ()
    if shape is None:
        forgotten = ": is the return missing?" if got is None else ""
        raise AssertionError(
            f"assert_shapes: {name} returned a {type(got).__name__}, expected "
            f"{_both(wanted, axes)}{forgotten}\n{called}"
        )
    shape = tuple(shape)
    if shape == wanted:
        return
    read = [_name_of_size(size, named) for size in shape]
    guess = _guess(shape, wanted, axes, read)
    raise AssertionError(
        f"assert_shapes: {name} gave {_listed(shape)} = ({', '.join(read)}), "
        f"expected {_both(wanted, axes)}\n"
        + (f"  it looks like this: {guess}\n" if guess else "")
        + called
    )


# Reading a pattern


def _read(pattern: str) -> tuple[list[list[Axis]], list[list[Axis]]]:
    sides = pattern.split("->")
    if len(sides) != 2:
        raise ValueError(f'assert_shapes: {pattern!r} is not of the form "B T C -> B H T D"')
    inputs, outputs = ([_axes(part, pattern) for part in side.split(",")] for side in sides)
    return inputs, outputs


def _axes(text: str, pattern: str) -> list[Axis]:
    axes = []
    for product, single in AXIS.findall(text):
        factors = tuple(product.split()) if product else (single,)
        for factor in factors:
            if not (NAME.fullmatch(factor) or factor.isdigit()):
                raise ValueError(
                    f"assert_shapes: {factor!r} in {pattern!r} is neither a name nor a number"
                )
        axes.append(factors)
    return axes


def _sizes(
    inputs: list[list[Axis]], outputs: list[list[Axis]], given: dict[str, int]
) -> dict[str, int]:
    """A size for each name: those given, and for the others primes that are not taken."""
    names, later = (
        [f for axes in side for axis in axes for f in axis if not f.isdigit()]
        for side in (inputs, outputs)
    )
    for name in given:
        if name not in (*names, *later):
            raise ValueError(f"assert_shapes: {name}={given[name]}: no axis is called {name}")
    for name in later:
        if name not in (*names, *given):
            raise ValueError(
                f"assert_shapes: {name} stands on the right only: give the size that the function "
                f"is to make, such as {name}=5"
            )
    free = iter([prime for prime in PRIMES if prime not in given.values()])
    sizes = dict(given)
    for name in names:
        if name not in sizes:
            sizes[name] = next(free)
    return sizes


def _shape(axes: Sequence[Axis], sizes: dict[str, int]) -> tuple[int, ...]:
    return tuple(math.prod(int(f) if f.isdigit() else sizes[f] for f in axis) for axis in axes)


# Words for what came


def _both(shape: tuple[int, ...], axes: Sequence[Axis]) -> str:
    words = [axis[0] if len(axis) == 1 else f"({' '.join(axis)})" for axis in axes]
    return f"{_listed(shape)} = ({', '.join(words)})"


def _listed(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))})"


def _name_of_size(size: int, named: dict[str, int]) -> str:
    """The name, or product of names, that has this size; "?" if there is none."""
    if size == 1:
        return "1"
    for count in (1, 2, 3):
        for names in combinations(named, count):
            if math.prod(named[n] for n in names) == size:
                return names[0] if count == 1 else f"({' '.join(names)})"
    for by in (1, -1):
        for name, value in named.items():
            if value + by == size:
                return f"{name} {'+' if by > 0 else '-'} 1"
    return next(
        (f"{a} + {b}" for a, b in combinations(named, 2) if named[a] + named[b] == size), "?"
    )


def _guess(
    shape: tuple[int, ...], wanted: tuple[int, ...], axes: Sequence[Axis], read: list[str]
) -> str | None:
    if sorted(shape) == sorted(wanted):
        moved = [i for i in range(len(shape)) if shape[i] != wanted[i]]
        if len(moved) == 2:
            return f"axes {moved[0]} and {moved[1]} have changed places: transpose them"
        return "the right axes in another order: a transpose with another order"
    ones_off = [size for size in shape if size != 1]
    if ones_off == [size for size in wanted if size != 1]:
        extra = len(shape) - len(wanted)
        return (
            "an axis of size 1 too many: a sum or mean with keepdim=True, or an unsqueeze?"
            if extra > 0
            else "an axis of size 1 is missing: a sum or mean wants keepdim=True, or an unsqueeze?"
        )
    missing = _without_one(wanted, shape)
    if missing is not None:
        return f"axis {missing}, {' '.join(axes[missing])}, is gone: was it summed or indexed away?"
    surplus = _without_one(shape, wanted)
    if surplus is not None:
        return f"axis {surplus}, {read[surplus]}, should be gone: a sum or mean over it?"
    for i, (a, b) in enumerate(pairwise(wanted)):
        if shape == (*wanted[:i], a * b, *wanted[i + 2 :]):
            return f"axes {i} and {i + 1} are still one: a reshape is missing"
    for i, (a, b) in enumerate(pairwise(shape)):
        if wanted == (*shape[:i], a * b, *shape[i + 2 :]):
            return f"axes {i} and {i + 1} should be one: a reshape is missing"
    if math.prod(shape) == math.prod(wanted):
        return "the same number of values, cut otherwise: a reshape, and perhaps a transpose"
    return None


def _without_one(longer: tuple[int, ...], shorter: tuple[int, ...]) -> int | None:
    """The place of the one axis that `longer` has more than `shorter`."""
    if len(longer) != len(shorter) + 1:
        return None
    for place in range(len(longer)):
        if (*longer[:place], *longer[place + 1 :]) == shorter:
            return place
    return None
