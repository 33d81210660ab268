"""Modules that pass their input on, at most in another shape; and how alike two vectors are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tinyllm.functions.arguments import check_dim, check_sizes
from tinyllm.nn import functional as F
from tinyllm.nn.module import Module
from tinyllm.tensor import Tensor


class Identity(Module):
    """Return the input; arguments are ignored. PyTorch: torch.nn.Identity."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        """Return the input."""
        return input


class Flatten(Module):
    """Make one dim of those from start_dim to end_dim. PyTorch: torch.nn.Flatten.

    Shapes:  (N, C, H, W) -> (N, C H W)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Tensor) -> Tensor:
        """Flatten."""
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """Say the settings."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Cut one dim into several; one of their sizes may be -1. PyTorch: torch.nn.Unflatten.

    Shapes:  (N, C D), dim 1 into (C, D) -> (N, C, D)
    Raises:  TypeError for sizes that are no ints, ValueError for those that do not fit.
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__()
        if not isinstance(dim, int):
            raise TypeError(f"Unflatten: dim must be an int, not {type(dim).__name__}")
        if not isinstance(unflattened_size, list | tuple):
            kind = type(unflattened_size).__name__
            raise TypeError(f"Unflatten: unflattened_size must be a tuple of ints, not {kind}")
        check_sizes("Unflatten", tuple(unflattened_size))
        self.dim, self.unflattened_size = dim, unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        """Cut the dim."""
        dim = check_dim("Unflatten", self.dim, input.ndim)
        sizes, size = tuple(self.unflattened_size), input.shape[dim]
        known = math.prod(n for n in sizes if n != -1)
        fits = known == size if -1 not in sizes else bool(known) and size % known == 0
        if not fits or not sizes or sizes.count(-1) > 1:
            raise ValueError(
                f"Unflatten: dim {dim} of input {input.shape} has {size} elements and cannot be "
                f"cut into {sizes}"
            )
        return input.reshape(*input.shape[:dim], *sizes, *input.shape[dim + 1 :])

    def extra_repr(self) -> str:
        """Say the settings."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class CosineSimilarity(Module):
    """Compute the cosine of the angle between vectors along dim.

    Shapes:  (N, D), (N, D) -> (N) for dim 1
    PyTorch: torch.nn.CosineSimilarity
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim, self.eps = dim, eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Compare the two."""
        return F.cosine_similarity(x1, x2, self.dim, self.eps)
