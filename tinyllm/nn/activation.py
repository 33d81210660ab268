"""Activation functions as modules."""

from __future__ import annotations

from tinyllm.nn import functional as F
from tinyllm.nn.module import Module
from tinyllm.tensor import Tensor


class GELU(Module):
    """Apply x Phi(x), Phi the normal distribution function, or its approximation "tanh".

    PyTorch: torch.nn.GELU
    Source:  Hendrycks and Gimpel 2016, arXiv:1606.08415
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        """Say the settings."""
        return f"approximate={self.approximate!r}"


class ReLU(Module):
    """Apply max(x, 0). PyTorch: torch.nn.ReLU, never in place."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.relu(input)


class SiLU(Module):
    """Apply x sigmoid(x), also called swish. PyTorch: torch.nn.SiLU, never in place."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.silu(input)


class Tanh(Module):
    """Apply the hyperbolic tangent. PyTorch: torch.nn.Tanh."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.tanh(input)


class Sigmoid(Module):
    """Apply 1 / (1 + exp(-x)). PyTorch: torch.nn.Sigmoid."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.sigmoid(input)


class Softmax(Module):
    """Turn the scores along `dim` into probabilities: exp(x_i) / sum_j exp(x_j).

    PyTorch: torch.nn.Softmax, where leaving `dim` out is deprecated; here it must be given.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Normalise along `dim`."""
        return F.softmax(input, self.dim)

    def extra_repr(self) -> str:
        """Say the settings."""
        return f"dim={self.dim}"
