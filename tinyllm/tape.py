"""The tape: nodes recorded by the forward, walked in reverse by the backward.

Every op on a tensor that wants gradients leaves a Node, which knows the Function, what the Function
saved, and from where each of its inputs came: another Node, or a leaf tensor. `walk` goes from the
loss to the leaves. The order matters: a node may be walked only when the gradients from *all*
its users have arrived. A user is always younger than what it uses, so it is enough to take the
youngest node first: nodes are numbered as they are made.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyllm import anomaly, kernels
from tinyllm.ops.function import Context, Function

if TYPE_CHECKING:
    from tinyllm.backward import Search
    from tinyllm.tensor import Tensor

_numbers = itertools.count()


def next_number() -> int:
    """A number between those of the nodes made before and after this call."""
    return next(_numbers)


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
    materializes:    whether an output without a gradient counts as zeros in backward, or as None
    called_from:     the calls that led to the op, while anomalies are being detected
    """

    outputs: Sequence[tuple[tuple[int, ...], np.dtype]] = ()
    versions: Sequence[tuple[list[int], int]] = ()
    hooks: dict[int, list[Callable]] | None = None
    materializes = True
    called_from: Any = None

    def __init__(
        self, function: type[Function], next_functions: Sequence[tuple[Any, int] | None]
    ) -> None:
        self.function = function
        self.next_functions = next_functions
        self.number = next(_numbers)
        if anomaly.enabled:
            self.called_from = anomaly.calls()

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


def gradients_of(node: Node, grad_outputs: list[np.ndarray | None]) -> tuple[Any, ...]:
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
        if grad_outputs[index] is None and node.materializes:
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
def walk(
    roots: Sequence[Tensor],
    gradients: Sequence[np.ndarray],
    retain_graph: bool,
    search: Search | None = None,
) -> dict[Tensor, np.ndarray]:
    """Return the gradient of every leaf below the roots, given the gradients of the roots.

    Gradients that arrive at one tensor by several paths are added: at a leaf in place, for it holds
    an array of its own; on the way out of place, for an array handed from one op to the next may be
    shared. A search keeps the walk on its ways.
    """
    leaves: dict[Any, np.ndarray] = {}
    pending: dict[Node, list[np.ndarray | None]] = {}  # gradients that arrived at its outputs
    youngest_first: list[tuple[int, Node]] = []  # a heap of the nodes in `pending`
    for root, gradient in zip(roots, gradients, strict=True):
        if root.grad_fn is not None:
            _add_at(root.grad_fn, root.output_index, gradient, pending, youngest_first)
        elif search is None or root in search.leaves:
            leaves[root] = np.asarray(leaves.get(root, 0) + gradient)
    run = gradients_of if search is None else search.gradients_of
    if anomaly.enabled:
        run = anomaly.watched(run)
    while youngest_first:
        _, node = heappop(youngest_first)
        grad_outputs = pending.pop(node)
        if node.hooks:
            for index, hooks in node.hooks.items():
                if grad_outputs[index] is not None:
                    grad_outputs[index] = _run_hooks(hooks, grad_outputs[index])
        if search is not None and not search.passes(node, grad_outputs):
            continue
        grads = run(node, grad_outputs)
        for position, edge in enumerate(node.next_functions):
            grad = grads[position]
            if edge is None or grad is None:
                continue
            source, index = edge
            is_node = isinstance(source, Node)
            shape, dtype = (
                source.outputs[index] if is_node else (source.array.shape, source.array.dtype)
            )
            if grad.shape != shape or grad.dtype != dtype:
                _refuse(node, position, grad, shape, dtype)
            if is_node:
                _add_at(source, index, grad, pending, youngest_first)
            elif source in leaves:
                kernels.add(leaves[source], grad, leaves[source])
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
