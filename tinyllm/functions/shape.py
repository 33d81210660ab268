"""Functions that rearrange elements, join tensors and cut them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinyllm.functions.arguments import (
    check_dim,
    check_dims,
    check_dtype,
    check_sizes,
    check_tensor,
    with_dtype,
)
from tinyllm.ops.choice import MaskedFill
from tinyllm.ops.promotion import promote_types
from tinyllm.ops.shape import (
    Cat,
    Expand,
    Permute,
    Reshape,
    Split,
    Squeeze,
    Stack,
    Transpose,
    Unbind,
    Unsqueeze,
)
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


def reshape(input: Tensor, *shape: Any) -> Tensor:
    """Return the elements, in row-major order, in another shape; -1 stands for what is left.

    Heads are not split by reshape alone: (B, T, C) -> (B, T, H, D), and then transpose(1, 2).
    PyTorch: torch.reshape.
    """
    sizes = check_sizes("reshape", shape)
    return apply(
        Reshape, input, shape=_full_shape("reshape", check_tensor("reshape", input), sizes)
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
    if check_tensor("flatten", input).ndim == 0:
        return reshape(input, 1)
    start = check_dim("flatten", start_dim, input.ndim)
    end = check_dim("flatten", end_dim, input.ndim)
    if start > end:
        raise ValueError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    shape = input.shape
    return reshape(input, *shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])


def permute(input: Tensor, *dims: Any) -> Tensor:
    """Return the tensor with its dims in another order. PyTorch: torch.permute."""
    named, ndim = check_sizes("permute", dims), input.array.ndim
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


# Several tensors to one, and one to several


def _same_dtype(who: str, tensors: Sequence[Tensor]) -> list[Tensor]:
    if isinstance(tensors, Tensor) or not len(tensors):
        raise ValueError(f"{who}: needs a list or tuple of at least one tensor")
    dtype = check_tensor(who, tensors[0]).dtype
    for tensor in tensors[1:]:
        dtype = promote_types(dtype, check_tensor(who, tensor).dtype)
    return [with_dtype(tensor, check_dtype(who, dtype)) for tensor in tensors]


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Return the tensors one after the other along a dim that they have. PyTorch: torch.cat."""
    same = _same_dtype("cat", tensors)
    full = [tensor for tensor in same if tensor.shape != (0,)] or same[:1]  # as PyTorch skips (0,)
    axis = check_dim("cat", dim, full[0].ndim)
    if full[0].ndim == 0:
        raise ValueError("cat: 0-d tensors have no dim to join along; use stack")
    first = full[0].shape
    for position, tensor in enumerate(full):
        shape = tensor.shape
        if len(shape) != len(first) or any(
            n != m for i, (n, m) in enumerate(zip(shape, first, strict=True)) if i != axis
        ):
            raise ValueError(
                f"cat: tensor 0 {first} and tensor {position} {shape} disagree outside dim {dim}: "
                "all other sizes must be equal"
            )
    return apply(Cat, *full, dim=axis)


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Return the tensors, all of one shape, along a new dim. PyTorch: torch.stack."""
    same = _same_dtype("stack", tensors)
    for position, tensor in enumerate(same):
        if tensor.shape != same[0].shape:
            raise ValueError(
                f"stack: tensor 0 {same[0].shape} and tensor {position} {tensor.shape} disagree: "
                "all shapes must be equal (cat joins along a dim that is there already)"
            )
    return apply(Stack, *same, dim=check_dim("stack", dim, same[0].ndim + 1))


def split(
    tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """Cut into stretches of one size (the last may be smaller), or of the sizes given.

    PyTorch: torch.split.
    """
    axis = check_dim("split", dim, check_tensor("split", tensor).ndim)
    if tensor.ndim == 0:
        raise ValueError("split: a 0-d tensor has no dim to cut")
    size = tensor.shape[axis]
    if isinstance(split_size_or_sections, int):
        step = split_size_or_sections
        if step < 0 or (step == 0 and size):
            raise ValueError(f"split: split_size must be positive, got {step}")
        sizes = [min(step, size - start) for start in range(0, size, step or 1)] or [0]
    else:
        sizes = list(check_sizes("split", tuple(split_size_or_sections)))
        if sum(sizes) != size or any(n < 0 for n in sizes):
            raise ValueError(
                f"split: sections {sizes} sum to {sum(sizes)}, but dim {dim} of "
                f"{tensor.shape} is {size}"
            )
    return apply(Split, tensor, sizes=sizes, dim=axis)


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Cut into at most `chunks` equal stretches (the last may be smaller). PyTorch: torch.chunk."""
    if chunks < 1:
        raise ValueError(f"chunk: chunks must be at least 1, got {chunks}")
    axis = check_dim("chunk", dim, check_tensor("chunk", input).ndim)
    size = input.shape[axis] if input.ndim else 0
    return split(input, [0] * chunks if size == 0 else -(-size // chunks), axis)


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Cut into slices along dim, and drop the dim. PyTorch: torch.unbind."""
    axis = check_dim("unbind", dim, check_tensor("unbind", input).ndim)
    if input.ndim == 0:
        raise ValueError("unbind: a 0-d tensor has no dim to cut")
    if not input.shape[axis]:
        return ()
    return apply(Unbind, input, dim=axis)


# The triangles of a matrix


def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return the matrix with zeros above the diagonal that is `diagonal` to the right of the main.

    Shapes:  (..., N, M) -> (..., N, M)
    PyTorch: torch.tril.
    """
    _matrix("tril", input)
    above = ~np.tri(*input.shape[-2:], diagonal, dtype=bool)
    return apply(MaskedFill, input, Tensor(above), value=0)


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return the matrix with zeros below the diagonal that is `diagonal` to the right of the main.

    Shapes:  (..., N, M) -> (..., N, M)
    PyTorch: torch.triu.
    """
    _matrix("triu", input)
    below = np.tri(*input.shape[-2:], diagonal - 1, dtype=bool)
    return apply(MaskedFill, input, Tensor(below), value=0)


def _matrix(who: str, input: Tensor) -> None:
    if check_tensor(who, input).ndim < 2:
        raise ValueError(f"{who}: needs a matrix (..., N, M), got {input.shape}")
