"""The in-place form of each function that has one: `x.exp_()` writes x.exp() into x.

Each is the function itself and a copy of its result, so the two cannot differ. `Tensor.changing`
says when a change is refused; a result that x's dtype cannot hold, or of another shape, is too.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from tinyllm.functions import (
    combination,
    comparison,
    diagonals,
    pointwise,
    rounding,
    scattering,
    transcendental,
)
from tinyllm.functions.inplace import put
from tinyllm.tensor import Tensor


def _in_place(function: Callable) -> Callable:
    name = f"{function.__name__}_"

    def form(input: Tensor, *args: Any, **params: Any) -> Tensor:
        return put(name, input, function, *args, **params)

    form.__name__ = form.__qualname__ = name
    form.__signature__ = inspect.signature(function)
    form.__doc__ = (
        f"Put {function.__name__} of the tensor in its place. PyTorch: torch.Tensor.{name}."
    )
    return form


FORMS: dict[Any, str] = {
    pointwise: "exp log sqrt rsqrt neg abs square pow tanh sigmoid relu",
    transcendental: "log1p expm1 log2 log10 sin cos tan erf",
    rounding: "floor ceil trunc round sign floor_divide remainder fmod",
    combination: "reciprocal clamp_min clamp_max nan_to_num lerp addcmul addcdiv",
    comparison: """eq ne lt le gt ge bitwise_and bitwise_or bitwise_xor bitwise_not logical_not
        logical_and logical_or logical_xor""",
    scattering: "scatter scatter_add index_add index_fill masked_scatter",
    diagonals: "tril triu",
}
NAMES = [f"{name}_" for names in FORMS.values() for name in names.split()]

for _module, _names in FORMS.items():
    for _name in _names.split():
        globals()[f"{_name}_"] = _in_place(getattr(_module, _name))
