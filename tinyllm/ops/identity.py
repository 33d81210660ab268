"""Arrays handed on unchanged: a place in the graph where gradients can be looked at."""

from __future__ import annotations

from collections.abc import Callable

from tinyllm.ops.function import Array, Context, Function


class Identity(Function):
    """y_i = x_i, for several arrays at once; the outputs are the inputs' own memory.

    Adjoint:  grad_x_i = grad_y_i, or what `observe(grads)` makes of all of them
    Saved:    nothing
    """

    @staticmethod
    def forward(
        ctx: Context, *arrays: Array, observe: Callable[[tuple], tuple] | None = None
    ) -> tuple[Array, ...]:
        ctx.observe = observe
        return arrays

    @staticmethod
    def backward(ctx: Context, *grads: Array) -> tuple[Array | None, ...]:
        return grads if ctx.observe is None else ctx.observe(grads)
