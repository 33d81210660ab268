"""Arithmetic of several tensors at once, bounds on one side, and the odd jobs around numbers."""

from __future__ import annotations

import math

import numpy as np

from tinyllm.functions.arguments import (
    Number,
    as_floating,
    check_broadcast,
    check_tensor,
    no_bools,
    promoted,
)
from tinyllm.functions.comparison import eq, isnan
from tinyllm.functions.pointwise import add, clamp, clone, div, mul, where
from tinyllm.ops.interpolation import Lerp, Reciprocal
from tinyllm.tensor import Tensor, apply


def reciprocal(input: Tensor) -> Tensor:
    """Return 1 / input; of integers as the default float. PyTorch: torch.reciprocal."""
    return apply(Reciprocal, as_floating("reciprocal", input))


def positive(input: Tensor) -> Tensor:
    """Return the tensor itself, `+input`. PyTorch: torch.positive."""
    return no_bools("positive", check_tensor("positive", input))[0]


def clamp_min(input: Tensor, min: Tensor | Number) -> Tensor:
    """Return input, or min where input is below it. PyTorch: torch.clamp_min."""
    return clamp(input, min=min)


def clamp_max(input: Tensor, max: Tensor | Number) -> Tensor:
    """Return input, or max where input is above it. PyTorch: torch.clamp_max."""
    return clamp(input, max=max)


def nan_to_num(
    input: Tensor, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """Return input with numbers in place of nan, inf and -inf.

    Args:    posinf, neginf: by default the largest and the smallest number of the dtype.
    PyTorch: torch.nan_to_num.
    """
    if not check_tensor("nan_to_num", input).is_floating_point():
        return clone(input)
    limits = np.finfo(input.dtype)
    replaced = where(isnan(input), 0.0 if nan is None else nan, input)
    replaced = where(eq(input, math.inf), float(limits.max) if posinf is None else posinf, replaced)
    return where(eq(input, -math.inf), float(limits.min) if neginf is None else neginf, replaced)


def lerp(input: Tensor, end: Tensor, weight: Tensor | float) -> Tensor:
    """Return input + weight (end - input), on the line between the two; all broadcast.

    Raises:  TypeError unless all are of one floating-point dtype; a 0-d weight may be another.
    PyTorch: torch.lerp.
    """
    tensors = {"input": check_tensor("lerp", input), "end": check_tensor("lerp", end)}
    if isinstance(weight, Tensor):
        tensors["weight"] = weight
    whole = [x for name, x in tensors.items() if name != "weight" or x.ndim]
    three = promoted("lerp", input, end, weight)
    floats = (three if "weight" in tensors else (input,))[0].dtype.kind == "f"
    if not floats or len({x.dtype for x in whole}) > 1:
        got = ", ".join(f"{name} {x.dtype}" for name, x in tensors.items())
        raise TypeError(f"lerp: needs tensors of one floating-point dtype, got {got}")
    check_broadcast("lerp", *((name, x.shape) for name, x in tensors.items()))
    return apply(Lerp, *three)


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """Return input + value tensor1 tensor2; all broadcast. PyTorch: torch.addcmul."""
    input, tensor1, tensor2 = _three("addcmul", input, tensor1, tensor2)
    return add(input, _times(mul(tensor1, tensor2), value))


def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """Return input + value tensor1 / tensor2; all broadcast.

    Raises:  TypeError if tensor1 and tensor2 both are integers.
    PyTorch: torch.addcdiv.
    """
    if all(not check_tensor("addcdiv", x).is_floating_point() for x in (tensor1, tensor2)):
        raise TypeError("addcdiv: two integer tensors are not divided here; call .float() first")
    input, tensor1, tensor2 = _three("addcdiv", input, tensor1, tensor2)
    return add(input, _times(div(tensor1, tensor2), value))


def _three(who: str, input: Tensor, tensor1: Tensor, tensor2: Tensor) -> tuple[Tensor, ...]:
    given = {"input": input, "tensor1": tensor1, "tensor2": tensor2}
    check_broadcast(who, *((name, check_tensor(who, x).shape) for name, x in given.items()))
    three = promoted(who, *given.values())
    return no_bools(who, *three)


def _times(product: Tensor, value: Number) -> Tensor:
    if value == 1:
        return product
    return mul(product, value if product.is_floating_point() else int(value))  # as PyTorch rounds
