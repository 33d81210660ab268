"""Normalisation of each row: LayerNorm and RMSNorm, and HeadNorm for queries and keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinyllm.nn import functional as F
from tinyllm.nn import init
from tinyllm.nn.module import Module
from tinyllm.nn.parameter import empty_parameter
from tinyllm.ops.normalization import RMSNormHeads
from tinyllm.tensor import Tensor, apply


def _as_shape(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    return (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)


class LayerNorm(Module):
    """Give each row mean 0 and variance 1, then scale and shift it by weight and bias.

    y = (x - mean) / sqrt(var + eps) * weight + bias, over the last dimensions, normalized_shape.

    Shapes:  (..., *normalized_shape) -> the same
    PyTorch: torch.nn.LayerNorm
    Source:  Ba, Kiros and Hinton 2016, arXiv:1607.06450
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _as_shape(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        for name, wanted in (("weight", True), ("bias", bias)):
            values = empty_parameter(*self.normalized_shape, device=device, dtype=dtype)
            wanted = wanted and elementwise_affine
            self.register_parameter(name, values if wanted else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set weight to 1 and bias to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Normalise each row."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Say the settings."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """Divide each row by its root mean square, then scale it: x / sqrt(mean(x^2) + eps) * weight.

    Args:    eps: None takes the dtype's machine epsilon.
    Shapes:  (..., *normalized_shape) -> the same
    PyTorch: torch.nn.RMSNorm
    Source:  Zhang and Sennrich 2019, arXiv:1910.07467
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _as_shape(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        values = empty_parameter(*self.normalized_shape, device=device, dtype=dtype)
        self.register_parameter("weight", values if elementwise_affine else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set weight to 1."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        """Normalise each row."""
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Say the settings."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )


class HeadNorm(Module):
    """Give each of the first heads the root mean square `gain`: gain x / sqrt(mean(x^2) + eps).

    Queries and keys so treated have products of at most gain^2 D, however large the weights grow:
    after attention's division by sqrt(D), scores of at most gain^2 sqrt(D). With a small D a gain
    of 1 cannot pick one key among many. There is no weight to scale them again, so a rotation may
    come before or after.

    Shapes:  (B, T, N, D), N heads side by side at each position -> the same
    PyTorch: has none.
    Source:  Henry et al. 2020, arXiv:2010.04245; Dehghani et al. 2023, arXiv:2302.05442
    """

    def __init__(self, eps: float = 1e-5, gain: float = 1.0) -> None:
        super().__init__()
        self.eps, self.gain = eps, gain

    def forward(self, x: Tensor, heads: int | None = None) -> Tensor:
        """Normalise the heads of x (B, T, N, D).

        Args:    heads: only the first so many, the queries and keys of a packed projection; the
                 rest, its values, stays as it is. None normalises all.
        """
        if x.ndim != 4:
            raise ValueError(f"HeadNorm: x must be (B, T, N, D), not of shape {x.shape}")
        N = x.shape[2]
        heads = N if heads is None else heads
        if not 0 <= heads <= N:
            raise ValueError(f"HeadNorm: heads = {heads}, and x {x.shape} has N = {N}")
        return apply(RMSNormHeads, x, heads=heads, eps=self.eps, gain=self.gain)

    def extra_repr(self) -> str:
        """Say the settings."""
        return f"eps={self.eps}, gain={self.gain}"
