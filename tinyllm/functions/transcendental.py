"""Logarithms and exponentials near 0, logarithms to a base, sine and its kin, erf.

Integers become the default float, as in PyTorch.
"""

from __future__ import annotations

from tinyllm.functions.arguments import apply_pair, as_floating, check_tensor
from tinyllm.ops.transcendental import (
    Cos,
    Erf,
    Expm1,
    Log1p,
    LogAddExp,
    LogToBase,
    Sin,
    Tan,
)
from tinyllm.tensor import Tensor, apply


def log1p(input: Tensor) -> Tensor:
    """Return log(1 + input), exact for small input. PyTorch: torch.log1p."""
    return apply(Log1p, as_floating("log1p", input))


def expm1(input: Tensor) -> Tensor:
    """Return exp(input) - 1, exact for small input. PyTorch: torch.expm1."""
    return apply(Expm1, as_floating("expm1", input))


def log2(input: Tensor) -> Tensor:
    """Return the logarithm to base 2. PyTorch: torch.log2."""
    return apply(LogToBase, as_floating("log2", input), base=2)


def log10(input: Tensor) -> Tensor:
    """Return the logarithm to base 10. PyTorch: torch.log10."""
    return apply(LogToBase, as_floating("log10", input), base=10)


def logaddexp(input: Tensor, other: Tensor) -> Tensor:
    """Return log(exp(input) + exp(other)), without overflow.

    Raises:  TypeError where neither is floating.
    PyTorch: torch.logaddexp.
    """
    kinds = [check_tensor("logaddexp", x).array.dtype.kind for x in (input, other)]
    if "f" not in kinds:
        raise TypeError(
            f"logaddexp: needs floating-point tensors, got {input.dtype} and {other.dtype}; "
            "call .float() first"
        )
    return apply_pair("logaddexp", LogAddExp, input, other)


def sin(input: Tensor) -> Tensor:
    """Return the sine of an angle in radians. PyTorch: torch.sin."""
    return apply(Sin, as_floating("sin", input))


def cos(input: Tensor) -> Tensor:
    """Return the cosine of an angle in radians. PyTorch: torch.cos."""
    return apply(Cos, as_floating("cos", input))


def tan(input: Tensor) -> Tensor:
    """Return the tangent of an angle in radians. PyTorch: torch.tan."""
    return apply(Tan, as_floating("tan", input))


def erf(input: Tensor) -> Tensor:
    """Return the error function, 2 Phi(sqrt(2) input) - 1. PyTorch: torch.erf."""
    return apply(Erf, as_floating("erf", input))
