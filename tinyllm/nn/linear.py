"""The linear layer."""

from __future__ import annotations

import math
from typing import Any

from tinyllm.nn import functional as F
from tinyllm.nn import init
from tinyllm.nn.module import Module
from tinyllm.nn.parameter import empty_parameter
from tinyllm.tensor import Tensor


class Linear(Module):
    """Apply y = x W^T + b to the last dimension.

    weight and bias start evenly drawn from +-1 / sqrt(in_features).

    Shapes:  (..., in_features) -> (..., out_features); weight (out_features, in_features)
    PyTorch: torch.nn.Linear, whose forward has no `onto`
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = empty_parameter(out_features, in_features, device=device, dtype=dtype)
        self.register_parameter(
            "bias", empty_parameter(out_features, device=device, dtype=dtype) if bias else None
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))  # that is +-1 / sqrt(in_features)
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor, onto: Tensor | None = None) -> Tensor:
        """Multiply by the weight and add the bias; add the result to `onto` if that is given."""
        return F.linear(input, self.weight, self.bias, onto)  # (..., out)

    def extra_repr(self) -> str:
        """Say the settings."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )
