"""The dtype of every mixture of operands, and of what is made from data, against PyTorch."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

import tinyllm

NAMES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]
OPERANDS = [*product(NAMES, [(2,), ()]), True, 3, 2.5]


def dtype_name(result: Any) -> str:
    return str(result.dtype).removeprefix("torch.")


def operand(namespace: Any, kind: Any) -> Any:
    if not isinstance(kind, tuple):
        return kind
    name, shape = kind
    return namespace.ones(shape, dtype=getattr(namespace, name))


def outcome(call: Any, *operands: Any) -> str:
    """The dtype that comes out, or that it is refused."""
    try:
        return dtype_name(call(*operands))
    except (TypeError, RuntimeError, ValueError):
        return "refused"


CALLS = {
    "add": lambda ns, a, b: a + b,
    "sub": lambda ns, a, b: a - b,
    "mul": lambda ns, a, b: a * b,
    "div": lambda ns, a, b: a / b,
    "floordiv": lambda ns, a, b: a // b,
    "mod": lambda ns, a, b: a % b,
    "pow": lambda ns, a, b: a**b,
    "eq": lambda ns, a, b: a == b,
    "and": lambda ns, a, b: a & b,
    "where": lambda ns, a, b: ns.where(ns.tensor([True, False]), a, b),
    "add_": lambda ns, a, b: a.add_(b),
    "mul_": lambda ns, a, b: a.mul_(b),
    "div_": lambda ns, a, b: a.div_(b),
    "iadd": lambda ns, a, b: a.__iadd__(b),
}


@pytest.mark.parametrize("name", CALLS)
def test_promotion(name: str) -> None:
    call = CALLS[name]
    wrong = []
    for a, b in product(OPERANDS, OPERANDS):
        if not isinstance(a, tuple) and (
            name.endswith("_") or name == "iadd" or not isinstance(b, tuple)
        ):
            continue
        got = outcome(lambda a, b: call(tinyllm, a, b), operand(tinyllm, a), operand(tinyllm, b))
        want = outcome(lambda a, b: call(torch, a, b), operand(torch, a), operand(torch, b))
        if got != want:
            wrong.append((a, b, got, want))
    assert not wrong, f"{name}: {len(wrong)} differ, such as (a, b, ours, theirs) {wrong[:12]}"


REDUCTIONS = ["sum", "mean", "var", "amax", "max", "argmax", "any", "all", "exp", "log", "sqrt"]
REDUCTIONS += [
    "rsqrt",
    "tanh",
    "sigmoid",
    "relu",
    "neg",
    "abs",
    "square",
    "isfinite",
    "logical_not",
]
REDUCTIONS += ["float", "double", "half", "int", "long", "bool", "clone"]


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("dtype", NAMES)
def test_dtype_of_methods(name: str, dtype: str) -> None:
    ours = outcome(lambda: getattr(tinyllm.ones(3, dtype=getattr(tinyllm, dtype)), name)())
    theirs = outcome(lambda: getattr(torch.ones(3, dtype=getattr(torch, dtype)), name)())
    assert ours == theirs


DATA = {
    "int": 3,
    "float": 2.5,
    "bool": True,
    "list of ints": [1, 2],
    "list of floats": [1.0, 2],
    "mixed": [True, 2],
    "bools": [[True], [False]],
    "empty": [],
    "nested empty": [[], []],
    "array": np.ones(3),
    "array32": np.ones(3, np.float32),
    "array int": np.ones(3, np.int16),
    "numpy scalar": np.float64(3),
    "numpy scalar32": np.float32(3),
    "tuple": (1, 2),
    "arrays": [np.ones(2), np.zeros(2)],
}


@pytest.mark.parametrize("data", DATA.values(), ids=DATA.keys())
@pytest.mark.filterwarnings("ignore:Creating a tensor from a list")
def test_tensor(data: Any) -> None:
    for make in ("tensor", "as_tensor"):
        ours, theirs = getattr(tinyllm, make)(data), getattr(torch, make)(data)
        assert dtype_name(ours) == dtype_name(theirs)
        assert ours.tolist() == theirs.tolist()
        assert ours.shape == tuple(theirs.shape)


MADE = {
    "zeros": lambda ns: ns.zeros(2, 3),
    "zeros of a tuple": lambda ns: ns.zeros((2, 3), dtype=ns.int64),
    "zeros of nothing": lambda ns: ns.zeros(()),
    "ones": lambda ns: ns.ones([2]),
    "full": lambda ns: ns.full((2, 3), 7),
    "full float": lambda ns: ns.full((2,), 7.0),
    "full bool": lambda ns: ns.full((2,), True),
    "full dtype": lambda ns: ns.full((2,), 7, dtype=ns.float64),
    "arange": lambda ns: ns.arange(5),
    "arange start": lambda ns: ns.arange(2, 7),
    "arange step": lambda ns: ns.arange(1, 8, 3),
    "arange back": lambda ns: ns.arange(7, 0, -2),
    "arange float": lambda ns: ns.arange(0, 1, 0.1),
    "arange named": lambda ns: ns.arange(start=1, end=4, step=2),
    "arange end named": lambda ns: ns.arange(end=4),
    "arange dtype": lambda ns: ns.arange(3, dtype=ns.float32),
    "arange empty": lambda ns: ns.arange(3, 3),
    "linspace": lambda ns: ns.linspace(-1, 2, 7),
    "linspace one": lambda ns: ns.linspace(3, 9, steps=1),
    "eye": lambda ns: ns.eye(3),
    "eye wide": lambda ns: ns.eye(2, 3, dtype=ns.int32),
    "zeros_like": lambda ns: ns.zeros_like(ns.ones(2, 3, dtype=ns.int16)),
    "ones_like": lambda ns: ns.ones_like(ns.arange(3), dtype=ns.float32),
    "full_like": lambda ns: ns.full_like(ns.ones(2), 4),
    "tril of bools": lambda ns: ns.tril(ns.ones(3, 3, dtype=ns.bool)),
    "triu of ints": lambda ns: ns.triu(ns.ones(3, 4, dtype=ns.int64), 1),
    "cat of mixed": lambda ns: ns.cat([ns.ones(2), ns.arange(2), ns.ones(1, dtype=ns.bool)]),
    "stack of mixed": lambda ns: ns.stack([ns.tensor(1), ns.tensor(2.5)]),
    "sum of bools": lambda ns: ns.tensor([True, True]).sum(),
    "sum dtype": lambda ns: ns.ones(3).sum(dtype=ns.float64),
    "mean dtype": lambda ns: ns.arange(4).mean(dtype=ns.float32),
    "softmax dtype": lambda ns: ns.arange(4).softmax(0, dtype=ns.float32),
    "clamp of ints by a float": lambda ns: ns.clamp(ns.arange(4), 1.5, 2),
    "masked_fill of ints": lambda ns: ns.arange(4).masked_fill(ns.arange(4) > 1, 9),
    "type_as": lambda ns: ns.arange(3).type_as(ns.ones(1)),
    "to device and dtype": lambda ns: ns.arange(3).to("cpu", ns.float64),
    "to other": lambda ns: ns.arange(3).to(ns.ones(1)),
    "int of a float": lambda ns: ns.tensor([1.7, -1.7]).int(),
    "nonzero where": lambda ns: ns.where(ns.tensor([False, True]))[0],
    "randint dtype": lambda ns: ns.randint(3, 4, (5,)),
    "randperm sorted": lambda ns: ns.sort(ns.randperm(5)).values,
}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE.keys())
def test_creation(make: Any) -> None:
    ours, theirs = make(tinyllm), make(torch)
    assert dtype_name(ours) == dtype_name(theirs)
    assert ours.shape == tuple(theirs.shape)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6)
