"""The tape: nodes recorded by the forward, walked in reverse by the backward.

Every op on a tensor that wants gradients leaves a Node, which knows the Function, what the Function
saved, and from where each of its inputs came: another Node, or a leaf tensor. `backward` walks from
the loss to the leaves. The order matters: a node may be walked only when the gradients from *all*
its users have arrived, which is what the topological sort is for.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyllm import kernels
from tinyllm.ops.function import Context, Function

if TYPE_CHECKING:
    from tinyllm.tensor import Tensor

_recording = True


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
    versions:        (counter, its value then) for tensors whose later in-place change would make
                     the saved arrays wrong
    """

    def __init__(
        self,
        function: type[Function],
        next_functions: tuple[tuple[Any, int] | None, ...],
        needs_input_grad: tuple[bool, ...],
    ) -> None:
        Context.__init__(self, needs_input_grad)
        self.function = function
        self.next_functions = next_functions
        self.versions: tuple[tuple[list[int], int], ...] = ()
        self.hooks: dict[int, list[Callable]] | None = None  # output index -> hooks over arrays
        self.outputs: tuple[tuple[tuple[int, ...], np.dtype], ...] = ()

    def name(self) -> str:
        """The node's name in errors and pictures, such as SoftmaxBackward."""
        return f"{self.function.__name__}Backward"

    def __repr__(self) -> str:
        return f"<{self.name()}>"

    def free(self) -> None:
        """Forget the saved arrays: this node cannot run backward again."""
        self.saved = None


def _topological_order(root: Node) -> list[Node]:
    """Every node below `root`, each after all the nodes that it feeds on: an explicit stack, since
    a chain of 100,000 ops would overflow Python's recursion."""
    order: list[Node] = []
    seen = {root}
    stack: list[tuple[Node, Iterator]] = [(root, iter(root.next_functions))]
    while stack:
        node, edges = stack[-1]
        for edge in edges:
            if edge is not None and isinstance(edge[0], Node) and edge[0] not in seen:
                seen.add(edge[0])
                stack.append((edge[0], iter(edge[0].next_functions)))
                break
        else:
            order.append(node)
            stack.pop()
    return order


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
    filled = [
        np.zeros(shape, dtype) if grad is None else grad
        for grad, (shape, dtype) in zip(grad_outputs, node.outputs, strict=True)
    ]
    grads = node.function.backward(node, *filled)
    grads = grads if isinstance(grads, tuple) else (grads,)
    if len(grads) != len(node.next_functions):
        raise RuntimeError(
            f"{node.name()} returned {len(grads)} gradients for {len(node.next_functions)} inputs"
        )
    return grads


def _check(node: Node, position: int, grad: np.ndarray, shape: tuple, dtype: np.dtype) -> None:
    if grad.shape != shape or grad.dtype != dtype:
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
    pending: dict[Node, list[np.ndarray | None]] = {
        root.grad_fn: [None] * len(root.grad_fn.outputs)
    }
    pending[root.grad_fn][root.output_index] = gradient
    for node in reversed(_topological_order(root.grad_fn)):
        grad_outputs = pending.pop(node, None)
        if grad_outputs is None:
            continue
        for index, hooks in (node.hooks or {}).items():
            if grad_outputs[index] is not None:
                grad_outputs[index] = _run_hooks(hooks, grad_outputs[index])
        grads = _gradients_of(node, grad_outputs)
        _deliver(node, grads, grad_outputs, pending, leaves)
        if not retain_graph:
            node.free()
    for leaf in leaves:
        if leaf.hooks:
            leaves[leaf] = _run_hooks(leaf.hooks, leaves[leaf])
    return leaves


def _deliver(
    node: Node,
    grads: tuple[Any, ...],
    grad_outputs: list[np.ndarray | None],
    pending: dict[Node, list[np.ndarray | None]],
    leaves: dict[Any, np.ndarray],
) -> None:
    """Add each input's gradient to what has already arrived where that input came from."""
    for position, (edge, grad) in enumerate(zip(node.next_functions, grads, strict=True)):
        if edge is None or grad is None:
            continue
        source, index = edge
        if isinstance(source, Node):
            _check(node, position, grad, *source.outputs[index])
            arrived = pending.setdefault(source, [None] * len(source.outputs))
            before = arrived[index]
            arrived[index] = grad if before is None else kernels.add(before, grad)
        else:
            _check(node, position, grad, source.array.shape, source.array.dtype)
            before = leaves.get(source)
            if before is not None:
                total = kernels.add(before, grad)
                leaves[source] = np.asarray(total)  # NumPy adds 0-d arrays to a scalar
            elif isinstance(grad, np.ndarray) and _is_own(grad, grads, grad_outputs, node):
                leaves[source] = grad
            else:
                leaves[source] = np.array(grad, order="C")


def _is_own(grad: np.ndarray, grads: tuple, grad_outputs: list, node: Node) -> bool:
    """Whether `grad` was made by this backward for this input alone, so that a leaf may keep it.

    A leaf's gradient is changed in place later (clipping, accumulation); an array that something
    else also holds must be copied first.
    """
    if not kernels.is_whole(grad) or not grad.flags.c_contiguous:
        return False
    if sum(other is grad for other in grads) > 1 or any(other is grad for other in grad_outputs):
        return False
    return all(other is not grad for other in node.saved or ())
