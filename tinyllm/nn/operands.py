"""What layers as functions ask of their tensors."""

from __future__ import annotations

from tinyllm.tensor import Tensor


def check_floating(who: str, name: str, x: Tensor, other: Tensor | None = None) -> None:
    """Accept a floating-point tensor, of the dtype of `other` if that is given.

    Raises:  TypeError for anything else.
    """
    if not isinstance(x, Tensor):
        raise TypeError(f"{who}: {name} must be a Tensor, not {type(x).__name__}")
    dtype = x.array.dtype
    if dtype.kind != "f":
        raise TypeError(f"{who}: {name} must be floating-point, not {dtype}; try .float()")
    if other is not None and other.array.dtype != dtype:
        raise TypeError(
            f"{who}: {name} is {dtype} but the weights are {other.dtype}; "
            f"convert one of them, for example {name}.to({other.dtype.name!r})"
        )
