"""Functions of each element: arithmetic, exp and the like, choices between values, dtype."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinyllm.defaults import check_device, get_default_dtype
from tinyllm.functions.arguments import (
    Number,
    apply_pair,
    as_floating,
    check_broadcast,
    check_dtype,
    check_tensor,
    fitted,
    no_bools,
    not_only_bools,
    plain_operand,
    promoted,
    with_dtype,
)
from tinyllm.functions.comparison import gt, lt
from tinyllm.ops.cast import Cast
from tinyllm.ops.choice import Clamp, MaskedFill, Maximum, Minimum, Where
from tinyllm.ops.elementwise import (
    Abs,
    Add,
    Div,
    Exp,
    Log,
    Mul,
    Neg,
    Pow,
    ReLU,
    Rsqrt,
    Sigmoid,
    Sqrt,
    Sub,
    Tanh,
)
from tinyllm.ops.promotion import result_type
from tinyllm.ops.rounding import Quotient
from tinyllm.ops.shape import Clone
from tinyllm.tensor import Tensor, apply

# Arithmetic


def add(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """Return input + alpha other. PyTorch: torch.add."""
    if alpha != 1:
        other = _scaled("add", input, other, alpha)
    return apply_pair("add", Add, input, other)


def sub(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """Return input - alpha other. PyTorch: torch.sub."""
    no_bools("sub", input, other)
    if alpha != 1:
        other = _scaled("sub", input, other, alpha)
    return apply_pair("sub", Sub, input, other)


def _scaled(who: str, input: Tensor | Number, other: Tensor | Number, alpha: Number) -> Tensor:
    """alpha other, in the dtype that input and other are promoted to."""
    _, other = promoted(who, input, other)
    return apply(Mul, other, with_dtype(check_alpha(who, alpha, other.dtype), other.dtype))


def check_alpha(who: str, alpha: Number, dtype: np.dtype) -> Number:
    """Return alpha. Raises TypeError for a fraction where the result has integers or bools."""
    if isinstance(alpha, float) and dtype.kind != "f":
        raise TypeError(f"{who}: alpha = {alpha} times integers is no {dtype}; call .float() first")
    return alpha


def mul(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """Return input times other, element by element. PyTorch: torch.mul."""
    return apply_pair("mul", Mul, input, other)


def div(
    input: Tensor | Number, other: Tensor | Number, *, rounding_mode: str | None = None
) -> Tensor:
    """Return input / other; integers are divided as the default float.

    Args:    rounding_mode: "floor" or "trunc" rounds the quotient, and keeps integers integers.
    PyTorch: torch.div; a rounded quotient has a gradient of zeros, there and here.
    """
    if rounding_mode is None:
        return apply_pair("div", Div, input, other, floating=True)
    if rounding_mode not in ("floor", "trunc"):
        raise ValueError(
            f"div: rounding_mode must be 'floor', 'trunc' or None, got {rounding_mode!r}"
        )
    a, b = promoted("div", *not_only_bools("div", input, other))
    check_divisor("div", b)
    return apply_pair("div", Quotient, a, b, rounding=rounding_mode)


def check_divisor(who: str, divisor: Tensor) -> None:
    """Refuse to divide integers by 0, where floats give inf or nan."""
    if divisor.array.dtype.kind != "f" and not divisor.array.all():
        raise RuntimeError(f"{who}: integer division by zero")


def neg(input: Tensor) -> Tensor:
    """Return -input. PyTorch: torch.neg."""
    return apply(Neg, *no_bools("neg", check_tensor("neg", input)))


def pow(input: Tensor | Number, exponent: Tensor | Number) -> Tensor:
    """Return input to the power of exponent; either may be a number. PyTorch: torch.pow."""
    if not isinstance(input, Tensor):
        check_tensor("pow", exponent)
    elif isinstance(exponent, int | float):
        dtype, whole = input.array.dtype, isinstance(exponent, int)
        if isinstance(exponent, bool) and dtype.kind == "b":
            return Tensor(np.asarray(input.array | (not exponent)))  # x^1 = x, x^0 = 1
        if whole and exponent < 0 and dtype.kind != "f":
            raise ValueError(
                "pow: an integer tensor to a negative power is a fraction; call .float() first"
            )
        if whole or dtype.kind == "f":
            fitted("pow", exponent, dtype)
    return apply_pair("pow", Pow, *not_only_bools("pow", input, exponent))


def square(input: Tensor) -> Tensor:
    """Return input times itself. PyTorch: torch.square."""
    return pow(input, 2)


# Functions of one tensor; integers become the default float, as in PyTorch


def exp(input: Tensor) -> Tensor:
    """Return e to the power of input. PyTorch: torch.exp."""
    return apply(Exp, as_floating("exp", input))


def log(input: Tensor) -> Tensor:
    """Return the natural logarithm. PyTorch: torch.log."""
    return apply(Log, as_floating("log", input))


def sqrt(input: Tensor) -> Tensor:
    """Return the square root. PyTorch: torch.sqrt."""
    return apply(Sqrt, as_floating("sqrt", input))


def rsqrt(input: Tensor) -> Tensor:
    """Return 1 / sqrt(input). PyTorch: torch.rsqrt."""
    return apply(Rsqrt, as_floating("rsqrt", input))


def tanh(input: Tensor) -> Tensor:
    """Return the hyperbolic tangent. PyTorch: torch.tanh."""
    return apply(Tanh, as_floating("tanh", input))


def sigmoid(input: Tensor) -> Tensor:
    """Return 1 / (1 + exp(-input)). PyTorch: torch.sigmoid."""
    return apply(Sigmoid, as_floating("sigmoid", input))


def relu(input: Tensor) -> Tensor:
    """Return max(input, 0). PyTorch: torch.relu."""
    return apply(ReLU, *no_bools("relu", check_tensor("relu", input)))


def abs(input: Tensor) -> Tensor:
    """Return the absolute value. PyTorch: torch.abs."""
    return apply(Abs, *no_bools("abs", check_tensor("abs", input)))


# Choices between values


def maximum(input: Tensor, other: Tensor) -> Tensor:
    """Return the larger of the two, element by element. PyTorch: torch.maximum."""
    return apply_pair(
        "maximum", Maximum, check_tensor("maximum", input), check_tensor("maximum", other)
    )


def minimum(input: Tensor, other: Tensor) -> Tensor:
    """Return the smaller of the two, element by element. PyTorch: torch.minimum."""
    return apply_pair(
        "minimum", Minimum, check_tensor("minimum", input), check_tensor("minimum", other)
    )


def clamp(
    input: Tensor, min: Tensor | Number | None = None, max: Tensor | Number | None = None
) -> Tensor:
    """Return input held within [min, max]; a bound may be None, a number or a tensor.

    PyTorch: torch.clamp.
    """
    check_tensor("clamp", input)
    if min is None and max is None:
        raise ValueError("clamp: give min, max or both")
    bounds = [plain_operand("clamp", bound) for bound in (min, max) if bound is not None]
    arrays = [x.array if isinstance(x, Tensor) else x for x in (input, *bounds)]
    dtype = result_type(*arrays, default=get_default_dtype())
    input = with_dtype(input, dtype)
    numbers = not any(isinstance(bound, Tensor) for bound in bounds)
    if numbers or len(bounds) == 2:
        no_bools("clamp", input)
    if numbers:
        low, high = (
            None if bound is None else fitted("clamp", bound, dtype) for bound in (min, max)
        )
        return apply(Clamp, input, min=low, max=high)
    held = input
    if min is not None:
        held = where(lt(held, with_dtype(min, dtype)), min, held)
    if max is not None:
        held = where(gt(held, with_dtype(max, dtype)), max, held)
    return _nan_where_any(held, *(x.array for x in (input, *bounds) if isinstance(x, Tensor)))


def _nan_where_any(result: Tensor, *arrays: np.ndarray) -> Tensor:
    """The result, but nan without a gradient where one of the arrays is nan."""
    nans = np.zeros(result.shape, bool)
    for array in arrays:
        nans |= np.isnan(array)
    return where(Tensor(nans), math.nan, result) if nans.any() else result


def where(
    condition: Tensor, input: Tensor | Number | None = None, other: Tensor | Number | None = None
) -> Any:
    """Return input where the condition holds, else other; all broadcast.

    With the condition alone: the indices at which it holds, one tensor for each dim.
    PyTorch: torch.where.
    """
    check_tensor("where", condition)
    if input is None and other is None:
        return tuple(Tensor(index) for index in np.nonzero(np.atleast_1d(condition.array)))
    if condition.array.dtype.kind != "b":
        raise TypeError(
            f"where: the condition must be a bool tensor, got {condition.dtype}; "
            "compare it first, such as `x != 0`"
        )
    a, b = promoted("where", input, other)
    for number in (input, other):
        if isinstance(number, int) and a.array.dtype.kind in "iu":
            fitted("where", number, a.array.dtype)
    check_broadcast("where", ("condition", condition.shape), ("input", a.shape), ("other", b.shape))
    return apply(Where, condition, a, b)


def masked_fill(input: Tensor, mask: Tensor, value: Tensor | Number) -> Tensor:
    """Return input with `value` where the mask is True. PyTorch: torch.masked_fill."""
    check_tensor("masked_fill", input)
    if check_tensor("masked_fill", mask).array.dtype.kind != "b":
        raise TypeError(
            f"masked_fill: the mask must be a bool tensor, got {mask.dtype}; "
            "compare it first, such as `mask == 0`"
        )
    check_broadcast("masked_fill", ("input", input.shape), ("mask", mask.shape))
    if isinstance(value, Tensor):
        if one_value("masked_fill", value)._requires_grad:
            return where(mask, with_dtype(value, input.dtype), input)
        value = value.item()
    return apply(MaskedFill, input, mask, value=fitted("masked_fill", value, input.dtype))


def one_value(who: str, value: Tensor) -> Tensor:
    """Return the tensor. Raises ValueError if it has dims: one value fills all places."""
    if value.ndim:
        raise ValueError(
            f"{who}: value must be a number or a 0-d tensor, got shape {value.shape}; "
            "for a tensor use where(mask, value, input)"
        )
    return value


# The same elements in another dtype


def to(
    input: Tensor, *args: Any, dtype: Any = None, device: Any = None, copy: bool = False
) -> Tensor:
    """Return the tensor in another dtype: `to(dtype)`, `to("cpu")`, `to("cpu", dtype)`, `to(x)`.

    The tensor itself is returned where nothing changes, unless `copy`.
    PyTorch: torch.Tensor.to.
    """
    for argument in args:
        if isinstance(argument, Tensor):
            dtype = argument.dtype
        elif isinstance(argument, str) or argument is None:
            device = argument
        elif isinstance(argument, bool):  # PyTorch's non_blocking, which says nothing here
            continue
        else:
            dtype = argument
    check_device(device)
    wanted = input.dtype if dtype is None else check_dtype("to", dtype)
    if wanted == input.dtype:
        return apply(Clone, input) if copy else input
    return apply(Cast, input, dtype=wanted)


def type_as(input: Tensor, other: Tensor) -> Tensor:
    """Return the tensor in the dtype of other. PyTorch: torch.Tensor.type_as."""
    return to(input, other.dtype)


def clone(input: Tensor) -> Tensor:
    """Return a copy through which gradients flow. PyTorch: torch.clone."""
    return apply(Clone, check_tensor("clone", input))


def contiguous(input: Tensor) -> Tensor:
    """Return the tensor itself if it is contiguous, else a copy that is."""
    return input if input.array.flags.c_contiguous else apply(Clone, input)
