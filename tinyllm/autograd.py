"""The tape: nodes recorded by the forward, walked in reverse by the backward.

Every op on a tensor that wants gradients leaves a Node, which knows the Function, what the Function
saved, and from where each of its inputs came: another Node, or a leaf tensor. `backward` walks from
the loss to the leaves. The order matters: a node may be walked only when the gradients from *all*
its users have arrived. A user is always younger than what it uses, so it is enough to take the
youngest node first: nodes are numbered as they are made.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyllm import kernels
from tinyllm.ops.function import Context, Function

if TYPE_CHECKING:
    from tinyllm.tensor import Tensor

_recording = True
_numbers = itertools.count()


def is_grad_enabled() -> bool:
    """Whether ops are being recorded now."""
    return _recording


class set_grad_enabled:  # noqa: N801 - PyTorch's name
    """Switch recording on or off: at once, and as a context or a decorator.

    PyTorch: torch.set_grad_enabled.
    """

    def __init__(self, mode: bool) -> None:
        global _recording
        self.mode, self.before = mode, _recording
        _recording = mode

    def __enter__(self) -> None:
        global _recording
        _recording = self.mode

    def __exit__(self, *exception: object) -> None:
        global _recording
        _recording = self.before


class _Switch:
    """A context manager and decorator that records or does not."""

    mode: bool

    def __init__(self) -> None:
        self.before: list[bool] = []

    def __enter__(self) -> None:
        global _recording
        self.before.append(_recording)
        _recording = self.mode

    def __exit__(self, *exception: object) -> None:
        global _recording
        _recording = self.before.pop()

    def __call__(self, function: Callable) -> Callable:
        @functools.wraps(function)
        def wrapped(*args: Any, **params: Any) -> Any:
            with type(self)():
                return function(*args, **params)

        return wrapped


class no_grad(_Switch):  # noqa: N801 - PyTorch's name
    """Record nothing inside the block, or inside the decorated function.

    PyTorch: torch.no_grad.
    """

    mode = False

    def __new__(cls, function: Callable | None = None) -> Any:
        """Allow `@no_grad` beside `@no_grad()`."""
        return super().__new__(cls) if function is None else no_grad()(function)


class enable_grad(_Switch):  # noqa: N801 - PyTorch's name
    """Record inside a block that stands within `no_grad`. PyTorch: torch.enable_grad."""

    mode = True


class Node(Context):
    """One recorded op: its context, plus where its inputs came from.

    function:        the Function whose backward this node runs
    next_functions:  for each input None (no gradient wanted), (leaf tensor, 0), or
                     (Node, which of that node's outputs)
    number:          how many nodes were made before this one
    outputs:         shape and dtype of each output
    versions:        (counter, its value then) for tensors whose later in-place change would make
                     the saved arrays wrong
    hooks:           output index -> hooks over arrays
    """

    outputs: Sequence[tuple[tuple[int, ...], np.dtype]] = ()
    versions: Sequence[tuple[list[int], int]] = ()
    hooks: dict[int, list[Callable]] | None = None

    def __init__(
        self, function: type[Function], next_functions: Sequence[tuple[Any, int] | None]
    ) -> None:
        self.function = function
        self.next_functions = next_functions
        self.number = next(_numbers)

    @property
    def needs_input_grad(self) -> tuple[bool, ...]:
        """For each input whether a gradient flows to it."""
        return tuple([edge is not None for edge in self.next_functions])

    def name(self) -> str:
        """The node's name in errors and pictures, such as SoftmaxBackward."""
        return f"{self.function.__name__}Backward"

    def __repr__(self) -> str:
        return f"<{self.name()}>"

    def free(self) -> None:
        """Forget the saved arrays: this node cannot run backward again."""
        self.saved = None


def _gradients_of(node: Node, grad_outputs: list[np.ndarray | None]) -> tuple[Any, ...]:
    """Run one node's backward, and hold it to its word about shapes and dtypes."""
    if node.saved is None:
        node.saved_tensors  # noqa: B018 - raises the error that explains a freed graph
    for counter, then in node.versions:
        if counter[0] != then:
            raise RuntimeError(
                f"backward: a tensor that {node.name()} saved was changed in place after the "
                f"forward (version {counter[0]}, expected {then}), so its gradient would be wrong. "
                "Make the change out of place, or on a clone()."
            )
    for index, (shape, dtype) in enumerate(node.outputs):
        if grad_outputs[index] is None:
            grad_outputs[index] = np.zeros(shape, dtype)
    grads = node.function.backward(node, *grad_outputs)
    grads = grads if isinstance(grads, tuple) else (grads,)
    if len(grads) != len(node.next_functions):
        raise RuntimeError(
            f"{node.name()} returned {len(grads)} gradients for {len(node.next_functions)} inputs"
        )
    return grads


def _refuse(node: Node, position: int, grad: np.ndarray, shape: tuple, dtype: np.dtype) -> None:
    raise RuntimeError(
        f"{node.name()} returned for input {position} a gradient of shape {grad.shape} and "
        f"dtype {grad.dtype}, but the input has shape {shape} and dtype {dtype}. "
        "Was a broadcast axis not summed (`unbroadcast`), or the dtype promoted?"
    )


class HookHandle:
    """Removes a hook: call it, or its `remove()`."""

    def __init__(self, hooks: list, hook: Callable) -> None:
        self.hooks, self.hook = hooks, hook

    def remove(self) -> None:
        """Take the hook away; a second call does nothing."""
        if self.hook in self.hooks:
            self.hooks.remove(self.hook)

    __call__ = remove


def _run_hooks(hooks: Sequence[Callable], grad: np.ndarray) -> np.ndarray:
    for hook in hooks:
        grad = hook(grad)
    return grad


@np.errstate(all="ignore")
def backward(root: Tensor, gradient: np.ndarray, retain_graph: bool) -> dict[Tensor, np.ndarray]:
    """Return the gradient of every leaf below `root`, given the gradient of `root` itself.

    Gradients that arrive at one tensor by several paths are added, out of place: an array handed
    from one op to the next may be shared.
    """
    leaves: dict[Any, np.ndarray] = {}
    if root.grad_fn is None:
        leaves[root] = _run_hooks(root.hooks or (), gradient)
        return leaves
    pending: dict[Node, list[np.ndarray | None]] = {}  # gradients that arrived at its outputs
    youngest_first: list[tuple[int, Node]] = []  # a heap of the nodes in `pending`
    _add_at(root.grad_fn, root.output_index, gradient, pending, youngest_first)
    while youngest_first:
        _, node = heappop(youngest_first)
        grad_outputs = pending.pop(node)
        if node.hooks:
            for index, hooks in node.hooks.items():
                if grad_outputs[index] is not None:
                    grad_outputs[index] = _run_hooks(hooks, grad_outputs[index])
        grads = _gradients_of(node, grad_outputs)
        for position, edge in enumerate(node.next_functions):
            grad = grads[position]
            if edge is None or grad is None:
                continue
            source, index = edge
            is_node = type(source) is Node
            shape, dtype = (
                source.outputs[index] if is_node else (source.array.shape, source.array.dtype)
            )
            if grad.shape != shape or grad.dtype != dtype:
                _refuse(node, position, grad, shape, dtype)
            if is_node:
                _add_at(source, index, grad, pending, youngest_first)
            elif source in leaves:
                # NumPy adds 0-d arrays to a scalar
                leaves[source] = np.asarray(kernels.add(leaves[source], grad))
            else:
                own = _is_own(grad, grads, grad_outputs, node)
                leaves[source] = grad if own else np.array(grad, order="C")
        if not retain_graph:
            node.free()
    for leaf in leaves:
        if leaf.hooks:
            leaves[leaf] = _run_hooks(leaf.hooks, leaves[leaf])
    return leaves


def _add_at(
    node: Node,
    index: int,
    grad: np.ndarray,
    pending: dict[Node, list[np.ndarray | None]],
    youngest_first: list[tuple[int, Node]],
) -> None:
    """Add a gradient to what has already arrived at one output of a node."""
    arrived = pending.get(node)
    if arrived is None:
        arrived = pending[node] = [None] * len(node.outputs)
        heappush(youngest_first, (-node.number, node))
    before = arrived[index]
    arrived[index] = grad if before is None else kernels.add(before, grad)


def _is_own(grad: Any, grads: tuple, grad_outputs: list, node: Node) -> bool:
    """Whether `grad` was made by this backward for this input alone, so that a leaf may keep it.

    A leaf's gradient is changed in place later (clipping, accumulation); an array that something
    else also holds must be copied first.
    """
    if not (isinstance(grad, np.ndarray) and kernels.is_whole(grad) and grad.flags.c_contiguous):
        return False
    holders = [other for other in (*grads, *grad_outputs, *(node.saved or ())) if other is grad]
    return len(holders) == 1
