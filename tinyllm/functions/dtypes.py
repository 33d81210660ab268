"""What dtypes hold, and which one comes of a mixture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinyllm.defaults import get_default_dtype
from tinyllm.functions.arguments import Number, check_dtype, plain_operand
from tinyllm.ops import promotion
from tinyllm.ops.promotion import CATEGORY
from tinyllm.tensor import Tensor


def result_type(tensor1: Tensor | Number, tensor2: Tensor | Number) -> np.dtype:
    """Return the dtype of an operation on the two. PyTorch: torch.result_type."""
    operands = [plain_operand("result_type", x) for x in (tensor1, tensor2)]
    arrays = [x.array if isinstance(x, Tensor) else x for x in operands]
    return promotion.result_type(*arrays, default=get_default_dtype())


def promote_types(type1: Any, type2: Any) -> np.dtype:
    """Return the smallest dtype that both are promoted to. PyTorch: torch.promote_types."""
    return promotion.promote_types(
        check_dtype("promote_types", type1), check_dtype("promote_types", type2)
    )


def can_cast(from_: Any, to: Any) -> bool:
    """Return whether an in-place operation may put a result of one dtype into the other.

    bool goes into integers and integers into floats, never the other way; sizes do not matter.
    PyTorch: torch.can_cast.
    """
    kinds = [check_dtype("can_cast", dtype).kind for dtype in (from_, to)]
    return CATEGORY[kinds[0]] <= CATEGORY[kinds[1]]


@dataclass(frozen=True)
class finfo:  # noqa: N801 - PyTorch's name
    """The limits of a floating-point dtype, by default of the default one, as Python numbers.

    eps:   the step from 1 to the next number
    tiny:  the smallest number above 0 of full precision, also `smallest_normal`

    PyTorch: torch.finfo.
    """

    dtype: Any = None
    bits: int = field(init=False)
    eps: float = field(init=False)
    max: float = field(init=False)
    min: float = field(init=False)
    tiny: float = field(init=False)
    smallest_normal: float = field(init=False)
    resolution: float = field(init=False)

    def __post_init__(self) -> None:
        dtype = get_default_dtype() if self.dtype is None else check_dtype("finfo", self.dtype)
        if dtype.kind != "f":
            raise TypeError(f"finfo: {dtype} is no floating-point dtype; use iinfo")
        limits = np.finfo(dtype)
        object.__setattr__(self, "dtype", dtype.name)
        object.__setattr__(self, "bits", limits.bits)
        for name in ("eps", "max", "min", "tiny", "smallest_normal"):
            object.__setattr__(self, name, float(getattr(limits, name)))
        object.__setattr__(self, "resolution", 10.0**-limits.precision)


@dataclass(frozen=True)
class iinfo:  # noqa: N801 - PyTorch's name
    """The limits of an integer dtype. PyTorch: torch.iinfo."""

    dtype: Any
    bits: int = field(init=False)
    max: int = field(init=False)
    min: int = field(init=False)

    def __post_init__(self) -> None:
        dtype = check_dtype("iinfo", self.dtype)
        if dtype.kind not in "iu":
            raise TypeError(f"iinfo: {dtype} is no integer dtype; use finfo for floats")
        limits = np.iinfo(dtype)
        object.__setattr__(self, "dtype", dtype.name)
        for name in ("bits", "max", "min"):
            object.__setattr__(self, name, int(getattr(limits, name)))
