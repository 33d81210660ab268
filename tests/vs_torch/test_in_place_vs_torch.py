"""Every in-place form against PyTorch: the result, or that it is refused, for every dtype."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from test_dtypes_vs_torch import NAMES, OPERANDS, operand

import tinyllm
from tinyllm.functions import in_place_forms

ARGUMENTS = {  # to the forms that need some
    **dict.fromkeys(["lt_", "le_", "gt_", "ge_", "eq_", "ne_", "pow_"], (2,)),
    **dict.fromkeys(["fmod_", "remainder_", "floor_divide_"], (2,)),
    **dict.fromkeys(["bitwise_and_", "bitwise_or_", "bitwise_xor_"], (1,)),
    **dict.fromkeys(["clamp_min_", "clamp_max_"], (1,)),
}
NEEDS_TENSORS = ["logical_and_", "logical_or_", "logical_xor_", "lerp_", "addcmul_", "addcdiv_"]
NEEDS_TENSORS += ["scatter_", "scatter_add_", "index_add_", "index_fill_", "masked_scatter_"]
ALONE = sorted({*in_place_forms.NAMES} - {*NEEDS_TENSORS})


def outcome(change: Any, *operands: Any) -> Any:
    """The numbers that are then there, or that it is refused."""
    try:
        result = change(*operands)
    except (TypeError, RuntimeError, ValueError):
        return "refused"
    assert result is operands[0]
    return np.asarray(operands[0].numpy(), np.float64)


def assert_same(change: Any, make: Any, about: Any = None) -> None:
    ours, theirs = (outcome(change, *make(ns)) for ns in (tinyllm, torch))
    if isinstance(ours, str) or isinstance(theirs, str):
        assert str(ours) == str(theirs), about
    else:
        np.testing.assert_allclose(ours, theirs, rtol=2e-3, err_msg=str(about))


@pytest.mark.parametrize("name", ALONE)
def test_forms(name: str) -> None:
    for dtype in NAMES:

        def make(ns: Any, dtype: str = dtype) -> list:
            return [ns.tensor([[0, 1], [3, 1]]).to(getattr(ns, dtype)).mT]

        assert_same(lambda x: getattr(x, name)(*ARGUMENTS.get(name, ())), make, dtype)


CHANGES = {
    "pow_": lambda x, y: x.pow_(y),
    "floor_divide_": lambda x, y: x.floor_divide_(y),
    "remainder_": lambda x, y: x.remainder_(y),
    "fmod_": lambda x, y: x.fmod_(y),
    "sub_": lambda x, y: x.sub_(y),
    "add_ alpha": lambda x, y: x.add_(y, alpha=2),
    "add_ a fraction": lambda x, y: x.add_(y, alpha=0.5),
    "sub_ alpha": lambda x, y: x.sub_(y, alpha=3),
    "div_ floor": lambda x, y: x.div_(y, rounding_mode="floor"),
    "div_ trunc": lambda x, y: x.div_(y, rounding_mode="trunc"),
    "clamp_min_": lambda x, y: x.clamp_min_(y),
    "clamp_": lambda x, y: x.clamp_(max=y),
    "eq_": lambda x, y: x.eq_(y),
    "ge_": lambda x, y: x.ge_(y),
    "bitwise_and_": lambda x, y: x.bitwise_and_(y),
    "logical_and_": lambda x, y: x.logical_and_(y),
    "logical_or_": lambda x, y: x.logical_or_(y),
    "logical_xor_": lambda x, y: x.logical_xor_(y),
    "lerp_": lambda x, y: x.lerp_(y, 0.5),
    "addcmul_": lambda x, y: x.addcmul_(y, y, value=2),
    "addcdiv_": lambda x, y: x.addcdiv_(y, y),
    "**=": lambda x, y: x.__ipow__(y),
    "//=": lambda x, y: x.__ifloordiv__(y),
    "%=": lambda x, y: x.__imod__(y),
    "&=": lambda x, y: x.__iand__(y),
    "|=": lambda x, y: x.__ior__(y),
    "^=": lambda x, y: x.__ixor__(y),
}


# PyTorch is odd here: a bool power of a bool
ACCIDENTS = {("pow_", "bool", True), ("**=", "bool", True)}


@pytest.mark.parametrize("name", CHANGES)
def test_operands_of_every_dtype(name: str) -> None:
    for a, b in product(NAMES, OPERANDS):
        if (name, a, b) in ACCIDENTS:
            continue

        def make(ns: Any, a: str = a, b: Any = b) -> list:
            return [operand(ns, (a, (2,))), operand(ns, b)]

        assert_same(CHANGES[name], make, (a, b))


VALUES = {
    "addcmul_": lambda ns, x, y: x.addcmul_(y, x, value=-2),
    "addcdiv_": lambda ns, x, y: x.addcdiv_(y, x * x + 1, value=0.5),
    "lerp_": lambda ns, x, y: x.lerp_(y, y[0] / 3),
    "round_": lambda ns, x, y: x.round_(decimals=2),
    "nan_to_num_": lambda ns, x, y: x.div_(0).nan_to_num_(1, 2, 3),
    "chain": lambda ns, x, y: x.abs_().sqrt_().neg_().exp_().log1p_().sin_().clamp_min_(0.2),
    "with itself": lambda ns, x, y: x.addcmul_(x, x).fmod_(x + 3).pow_(2),
    "part": lambda ns, x, y: x[1:, ::2].erf_(),
    "aliases": lambda ns, x, y: x.absolute_().negative_().clip_(-1, 0).multiply_(3).fix_(),
    "clamp_ by tensors": lambda ns, x, y: x.clamp_(y - 0.1, y + 0.1),
    "div_ floor": lambda ns, x, y: x.div_(y.abs_() + 0.1, rounding_mode="floor"),
}


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("name", VALUES)
def test_values(name: str, transposed: bool) -> None:
    rng = np.random.default_rng(3)
    arrays = [rng.standard_normal((3, 4)), rng.standard_normal(4)]
    if transposed:
        arrays[0] = arrays[0].T.copy().T
    after = []
    for ns in (tinyllm, torch):
        x, y = (ns.from_numpy(a.copy(order="K")) for a in arrays)
        VALUES[name](ns, x, y)
        after.append(x.numpy())
    np.testing.assert_allclose(*after, rtol=1e-9)


def test_the_kind_of_refusal() -> None:
    ours = tinyllm.arange(3)
    with pytest.raises(TypeError, match=r"exp_: the result is float32.*int64 cannot hold"):
        ours.exp_()
    with pytest.raises(TypeError, match=r"pow_: the result is float32"):
        ours **= 0.5
    with pytest.raises(ValueError, match=r"floor_divide_: .*\(2, 3\) does not broadcast into"):
        ours //= tinyllm.ones(2, 3, dtype=tinyllm.int64)
    with pytest.raises(RuntimeError, match="integer division by zero"):
        ours %= 0
    with pytest.raises(RuntimeError, match=r"exp_: .*share memory.*clone"):
        tinyllm.ones(1, 3).expand(4, 3).exp_()
    assert ours.tolist() == [0, 1, 2]


def test_bernoulli() -> None:
    for ns in (tinyllm, torch):
        ns.manual_seed(0)
        for dtype in (ns.float32, ns.int64, ns.bool):
            x = ns.empty(4000, dtype=dtype)
            assert x.bernoulli_(0.3) is x
            assert 0.25 < x.float().mean().item() < 0.35
        assert ns.ones(3).bernoulli_(ns.tensor([0.0, 1.0, 0.0])).tolist() == [0, 1, 0]
        with pytest.raises((ValueError, RuntimeError)):
            ns.ones(3).bernoulli_(1.5)
    generators = (tinyllm.Generator().manual_seed(4) for _ in range(2))
    first, second = (tinyllm.ones(9).bernoulli_(generator=g) for g in generators)
    assert tinyllm.equal(first, second)
