"""Steps, such as floor, whose gradient is 0, and division with a rest: `//` and `%`."""

from __future__ import annotations

from tinyllm.functions.arguments import (
    Number,
    apply_pair,
    check_tensor,
    no_bools,
    not_only_bools,
    promoted,
)
from tinyllm.functions.pointwise import check_divisor, div
from tinyllm.ops.rounding import Remainder, Step
from tinyllm.ops.shape import Clone
from tinyllm.tensor import Tensor, apply


def _step(how: str, input: Tensor) -> Tensor:
    """A step of floats. Integers are whole already; bools are refused."""
    (input,) = no_bools(how, check_tensor(how, input))
    return apply(Step, input, how=how) if input.is_floating_point() else apply(Clone, input)


def floor(input: Tensor) -> Tensor:
    """Return the largest integer that is not above. PyTorch: torch.floor."""
    return _step("floor", input)


def ceil(input: Tensor) -> Tensor:
    """Return the smallest integer that is not below. PyTorch: torch.ceil."""
    return _step("ceil", input)


def trunc(input: Tensor) -> Tensor:
    """Return the integer part, rounded towards 0. PyTorch: torch.trunc."""
    return _step("trunc", input)


def round(input: Tensor, *, decimals: int | None = None) -> Tensor:
    """Return the nearest integer, of two the even one; or round to a number of decimals.

    Args:    decimals: digits behind the point; a negative number rounds to tens, hundreds …
    PyTorch: torch.round. With decimals, be it 0, integers are refused, there and here.
    """
    if decimals is None:
        return _step("round", input)
    if not check_tensor("round", input).is_floating_point():
        raise TypeError(
            f"round: decimals={decimals} is for floating-point tensors, got {input.dtype}; "
            "call .float() first"
        )
    return apply(Step, input, how="round", decimals=decimals)


def sign(input: Tensor) -> Tensor:
    """Return -1, 0 or 1 by the sign, and 0 for nan. PyTorch: torch.sign."""
    is_bool = check_tensor("sign", input).array.dtype.kind == "b"
    return apply(Clone, input) if is_bool else apply(Step, input, how="sign")


def floor_divide(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """Return the quotient rounded down, `input // other`.

    PyTorch: torch.floor_divide, which refuses to be differentiated; here its gradient is 0, as
    that of div(rounding_mode="floor") is there.
    """
    return div(input, other, rounding_mode="floor")


def remainder(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """Return input - other floor(input / other), `input % other`, of the sign of other.

    PyTorch: torch.remainder.
    """
    return _remainder("remainder", input, other, "floor")


def fmod(input: Tensor, other: Tensor | Number) -> Tensor:
    """Return input - other trunc(input / other), of the sign of input. PyTorch: torch.fmod."""
    return _remainder("fmod", check_tensor("fmod", input), other, "trunc")


def _remainder(who: str, input: Tensor | Number, other: Tensor | Number, rounding: str) -> Tensor:
    if not isinstance(input, Tensor):
        check_tensor(who, other)
    a, b = promoted(who, *not_only_bools(who, input, other))
    check_divisor(who, b)
    return apply_pair(who, Remainder, a, b, rounding=rounding)
