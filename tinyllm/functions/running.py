"""Running sums and products: each element and all before it."""

from __future__ import annotations

from typing import Any

from tinyllm.functions.arguments import check_dim, check_tensor, no_bools
from tinyllm.functions.pointwise import clone
from tinyllm.functions.reduction import accumulated, floating
from tinyllm.ops.function import Function
from tinyllm.ops.products import CumProd
from tinyllm.ops.running import CumSum, LogCumSumExp
from tinyllm.tensor import Tensor, apply


def _along(who: str, function: type[Function], input: Tensor, dim: int) -> Tensor:
    axis = check_dim(who, dim, input.ndim)
    return apply(function, input, dim=axis) if input.ndim else clone(input)


def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Return the running sum along dim, x_1 + … + x_i; of bools and integers as int64.

    PyTorch: torch.cumsum.
    """
    (input,) = no_bools("cumsum", accumulated("cumsum", check_tensor("cumsum", input), dtype))
    return _along("cumsum", CumSum, input, dim)


def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Return the running product along dim, x_1 … x_i; of bools and integers as int64.

    PyTorch: torch.cumprod.
    """
    (input,) = no_bools("cumprod", accumulated("cumprod", check_tensor("cumprod", input), dtype))
    return _along("cumprod", CumProd, input, dim)


def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """Return log(exp x_1 + … + exp x_i) along dim, without overflow.

    PyTorch: torch.logcumsumexp; where all elements up to one are -inf its gradient is 0, not nan.
    """
    return _along("logcumsumexp", LogCumSumExp, floating("logcumsumexp", input), dim)
