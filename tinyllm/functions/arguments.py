"""What the functions share: dims, dtypes, sizes and operands checked, in one wording."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from tinyllm.ops.cast import Cast
from tinyllm.ops.function import Function
from tinyllm.ops.promotion import result_type
from tinyllm.tensor import Tensor, apply, get_default_dtype

Number = bool | int | float


def check_tensor(who: str, value: Any) -> Tensor:
    """Return the value if it is a Tensor.

    Raises:  TypeError for anything else.
    """
    if not isinstance(value, Tensor):
        raise TypeError(
            f"{who}: needs a Tensor, got {type(value).__name__}; wrap it in tinyllm.tensor(...)"
        )
    return value


def check_dim(who: str, dim: int, ndim: int) -> int:
    """Return the dim counted from the front. A 0-d tensor has the dims 0 and -1, as in PyTorch.

    Raises:  TypeError if it is not an integer, IndexError if the tensor has no such dim.
    """
    try:
        index = operator.index(None if isinstance(dim, bool) else dim)
    except TypeError:
        raise TypeError(f"{who}: dim must be an int, got {type(dim).__name__} {dim!r}") from None
    count = max(ndim, 1)
    if not -count <= index < count:
        raise IndexError(
            f"{who}: dim {index} is outside [{-count}, {count - 1}] of a {ndim}-dimensional tensor"
        )
    return index % count


def check_dims(who: str, dim: int | Sequence[int] | None, ndim: int) -> tuple[int, ...] | None:
    """Return several dims counted from the front; None, or none at all, means all of them."""
    if dim is None or (isinstance(dim, tuple | list) and not dim):
        return None
    dims = tuple(
        check_dim(who, one, ndim) for one in (dim if isinstance(dim, tuple | list) else (dim,))
    )
    if len(set(dims)) != len(dims):
        raise ValueError(f"{who}: dim {tuple(dim)} names one dimension twice")
    return dims if ndim else ()


def check_sizes(who: str, sizes: tuple[Any, ...], named: Any = None) -> tuple[int, ...]:
    """Return a shape given as separate ints, or as one tuple or list, or by name."""
    if named is not None:
        if sizes:
            raise TypeError(f"{who}: got sizes twice, {sizes} and by name {named}")
        sizes = (named,)
    if len(sizes) == 1 and isinstance(sizes[0], tuple | list):
        sizes = tuple(sizes[0])
    try:
        return tuple([operator.index(size) for size in sizes])
    except TypeError:
        raise TypeError(f"{who}: sizes must be ints, got {sizes}") from None


def check_dtype(who: str, dtype: Any) -> np.dtype:
    """Return the NumPy dtype. Raises TypeError for one that tensors cannot have."""
    try:
        checked = np.dtype(dtype)
    except TypeError:
        raise TypeError(
            f"{who}: {dtype!r} is not a dtype; use tinyllm.float32 or the like"
        ) from None
    if checked.kind not in "fiub" or checked.itemsize > 8:
        raise TypeError(f"{who}: {checked} is not a dtype of tensors (float, int or bool)")
    return checked if checked.isnative else checked.newbyteorder("=")


def is_operand(value: Any) -> bool:
    """Whether arithmetic with a Tensor accepts the value."""
    return isinstance(value, Tensor | bool | int | float | np.ndarray | np.generic)


def plain_operand(who: str, value: Any) -> Tensor | Number:
    """Return the value as a Tensor or a Python number; NumPy arrays and scalars are accepted."""
    if isinstance(value, Tensor | bool | int | float):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        check_dtype(who, value.dtype)
        return Tensor(value)
    raise TypeError(
        f"{who}: needs a Tensor or a number, got {type(value).__name__}; "
        "wrap it in tinyllm.tensor(...)"
    )


def with_dtype(operand: Tensor | Number, dtype: np.dtype) -> Tensor:
    """Return the operand as a Tensor of the dtype; a cast is recorded in the graph."""
    if not isinstance(operand, Tensor):
        return Tensor(as_scalar(operand, dtype))
    return operand if operand.array.dtype == dtype else apply(Cast, operand, dtype=dtype)


def as_scalar(value: Number, dtype: np.dtype) -> np.ndarray:
    """Return a number as a 0-d array; beyond an integer dtype's range it wraps, as in PyTorch.

    Raises:  ValueError for an integer of more than 64 bits.
    """
    _check_bits(value)
    try:
        if dtype.kind == "f" and not -65504 <= value <= 65504:  # it may become inf without a word
            with np.errstate(over="ignore"):
                return np.asarray(value, dtype)
        return np.asarray(value, dtype)
    except OverflowError:
        value %= 1 << 8 * dtype.itemsize
        return np.asarray(value, f"u{dtype.itemsize}").astype(dtype)


def _check_bits(value: Number) -> None:
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        raise ValueError(
            f"a Python integer of {value.bit_length()} bits is longer than 64 bits; use a float"
        )


def fitted(who: str, value: Number, dtype: np.dtype) -> np.generic:
    """Return a number as NumPy's of the dtype; a negative one wraps in uint8, as in PyTorch.

    Raises:  TypeError for a fraction, inf or nan of an integer dtype, ValueError beyond its range.
    """
    _check_bits(value)
    whole = dtype.kind in "iu"
    if whole and value != value // 1:
        raise TypeError(f"{who}: {value} does not fit a tensor of {dtype}; call .float() first")
    if dtype.kind != "b" and np.isfinite(float(value)):
        most = (np.iinfo if whole else np.finfo)(dtype).max
        least = np.iinfo(dtype).min if dtype.kind == "i" else -most
        if not int(least) <= value <= int(most):
            raise ValueError(f"{who}: {value} is out of the range of {dtype}")
    return as_scalar(int(value) if whole else value, dtype)[()]


def whole_if_integer(who: str, value: Number, dtype: np.dtype) -> Number:
    """Return the number to write; for integers without its fraction, as PyTorch cuts it off.

    Raises:  TypeError for inf and nan into integers.
    """
    if dtype.kind not in "iu" or not isinstance(value, float):
        return value
    if not math.isfinite(value):
        raise TypeError(f"{who}: {value} does not fit a tensor of {dtype}; call .float() first")
    return int(value)


def as_floating(who: str, input: Tensor) -> Tensor:
    """Return the tensor; integers and bools become the default float, as in PyTorch."""
    if check_tensor(who, input).array.dtype.kind == "f":
        return input
    return with_dtype(input, get_default_dtype())


def no_bools(who: str, *operands: Any) -> tuple[Any, ...]:
    """Return the operands. Raises TypeError if one is a bool, or a tensor of bools."""
    for operand in operands:
        if _is_bool(operand):
            raise TypeError(f"{who}: bools are no numbers; use ~mask, mask ^ other or mask.int()")
    return operands


def not_only_bools(who: str, *operands: Any) -> tuple[Any, ...]:
    """Return the operands. Raises TypeError if all are bools: the operation is not for these."""
    if all(_is_bool(operand) for operand in operands):
        no_bools(who, operands[0])
    return operands


def _is_bool(operand: Any) -> bool:
    return isinstance(operand, bool | np.bool_) or (
        isinstance(operand, Tensor) and operand.array.dtype.kind == "b"
    )


def promoted(who: str, *operands: Any, floating: bool = False) -> tuple[Tensor, ...]:
    """Return the operands as Tensors of the dtype that PyTorch promotes them to.

    Args:    floating: integers and bools become the default float, as for division or exp.
    """
    checked = [plain_operand(who, operand) for operand in operands]
    default = get_default_dtype()
    dtype = result_type(
        *(x.array if isinstance(x, Tensor) else x for x in checked), default=default
    )
    if floating and dtype.kind != "f":
        dtype = default
    return tuple(with_dtype(x, dtype) for x in checked)


def apply_pair(
    who: str, function: type[Function], a: Any, b: Any, floating: bool = False, **params: Any
) -> Tensor:
    """Promote two operands and apply a broadcasting op to them, with the op's params."""
    if not (isinstance(a, Tensor) and isinstance(b, Tensor) and a.array.dtype is b.array.dtype) or (
        floating and a.array.dtype.kind != "f"
    ):
        a, b = promoted(who, a, b, floating=floating)
    try:
        return apply(function, a, b, **params)
    except ValueError:
        check_broadcast(who, ("input", a.shape), ("other", b.shape))
        raise


def check_broadcast(who: str, *named: tuple[str, tuple[int, ...]]) -> tuple[int, ...]:
    """Return the common shape. Raises ValueError that names the dimension that disagrees."""
    try:
        return np.broadcast_shapes(*(shape for _, shape in named))
    except ValueError:
        _explain_broadcast(who, named)


def _explain_broadcast(who: str, named: Sequence[tuple[str, tuple[int, ...]]]) -> NoReturn:
    got = " and ".join(f"{name} {shape}" for name, shape in named)
    for axis in range(1, max(len(shape) for _, shape in named) + 1):
        sizes = [shape[-axis] for _, shape in named if len(shape) >= axis]
        if len({size for size in sizes if size != 1}) > 1:
            break
    disagree = " != ".join(str(size) for size in sizes)
    raise ValueError(
        f"{who}: {got} do not broadcast: they disagree in dim -{axis}: {disagree}"
        f"{_likely_mend(named, sizes)}"
    ) from None


def _likely_mend(named: Sequence[tuple[str, tuple[int, ...]]], sizes: list[int]) -> str:
    """A guess: a missing dimension of size 1, or a transposed matrix."""
    if len(named) == 2:
        (name, short), (_, long) = sorted(named, key=lambda pair: len(pair[1]))
        if len(short) < len(long) and len(short) and short == long[: len(short)]:
            missing = len(long) - len(short)
            tail = ".unsqueeze(-1)" * missing
            return f". Dims are matched from the last: did you mean {name}{tail}?"
        if len(short) == len(long) == 2 and short == long[::-1]:
            return f". Did you mean {name}.T?"
    return ". Each dim must be equal, or 1 in one of them"
