"""The diagonals of a matrix, and the triangles beside them."""

from __future__ import annotations

import operator

import numpy as np

from tinyllm.functions.arguments import check_dim, check_tensor
from tinyllm.functions.pointwise import clone
from tinyllm.ops.choice import MaskedFill
from tinyllm.ops.diagonals import DiagEmbed, Diagonal
from tinyllm.tensor import Tensor, apply


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


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """Return the diagonal `offset` to the right of the main one, of each matrix: a view.

    Shapes:  (..., N, ..., M, ...), N in dim1 and M in dim2 -> (..., L)
    PyTorch: torch.diagonal.
    """
    axes = _two_dims("diagonal", dim1, dim2, check_tensor("diagonal", input).ndim)
    return apply(Diagonal, input, offset=operator.index(offset), dim1=axes[0], dim2=axes[1])


def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Return matrices of zeros, in the dims dim1 and dim2, whose diagonals are input's last dim.

    Shapes:  (..., L) -> (..., N, N), N = L + |offset|
    PyTorch: torch.diag_embed.
    """
    if not check_tensor("diag_embed", input).ndim:
        raise ValueError("diag_embed: needs at least 1 dim to lay along a diagonal, got ()")
    axes = _two_dims("diag_embed", dim1, dim2, input.ndim + 1)
    return apply(DiagEmbed, input, offset=operator.index(offset), dim1=axes[0], dim2=axes[1])


def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return a matrix with a vector on its diagonal, or of a matrix a copy of its diagonal.

    Shapes:  (L,) -> (N, N), N = L + |diagonal|; (N, M) -> (L,)
    PyTorch: torch.diag.
    """
    if check_tensor("diag", input).ndim not in (1, 2):
        raise ValueError(
            f"diag: needs a vector or a matrix, got {input.shape}; for batches there are diagonal "
            "and diag_embed"
        )
    if input.ndim == 1:
        return diag_embed(input, diagonal)
    return clone(apply(Diagonal, input, offset=operator.index(diagonal), dim1=0, dim2=1))


def _two_dims(who: str, dim1: int, dim2: int, ndim: int) -> tuple[int, int]:
    if ndim < 2:
        raise IndexError(f"{who}: a diagonal needs two dims, and the tensor has {ndim}")
    axes = check_dim(who, dim1, ndim), check_dim(who, dim2, ndim)
    if axes[0] == axes[1]:
        raise ValueError(f"{who}: dim1 {dim1} and dim2 {dim2} are the same dim")
    return axes
