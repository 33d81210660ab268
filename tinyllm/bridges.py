"""Tensors to PyTorch and back, over the same memory where both can live with it."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from tinyllm.tensor import Tensor

_MENDS = {  # dtypes that NumPy has not
    "torch.bfloat16": ".float()",
    "torch.complex32": ".real",
    "torch.complex64": ".real",
    "torch.complex128": ".real",
}


def is_torch_tensor(value: Any) -> bool:
    """Whether the value is PyTorch's tensor; asking does not load PyTorch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def from_torch(tensor: Any) -> Tensor:
    """Make a tensor that shares memory with PyTorch's: a change through one is seen in the other.

    Raises:  as torch.Tensor.numpy() does: RuntimeError if it requires a gradient, TypeError if it
             is sparse, complex, bfloat16 or on another device; TypeError for no torch.Tensor.
    PyTorch: ours.
    """
    if not is_torch_tensor(tensor):
        raise TypeError(f"from_torch: needs a torch.Tensor, got {type(tensor).__name__}")
    if tensor.requires_grad:
        raise RuntimeError(
            "from_torch: this tensor requires a gradient, and PyTorch would not record what you do "
            "with it here. Use from_torch(tensor.detach())."
        )
    try:
        return Tensor(_shared(tensor))
    except TypeError as error:
        raise TypeError(f"from_torch: {error}") from None


def array_of_torch(tensor: Any) -> np.ndarray:
    """The values of PyTorch's tensor, to be copied from: bfloat16 becomes float32.

    Raises:  TypeError with the reason if there is no such array.
    """
    tensor = tensor.detach()
    if str(tensor.layout) == "torch.strided" and tensor.device.type != "meta":
        tensor = tensor.cpu()
        if str(tensor.dtype) == "torch.bfloat16":
            tensor = tensor.float()
    return _shared(tensor)


def _why_not(tensor: Any) -> str | None:
    """Why NumPy cannot hold PyTorch's tensor, and the mend."""
    dtype = str(tensor.dtype)
    if str(tensor.layout) != "torch.strided":
        return f"the tensor is sparse ({tensor.layout}); call .to_dense() first"
    if tensor.device.type == "meta":
        return "the tensor is on the device meta, where there are no values"
    if tensor.device.type != "cpu":
        return f"the tensor is on the device {tensor.device}; call .cpu() first"
    if dtype in _MENDS:
        return f"the tensor is {dtype}, which NumPy or tinyllm has not; call {_MENDS[dtype]} first"
    if tensor.is_quantized:
        return f"the tensor is quantized ({dtype}); call .dequantize() first"
    if tensor.is_neg() or tensor.is_conj():
        return (
            "the tensor is a lazy negative or conjugate; call .resolve_neg().resolve_conj() first"
        )
    return None


def _shared(tensor: Any) -> np.ndarray:
    """An array over the same memory. Raises TypeError with the reason if there is none."""
    reason = _why_not(tensor)
    if reason is not None:
        raise TypeError(reason)
    try:
        array = tensor.numpy()
    except TypeError:
        raise TypeError(
            f"the tensor is {tensor.dtype}, which NumPy has not; cast it first"
        ) from None
    if any(step == 0 and size > 1 for step, size in zip(array.strides, array.shape, strict=True)):
        array = array.view()
        array.flags.writeable = False  # an expanded tensor: one element stands for many
    return array


def to_torch(input: Tensor) -> Any:
    """Return PyTorch's tensor over the same memory, or a copy where PyTorch cannot use it.

    A copy is made of what steps backwards through memory or is read-only (expand).

    Raises:  RuntimeError if the tensor requires a gradient: `.detach()` says you know;
             ImportError if PyTorch is not installed.
    PyTorch: ours.
    """
    if not isinstance(input, Tensor):
        raise TypeError(f"to_torch: needs a Tensor, got {type(input).__name__}")
    if input.requires_grad:
        raise RuntimeError(
            "to_torch: this tensor requires a gradient, and what PyTorch does with it would not be "
            "recorded here. Use tensor.detach().to_torch()."
        )
    try:
        import torch
    except ImportError:
        raise ImportError("to_torch: PyTorch is not installed (pip install torch)") from None
    array = input.array
    usable = array.flags.writeable and array.flags.aligned and min(array.strides, default=0) >= 0
    whole_steps = all(step % array.itemsize == 0 for step in array.strides)
    return torch.from_numpy(array if usable and whole_steps else array.copy())


def from_dlpack(ext_tensor: Any) -> Tensor:
    """Make a tensor over the memory of any library's that speaks DLPack.

    Raises:  TypeError or BufferError for what NumPy cannot hold, or what is not on the processor.
    PyTorch: torch.from_dlpack.
    """
    array = np.from_dlpack(ext_tensor)
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"from_dlpack: {array.dtype} is not a dtype of tensors (float, int or bool)"
        )
    return Tensor(array)


def dlpack(self: Tensor, **params: Any) -> Any:
    """The tensor's memory for any library that speaks DLPack. PyTorch: Tensor.__dlpack__.

    Raises:  BufferError if the tensor requires a gradient.
    """
    if self.requires_grad:
        raise BufferError("__dlpack__: this tensor requires a gradient; use tensor.detach()")
    return self.array.__dlpack__(**params)


def dlpack_device(self: Tensor) -> tuple[int, int]:
    """The processor, in DLPack's numbers. PyTorch: Tensor.__dlpack_device__."""
    return self.array.__dlpack_device__()
