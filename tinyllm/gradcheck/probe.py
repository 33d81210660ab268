"""A function of tensors seen as one number, so that it has one gradient to compare.

The number is L = sum_k c_k y_k over all outputs y, with a random covector c. The plain sum would
not do: the sum of a softmax is constant, so a backward that returns zeros would pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinyllm import grad_mode, tape
from tinyllm.tensor import Tensor


class NotDifferentiable(Exception):
    """The function cannot be checked, or breaks a rule before any number is compared."""


class Probe:
    """The function at its inputs: the covector, the tape's gradient, and finite differences.

    An element is moved in its tensor's own memory and put back, so that a function which closes
    over a tensor (a module over its parameters) sees the move, and strided inputs stay strided.
    """

    def __init__(self, function: Callable, inputs: Sequence[Any], seed: int) -> None:
        self.function, self.inputs = function, tuple(inputs)
        recorded = self._call()
        self.differentiable = [i for i, y in enumerate(recorded) if y.requires_grad]
        if not self.differentiable:
            raise NotDifferentiable(
                "no gradient at all: no output requires one. Was the graph cut on the way, by "
                "detach(), no_grad() or .array?"
            )
        self.shapes = [recorded[i].shape for i in self.differentiable]
        self.here = self._flat([recorded[i].array for i in self.differentiable])
        if np.isnan(self.here).any():
            raise NotDifferentiable("the function returns NaN at this point; choose another")
        again = self.outputs(self.inputs)
        if not np.array_equal(self.here, again):
            raise NotDifferentiable(
                "two calls with the same inputs gave different outputs: the function draws random "
                "numbers (dropout?) or keeps state. Fix the seed inside it, or call .eval()"
            )
        rng = np.random.default_rng(seed)
        size = self.here.size
        covector = rng.choice([-1.0, 1.0], size) * rng.uniform(0.5, 1.5, size)
        self.finite = np.isfinite(self.here)
        self.covector = np.where(self.finite, covector, 0)

    def _call(self, inputs: Sequence[Any] | None = None) -> tuple[Tensor, ...]:
        result = self.function(*(self.inputs if inputs is None else inputs))
        outputs = tuple(result) if isinstance(result, tuple | list) else (result,)
        for output in outputs:
            if not isinstance(output, Tensor):
                raise TypeError(
                    "gradcheck: the function must return a Tensor or a tuple of them, "
                    f"and returned {type(output).__name__}"
                )
        return outputs

    def _flat(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        """All outputs in one line of float64: a copy, since an output may be a view of an input."""
        return np.concatenate([a.ravel() for a in arrays]).astype(np.float64)

    def outputs(self, inputs: Sequence[Any] | None = None) -> np.ndarray:
        """All differentiable outputs as one vector, without recording."""
        with grad_mode.no_grad():
            outputs = self._call(inputs)
        return self._flat([outputs[i].array for i in self.differentiable])

    def covectors(self) -> list[np.ndarray]:
        """The covector cut into the outputs' shapes."""
        ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes])
        parts = np.split(self.covector, ends[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, self.shapes, strict=True)]

    # The tape's gradient

    def analytic(self) -> dict[Tensor, np.ndarray]:
        """dL/dx of every leaf by the tape; checks what a backward must leave alone."""
        before = [x.array.copy() for x in self.inputs if isinstance(x, Tensor)]
        outputs = self._call()
        first = self._backward(outputs)
        second = self._backward(outputs)
        for leaf, grad in first.items():
            if not np.array_equal(grad, second[leaf], equal_nan=True):
                raise NotDifferentiable(
                    "a second backward through the same graph gave another gradient: the backward "
                    "changes its saved arrays in place"
                )
        after = [x.array for x in self.inputs if isinstance(x, Tensor)]
        if not all(
            np.array_equal(b, a, equal_nan=True) for b, a in zip(before, after, strict=True)
        ):
            raise NotDifferentiable("forward or backward changed an input in place")
        return first

    def _backward(self, outputs: Sequence[Tensor]) -> dict[Tensor, np.ndarray]:
        grads: dict[Tensor, np.ndarray] = {}
        for i, covector in zip(self.differentiable, self.covectors(), strict=True):
            grad_y = covector.astype(outputs[i].dtype)
            given = grad_y.copy()
            arrived = tape.walk((outputs[i],), (grad_y,), retain_graph=True)
            if not np.array_equal(grad_y, given):
                raise NotDifferentiable(
                    "the backward changed the gradient it was given in place; other ops may hold "
                    "the same array, so work on a new one"
                )
            for leaf, grad in arrived.items():
                grads[leaf] = np.array(grad) if leaf not in grads else grads[leaf] + grad
        return grads

    # Finite differences

    def column(self, x: Tensor, index: tuple[int, ...], eps: float) -> np.ndarray:
        """Column dy/dx[index] of the Jacobian, by central differences."""
        above, up = self.moved(x, index, eps)
        below, down = self.moved(x, index, -eps)
        return self._slope(above, below, up - down)

    def one_sided(self, x: Tensor, index: tuple[int, ...], eps: float) -> tuple[float, float]:
        """dL/dx[index] seen from above and from below: they differ at a kink."""
        slopes = []
        for step in (eps, -eps):
            moved, by = self.moved(x, index, step)
            slopes.append(float(self.covector @ self._slope(moved, self.here, by)))
        return slopes[0], slopes[1]

    def moved(self, x: Tensor, index: tuple[int, ...], by: float) -> tuple[np.ndarray, float]:
        """The outputs with one element of x moved, and how far it really moved."""
        old = x.array[index]
        try:
            x.array[index] = old + by
            return self.outputs(), float(x.array[index]) - float(old)
        finally:
            x.array[index] = old

    def along(self, x: Tensor, direction: np.ndarray, eps: float) -> float:
        """dL/dt at x + t * direction, by a central difference."""
        old = x.array.copy()
        try:
            x.array[...] = old + eps * direction
            above = self.outputs()
            x.array[...] = old - eps * direction
            below = self.outputs()
        finally:
            x.array[...] = old
        return float(self.covector @ self._slope(above, below, 2 * eps))

    def _slope(self, above: np.ndarray, below: np.ndarray, by: float) -> np.ndarray:
        if not by > 0 and not by < 0:  # an element at -inf, or too large for eps, stays put
            return np.zeros_like(above)
        with np.errstate(invalid="ignore"):
            return np.where(self.finite, above - below, 0) / by
