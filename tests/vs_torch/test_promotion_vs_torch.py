"""Every pair of dtypes, with and without dims, and Python numbers, through every binary function.

Held against PyTorch: the dtype that comes out, the values, and which pairs are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from test_dtypes_vs_torch import NAMES, dtype_name

import tinyllm

NUMBERS = [True, False, 3, -2, 0, 300, -129, 1 << 40, 2.5, -0.5, 0.0]
OPERANDS = [*product(NAMES, [(12,), ()]), *NUMBERS]


def values(name: str, shape: tuple[int, ...], place: int) -> np.ndarray:
    """Small numbers of either sign, with fractions where the dtype has them, and no 0 to divide."""
    rng = np.random.default_rng(5 + place)
    x = rng.integers(1, 4, 12) * rng.choice([-1, 1], 12)
    if name == "bool":
        x = x > 0
    elif name == "uint8":
        x = np.abs(x)
    elif name.startswith("float"):
        x = x + rng.choice([0, 0.5, 0.25], 12)
    return (x if shape else x[place]).astype(name)


def operand(ns: Any, kind: Any, place: int) -> Any:
    return ns.from_numpy(np.array(values(*kind, place))) if isinstance(kind, tuple) else kind


FUNCTIONS = """add sub mul div floor_divide remainder fmod pow eq ne lt le gt ge maximum minimum
    clamp_min clamp_max logaddexp bitwise_and bitwise_or bitwise_xor logical_and dist outer"""
CALLS: dict[str, Callable] = {
    **{name: lambda ns, a, b, name=name: getattr(ns, name)(a, b) for name in FUNCTIONS.split()},
    "where": lambda ns, a, b: ns.where(ns.tensor([True, False] * 6), a, b),
    "masked_fill": lambda ns, a, b: ns.masked_fill(a, ns.tensor([True, False] * 6), b),
    "clamp": lambda ns, a, b: ns.clamp(a, b, b),
    "lerp": lambda ns, a, b: ns.lerp(a, b, 0.3),
    "lerp by a weight": lambda ns, a, b: ns.lerp(a, a, b),
    "div floor": lambda ns, a, b: ns.div(a, b, rounding_mode="floor"),
    "div trunc": lambda ns, a, b: ns.div(a, b, rounding_mode="trunc"),
    "add alpha": lambda ns, a, b: ns.add(a, b, alpha=2),
    "+": lambda ns, a, b: a + b,
    "-": lambda ns, a, b: a - b,
    "*": lambda ns, a, b: a * b,
    "/": lambda ns, a, b: a / b,
    "//": lambda ns, a, b: a // b,
    "%": lambda ns, a, b: a % b,
    "**": lambda ns, a, b: a**b,
    "==": lambda ns, a, b: a == b,
    "<": lambda ns, a, b: a < b,
    ">=": lambda ns, a, b: a >= b,
    "&": lambda ns, a, b: a & b,
    "^": lambda ns, a, b: a ^ b,
}


def outcome(call: Callable, ns: Any, a: Any, b: Any) -> tuple[str, np.ndarray | None]:
    try:
        result = call(ns, operand(ns, a, 0), operand(ns, b, 1))
    except (TypeError, RuntimeError, ValueError):
        return "refused", None
    return dtype_name(result), result.numpy()


@pytest.mark.parametrize("name", CALLS)
def test_every_pair(name: str) -> None:
    call, wrong, compared = CALLS[name], [], 0
    for a, b in product(OPERANDS, OPERANDS):
        if not isinstance(a, tuple) and not isinstance(b, tuple):
            continue
        (got, ours), (want, theirs) = (outcome(call, ns, a, b) for ns in (tinyllm, torch))
        if got != want:
            fraction = isinstance(b, float) or "float" in str(b)  # PyTorch cuts it off
            if not (name == "masked_fill" and got == "refused" and fraction and "int" in str(a)):
                wrong.append((a, b, got, want))
        elif ours is not None:
            compared += 1
            half = got == "float16"
            if half and 1 << 40 in (a, b):
                continue  # infinite in a half
            tolerance = {"rtol": 2e-3, "atol": 2e-3} if half else {"rtol": 1e-6}
            if not np.allclose(ours, theirs, **tolerance, equal_nan=True):
                wrong.append((a, b, ours, theirs))
    assert not wrong, f"{name}: {len(wrong)} differ, such as (a, b, ours, theirs) {wrong[:12]}"
    assert compared >= 9, "hardly anything was compared"


LONG = [
    lambda ns: ns.arange(3) + 2**64,
    lambda ns: ns.ones(2) * 2**70,
    lambda ns: ns.ones(2) == 2**64,
    lambda ns: ns.arange(3) < -(2**63) - 1,
    lambda ns: ns.ones(2).clamp(max=2**1100),
]


@pytest.mark.parametrize("call", LONG)
def test_integers_of_more_than_64_bits_are_refused(call: Callable) -> None:
    with pytest.raises(ValueError, match="longer than 64 bits; use a float"):
        call(tinyllm)
    with pytest.raises((OverflowError, RuntimeError)):
        call(torch)


FILLS = {
    "fill_": lambda ns, x, value: x.fill_(value),
    "masked_fill": lambda ns, x, value: x.masked_fill(x > 1, value),
    "masked_fill_": lambda ns, x, value: x.masked_fill_(x > 1, value),
    "clamp": lambda ns, x, value: x.clamp(max=value),
    "where": lambda ns, x, value: ns.where(x > 1, x, value) if isinstance(value, int) else None,
}


EDGES = [0, -1, 127, 128, -128, -129, 255, 256, -255, -256, 2**31, 2**63, 65504.0, 1e6, 1e39]


@pytest.mark.parametrize("name", FILLS)
@pytest.mark.parametrize("dtype", NAMES)
def test_numbers_at_the_edge_of_a_dtype(name: str, dtype: str) -> None:
    for value in EDGES:
        if isinstance(value, float) and "float" not in dtype:
            continue
        results = []
        for ns in (tinyllm, torch):
            x = ns.tensor([0, 1, 2]).to(getattr(ns, dtype))
            try:
                results.append(FILLS[name](ns, x, value).tolist())
            except (ValueError, TypeError, RuntimeError, AttributeError):
                results.append("refused")
        assert results[0] == results[1], value
