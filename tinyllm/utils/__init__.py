"""What PyTorch keeps in torch.utils; each part is loaded when it is first named."""

from __future__ import annotations

import importlib
from typing import Any

_LAZY = ("checkpoint", "data")


def __getattr__(name: str) -> Any:
    """Load a part on first use."""
    if name in _LAZY:
        return importlib.import_module(f"tinyllm.utils.{name}")
    raise AttributeError(f"module 'tinyllm.utils' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
