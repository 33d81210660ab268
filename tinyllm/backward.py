"""Between the user's words and the tape's walk: what it starts from, and where it goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyllm import tape
from tinyllm.tape import Node

if TYPE_CHECKING:
    from tinyllm.tensor import Tensor


class Search:
    """The part of a graph that leads to the tensors sought, for a walk that goes nowhere else.

    ways:   each node on the way -> its edges, with None for those that lead elsewhere
    found:  (node, output index) of each computed tensor sought -> its gradient
    """

    def __init__(self, roots: Sequence[Tensor], sought: Sequence[Tensor]) -> None:
        self.leaves = {x for x in sought if x.grad_fn is None}
        self.places = {(x.grad_fn, x.output_index) for x in sought if x.grad_fn is not None}
        self.found: dict[tuple[Node, int], np.ndarray] = {}
        self.ways: dict[Node, list[tuple[Any, int] | None]] = {}
        for node in sorted(nodes_below(roots), key=lambda node: node.number):  # sources first
            edges = [edge if edge and self._leads(edge) else None for edge in node.next_functions]
            if any(edges):
                self.ways[node] = edges

    def _leads(self, edge: tuple[Any, int]) -> bool:
        source = edge[0]
        if isinstance(source, Node):
            return source in self.ways or edge in self.places
        return source in self.leaves

    def passes(self, node: Node, grad_outputs: list[np.ndarray | None]) -> bool:
        """Keep the gradients sought, and say whether there is more to find below the node."""
        for index, grad in enumerate(grad_outputs):
            if grad is not None and (node, index) in self.places:
                self.found[node, index] = np.array(grad, order="C")
        return node in self.ways

    def gradients_of(self, node: Node, grad_outputs: list) -> tuple[Any, ...]:
        """Run one node's backward for the edges on the way alone."""
        edges = node.next_functions
        node.next_functions = self.ways[node]  # for its needs_input_grad
        try:
            grads = tape.gradients_of(node, grad_outputs)
            on_the_way = zip(grads, node.next_functions, strict=True)
            return tuple([grad if edge else None for grad, edge in on_the_way])
        finally:
            node.next_functions = edges


def nodes_below(roots: Sequence[Tensor], oldest: int = 0) -> set[Node]:
    """The nodes from which the roots were computed, down to that of number `oldest`."""
    below: set[Node] = set()
    unread = [root.grad_fn for root in roots if root.grad_fn is not None]
    while unread:
        node = unread.pop()
        if node in below or node.number < oldest:
            continue
        below.add(node)
        unread += [edge[0] for edge in node.next_functions if edge and isinstance(edge[0], Node)]
    return below


def run(
    who: str,
    roots: Sequence[Tensor],
    gradients: Sequence[Tensor | None],
    retain_graph: bool | None,
    create_graph: bool,
    inputs: Sequence[Tensor] | None = None,
) -> dict[Tensor, np.ndarray]:
    """Return the gradient of each leaf below the roots, or of those inputs that are reached.

    Raises:  RuntimeError if a root has no graph, or its gradient is missing or does not fit.
    """
    if create_graph:
        raise RuntimeError(f"{who}: create_graph=True needs double backward, which is not here")
    pairs = zip(roots, gradients, strict=True)
    starts = [starting_gradient(who, root, gradient) for root, gradient in pairs]
    if inputs is None:
        return tape.walk(roots, starts, bool(retain_graph))
    if not inputs:
        raise RuntimeError(f"{who}: `inputs` is empty: name the tensors whose gradient is wanted")
    search = Search(roots, inputs)
    arrived = tape.walk(roots, starts, bool(retain_graph), search)
    for x in inputs:
        place = (x.grad_fn, x.output_index)
        if place in search.found:
            arrived[x] = search.found[place]
    return arrived


def starting_gradient(who: str, root: Tensor, gradient: Tensor | None) -> np.ndarray:
    """The gradient with which a backward starts at a root, checked."""
    if not root.requires_grad:
        raise RuntimeError(
            f"{who}: this tensor requires no gradient and has no graph. Was it computed under "
            "no_grad, detached, or from tensors without requires_grad=True?"
        )
    if gradient is None:
        if root.array.size != 1:
            raise RuntimeError(
                f"{who}: only a single number has a gradient by itself, and this tensor has shape "
                f"{root.shape}. Reduce it with .sum() or .mean(), or give `gradient`."
            )
        return np.ones_like(root.array)
    array = np.asarray(getattr(gradient, "array", gradient))
    if array.shape != root.shape:
        raise RuntimeError(
            f"{who}: gradient has shape {array.shape}, the tensor has shape {root.shape}"
        )
    return np.array(array, root.dtype)
