"""PyTorch's sample inputs as tinyllm's: tensors with their memory layout, dtypes, nested lists."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import tinyllm


class Skipped(Exception):
    """A sample that tinyllm leaves out on purpose; the message is the reason, one of `REASONS`."""


OUTSIDE = {  # dtypes that are not tinyllm's
    torch.complex32: "complex",
    torch.complex64: "complex",
    torch.complex128: "complex",
    torch.float16: "half or bfloat16",
    torch.bfloat16: "half or bfloat16",
}
REASONS = {
    "complex": "there are no complex numbers",
    "half or bfloat16": "float16 is for storing, not for computing; there is no bfloat16",
    "sparse": "tensors are dense",
    "out=": "results are returned, never written into a given tensor",
    "memory_format": "images have no layout of their own here",
}
# A dense tensor in row-major order, or as the input lies: what tensors are here, so left unsaid.
AS_HERE = (torch.strided, torch.contiguous_format, torch.preserve_format)
SAME = bool | int | float | str | type(None) | type(Ellipsis) | np.ndarray | np.generic


def dtype(theirs: torch.dtype) -> np.dtype:
    """The dtype of the same name."""
    if theirs in OUTSIDE:
        raise Skipped(OUTSIDE[theirs])
    return np.dtype(str(theirs).removeprefix("torch."))


def array(theirs: torch.Tensor) -> np.ndarray:
    """A copy of the tensor's memory, read with the same strides."""
    if theirs.layout != torch.strided:
        raise Skipped("sparse")
    dtype(theirs.dtype)
    theirs = theirs.detach().resolve_neg()
    if not theirs.numel():
        return np.empty(tuple(theirs.shape), dtype(theirs.dtype))
    strides = theirs.stride()
    extent = 1 + sum((n - 1) * step for n, step in zip(theirs.shape, strides, strict=True))
    flat = theirs.as_strided((extent,), (1,), theirs.storage_offset()).clone().numpy()
    strides = [step * flat.itemsize for step in strides]
    ours = np.ndarray(tuple(theirs.shape), flat.dtype, flat, strides=strides)
    if any(step == 0 and n > 1 for n, step in zip(theirs.shape, strides, strict=True)):
        ours.flags.writeable = False  # as expand leaves it
    return ours


class Converter:
    """Converts the arguments of one sample; a tensor that stands twice stays one tensor."""

    def __init__(self) -> None:
        self.pairs: list[tuple[Any, torch.Tensor]] = []

    def __call__(self, theirs: Any) -> Any:
        if isinstance(theirs, torch.Tensor):
            return self._tensor(theirs)
        if isinstance(theirs, SAME):
            return theirs
        if isinstance(theirs, complex) or theirs in (torch.cfloat, torch.cdouble):
            raise Skipped("complex")
        if isinstance(theirs, torch.dtype):
            return dtype(theirs)
        if isinstance(theirs, torch.device):
            return str(theirs)
        if isinstance(theirs, torch.memory_format):
            raise Skipped("memory_format")
        if isinstance(theirs, torch.layout):
            raise Skipped("sparse")
        if isinstance(theirs, slice):
            return slice(*(self(part) for part in (theirs.start, theirs.stop, theirs.step)))
        if isinstance(theirs, list):
            return [self(part) for part in theirs]
        if isinstance(theirs, tuple):
            return tuple(self(part) for part in theirs)
        raise TypeError(f"cannot convert {type(theirs)}: {theirs!r}")

    def named(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Convert keyword arguments."""
        if "out" in arguments:
            raise Skipped("out=")
        return {
            name: self(value)
            for name, value in arguments.items()
            if not (isinstance(value, torch.layout | torch.memory_format) and value in AS_HERE)
        }

    def _tensor(self, theirs: torch.Tensor) -> Any:
        for ours, known in self.pairs:
            if known is theirs:
                return ours
        ours = tinyllm.Tensor(array(theirs), theirs.requires_grad)
        self.pairs.append((ours, theirs))
        return ours
