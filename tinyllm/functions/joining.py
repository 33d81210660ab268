"""Several tensors to one, and one to several."""

from __future__ import annotations

from collections.abc import Sequence

from tinyllm.functions.arguments import (
    check_dim,
    check_dtype,
    check_sizes,
    check_tensor,
    with_dtype,
)
from tinyllm.functions.shape import expand, reshape
from tinyllm.ops.promotion import promote_types
from tinyllm.ops.shape import Cat, Split, Stack, Unbind
from tinyllm.tensor import Tensor, apply


def _several(who: str, tensors: Sequence[Tensor]) -> Sequence[Tensor]:
    if isinstance(tensors, Tensor) or not len(tensors):
        raise ValueError(f"{who}: needs a list or tuple of at least one tensor")
    return tensors


def _same_dtype(who: str, tensors: Sequence[Tensor]) -> list[Tensor]:
    _several(who, tensors)
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


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Return the tensors side by side: vectors one after the other, others along dim 1.

    PyTorch: torch.hstack.
    """
    grown = [_at_least("hstack", tensor, 1) for tensor in _several("hstack", tensors)]
    return cat(grown, 0 if grown[0].ndim == 1 else 1)


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Return the tensors one below the other, a vector being a row. PyTorch: torch.vstack."""
    return cat([_at_least("vstack", tensor, 2) for tensor in _several("vstack", tensors)])


def _at_least(who: str, tensor: Tensor, ndim: int) -> Tensor:
    missing = ndim - check_tensor(who, tensor).ndim
    return reshape(tensor, (1,) * missing + tensor.shape) if missing > 0 else tensor


def meshgrid(
    *tensors: Tensor | Sequence[Tensor], indexing: str | None = None
) -> tuple[Tensor, ...]:
    """Return the coordinates of a grid: tensor i, repeated along the dims of all others.

    Args:    indexing: "ij" (the default): dim i is along tensor i. "xy": the first two exchanged,
             as a picture has its rows along y.
    Shapes:  (N,), (M,) -> twice (N, M), or (M, N) for "xy"; views that share memory
    Raises:  ValueError for tensors of more than 1 dim, TypeError for several dtypes.
    PyTorch: torch.meshgrid, which warns where indexing is not given.
    """
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], tuple | list) else tensors
    grid = [_at_least("meshgrid", tensor, 1) for tensor in _several("meshgrid", given)]
    if indexing not in (None, "ij", "xy"):
        raise ValueError(f"meshgrid: indexing must be 'ij' or 'xy', not {indexing!r}")
    if any(tensor.ndim > 1 for tensor in grid):
        got = ", ".join(str(tensor.shape) for tensor in grid)
        raise ValueError(f"meshgrid: needs tensors of at most 1 dim, got {got}")
    if len({tensor.dtype for tensor in grid}) > 1:
        got = ", ".join(str(tensor.dtype) for tensor in grid)
        raise TypeError(f"meshgrid: needs tensors of one dtype, got {got}")
    swap = indexing == "xy" and len(grid) > 1
    if swap:
        grid[:2] = grid[1::-1]
    shape = [tensor.shape[0] for tensor in grid]
    spread = [
        expand(reshape(tensor, (len(tensor), *(1,) * (len(grid) - 1 - axis))), shape)
        for axis, tensor in enumerate(grid)
    ]
    if swap:
        spread[:2] = spread[1::-1]
    return tuple(spread)
