"""Functions of each element: arithmetic, exp and the like, choices between values, dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinyllm.functions.arguments import (
    Number,
    apply_pair,
    check_broadcast,
    check_dtype,
    check_tensor,
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
from tinyllm.ops.shape import Clone
from tinyllm.tensor import Tensor, apply, check_device, get_default_dtype

# Arithmetic


def add(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """Return input + alpha other. PyTorch: torch.add."""
    return apply_pair("add", Add, input, other if alpha == 1 else mul(other, alpha))


def sub(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """Return input - alpha other. PyTorch: torch.sub."""
    return apply_pair(
        "sub", Sub, *_no_bools("sub", input, other if alpha == 1 else mul(other, alpha))
    )


def _no_bools(who: str, *operands: Any) -> tuple[Any, ...]:
    for operand in operands:
        if isinstance(operand, bool) or (
            isinstance(operand, Tensor) and operand.array.dtype.kind == "b"
        ):
            raise TypeError(f"{who}: bools are no numbers; use ~mask, mask ^ other or mask.int()")
    return operands


def _one_number(who: str, a: Any, b: Any) -> tuple[Any, Any]:
    """Refuse two bools, for which the operation is not defined."""
    kinds = [x.array.dtype.kind if isinstance(x, Tensor) else None for x in (a, b)]
    if all(kind == "b" or isinstance(x, bool) for kind, x in zip(kinds, (a, b), strict=True)):
        _no_bools(who, a)
    return a, b


def mul(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """Return input times other, element by element. PyTorch: torch.mul."""
    return apply_pair("mul", Mul, input, other)


def div(
    input: Tensor | Number, other: Tensor | Number, *, rounding_mode: str | None = None
) -> Tensor:
    """Return input / other; integers are divided as the default float.

    Args:    rounding_mode: "floor" or "trunc" rounds the quotient, and keeps integers integers.
    PyTorch: torch.div; a rounded quotient carries no gradient here (there: a gradient of zeros).
    """
    if rounding_mode is None:
        return apply_pair("div", Div, input, other, floating=True)
    if rounding_mode not in ("floor", "trunc"):
        raise ValueError(
            f"div: rounding_mode must be 'floor', 'trunc' or None, got {rounding_mode!r}"
        )
    a, b = (x.array for x in promoted("div", *_one_number("div", input, other)))
    check_broadcast("div", ("input", a.shape), ("other", b.shape))
    if a.dtype.kind != "f" and not b.all():
        raise RuntimeError("div: integer division by zero")
    with np.errstate(all="ignore"):
        quotient = np.floor_divide(a, b)
        if rounding_mode == "trunc":
            quotient = np.trunc(a / b) if a.dtype.kind == "f" else _toward_zero(a, b, quotient)
    return Tensor(np.asarray(quotient))


def _toward_zero(a: np.ndarray, b: np.ndarray, floored: np.ndarray) -> np.ndarray:
    return floored + ((floored < 0) & (floored * b != a)).astype(a.dtype)


def floor_divide(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """Return the quotient rounded down, `input // other`. PyTorch: torch.floor_divide."""
    return div(input, other, rounding_mode="floor")


def remainder(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """Return input - other floor(input / other), of the sign of other. PyTorch: torch.remainder."""
    a, b = promoted("remainder", *_one_number("remainder", input, other))
    if a._requires_grad or b._requires_grad:
        return sub(a, mul(b, floor_divide(a, b)))
    check_broadcast("remainder", ("input", a.shape), ("other", b.shape))
    if a.array.dtype.kind != "f" and not b.array.all():
        raise RuntimeError("remainder: integer division by zero")
    with np.errstate(all="ignore"):
        return Tensor(np.asarray(np.remainder(a.array, b.array)))


def neg(input: Tensor) -> Tensor:
    """Return -input. PyTorch: torch.neg."""
    return apply(Neg, *_no_bools("neg", check_tensor("neg", input)))


def pow(input: Tensor | Number, exponent: Tensor | Number) -> Tensor:
    """Return input to the power of exponent; either may be a number. PyTorch: torch.pow."""
    try:
        return apply_pair("pow", Pow, *_one_number("pow", input, exponent))
    except ValueError as error:
        if "negative integer powers" in str(error):
            raise ValueError(
                "pow: an integer tensor to a negative power is a fraction; call .float() first"
            ) from None
        raise


def square(input: Tensor) -> Tensor:
    """Return input times itself. PyTorch: torch.square."""
    return pow(input, 2)


# Functions of one tensor; integers become the default float, as in PyTorch


def _floating(who: str, input: Tensor) -> Tensor:
    if check_tensor(who, input).array.dtype.kind == "f":
        return input
    return with_dtype(input, get_default_dtype())


def exp(input: Tensor) -> Tensor:
    """Return e to the power of input. PyTorch: torch.exp."""
    return apply(Exp, _floating("exp", input))


def log(input: Tensor) -> Tensor:
    """Return the natural logarithm. PyTorch: torch.log."""
    return apply(Log, _floating("log", input))


def sqrt(input: Tensor) -> Tensor:
    """Return the square root. PyTorch: torch.sqrt."""
    return apply(Sqrt, _floating("sqrt", input))


def rsqrt(input: Tensor) -> Tensor:
    """Return 1 / sqrt(input). PyTorch: torch.rsqrt."""
    return apply(Rsqrt, _floating("rsqrt", input))


def tanh(input: Tensor) -> Tensor:
    """Return the hyperbolic tangent. PyTorch: torch.tanh."""
    return apply(Tanh, _floating("tanh", input))


def sigmoid(input: Tensor) -> Tensor:
    """Return 1 / (1 + exp(-input)). PyTorch: torch.sigmoid."""
    return apply(Sigmoid, _floating("sigmoid", input))


def relu(input: Tensor) -> Tensor:
    """Return max(input, 0). PyTorch: torch.relu."""
    return apply(ReLU, *_no_bools("relu", check_tensor("relu", input)))


def abs(input: Tensor) -> Tensor:
    """Return the absolute value. PyTorch: torch.abs."""
    return apply(Abs, *_no_bools("abs", check_tensor("abs", input)))


# Choices between values


def maximum(input: Tensor, other: Tensor) -> Tensor:
    """Return the larger of the two, element by element. PyTorch: torch.maximum."""
    return apply_pair("maximum", Maximum, input, other)


def minimum(input: Tensor, other: Tensor) -> Tensor:
    """Return the smaller of the two, element by element. PyTorch: torch.minimum."""
    return apply_pair("minimum", Minimum, input, other)


def clamp(
    input: Tensor, min: Tensor | Number | None = None, max: Tensor | Number | None = None
) -> Tensor:
    """Return input held within [min, max]; a bound may be None, a number or a tensor.

    PyTorch: torch.clamp.
    """
    if min is None and max is None:
        raise ValueError("clamp: give min, max or both")
    bounds = [plain_operand("clamp", bound) for bound in (min, max) if bound is not None]
    arrays = [x.array if isinstance(x, Tensor) else x for x in (input, *bounds)]
    dtype = result_type(*arrays, default=get_default_dtype())
    input = with_dtype(input, dtype)
    if not any(isinstance(bound, Tensor) for bound in bounds):
        low, high = (None if bound is None else dtype.type(bound) for bound in (min, max))
        return apply(Clamp, input, min=low, max=high)
    if min is not None:
        input = where(lt(input, min), min, input)
    return input if max is None else where(gt(input, max), max, input)


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
        if value.ndim:
            raise ValueError(
                f"masked_fill: value must be a number or a 0-d tensor, got shape {value.shape}; "
                "for a tensor use where(mask, value, input)"
            )
        if value._requires_grad:
            return where(mask, with_dtype(value, input.dtype), input)
        value = value.item()
    check_fits("masked_fill", value, input.dtype)
    return apply(MaskedFill, input, mask, value=value)


def check_fits(who: str, value: Number, dtype: np.dtype) -> None:
    """Refuse a fraction, inf or nan for an integer tensor."""
    if dtype.kind in "iu" and value != value // 1:
        raise TypeError(f"{who}: {value} does not fit a tensor of {dtype}; call .float() first")


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
