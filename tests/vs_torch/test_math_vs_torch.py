"""The further elementwise functions against PyTorch: values, gradients, dtypes, odd numbers."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from test_dtypes_vs_torch import NAMES, OPERANDS, dtype_name, operand, outcome
from test_functions_vs_torch import (
    BROADCASTS,
    SHAPES,
    Case,
    positive,
    test_values_and_gradients,
    ties,
)

import tinyllm

compare = test_values_and_gradients
del test_values_and_gradients  # or it would run here once more

CASES = [
    *(positive(f"log1p {s}", lambda ns, x: ns.log1p(x), [s]) for s in SHAPES),
    *(Case(f"expm1 {s}", lambda ns, x: ns.expm1(x), [s]) for s in SHAPES),
    *(positive(f"log2 {s}", lambda ns, x: ns.log2(x), [s]) for s in SHAPES),
    *(positive(f"log10 {s}", lambda ns, x: ns.log10(x), [s]) for s in SHAPES),
    *(Case(f"sin {s}", lambda ns, x: ns.sin(x), [s]) for s in SHAPES),
    *(Case(f"cos {s}", lambda ns, x: ns.cos(x), [s]) for s in SHAPES),
    *(Case(f"tan {s}", lambda ns, x: ns.tan(x / 4), [s]) for s in SHAPES),
    *(Case(f"erf {s}", lambda ns, x: ns.erf(x), [s]) for s in SHAPES),
    *(positive(f"reciprocal {s}", lambda ns, x: ns.reciprocal(x), [s]) for s in SHAPES),
    *(ties(f"sign {s}", lambda ns, x: ns.sign(x), [s]) for s in SHAPES),
    *(Case(f"floor {s}", lambda ns, x: ns.floor(x * 3), [s]) for s in SHAPES),
    *(Case(f"ceil {s}", lambda ns, x: ns.ceil(x * 3), [s]) for s in SHAPES),
    *(Case(f"trunc {s}", lambda ns, x: ns.trunc(x * 3), [s]) for s in SHAPES),
    *(ties(f"round {s}", lambda ns, x: ns.round(x / 2), [s]) for s in SHAPES),
    *(Case(f"nan_to_num {s}", lambda ns, x: ns.nan_to_num(x), [s]) for s in SHAPES),
    *(Case(f"logaddexp {s}", lambda ns, x, y: ns.logaddexp(x, y), s) for s in BROADCASTS),
    *(ties(f"clamp_min {s}", lambda ns, x, y: ns.clamp_min(x, y), s) for s in BROADCASTS),
    *(ties(f"clamp_max {s}", lambda ns, x, y: ns.clamp_max(x, y), s) for s in BROADCASTS),
    *(positive(f"remainder {s}", lambda ns, x, y: ns.remainder(-x, y), s) for s in BROADCASTS),
    *(positive(f"fmod {s}", lambda ns, x, y: ns.fmod(-x, y), s) for s in BROADCASTS),
    *(Case(f"lerp {s}", lambda ns, x, y: ns.lerp(x, y, 0.3), s) for s in BROADCASTS),
    *(Case(f"lerp weights {s}", lambda ns, x, y: ns.lerp(x, x * 2 + 1, y), s) for s in BROADCASTS),
    *(
        positive(
            f"div {mode} {s}",
            lambda ns, x, y, mode=mode: ns.div(-x, y, rounding_mode=mode) + x * 0,
            s,
        )
        for mode in ("floor", "trunc")
        for s in BROADCASTS
    ),
    *(Case(f"addcmul {s}", lambda ns, x, y: ns.addcmul(x, y, x, value=2), s) for s in BROADCASTS),
    *(positive(f"addcdiv {s}", lambda ns, x, y: ns.addcdiv(x, x, y), s) for s in BROADCASTS),
    Case("round decimals", lambda ns, x: ns.round(x, decimals=1), [(4, 5)]),
    Case("round to hundreds", lambda ns, x: ns.round(x * 1e3, decimals=-2), [(4, 5)]),
    Case("logaddexp far", lambda ns, x, y: ns.logaddexp(x * 1e3, y), [(4, 5), (5,)]),
    Case("erf far", lambda ns, x: ns.erf(x * 4), [(40, 5)]),
    Case("small", lambda ns, x: (ns.log1p(x * 1e-9), ns.expm1(x * 1e-9)), [(4, 5)]),
    Case("lerp at 1", lambda ns, x, y: ns.lerp(x, y, 1), [(4, 5), (5,)]),
    Case("lerp beyond", lambda ns, x, y, w: ns.lerp(x, y, w * 3), [(4, 5), (5,), (4, 1)]),
    positive("addcdiv value", lambda ns, x, y: ns.addcdiv(x, x, y, value=-0.5), [(4, 5), (5,)]),
    Case("positive", lambda ns, x: (+x, ns.positive(x), x.positive()), [(2, 3)]),
    ties("logical_xor", lambda ns, x, y: ns.logical_xor(x, y), [(4, 5), (5,)]),
    ties("clamp_min number", lambda ns, x: ns.clamp_min(x, 1), [(4, 5)]),
    ties("clamp_max number", lambda ns, x: x.clamp_max(1.5), [(4, 5)]),
    positive("% of a number", lambda ns, x: x % 0.3, [(4, 5)]),
    ties("fix and sub alpha", lambda ns, x, y: ns.fix(x / 2).sub(y, alpha=3), [(4, 5), (5,)]),
    Case("methods", lambda ns, x: x.sin().erf().square().log1p().lerp(x, 0.25), [(4, 5)]),
]


@pytest.mark.parametrize("transposed", [False, True], ids=["contiguous", "transposed"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_math(case: Case, dtype: str, transposed: bool) -> None:
    compare(case, dtype, transposed)


# Odd numbers: zeros, infinities, nan, far out; values and gradients

ODD = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, 1e-30, -1e30, 1e30, np.inf, -np.inf, np.nan]
UNARY = """log1p expm1 log2 log10 sin cos erf reciprocal sign floor ceil trunc round nan_to_num exp
    log sqrt rsqrt tanh sigmoid relu abs square"""
BINARY = """logaddexp remainder fmod pow maximum minimum div mul"""
NUMBERS = {
    "nan_to_num": lambda ns, x: ns.nan_to_num(x, nan=1.5, posinf=2.0, neginf=-3),
    "clamp": lambda ns, x: ns.clamp(x, -1, 1),
    "clamp nan": lambda ns, x: ns.clamp(x, min=float("nan")),
    "lerp": lambda ns, x: ns.lerp(ns.ones_like(x), x, 0.75),
    "floor_divide": lambda ns, x: (x.detach() // 0.5 + x) * 1,
    "divide by 0": lambda ns, x: ns.div(x, 0, rounding_mode="floor"),
    "trunc by 0": lambda ns, x: ns.div(x, 0.0, rounding_mode="trunc"),
    "remainder of 0": lambda ns, x: x % 0,
}


def check_odd(call: Any, *inputs: np.ndarray) -> None:
    results = []
    for ns in (tinyllm, torch):
        leaves = [ns.from_numpy(x.copy()).requires_grad_() for x in inputs]
        y = call(ns, *leaves)
        y.sum().backward()
        results.append([y.detach().numpy(), *(x.grad.numpy() for x in leaves)])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("name", UNARY.split())
def test_odd_numbers(name: str) -> None:
    check_odd(lambda ns, x: getattr(ns, name)(x), np.array(ODD))


@pytest.mark.parametrize("name", BINARY.split())
def test_odd_pairs(name: str) -> None:
    a, b = np.meshgrid(ODD, ODD)
    check_odd(lambda ns, x, y: getattr(ns, name)(x, y), a, b)


@pytest.mark.parametrize("name", ["clamp_min", "clamp_max"])
def test_odd_bounds(name: str) -> None:
    a, b = np.meshgrid(ODD[:-1], ODD[:-1])
    check_odd(lambda ns, x, y: getattr(ns, name)(x, y), a, b)
    a, b = np.meshgrid(ODD, ODD)  # nan wins, whichever it is
    ours, theirs = (
        getattr(ns, name)(*(ns.from_numpy(v.copy()) for v in (a, b))) for ns in (tinyllm, torch)
    )
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@pytest.mark.parametrize("call", NUMBERS.values(), ids=NUMBERS.keys())
def test_odd_with_numbers(call: Any) -> None:
    check_odd(call, np.array(ODD))


def test_erf_in_float32_is_erf() -> None:
    x = np.concatenate([np.linspace(-6, 6, 4001), np.geomspace(1e-30, 1, 301)]).astype("f4")
    ours, theirs = tinyllm.from_numpy(x).erf().numpy(), torch.from_numpy(x).erf().numpy()
    np.testing.assert_allclose(ours, theirs, rtol=2e-6)
    assert np.abs(ours).max() <= 1


# Dtypes of mixtures

CALLS = {
    "fmod": lambda ns, a, b: ns.fmod(a, b),
    "clamp_min": lambda ns, a, b: ns.clamp_min(a, b),
    "logaddexp": lambda ns, a, b: ns.logaddexp(a, b),
    "div floor": lambda ns, a, b: ns.div(a, b, rounding_mode="floor"),
    "div trunc": lambda ns, a, b: ns.div(a, b, rounding_mode="trunc"),
    "or": lambda ns, a, b: a | b,
    "xor": lambda ns, a, b: a ^ b,
    "logical_and": lambda ns, a, b: ns.logical_and(a, b),
    "logical_or": lambda ns, a, b: ns.logical_or(a, b),
    "logical_xor": lambda ns, a, b: ns.logical_xor(a, b),
    "isclose": lambda ns, a, b: ns.isclose(a, b),
    "lerp": lambda ns, a, b: ns.lerp(a, b, 0.5),
    "lerp weight": lambda ns, a, b: ns.lerp(a, a, b),
    "addcmul": lambda ns, a, b: ns.addcmul(a, b, b),
    "addcdiv": lambda ns, a, b: ns.addcdiv(a, b, a),
    "add alpha": lambda ns, a, b: ns.add(a, b, alpha=2),
    "add alpha fraction": lambda ns, a, b: ns.add(a, b, alpha=0.5),
    "result_type": lambda ns, a, b: ns.ones(1, dtype=ns.result_type(a, b)),
    "nan_to_num": lambda ns, a, b: ns.nan_to_num(a),
}


@pytest.mark.parametrize("name", CALLS)
def test_promotion_of_math(name: str) -> None:
    call, wrong = CALLS[name], []
    for a, b in product(OPERANDS, OPERANDS):
        if not isinstance(a, tuple):
            continue
        got = outcome(lambda a, b: call(tinyllm, a, b), operand(tinyllm, a), operand(tinyllm, b))
        want = outcome(lambda a, b: call(torch, a, b), operand(torch, a), operand(torch, b))
        if got != want:
            wrong.append((a, b, got, want))
    assert not wrong, f"{name}: {len(wrong)} differ, such as (a, b, ours, theirs) {wrong[:12]}"


METHODS = """log1p expm1 log2 log10 sin cos tan erf reciprocal sign floor ceil trunc round positive
    nan_to_num logical_not bitwise_not isnan isinf isfinite short char byte"""


@pytest.mark.parametrize("name", METHODS.split())
@pytest.mark.parametrize("dtype", NAMES)
def test_dtype_of_math(name: str, dtype: str) -> None:
    got, want = (
        outcome(lambda x: getattr(x, name)(), ns.ones(3, dtype=getattr(ns, dtype)))
        for ns in (tinyllm, torch)
    )
    assert got == want


INTEGERS = {
    "pow": lambda ns, x, y: ns.pow(x, y),
    "pow of a number": lambda ns, x, y: 3**y,
    "pow by a tensor": lambda ns, x, y: x ** ns.tensor(-2),
    "div floor": lambda ns, x, y: ns.div(x, y * 2 + 1, rounding_mode="floor"),
    "div trunc": lambda ns, x, y: ns.div(x, y * 2 + 1, rounding_mode="trunc"),
    "remainder": lambda ns, x, y: x % (y * 2 + 1),
    "fmod": lambda ns, x, y: ns.fmod(x, y * 2 + 1),
    "sign": lambda ns, x, y: ns.sign(x),
    "clamp": lambda ns, x, y: ns.clamp(x, y, y + 1),
    "add a number out of range": lambda ns, x, y: x + 300 - y * -129,
    "compare with one": lambda ns, x, y: x < 300,
    "bits": lambda ns, x, y: (x & y) ^ (x | 3) ^ ~y,
    "add alpha": lambda ns, x, y: ns.add(x, y, alpha=3),
    "addcmul a fraction": lambda ns, x, y: ns.addcmul(x, x, y, value=2.7),
    "isclose": lambda ns, x, y: ns.isclose(x, y, rtol=0.5),
    "nan_to_num": lambda ns, x, y: ns.nan_to_num(x),
    "logical_xor": lambda ns, x, y: ns.logical_xor(x, y),
}


@pytest.mark.parametrize("call", INTEGERS.values(), ids=INTEGERS.keys())
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64"])
def test_integers(call: Any, dtype: str) -> None:
    results = []
    for ns in (tinyllm, torch):
        x, y = (ns.arange(-3, 4).reshape(7, 1), ns.arange(-3, 4))
        x, y = (v.to(getattr(ns, dtype)) for v in (x, y))
        results.append(call(ns, x, y))
    ours, theirs = results
    assert dtype_name(ours) == dtype_name(theirs)
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


BOOLS = {
    "sign": lambda ns, x, y: ns.sign(x),
    "logical": lambda ns, x, y: ns.logical_xor(x, y) | ns.logical_and(x, ~y),
    "clamp by tensors": lambda ns, x, y: ns.clamp_min(x, y) ^ ns.clamp_max(x, y),
    "clamp by numbers": lambda ns, x, y: ns.clamp(x, 0, 1),
    "isclose": lambda ns, x, y: ns.isclose(x, y),
    "add alpha": lambda ns, x, y: ns.add(x, y, alpha=2),
    "pow": lambda ns, x, y: x**2,
    "remainder": lambda ns, x, y: x % 2,
    "reciprocal": lambda ns, x, y: ns.reciprocal(x),
}


@pytest.mark.parametrize("call", BOOLS.values(), ids=BOOLS.keys())
def test_bools(call: Any) -> None:
    ours, theirs = (
        call(ns, ns.tensor([True, True, False, False]), ns.tensor([True, False, True, False]))
        for ns in (tinyllm, torch)
    )
    assert dtype_name(ours) == dtype_name(theirs)
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


# dtypes themselves


def test_can_cast_and_promote_types() -> None:
    for a, b in product(NAMES, NAMES):
        ours, theirs = ((getattr(ns, a), getattr(ns, b)) for ns in (tinyllm, torch))
        assert tinyllm.can_cast(*ours) == torch.can_cast(*theirs), (a, b)
        promoted = str(torch.promote_types(*theirs)).removeprefix("torch.")
        assert tinyllm.promote_types(*ours).name == promoted


def test_finfo_and_iinfo() -> None:
    for name in ("float16", "float32", "float64"):
        ours, theirs = tinyllm.finfo(getattr(tinyllm, name)), torch.finfo(getattr(torch, name))
        for limit in (
            "bits",
            "eps",
            "max",
            "min",
            "tiny",
            "smallest_normal",
            "resolution",
            "dtype",
        ):
            assert getattr(ours, limit) == getattr(theirs, limit), (name, limit)
    for name in ("uint8", "int8", "int16", "int32", "int64"):
        ours, theirs = tinyllm.iinfo(getattr(tinyllm, name)), torch.iinfo(getattr(torch, name))
        for limit in ("bits", "max", "min", "dtype"):
            assert getattr(ours, limit) == getattr(theirs, limit), (name, limit)
    assert tinyllm.finfo() == tinyllm.finfo(tinyllm.float32)
    for ns in (tinyllm, torch):
        for info, dtype in ((ns.finfo, ns.int32), (ns.iinfo, ns.float32), (ns.iinfo, ns.bool)):
            with pytest.raises(TypeError):
                info(dtype)
