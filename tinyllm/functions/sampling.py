"""Functions that make tensors at random, from the generator given or the default one."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinyllm.defaults import check_device
from tinyllm.functions.arguments import check_dtype, check_tensor
from tinyllm.functions.creation import empty
from tinyllm.functions.inplace import normal_, uniform_
from tinyllm.random import Generator, default_generator
from tinyllm.tensor import Tensor


def randn(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Draw from the normal distribution of mean 0 and variance 1. PyTorch: torch.randn."""
    drawn = normal_(empty(*size, dtype=dtype, device=device), generator=generator)
    return drawn.requires_grad_(requires_grad)


def rand(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Draw evenly from [0, 1). PyTorch: torch.rand."""
    drawn = uniform_(empty(*size, dtype=dtype, device=device), generator=generator)
    return drawn.requires_grad_(requires_grad)


def randn_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Draw from the normal distribution, in input's shape and dtype. PyTorch: torch.randn_like."""
    dtype = check_tensor("randn_like", input).dtype if dtype is None else dtype
    return randn(
        input.shape, generator=generator, dtype=dtype, device=device, requires_grad=requires_grad
    )


def rand_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Draw evenly from [0, 1), in input's shape and dtype. PyTorch: torch.rand_like."""
    dtype = check_tensor("rand_like", input).dtype if dtype is None else dtype
    return rand(
        input.shape, generator=generator, dtype=dtype, device=device, requires_grad=requires_grad
    )


def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Draw integers evenly from [low, high): `randint(high, size)`, `randint(low, high, size)`.

    PyTorch: torch.randint.
    """
    if size is None and isinstance(high, tuple | list):
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    if size is None:
        raise TypeError("randint: needs a size, such as randint(0, 10, (2, 3))")
    if low >= high:
        raise ValueError(f"randint: there is no integer in [{low}, {high})")
    check_device(device)
    numbers = (generator or default_generator).numpy.integers(low, high, tuple(size))
    wanted = check_dtype("randint", np.int64 if dtype is None else dtype)
    return Tensor(numbers.astype(wanted), requires_grad)


def randperm(
    n: int, *, generator: Generator | None = None, dtype: Any = None, device: Any = None
) -> Tensor:
    """Draw an order of 0 ... n-1. PyTorch: torch.randperm."""
    check_device(device)
    if n < 0:
        raise ValueError(f"randperm: n must not be negative, got {n}")
    order = (generator or default_generator).numpy.permutation(n)
    return Tensor(order.astype(check_dtype("randperm", np.int64 if dtype is None else dtype)))


def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Draw indices, each as probable as its weight; weights need not sum to 1.

    Without replacement the indices of a row differ.
    Shapes:  input (V) -> (num_samples);  (B, V) -> (B, num_samples)
    PyTorch: torch.multinomial.
    """
    _check_weights(input, num_samples, replacement)
    random = (generator or default_generator).numpy
    weights = np.atleast_2d(input.array).astype(np.float64)
    if replacement or num_samples == 1:
        uniform = random.random((len(weights), num_samples))
        drawn = np.empty((len(weights), num_samples), np.int64)
        for row, (weight, u) in enumerate(zip(weights, uniform, strict=True)):
            bounds = np.cumsum(weight)
            last = np.flatnonzero(weight)[-1]  # rounding must not reach past it
            drawn[row] = np.minimum(np.searchsorted(bounds, u * bounds[-1], side="right"), last)
    else:
        # The smallest of exponential(1) / weight is index i with probability weight_i / sum,
        # the next smallest likewise among the rest.
        with np.errstate(divide="ignore"):
            clocks = random.standard_exponential(weights.shape) / weights
        drawn = np.argsort(clocks, axis=-1, kind="stable")[:, :num_samples].astype(np.int64)
    return Tensor(drawn if input.ndim == 2 else drawn[0])


def _check_weights(input: Tensor, num_samples: int, replacement: bool) -> None:
    weights = check_tensor("multinomial", input).array
    if weights.dtype.kind != "f":
        raise TypeError(f"multinomial: weights must be floating-point, got {weights.dtype}")
    if weights.ndim not in (1, 2) or num_samples < 1:
        raise ValueError(
            f"multinomial: needs weights (V) or (B, V) and num_samples >= 1, got {weights.shape} "
            f"and {num_samples}"
        )
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError(
            "multinomial: weights must be finite and not negative; softmax comes first"
        )
    positive = np.atleast_2d(weights > 0).sum(axis=-1)
    needed = 1 if replacement else num_samples
    if (positive < needed).any():
        row = int(np.argmax(positive < needed))
        raise ValueError(
            f"multinomial: row {row} has {positive[row]} positive weights, and {needed} different "
            "indices are wanted"
        )
