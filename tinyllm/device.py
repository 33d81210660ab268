"""The one device."""

from __future__ import annotations

from typing import Any


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
