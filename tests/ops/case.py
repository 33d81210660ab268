"""What a Case is: one way to call an op, and how its inputs are drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinyllm.tensor import Tensor


def normal(rng, shape):
    return rng.normal(size=shape)


def positive(rng, shape):
    return rng.uniform(0.5, 2, shape)


def apart(rng, shape):
    """Numbers at least 0.2 from each other and from 0, so that no two change places: no kink."""
    size = int(np.prod(shape))
    steps = np.arange(1, size + 1) * rng.choice([-1, 1], size)
    return (0.3 * rng.permutation(steps)).reshape(shape)


@dataclass
class Case:
    """One way to call an op.

    op:      a Function, or a callable of tensors
    inputs:  for each tensor its shape, or a Fixed array that takes no gradient, or None
    params:  what is not a tensor
    more:    further inputs for the same call: broadcast shapes, sizes, empty or 0-d arrays, by name
    draw:    how differentiable inputs are drawn
    covers:  the Functions that a callable is there for
    same:    whether one tensor may stand for all inputs at once
    """

    op: Any
    inputs: Sequence[Any]
    params: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Sequence[Any]] = field(default_factory=dict)
    draw: Callable = normal
    covers: tuple[type, ...] = ()
    same: bool = False
    name: str = ""

    def __post_init__(self):
        base = self.op.__name__
        settings = ", ".join(f"{k}={_short(v)}" for k, v in self.params.items())
        self.title = f"{base}({self.name or settings})"


@dataclass
class Fixed:
    """An input that takes no gradient, such as a mask or an index."""

    array: np.ndarray


def _short(value):
    if isinstance(value, np.ndarray):
        return "array"
    if isinstance(value, Tensor):
        return "tensor"
    return str(value)
