"""Functions that repeat a tensor, turn it round or shift it: all return new memory."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinyllm.functions.arguments import check_dim, check_dims, check_sizes, check_tensor
from tinyllm.functions.shape import reshape
from tinyllm.ops.repetition import Flip, Repeat, RepeatInterleave, Roll
from tinyllm.tensor import Tensor, apply


def repeat(input: Tensor, *times: Any, repeats: Any = None) -> Tensor:
    """Return the tensor laid side by side, times[i] times along dim i; new dims come in front.

    Shapes:  (N, M).repeat(R, Q) -> (R N, Q M)
    Raises:  ValueError for fewer numbers than dims, or one below 0.
    PyTorch: torch.Tensor.repeat. `expand` repeats dims of size 1 without copying;
             `repeat_interleave` repeats each element on the spot.
    """
    return _repeated("repeat", check_tensor("repeat", input), check_sizes("repeat", times, repeats))


def tile(input: Tensor, *times: Any, dims: Any = None) -> Tensor:
    """Return the tensor laid side by side; fewer numbers than dims speak of the last ones.

    PyTorch: torch.tile.
    """
    repeats = check_sizes("tile", times, dims)
    missing = check_tensor("tile", input).ndim - len(repeats)
    return _repeated("tile", input, (1,) * missing + repeats)


def _repeated(who: str, input: Tensor, repeats: tuple[int, ...]) -> Tensor:
    if len(repeats) < input.ndim:
        raise ValueError(
            f"{who}: {repeats} names {len(repeats)} numbers for the {input.ndim} dims of "
            f"{input.shape}; use 1 where nothing repeats"
        )
    if any(times < 0 for times in repeats):
        raise ValueError(f"{who}: {repeats} repeats fewer than 0 times")
    return apply(Repeat, input, repeats=repeats)


def repeat_interleave(
    input: Tensor,
    repeats: int | Tensor | None = None,
    dim: int | None = None,
    *,
    output_size: int | None = None,
) -> Tensor:
    """Return the tensor with each slice along dim repeated on the spot: a, a, b, b.

    `repeat_interleave(repeats)`, with one tensor alone, returns the indices that do this.

    Shapes:  (..., N, ...) -> (..., N repeats, ...), or (..., sum of repeats, ...)
    Args:    repeats: one number for all, or a tensor with one for each slice.
             dim: None takes the tensor as flat.
             output_size: the length that comes out, if known; checked here.
    Raises:  ValueError for repeats below 0 or of another length than dim, TypeError for fractions.
    PyTorch: torch.repeat_interleave.
    """
    who = "repeat_interleave"
    if repeats is None:
        counts = _counts(who, check_tensor(who, input))
        if not isinstance(counts, np.ndarray):
            raise ValueError(f"{who}: a 1-d tensor of repeats gives indices, not {input.shape}")
        return Tensor(np.repeat(np.arange(len(counts)), counts))
    axis = 0 if dim is None else check_dim(who, dim, check_tensor(who, input).ndim)
    if dim is None or not input.ndim:
        input = reshape(input, -1)
    size, counts = input.shape[axis], _counts(who, repeats)
    if isinstance(counts, np.ndarray) and len(counts) != size:
        if len(counts) != 1:
            raise ValueError(
                f"{who}: repeats {repeats.shape} must have one number for each of the {size} "
                f"slices along dim {axis} of input {input.shape}"
            )
        counts = int(counts[0])
    length = size * counts if isinstance(counts, int) else int(counts.sum())
    if output_size is not None and output_size != length:
        raise ValueError(f"{who}: output_size is {output_size}, and the repeats give {length}")
    return apply(RepeatInterleave, input, repeats=counts, dim=axis)


def _counts(who: str, repeats: int | Tensor) -> int | np.ndarray:
    """How often to repeat: one number, or an int64 array of them. Checked."""
    if isinstance(repeats, Tensor):
        if repeats.array.dtype.kind not in "iu" or repeats.ndim > 1:
            raise TypeError(
                f"{who}: repeats must be an int or a 1-d integer tensor, got {repeats.dtype} of "
                f"shape {repeats.shape}"
            )
        counts = repeats.array.astype(np.int64) if repeats.ndim else int(repeats)
    else:
        try:
            counts = operator.index(repeats)
        except TypeError:
            raise TypeError(
                f"{who}: repeats must be an int or an integer tensor, not {type(repeats).__name__}"
            ) from None
    if np.any(np.asarray(counts) < 0):
        raise ValueError(f"{who}: repeats must not be negative, got {repeats}")
    return counts


def flip(input: Tensor, *axes: Any, dims: Any = None) -> Tensor:
    """Return a copy in reverse order along the dims given. PyTorch: torch.flip."""
    named = check_sizes("flip", axes, dims)
    return apply(
        Flip, input, dims=check_dims("flip", named, check_tensor("flip", input).ndim) or ()
    )


def roll(
    input: Tensor, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None
) -> Tensor:
    """Return the elements moved on by `shifts` along dims; what falls off comes in at the start.

    Args:    dims: None rolls the tensor as flat, and gives it its shape back.
    Raises:  ValueError unless there is one shift for each dim.
    PyTorch: torch.roll.
    """
    by = check_sizes("roll", (shifts,))
    along = () if dims is None else dims if isinstance(dims, tuple | list) else (dims,)
    axes = tuple(check_dim("roll", dim, check_tensor("roll", input).ndim) for dim in along)
    if not axes and len(by) == 1:
        flat = reshape(check_tensor("roll", input), -1)
        return reshape(apply(Roll, flat, shifts=by, dims=(0,)), input.shape)
    if len(by) != len(axes) or not by:
        raise ValueError(
            f"roll: there must be one shift for each dim, got shifts {shifts} and dims {dims}"
        )
    if not input.ndim:
        raise IndexError(f"roll: a 0-d tensor has no dim {dims}; roll it without dims")
    return apply(Roll, input, shifts=by, dims=axes)
