"""The inputs of a check: shapes become seeded random numbers, values are copied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinyllm.tensor import Tensor


def drawn(inputs: Sequence[Any], seed: int, kind: str = "as given") -> list[Any]:
    """Copies of the inputs, with random float64 numbers in the place of shapes.

    A tuple of whole numbers is a shape. Tensors of floats require a gradient. What is given twice
    stays one.

    Args:    kind: "as given": tensors are tensors, arrays are arrays, shapes become tensors;
             "arrays": all are arrays; "float64": tensors and arrays of floats become float64
             tensors.
    """
    rng = np.random.default_rng(seed)
    copies: dict[int, Any] = {}
    made = []
    for value in inputs:
        if is_shape(value):
            made.append(_made(rng.normal(size=value), kind == "arrays"))
        elif isinstance(value, Tensor | np.ndarray):
            if id(value) not in copies:
                array = np.array(array_of(value))
                if kind == "float64" and array.dtype.kind == "f":
                    value_made = _made(array.astype(np.float64), False)
                else:
                    value_made = _made(array, kind == "arrays" or isinstance(value, np.ndarray))
                copies[id(value)] = value_made
            made.append(copies[id(value)])
        else:
            made.append(value)
    return made


def is_shape(value: Any) -> bool:
    """Whether a value stands for random numbers of that shape: a tuple of whole numbers."""
    return isinstance(value, tuple) and all(type(size) is int for size in value)


def array_of(value: Tensor | np.ndarray) -> np.ndarray:
    """The numbers of a tensor or an array."""
    return value.array if isinstance(value, Tensor) else value


def _made(array: np.ndarray, as_array: bool) -> Any:
    return array if as_array else Tensor(array, requires_grad=array.dtype.kind == "f")


def in_words(inputs: Sequence[Any]) -> str:
    """The inputs as a call would show them: small ones by value, others by shape."""
    return ", ".join(_shown(value) for value in inputs)


def _shown(value: Any) -> str:
    if not isinstance(value, Tensor | np.ndarray):
        return repr(value)
    array = array_of(value)
    if array.size <= 6:
        return np.array2string(array, precision=4, separator=", ").replace("\n", "")
    return f"{array.dtype} {array.shape}"


def name_of(function: Callable) -> str:
    """What to call a function, an op or a module in a message."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, type):  # MyOp.apply
        return f"{owner.__name__}.{function.__name__}"
    name = getattr(function, "__name__", type(function).__name__)
    return "the function" if name == "<lambda>" else name
