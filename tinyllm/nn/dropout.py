"""Dropout."""

from __future__ import annotations

from tinyllm.nn import functional as F
from tinyllm.nn.module import Module
from tinyllm.tensor import Tensor


class Dropout(Module):
    """While training, zero each element with probability p and scale the rest by 1 / (1 - p).

    The expected value stays the same, so in evaluation nothing is to be done.

    PyTorch: torch.nn.Dropout; never in place, other random numbers.
    Source:  Srivastava et al. 2014
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p

    def forward(self, input: Tensor) -> Tensor:
        """Drop elements, if training."""
        return F.dropout(input, self.p) if self.training and self.p else input

    def extra_repr(self) -> str:
        """Say the settings."""
        return f"p={self.p}, inplace=False"
