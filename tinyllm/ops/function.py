"""What an op is: a forward over plain arrays, and its derivative over plain arrays.

An op never sees a Tensor. `tinyllm.tensor.apply` unwraps tensors, runs `forward` and records the
context as a node of the graph; `tinyllm.tape.walk` later calls `backward`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray


class Context:
    """What one call of an op keeps from its forward for its backward.

    saved_tensors:     the arrays given to `save_for_backward`
    needs_input_grad:  one bool for each array input; a backward may skip the work for a False one

    An op may set further attributes of its own, such as `ctx.dim`.
    """

    saved: tuple[Array | None, ...] | None = ()
    integer_outputs: tuple[int, ...] = ()

    def __init__(self, needs_input_grad: tuple[bool, ...] = ()) -> None:
        self.needs_input_grad = needs_input_grad

    def save_for_backward(self, *arrays: Array | None) -> None:
        """Keep arrays for the backward; the tape frees them once they have served."""
        self.saved = arrays

    def mark_non_differentiable(self, *outputs: int) -> None:
        """Say by position which outputs, such as indices, carry no gradient."""
        self.integer_outputs = outputs

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The arrays kept, in the order in which they were given."""
        if self.saved is None:
            raise RuntimeError(
                "backward: this graph was freed by an earlier backward. Pass retain_graph=True to "
                "the first call to go through it twice, or run the forward again."
            )
        return self.saved


class Function:
    """One differentiable op. Subclasses write two static methods over arrays:

    forward(ctx, *arrays, **params) -> array, or a tuple of arrays
    backward(ctx, *grad_outputs) -> one gradient (or None) for each array input

    numpy_may_warn: whether NumPy could speak up in `forward`, for 1 / 0 say, and must be silenced:
                    False for ops that only call kernels or move elements, which saves time
    """

    numpy_may_warn = True

    @staticmethod
    def forward(ctx: Context, *arrays: Array, **params: Any) -> Array | tuple[Array, ...]:
        """Compute the output, and keep in `ctx` what the derivative needs."""
        raise NotImplementedError

    @staticmethod
    def backward(ctx: Context, *grad_outputs: Array) -> Array | tuple[Array | None, ...]:
        """Turn the gradient of each output into the gradient of each input."""
        raise NotImplementedError


def unbroadcast(grad: Array, shape: tuple[int, ...]) -> Array:
    """Sum a gradient back to the shape that an input had before it was broadcast.

    An input that was repeated along an axis received a gradient at each repetition.
    """
    if grad.shape == shape:
        return grad
    extra = grad.ndim - len(shape)
    repeated = tuple(range(extra)) + tuple(
        extra + axis
        for axis, size in enumerate(shape)
        if size == 1 and grad.shape[extra + axis] != 1
    )
    return grad.sum(axis=repeated, keepdims=True).reshape(shape)
