"""Functions that write or add elements at positions named by an index, or by a mask.

Each returns a new tensor; the forms with an underscore (`x.scatter_`) change x in place.
"""

from __future__ import annotations

import numpy as np

from tinyllm import grad_mode
from tinyllm.functions.arguments import (
    Number,
    as_scalar,
    check_broadcast,
    check_dim,
    check_tensor,
    plain_operand,
    whole_if_integer,
)
from tinyllm.functions.indexing import (
    check_index,
    check_mask,
    no_larger,
    reshape_if,
    with_a_dim,
)
from tinyllm.functions.pointwise import check_alpha, clone, masked_fill, mul
from tinyllm.functions.shape import expand
from tinyllm.ops.indexing import along
from tinyllm.ops.scattering import IndexAdd, MaskedScatter, Scatter, ScatterAdd
from tinyllm.tensor import Tensor, apply


def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor | Number | None = None,
    *,
    value: Number | None = None,
    reduce: str | None = None,
) -> Tensor:
    """Return input with src written where index says: for dim = 1, y[i][index[i][j]] = src[i][j].

    Where index names a position twice, the last one stays.

    Shapes:  input (..., N, ...), index (..., M, ...), src at least as large as index -> as input
    Args:    src: a tensor of input's dtype, or one number.
             value: that number, by name.
             reduce: "add" or "multiply" onto what is there, rather than write.
    Raises:  ValueError where shapes disagree, TypeError where dtypes do, IndexError for an index
             outside [0, N), RuntimeError if "multiply" were to have a gradient.
    PyTorch: torch.scatter, where neither reduce has a gradient.
    """
    if (src is None) == (value is None):
        raise TypeError("scatter: give a tensor or number to write, src or value, and only one")
    if reduce not in (None, "add", "multiply"):
        raise ValueError(f"scatter: reduce must be 'add', 'multiply' or None, not {reduce!r}")
    if not isinstance(src, Tensor):
        number = plain_operand("scatter", value if src is None else src)
        src = _filled("scatter", input, index, number)
    if reduce == "add":
        return _scattered("scatter", ScatterAdd, input, dim, index, src)
    if reduce == "multiply":
        return _scatter_multiply(input, dim, index, src)
    return _scattered("scatter", Scatter, input, dim, index, src)


def _filled(who: str, input: Tensor, index: Tensor, value: Number) -> Tensor:
    """One number in the shape of index and in input's dtype, without taking memory."""
    check_tensor(who, input), check_tensor(who, index)
    if isinstance(value, Tensor):
        raise TypeError(f"{who}: value is a number; a tensor is given as src")
    number = as_scalar(whole_if_integer(who, value, input.dtype), input.dtype)
    return Tensor(np.broadcast_to(number, index.shape))


def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """Return input plus src where index says: for dim = 1, y[i][index[i][j]] += src[i][j].

    A position that index names twice gets both.

    Shapes:  input (..., N, ...), index (..., M, ...), src at least as large as index -> as input
    Raises:  ValueError where shapes disagree, TypeError where dtypes do, IndexError for an index
             outside [0, N).
    PyTorch: torch.scatter_add.
    """
    return _scattered(
        "scatter_add", ScatterAdd, input, dim, index, check_tensor("scatter_add", src)
    )


def _scattered(
    who: str, function: type, input: Tensor, dim: int, index: Tensor, src: Tensor
) -> Tensor:
    x, positions, axis = _checked(who, input, dim, index, src)
    if positions is None:
        return clone(input)
    return reshape_if(apply(function, x, positions, with_a_dim(src), dim=axis), input.shape)


def _checked(
    who: str, input: Tensor, dim: int, index: Tensor, src: Tensor
) -> tuple[Tensor, Tensor | None, int]:
    """Input and index with at least one dim, and dim; no index where it names nothing."""
    axis = check_dim(who, dim, check_tensor(who, input).ndim)
    if src.array.dtype != input.array.dtype:
        raise TypeError(
            f"{who}: src is {src.dtype} and input is {input.dtype}; cast one of them, such as "
            f"src.to({input.dtype.name!r})"
        )
    x, source, positions = (with_a_dim(t) for t in (input, src, check_tensor(who, index)))
    if not index.array.size:
        check_index(who, index, 0, dim)
        return x, None, axis
    if not no_larger(positions, x, but=axis) or not no_larger(positions, source):
        raise ValueError(
            f"{who}: index {index.shape}, input {input.shape} and src {src.shape} must have "
            "equally many dims, and index must be no larger than src, nor than input except in dim "
            f"{dim}"
        )
    check_index(who, index, x.shape[axis], dim)
    return x, positions, axis


def _scatter_multiply(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    if grad_mode.is_grad_enabled() and (input.requires_grad or src.requires_grad):
        raise RuntimeError(
            "scatter: reduce='multiply' has no gradient, here as in PyTorch; detach, or gather the "
            "factors and use *"
        )
    x, positions, axis = _checked("scatter", input, dim, index, src)
    product = x.array.copy()
    if positions is not None:
        part = tuple(slice(n) for n in positions.shape)
        factors = with_a_dim(src).array[part]
        with np.errstate(all="ignore"):
            np.multiply.at(product, along(positions.array, axis), factors)
    return Tensor(product.reshape(input.shape))


def index_add(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Number = 1
) -> Tensor:
    """Return input plus alpha times slice i of source at slice index[i] along dim.

    A slice that index names twice gets both.

    Shapes:  input (..., N, ...), index (M,), source (..., M, ...) -> as input
    Raises:  ValueError where shapes disagree, TypeError where dtypes do, IndexError for an index
             outside [0, N).
    PyTorch: torch.index_add.
    """
    who = "index_add"
    axis = check_dim(who, dim, check_tensor(who, input).ndim)
    positions = with_a_dim(check_tensor(who, index))
    if check_tensor(who, source).array.dtype != input.array.dtype:
        raise TypeError(
            f"{who}: source is {source.dtype} and input is {input.dtype}; cast one of them, such "
            f"as source.to({input.dtype.name!r})"
        )
    x, addend = with_a_dim(input), with_a_dim(source)
    fits = (*x.shape[:axis], *positions.shape, *x.shape[axis + 1 :])
    if positions.ndim > 1 or source.ndim != input.ndim or addend.shape != fits:
        raise ValueError(
            f"{who}: input {input.shape}, index {index.shape} and source {source.shape} do not "
            f"fit: index must be 1-d, as long as source in dim {dim}, and other dims of source "
            "as those of input"
        )
    check_index(who, index, x.shape[axis], dim)
    if alpha != 1:
        check_alpha(who, alpha, input.array.dtype)
        addend = mul(addend, alpha)
    return reshape_if(apply(IndexAdd, x, positions, addend, dim=axis), input.shape)


def index_fill(input: Tensor, dim: int, index: Tensor, value: Tensor | Number) -> Tensor:
    """Return input with one number in all the slices along dim that index names.

    Args:    index: 1-d or 0-d; a negative one counts from the end.
             value: a number, or a 0-d tensor that may take a gradient.
    Raises:  ValueError unless index is 1-d, TypeError unless it is integer or if value does not
             fit, IndexError for one out of range.
    PyTorch: torch.index_fill.
    """
    who = "index_fill"
    axis = check_dim(who, dim, check_tensor(who, input).ndim)
    if check_tensor(who, index).ndim > 1:
        raise ValueError(f"{who}: index must be 1-d, got {index.shape}")
    if not isinstance(value, Tensor):
        value = whole_if_integer(who, value, input.dtype)
    elif value.ndim:
        raise ValueError(f"{who}: value must be a number or a 0-d tensor, got shape {value.shape}")
    size = input.shape[axis] if input.ndim else 1
    mask = np.zeros(size, bool)
    mask[check_index(who, index, size, dim, from_end=True).array] = True
    shape = (size, *(1,) * (input.ndim - 1 - axis)) if input.ndim else ()
    return masked_fill(input, Tensor(mask.reshape(shape)), value)


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """Return input with the elements of source, in row-major order, where the mask is True.

    Shapes:  input and mask broadcast to one shape, source has at least as many elements as the mask
             has True -> that shape
    Raises:  ValueError where source has too few, TypeError where dtypes disagree.
    PyTorch: torch.masked_scatter.
    """
    who = "masked_scatter"
    check_mask(who, mask)
    if check_tensor(who, source).array.dtype != check_tensor(who, input).array.dtype:
        raise TypeError(f"{who}: source is {source.dtype} and input is {input.dtype}; cast one")
    shape = check_broadcast(who, ("input", input.shape), ("mask", mask.shape))
    where = np.broadcast_to(mask.array, shape)
    wanted = np.count_nonzero(where)
    if source.array.size < wanted:
        raise ValueError(
            f"{who}: source {source.shape} has {source.array.size} elements, and the mask is True "
            f"{wanted} times"
        )
    return apply(MaskedScatter, expand(input, shape), Tensor(where), source)
