"""Function: a learner's own op over tensors, written as in PyTorch."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinyllm import grad_mode
from tinyllm.ops import function as ops
from tinyllm.tape import Node
from tinyllm.tensor import Tensor

_NO_TENSOR = ((), np.dtype(object))  # stands for the shape and dtype of an output like 5


class FunctionCtx:
    """What one call of a Function keeps from its forward for its backward.

    needs_input_grad:  for each argument whether a gradient is wanted; backward may skip others

    A Function may set further attributes of its own, such as `ctx.dim`.
    PyTorch: torch.autograd.function.FunctionCtx; save_for_forward is not here.
    """

    def __init__(self, name: str, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self._name = name
        self._saved: tuple[Tensor | None, ...] | None = ()
        self._dirty: tuple[Tensor, ...] = ()
        self._constant: tuple[Tensor, ...] = ()
        self._materializes = True

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for the backward. They must not be changed in place until then.

        Raises:  TypeError for what is no tensor: set it as an attribute, `ctx.n = n`.
        """
        for place, x in enumerate(tensors):
            if not (x is None or isinstance(x, Tensor)):
                raise TypeError(
                    f"{self._name}: save_for_backward can only save tensors, but argument {place} "
                    f"is of type {type(x).__name__}; keep it as an attribute of ctx"
                )
        # without their graph, which for an output would hold this very context
        self._saved = tuple([None if x is None else x.detach() for x in tensors])

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """The tensors kept, in the order in which they were given, without their graph."""
        if self._saved is None:
            raise RuntimeError(
                f"{self._name}: this graph was freed by an earlier backward. Pass "
                "retain_graph=True to the first call to go through it twice."
            )
        return self._saved

    def mark_non_differentiable(self, *outputs: Tensor) -> None:
        """Say which outputs, such as indices, carry no gradient."""
        self._constant = outputs

    def mark_dirty(self, *inputs: Tensor) -> None:
        """Say which inputs forward changed in place; it is refused if they are part of a graph."""
        self._dirty = inputs

    def set_materialize_grads(self, value: bool) -> None:
        """Whether the gradient of an unused output reaches backward as zeros, or as None."""
        self._materializes = bool(value)


class Function:
    """An op of one's own: forward computes, backward turns output gradients into input gradients.

        class Exp(Function):
            @staticmethod
            def forward(ctx, x):
                y = x.exp()
                ctx.save_for_backward(y)
                return y

            @staticmethod
            def backward(ctx, grad_y):
                (y,) = ctx.saved_tensors
                return grad_y * y

        y = Exp.apply(x)

    forward may take anything and return a tensor or a tuple; nothing inside it is recorded.
    backward returns one gradient for each argument of forward, None for what is no tensor. An
    alternative is `forward(*args)` without ctx, beside `setup_context(ctx, inputs, output)`.
    `tinyllm.gradcheck.gradcheck(Exp.apply, (x,))` holds backward against differences.

    PyTorch: torch.autograd.Function; there a gradient of another dtype is cast, and one of a
             broadcast shape summed: here both are errors. Saved tensors come without their graph.
             No in-place change of what is part of a graph, no vmap, jvp or double backward.
    """

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the outputs from (ctx, *args), or from args alone beside a setup_context."""
        raise NotImplementedError("You must implement the forward function for custom Function.")

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Any, ...], output: Any) -> None:
        """Keep what backward needs, if forward takes no ctx."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: FunctionCtx, *grad_outputs: Tensor | None) -> Any:
        """Turn the gradient of each output into the gradient of each argument."""
        raise NotImplementedError(
            "You must implement the backward method for your custom Function to go through it."
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Say that `apply` is the way."""
        name = type(self).__name__
        raise RuntimeError(f"{name}: a Function is not called; use {name}.apply(...)")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run forward, and record the call if a gradient is wanted."""
        splits = cls.setup_context is not Function.setup_context
        if splits:
            bound = inspect.signature(cls.forward).bind(*args, **kwargs)
            bound.apply_defaults()
            args, kwargs = bound.args, {}
        wanted = tuple([isinstance(x, Tensor) and x.requires_grad for x in args])
        recording = any(wanted) and grad_mode.state.recording
        ctx = FunctionCtx(cls.__name__, wanted)
        with grad_mode.no_grad():
            if splits:
                output = cls.forward(*args)
                cls.setup_context(ctx, args, output)
            else:
                output = cls.forward(ctx, *args, **kwargs)
        outputs = output if isinstance(output, tuple) else (output,)
        if recording:
            _refuse_what_would_be_lost(cls.__name__, ctx, outputs, kwargs)
        outputs = tuple([_fresh(x, ctx) for x in outputs])
        if recording:
            _record(cls, ctx, args, outputs)
        return outputs if isinstance(output, tuple) else outputs[0]


class CustomNode(Node):
    """The place of one call in the graph; what it does not know, its `ctx` does."""

    def __init__(self, owner: type[Function], ctx: FunctionCtx, args: Sequence[Any]) -> None:
        self.owner, self.ctx = owner, ctx
        self.takes_tensor = [isinstance(x, Tensor) for x in args]
        edges = [
            (x.grad_fn or x, x.output_index) if wanted else None
            for x, wanted in zip(args, ctx.needs_input_grad, strict=True)
        ]
        super().__init__(_OverTensors, edges)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ctx, name)

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """The tensors that ctx keeps."""
        return self.ctx.saved_tensors

    def name(self) -> str:
        """The Function's own name and Backward, as in PyTorch."""
        return f"{self.owner.__name__}Backward"

    def free(self) -> None:
        """Forget the saved tensors."""
        self.saved = self.ctx._saved = None


class _OverTensors(ops.Function):
    """Hands the tape's arrays to a backward over tensors, and its answer back."""

    @staticmethod
    def backward(node: CustomNode, *grads: ops.Array) -> tuple[ops.Array | None, ...]:
        given = [
            None if grad is None or grad.dtype.hasobject else Tensor(np.asarray(grad))
            for grad in grads
        ]
        node.ctx.needs_input_grad = node.needs_input_grad  # fewer, for autograd.grad
        with grad_mode.no_grad():
            returned = node.owner.backward(node.ctx, *given)
        returned = returned if isinstance(returned, tuple) else (returned,)
        return _as_arrays(node, returned)


def _as_arrays(node: CustomNode, returned: tuple[Any, ...]) -> tuple[ops.Array | None, ...]:
    """One array or None for each argument of forward; the tape looks at shapes and dtypes."""
    count = len(node.next_functions)
    if len(returned) < count or any(grad is not None for grad in returned[count:]):
        raise RuntimeError(
            f"{node.name()} returned an incorrect number of gradients (expected {count}, one for "
            f"each argument of forward, got {len(returned)}); give None for what is no tensor"
        )
    arrays: list[ops.Array | None] = []
    for place, grad in enumerate(returned[:count]):
        if not (grad is None or isinstance(grad, Tensor)):
            raise RuntimeError(
                f"{node.name()} returned a {type(grad).__name__} as gradient of argument {place}: "
                "expected a Tensor or None"
            )
        if grad is not None and not node.takes_tensor[place]:
            raise RuntimeError(
                f"{node.name()} returned a gradient different from None at position {place}, but "
                "the corresponding argument of forward was not a tensor"
            )
        edge = node.next_functions[place]
        if grad is None or edge is None:
            arrays.append(None)
        else:  # a leaf keeps the array, which something else may hold as well
            arrays.append(grad.array if isinstance(edge[0], Node) else grad.array.copy())
    return tuple(arrays)


def _fresh(output: Any, ctx: FunctionCtx) -> Any:
    """A tensor of its own over the output's memory: forward may return an input as it is."""
    if not isinstance(output, Tensor) or any(output is x for x in ctx._dirty):
        return output
    fresh = output.detach()
    ctx._constant = tuple([fresh if x is output else x for x in ctx._constant])
    return fresh


def _refuse_what_would_be_lost(
    name: str, ctx: FunctionCtx, outputs: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """Refuse what would be without a gradient and without a word."""
    for x in outputs:
        if isinstance(x, list | dict):
            raise TypeError(
                f"{name}: forward returned a {type(x).__name__}, whose tensors would have no "
                "gradient; return a Tensor, or a tuple of them"
            )
    for key, x in kwargs.items():
        if isinstance(x, Tensor) and x.requires_grad:
            raise TypeError(
                f"{name}: {key} requires a gradient, which a keyword argument cannot get; give it "
                "by position"
            )
    if ctx._dirty:
        raise RuntimeError(
            f"{name}: forward changed a tensor in place (mark_dirty) that is part of a graph; "
            "return a new tensor"
        )


def _record(
    owner: type[Function], ctx: FunctionCtx, args: tuple[Any, ...], outputs: tuple[Any, ...]
) -> None:
    """Make the call the outputs' origin."""
    node = CustomNode(owner, ctx, args)
    node.materializes = ctx._materializes
    kept = [x for x in ctx.saved_tensors if x is not None]
    node.saved = tuple([x.array for x in kept])
    node.versions = [(x._version, x._version[0]) for x in kept]
    node.outputs = [(x.shape, x.dtype) if isinstance(x, Tensor) else _NO_TENSOR for x in outputs]
    for index, x in enumerate(outputs):
        constant = any(x is one for one in ctx._constant)
        if isinstance(x, Tensor) and x.is_floating_point() and not constant:
            x._requires_grad, x.grad_fn, x.output_index = True, node, index


def once_differentiable(backward: Callable) -> Callable:
    """Mark a backward that cannot be differentiated itself: none can here.

    PyTorch: torch.autograd.function.once_differentiable.
    """
    return backward
