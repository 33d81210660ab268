"""The same elements in another shape or order, or a part of them: views where that is possible."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinyllm.functions.arguments import check_dim, check_dims, check_sizes, check_tensor, no_bools
from tinyllm.ops.indexing import GetItem
from tinyllm.ops.shape import Expand, Permute, Reshape, Squeeze, Transpose, Unsqueeze
from tinyllm.tensor import Tensor, apply


def _full_shape(who: str, input: Tensor, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape with its one -1 filled in. Raises ValueError if the elements do not fill it."""
    unknown = sizes.count(-1)
    if not unknown and math.prod(sizes) == input.array.size and min(sizes, default=0) >= 0:
        return sizes
    known = math.prod(size for size in sizes if size != -1)
    if unknown > 1:
        raise ValueError(f"{who}: shape {sizes} leaves more than one size to be inferred")
    if any(size < -1 for size in sizes):
        raise ValueError(f"{who}: shape {sizes} has a negative size")
    if unknown and known and input.array.size % known == 0:
        return tuple(input.array.size // known if size == -1 else size for size in sizes)
    if unknown or known != input.array.size:
        raise ValueError(
            f"{who}: shape {sizes} cannot hold the {input.array.size} elements of {input.shape}"
            + (f": {input.array.size} is not a multiple of {known}" if unknown and known else "")
        )
    return sizes


def reshape(input: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """Return the elements, in row-major order, in another shape; -1 stands for what is left.

    Heads are not split by reshape alone: (B, T, C) -> (B, T, H, D), and then transpose(1, 2).
    PyTorch: torch.reshape.
    """
    wanted = check_sizes("reshape", sizes, shape)
    return apply(
        Reshape, input, shape=_full_shape("reshape", check_tensor("reshape", input), wanted)
    )


def view(input: Tensor, *shape: Any) -> Tensor:
    """Return the same memory in another shape. PyTorch: torch.Tensor.view.

    Raises:  ValueError where the elements would have to be copied: then use reshape.
    """
    if len(shape) == 1 and isinstance(shape[0], np.dtype):
        raise TypeError(f"view: a dtype does not reinterpret bytes here; use .to({shape[0]})")
    sizes = _full_shape("view", input, check_sizes("view", shape))
    output = apply(Reshape, input, shape=sizes)
    if input.array.size and not np.may_share_memory(output.array, input.array):
        raise ValueError(
            f"view: {input.shape} is not contiguous in memory (was it transposed or sliced?), "
            f"so {sizes} would need a copy; use .reshape{sizes}"
        )
    return output


def view_as(input: Tensor, other: Tensor) -> Tensor:
    """Return the same memory in the shape of other. PyTorch: torch.Tensor.view_as."""
    return view(input, other.shape)


def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """Return the elements in the shape of other. PyTorch: torch.Tensor.reshape_as."""
    return reshape(input, other.shape)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Return the tensor with the dims start_dim to end_dim (included) made one.

    PyTorch: torch.flatten.
    """
    start = check_dim("flatten", start_dim, check_tensor("flatten", input).ndim)
    end = check_dim("flatten", end_dim, input.ndim)
    if input.ndim == 0:
        return reshape(input, 1)
    if start > end:
        raise ValueError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    shape = input.shape
    return reshape(input, *shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """Return the tensor with one dim made several: (B, T, C) to (B, T, H, D); one size may be -1.

    Raises:  ValueError unless the sizes multiply up to the size of dim.
    PyTorch: torch.unflatten.
    """
    axis = check_dim("unflatten", dim, check_tensor("unflatten", input).ndim)
    wanted = check_sizes("unflatten", (sizes,))
    if not input.ndim or not wanted:
        raise ValueError(f"unflatten: {input.shape} has no dim to make {wanted} of")
    size, known = input.shape[axis], math.prod(n for n in wanted if n != -1)
    free = wanted.count(-1)
    if (
        free > 1
        or min(wanted) < -1
        or (known * free and size % known)
        or (not free and known != size)
    ):
        raise ValueError(
            f"unflatten: sizes {wanted} do not multiply up to {size}, the size of dim {dim} of "
            f"{input.shape}"
        )
    return view(input, *input.shape[:axis], *wanted, *input.shape[axis + 1 :])


def permute(input: Tensor, *order: Any, dims: Any = None) -> Tensor:
    """Return the tensor with its dims in another order. PyTorch: torch.permute."""
    named, ndim = check_sizes("permute", order, dims), input.array.ndim
    order = named
    if set(named) != set(range(ndim)):  # some count from the end, or one is wrong
        order = tuple([check_dim("permute", dim, ndim) for dim in named])
    if sorted(order) != list(range(ndim)):
        raise ValueError(f"permute: {named} does not name each of the {ndim} dims once")
    return apply(Permute, input, dims=order)


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Return the tensor with two dims exchanged. PyTorch: torch.transpose."""
    ndim = check_tensor("transpose", input).ndim
    first, second = check_dim("transpose", dim0, ndim), check_dim("transpose", dim1, ndim)
    if ndim == 0:
        return apply(Permute, input, dims=())
    return apply(Transpose, input, dim0=first, dim1=second)


def movedim(input: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """Return the tensor with the dims `source` moved to `destination`; others keep their order.

    PyTorch: torch.movedim.
    """
    ndim = check_tensor("movedim", input).ndim
    sources, targets = (
        [
            check_dim("movedim", d, ndim)
            for d in (dims if isinstance(dims, tuple | list) else (dims,))
        ]
        for dims in (source, destination)
    )
    if len(sources) != len(targets) or any(len(set(d)) != len(d) for d in (sources, targets)):
        raise ValueError(
            f"movedim: source {source} and destination {destination} must name equally many dims, "
            "none of them twice"
        )
    order = [dim for dim in range(ndim) if dim not in sources]
    for target, dim in sorted(zip(targets, sources, strict=True)):
        order.insert(target, dim)
    return apply(Permute, input, dims=tuple(order[:ndim]))


def t(input: Tensor) -> Tensor:
    """Return a matrix transposed; a vector stays as it is. PyTorch: torch.t."""
    if input.ndim > 2:
        raise ValueError(
            f"t: needs at most 2 dims, got {input.shape}; use .mT or .transpose(-2, -1)"
        )
    return apply(Permute, input, dims=tuple(reversed(range(input.ndim))))


def all_transposed(input: Tensor) -> Tensor:
    """Return `input.T`: all dims in reverse order. PyTorch: torch.Tensor.T."""
    return apply(Permute, input, dims=tuple(reversed(range(input.ndim))))


def matrix_transposed(input: Tensor) -> Tensor:
    """Return `input.mT`: the last two dims exchanged. PyTorch: torch.Tensor.mT."""
    if input.ndim < 2:
        raise ValueError(f"mT: needs at least 2 dims, got {input.shape}")
    return apply(Transpose, input, dim0=input.ndim - 2, dim1=input.ndim - 1)


def squeeze(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Return the tensor without its dims of size 1, or without dim if it has size 1.

    PyTorch: torch.squeeze.
    """
    named = check_dims("squeeze", dim, check_tensor("squeeze", input).ndim)
    if dim is not None and named is None:
        named = ()  # an empty tuple names no dim at all
    ones = tuple(axis for axis, size in enumerate(input.shape) if size == 1)
    return apply(Squeeze, input, dims=ones if named is None else tuple(set(ones) & set(named)))


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """Return the tensor with a new dim of size 1 at `dim`. PyTorch: torch.unsqueeze."""
    ndim = check_tensor("unsqueeze", input).ndim
    return apply(Unsqueeze, input, dim=check_dim("unsqueeze", dim, ndim + 1))


def expand(input: Tensor, *sizes: Any) -> Tensor:
    """Return the tensor with dims of size 1 repeated, without copying; -1 keeps a size.

    PyTorch: torch.Tensor.expand.
    """
    wanted = check_sizes("expand", sizes)
    fresh = len(wanted) - input.ndim
    fits = fresh >= 0 and all(
        size == have or (size == -1 and axis >= 0) or (have == 1 and size >= 0)
        for axis, (size, have) in enumerate(
            zip(wanted, (1,) * fresh + input.shape, strict=True), -fresh
        )
    )
    if not fits:
        raise ValueError(
            f"expand: {input.shape} does not expand to {wanted}: only dims of size 1 repeat, and "
            "new dims come in front"
        )
    shape = tuple(
        have if size == -1 else size
        for size, have in zip(wanted, (1,) * fresh + input.shape, strict=True)
    )
    return apply(Expand, input, shape=shape)


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """Return the tensor expanded to the shape of other. PyTorch: torch.Tensor.expand_as."""
    return expand(input, other.shape)


def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """Return the tensor expanded to a shape. PyTorch: torch.broadcast_to."""
    return expand(input, tuple(size))


# A part


def narrow(input: Tensor, dim: int, start: int | Tensor, length: int) -> Tensor:
    """Return `length` slices along dim from `start` on: a view. PyTorch: torch.narrow.

    Raises:  IndexError if start is outside, ValueError if so many slices do not follow.
    """
    axis = check_dim("narrow", dim, check_tensor("narrow", input).ndim)
    if not input.ndim:
        raise ValueError("narrow: a 0-d tensor has no dim to narrow")
    no_bools("narrow", start)
    (first, count), size = check_sizes("narrow", (start, length)), input.shape[axis]
    if not -size <= first <= size:
        raise IndexError(
            f"narrow: start {first} is outside [{-size}, {size}], the size of dim {dim} of "
            f"{input.shape}"
        )
    first += size * (first < 0)
    if not 0 <= count <= size - first:
        raise ValueError(
            f"narrow: length {count} from {first} on does not fit dim {dim} of {input.shape}, "
            f"which is {size}"
        )
    return apply(GetItem, input, index=(*(slice(None),) * axis, slice(first, first + count)))


def select(input: Tensor, dim: int, index: int | Tensor) -> Tensor:
    """Return the slice at `index` along dim, without that dim: a view. PyTorch: torch.select."""
    axis = check_dim("select", dim, check_tensor("select", input).ndim)
    (place,) = check_sizes("select", (index,))
    if not input.ndim or not -input.shape[axis] <= place < input.shape[axis]:
        raise IndexError(f"select: index {place} is outside dim {dim} of {input.shape}")
    return apply(GetItem, input, index=(*(slice(None),) * axis, place))
