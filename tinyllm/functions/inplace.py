"""Methods that change a tensor in place: parameters under no_grad, and tensors outside any graph.

`Tensor.changing` refuses a tensor that a graph is being recorded for, and counts the change, so
that a backward that needs the old values says so. Out of place is always possible: `x = x + y`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinyllm.defaults import get_default_dtype
from tinyllm.functions.arguments import (
    Number,
    as_scalar,
    check_tensor,
    fitted,
    no_bools,
    plain_operand,
)
from tinyllm.functions.indexing import refuse_recorded
from tinyllm.functions.pointwise import check_alpha, clamp, div, one_value
from tinyllm.grad_mode import no_grad
from tinyllm.ops.promotion import CATEGORY, result_type
from tinyllm.random import Generator, default_generator
from tinyllm.tensor import Tensor


def _operand(who: str, input: Tensor, other: Any) -> np.ndarray | Number:
    """The operand as an array or number that input, as it is, can take in."""
    other = plain_operand(who, other)
    if not isinstance(other, Tensor):
        return other
    refuse_recorded(who, other)
    if np.broadcast_shapes(input.shape, _shape_or_explain(who, input, other)) != input.shape:
        _refuse_shape(who, input, other)
    return other.array


def _shape_or_explain(who: str, input: Tensor, other: Tensor) -> tuple[int, ...]:
    try:
        np.broadcast_shapes(input.shape, other.shape)
    except ValueError:
        _refuse_shape(who, input, other)
    return other.shape


def _refuse_shape(who: str, input: Tensor, other: Tensor) -> None:
    raise ValueError(
        f"{who}: a tensor of shape {other.shape} does not broadcast into {input.shape}, which "
        "cannot grow in place"
    ) from None


def _update(
    who: str,
    operate: Callable,
    input: Tensor,
    other: Any,
    alpha: Number = 1,
    floating: bool = False,
) -> Tensor:
    """input = operate(input, alpha * other), in place and in input's dtype."""
    value = _operand(who, input, other)
    dtype = result_type(input.array, value, default=get_default_dtype())
    _check_holds(who, input, get_default_dtype() if floating and dtype.kind != "f" else dtype)
    check_alpha(who, alpha, dtype)
    array = input.changing(who)
    with np.errstate(all="ignore"):
        if not isinstance(value, np.ndarray) and dtype.kind != "f":
            value = as_scalar(value, dtype)
        value = value if alpha == 1 else as_scalar(alpha, dtype) * value
        operate(array, value, out=array, casting="unsafe")
    return input


def _check_holds(who: str, input: Tensor, result: np.dtype) -> None:
    """Refuse a result that would lose its kind in place: a fraction in an integer tensor."""
    if CATEGORY[result.kind] > CATEGORY[input.array.dtype.kind]:
        raise TypeError(
            f"{who}: the result is {result}, which a tensor of {input.dtype} cannot hold; "
            "use the out-of-place form, or call .float() first"
        )


def put(who: str, input: Tensor, function: Callable, *args: Any, **params: Any) -> Tensor:
    """input = function(input, ...), in place: the result must have input's shape, and fit it."""
    for value in (*args, *params.values()):
        if isinstance(value, Tensor):
            refuse_recorded(who, value)
    with no_grad():
        result = function(input, *args, **params)
    if result.shape != input.shape:
        _refuse_shape(who, input, result)
    _check_holds(who, input, result.array.dtype)
    np.copyto(input.changing(who), result.array, casting="unsafe")
    return input


def add_(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """Add alpha other, in place. PyTorch: torch.Tensor.add_."""
    return _update("add_", np.add, input, other, alpha)


def sub_(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """Subtract alpha other, in place. PyTorch: torch.Tensor.sub_."""
    no_bools("sub_", input, other)
    return _update("sub_", np.subtract, input, other, alpha)


def mul_(input: Tensor, other: Tensor | Number) -> Tensor:
    """Multiply by other, in place. PyTorch: torch.Tensor.mul_."""
    return _update("mul_", np.multiply, input, other)


def div_(input: Tensor, other: Tensor | Number, *, rounding_mode: str | None = None) -> Tensor:
    """Divide by other, in place. PyTorch: torch.Tensor.div_."""
    if rounding_mode is not None:
        return put("div_", input, div, other, rounding_mode=rounding_mode)
    return _update("div_", np.true_divide, input, other, floating=True)


def copy_(input: Tensor, src: Tensor) -> Tensor:
    """Write the elements of src, cast and broadcast. PyTorch: torch.Tensor.copy_."""
    value = _operand("copy_", input, check_tensor("copy_", src))
    with np.errstate(invalid="ignore"):  # nan to an integer
        np.copyto(input.changing("copy_"), value, casting="unsafe")
    return input


def fill_(input: Tensor, value: Tensor | Number) -> Tensor:
    """Write one number everywhere. PyTorch: torch.Tensor.fill_."""
    if isinstance(value, Tensor):
        refuse_recorded("fill_", value)
        value = value.item()
    input.changing("fill_").fill(fitted("fill_", value, input.dtype))
    return input


def zero_(input: Tensor) -> Tensor:
    """Write 0 everywhere. PyTorch: torch.Tensor.zero_."""
    return fill_(input, 0)


def clamp_(
    input: Tensor, min: Tensor | Number | None = None, max: Tensor | Number | None = None
) -> Tensor:
    """Hold the elements within [min, max], in place. PyTorch: torch.Tensor.clamp_."""
    return put("clamp_", input, clamp, min, max)


def masked_fill_(input: Tensor, mask: Tensor, value: Tensor | Number) -> Tensor:
    """Write a number where the mask is True, in place. PyTorch: torch.Tensor.masked_fill_."""
    if check_tensor("masked_fill_", mask).dtype.kind != "b":
        raise TypeError(f"masked_fill_: the mask must be a bool tensor, got {mask.dtype}")
    if isinstance(value, Tensor):
        refuse_recorded("masked_fill_", value)
        value = one_value("masked_fill_", value).item()
    value = fitted("masked_fill_", value, input.dtype)
    where = _operand("masked_fill_", input, mask)
    np.copyto(input.changing("masked_fill_"), value, where=where)
    return input


# Random numbers


def _fill_random(who: str, input: Tensor, draw: Callable[[np.dtype], np.ndarray]) -> Tensor:
    if input.dtype.kind != "f":
        raise TypeError(f"{who}: needs a floating-point tensor, got {input.dtype}")
    drawn = np.dtype(np.float64) if input.dtype == np.float64 else np.dtype(np.float32)
    np.copyto(input.changing(who), draw(drawn), casting="same_kind")
    return input


def normal_(
    input: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Write numbers drawn from the normal distribution. PyTorch: torch.Tensor.normal_."""
    if std < 0:
        raise ValueError(f"normal_: std must not be negative, got {std}")
    draw = (generator or default_generator).numpy.standard_normal
    return _fill_random("normal_", input, lambda dtype: draw(input.shape, dtype) * std + mean)


def uniform_(
    input: Tensor, low: float = 0.0, high: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Write numbers drawn evenly from [low, high).

    PyTorch: torch.Tensor.uniform_, where the bounds are called from and to.
    """
    if low > high:
        raise ValueError(f"uniform_: low {low} is above high {high}")
    draw = (generator or default_generator).numpy.random
    return _fill_random(
        "uniform_", input, lambda dtype: draw(input.shape, dtype) * (high - low) + low
    )


def bernoulli_(
    input: Tensor, p: Tensor | float = 0.5, *, generator: Generator | None = None
) -> Tensor:
    """Write 1 with probability p and 0 otherwise; p may be a tensor, one for each element.

    PyTorch: torch.Tensor.bernoulli_.
    """
    chance = _operand("bernoulli_", input, p)
    if not np.all((np.asarray(chance) >= 0) & (np.asarray(chance) <= 1)):
        raise ValueError(f"bernoulli_: p must be a probability, within [0, 1], got {p}")
    draw = (generator or default_generator).numpy.random
    np.copyto(input.changing("bernoulli_"), draw(input.shape) < chance, casting="unsafe")
    return input
