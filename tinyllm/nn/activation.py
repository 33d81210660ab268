"""Activation functions as modules.

`inplace=True` is accepted for PyTorch's sake; the result is always another tensor.
"""

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

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.relu(input)

    def extra_repr(self) -> str:
        """Say the settings."""
        return "inplace=True" if self.inplace else ""


class SiLU(Module):
    """Apply x sigmoid(x), also called swish. PyTorch: torch.nn.SiLU, never in place."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.silu(input)

    def extra_repr(self) -> str:
        """Say the settings."""
        return "inplace=True" if self.inplace else ""


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


class LeakyReLU(Module):
    """Apply x above 0, negative_slope x below. PyTorch: torch.nn.LeakyReLU, never in place."""

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.leaky_relu(input, self.negative_slope)

    def extra_repr(self) -> str:
        """Say the settings."""
        return f"negative_slope={self.negative_slope}" + (", inplace=True" if self.inplace else "")


class ELU(Module):
    """Apply x above 0, alpha (exp(x) - 1) below. PyTorch: torch.nn.ELU, never in place."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.elu(input, self.alpha)

    def extra_repr(self) -> str:
        """Say the settings."""
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class Softplus(Module):
    """Apply log(1 + exp(beta x)) / beta, a smooth ReLU. PyTorch: torch.nn.Softplus."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """Say the settings."""
        return f"beta={self.beta}, threshold={self.threshold}"


class LogSigmoid(Module):
    """Apply log sigmoid(x). PyTorch: torch.nn.LogSigmoid."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to each element."""
        return F.logsigmoid(input)


class LogSoftmax(Module):
    """Turn the scores along `dim` into log-probabilities: x_i - log sum_j exp(x_j).

    PyTorch: torch.nn.LogSoftmax, where leaving `dim` out is deprecated; here it must be given.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Normalise along `dim`."""
        return F.log_softmax(input, self.dim)

    def extra_repr(self) -> str:
        """Say the settings."""
        return f"dim={self.dim}"
