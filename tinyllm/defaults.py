"""The default dtype of new tensors, and the one device."""

from __future__ import annotations

from typing import Any

import numpy as np

_default_dtype = np.dtype(np.float32)


def get_default_dtype() -> np.dtype:
    """The dtype of new floating-point tensors: float32 unless changed."""
    return _default_dtype


def set_default_dtype(dtype: Any) -> None:
    """Set the dtype of new floating-point tensors. PyTorch: torch.set_default_dtype."""
    global _default_dtype
    if np.dtype(dtype).kind != "f":
        raise TypeError(f"set_default_dtype: only floating-point dtypes can be it, not {dtype}")
    _default_dtype = np.dtype(dtype)


class Device(str):
    """The processor, as PyTorch spells it: `tensor.device.type == "cpu"`."""

    type = "cpu"
    index = None

    def __repr__(self) -> str:
        return "device(type='cpu')"


CPU = Device("cpu")


def check_device(device: Any) -> None:
    """Accept None and "cpu"; anything else is not here."""
    if device is not None and str(device) != "cpu":
        raise ValueError(f"device {device!r}: tinyllm runs on the processor; use 'cpu' or None")
