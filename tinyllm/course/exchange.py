"""Values between the grader and a learner's process, as JSON: nothing that could run code.

Arrays and tensors travel as dtype, shape and bytes. What the child gives back is read as plain
data, so a learner's function can return whatever it likes without touching the grader.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

PLAIN = (bool, int, float, str, type(None))
KINDS = "biufc"  # of arrays: bool, integers, real and complex numbers


class NotSendable(TypeError):
    """A value of a kind that does not travel."""


def pack(value: Any) -> Any:
    """Turn a value into what JSON can hold. Raises NotSendable for other kinds."""
    if isinstance(value, np.generic):
        value = np.asarray(value)
    if isinstance(value, PLAIN):
        return float_in_words(value) if isinstance(value, float) else value
    if type(value).__name__ == "Tensor" and isinstance(getattr(value, "array", None), np.ndarray):
        return {"tensor": pack(value.array)}
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in KINDS:
            raise NotSendable(f"an array of {value.dtype}")
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"array": data, "dtype": value.dtype.str, "shape": list(value.shape)}
    for kind in (list, tuple, set, frozenset):
        if type(value) is kind:
            items = sorted(value, key=repr) if kind in (set, frozenset) else value
            return {kind.__name__: [pack(item) for item in items]}
    if isinstance(value, dict):
        return {"dict": [[pack(key), pack(item)] for key, item in value.items()]}
    raise NotSendable(f"a {type(value).__name__}")


def float_in_words(value: float) -> Any:
    """A float as it is, or by name where JSON has no sign for it."""
    if value != value:
        return {"float": "nan"}
    if value in (float("inf"), float("-inf")):
        return {"float": "inf" if value > 0 else "-inf"}
    return value


def unpack(packed: Any, make_tensor: Any = None) -> Any:
    """Turn it back.

    Args:    make_tensor: what makes a tensor of an array; None leaves it an array.
    Raises:  ValueError for what `pack` did not make.
    """
    if isinstance(packed, PLAIN):
        return packed
    if not isinstance(packed, dict) or not packed:
        raise ValueError(f"not a packed value: {type(packed).__name__}")
    if "array" in packed:
        dtype = np.dtype(str(packed["dtype"]))
        if dtype.kind not in KINDS:
            raise ValueError(f"an array of {dtype}")
        flat = np.frombuffer(base64.b64decode(packed["array"]), dtype)
        return flat.reshape(packed["shape"]).copy()
    kind, inside = next(iter(packed.items()))
    if kind == "tensor":
        array = unpack(inside)
        return array if make_tensor is None else make_tensor(array)
    if kind == "float":
        return float(inside)
    if kind == "dict":
        return {unpack(key, make_tensor): unpack(item, make_tensor) for key, item in inside}
    kinds = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}
    if kind not in kinds:
        raise ValueError(f"not a packed value: {kind!r}")
    return kinds[kind](unpack(item, make_tensor) for item in inside)
