"""Parameter: a tensor that is trained."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinyllm.defaults import check_device, get_default_dtype
from tinyllm.tensor import Tensor


class Parameter(Tensor):
    """A tensor that a Module counts as its own and that an optimizer trains.

    Args:    data: the values; their memory is shared, not copied.
    PyTorch: torch.nn.Parameter; an ndarray may be given too.
    """

    __slots__ = ()

    def __init__(self, data: Tensor | np.ndarray, requires_grad: bool = True) -> None:
        super().__init__(data.array if isinstance(data, Tensor) else data)
        if isinstance(data, Tensor):
            self._version = data._version
        self.requires_grad = requires_grad

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


def empty_parameter(*shape: int, device: Any = None, dtype: Any = None) -> Parameter:
    """A parameter whose values `reset_parameters` is about to set."""
    check_device(device)
    if any(size < 0 for size in shape):
        raise ValueError(f"a parameter cannot have the shape {shape}: a size is negative")
    return Parameter(np.empty(shape, get_default_dtype() if dtype is None else np.dtype(dtype)))
