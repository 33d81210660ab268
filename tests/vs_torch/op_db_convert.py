"""PyTorch's sample inputs as tinyllm's: tensors with their memory layout, dtypes, nested lists."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import tinyllm


class Skipped(Exception):
    """A sample that tinyllm leaves out; the message is a reason of op_db_rules.REASONS."""


OUTSIDE = {  # dtypes that are not tinyllm's
    torch.complex32: "complex",
    torch.complex64: "complex",
    torch.complex128: "complex",
    torch.float16: "half or bfloat16",
    torch.bfloat16: "half or bfloat16",
}
# A dense tensor in row-major order, or as the input lies: what tensors are here, so left unsaid.
AS_HERE = (torch.strided, torch.contiguous_format, torch.preserve_format)
SAME = bool | int | float | str | type(None) | type(Ellipsis) | np.ndarray | np.generic


def dtype(theirs: torch.dtype) -> np.dtype:
    """The dtype of the same name."""
    if theirs in OUTSIDE:
        raise Skipped(OUTSIDE[theirs])
    return np.dtype(str(theirs).removeprefix("torch."))


def copied(x: torch.Tensor) -> torch.Tensor:
    """A copy of the tensor's memory, read with the same strides."""
    x = x.detach().resolve_neg()
    if not x.numel():
        return x.clone()
    extent = 1 + sum((n - 1) * step for n, step in zip(x.shape, x.stride(), strict=True))
    flat = x.as_strided((extent,), (1,), x.storage_offset()).clone()
    return flat.as_strided(x.shape, x.stride())


def as_array(x: torch.Tensor) -> np.ndarray:
    """The tensor's memory as an array; read-only where elements share it, as expand leaves it."""
    array = x.numpy()
    if overlaps(x):
        array.flags.writeable = False
    return array


def overlaps(x: torch.Tensor) -> bool:
    """Whether elements of the tensor share memory."""
    reach = 1
    for step, n in sorted(zip(x.stride(), x.shape, strict=True)):
        if n > 1 and step < reach:
            return True
        reach += (n - 1) * step
    return False


class Sides:
    """The arguments of one sample for both libraries, each with tensors of its own.

    A tensor that stands twice in the sample stays one tensor. Both sides have the sample's strides.

    Args:    differentiated: whether tensors may require gradients.
    """

    def __init__(self, differentiated: bool) -> None:
        self.differentiated = differentiated
        self.tensors: list[tuple[torch.Tensor, Any, torch.Tensor]] = []  # sample's, ours, torch's

    def ours(self, sample: Any) -> tuple[list, dict[str, Any]]:
        """Arguments for tinyllm. Raises Skipped for what it leaves out."""
        if "out" in sample.kwargs:
            raise Skipped("out=")
        kwargs = {
            name: self._ours(value)
            for name, value in sample.kwargs.items()
            if not (isinstance(value, torch.layout | torch.memory_format) and value in AS_HERE)
        }
        return [self._ours(value) for value in (sample.input, *sample.args)], kwargs

    def theirs(self, sample: Any) -> tuple[list, dict[str, Any]]:
        """Arguments for PyTorch. Asked for after ours, which says what is left out."""
        kwargs = {name: self._theirs(value) for name, value in sample.kwargs.items()}
        return [self._theirs(value) for value in (sample.input, *sample.args)], kwargs

    def _ours(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return self._both(value)[0]
        if isinstance(value, SAME):
            return value
        if isinstance(value, complex) or value in (torch.cfloat, torch.cdouble):
            raise Skipped("complex")
        if isinstance(value, torch.dtype):
            return dtype(value)
        if isinstance(value, torch.device):
            return str(value)
        if isinstance(value, torch.memory_format):
            raise Skipped("memory_format")
        if isinstance(value, torch.layout):
            raise Skipped("sparse")
        if isinstance(value, slice):
            return slice(*(self._ours(part) for part in (value.start, value.stop, value.step)))
        if isinstance(value, list | tuple):
            parts = [self._ours(part) for part in value]
            return parts if isinstance(value, list) else tuple(parts)
        raise TypeError(f"cannot convert {type(value)}: {value!r}")

    def _theirs(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return self._both(value)[1]
        if isinstance(value, list) or type(value) is tuple:
            return type(value)(self._theirs(part) for part in value)
        return value

    def _both(self, sampled: torch.Tensor) -> tuple[Any, torch.Tensor]:
        for known, ours, theirs in self.tensors:
            if known is sampled:
                return ours, theirs
        wants_grad = sampled.requires_grad and self.differentiated
        if sampled.layout != torch.strided:
            raise Skipped("sparse")
        dtype(sampled.dtype)
        theirs = copied(sampled)
        ours = tinyllm.Tensor(as_array(copied(sampled)), wants_grad)
        theirs.requires_grad_(wants_grad)
        self.tensors.append((sampled, ours, theirs))
        return ours, theirs
