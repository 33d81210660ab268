"""Another dtype for all tensors of a module, in place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinyllm.defaults import check_device
from tinyllm.tensor import Tensor


def convert(tensors: Iterable[Tensor], args: tuple[Any, ...], dtype: Any, device: Any) -> None:
    """Do what `Module.to(*args, dtype=, device=)` says to the floating-point tensors."""
    for value in args:
        if isinstance(value, Tensor):
            dtype = value.dtype
        elif _is_dtype(value):
            dtype = value
        elif not isinstance(value, bool):  # PyTorch's non_blocking, which says nothing here
            device = value
    check_device(device)
    if dtype is None:
        return
    dtype = np.dtype(dtype)
    if dtype.kind != "f":
        raise TypeError(f"Module.to: only floating-point dtypes are possible, not {dtype}")
    for tensor in tensors:
        if tensor.dtype.kind == "f" and tensor.dtype != dtype:
            tensor.array = tensor.array.astype(dtype)
            tensor._version = [0]  # other memory from here on
            if tensor.grad is not None:
                tensor.grad = Tensor(tensor.grad.array.astype(dtype))


def _is_dtype(value: Any) -> bool:
    if isinstance(value, (np.dtype, type)):
        return True
    return isinstance(value, str) and value.startswith(("float", "int", "uint", "bool"))
