"""Activation checkpointing: save a part's inputs alone, and compute it again in the backward.

A model of n equal parts holds the activations of all n from forward to backward. With each part
checkpointed it holds n inputs, and the activations of one part at a time, for a second forward.

The part is run once while recording, only to learn which tensors outside it gradients flow to: its
arguments, and whatever it closes over, such as parameters. That graph is dropped, and one node with
edges to those tensors takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from tinyllm import grad_mode, tape
from tinyllm.backward import nodes_below
from tinyllm.nn import Sequential
from tinyllm.ops.function import Array, Function
from tinyllm.random import default_generator
from tinyllm.tape import Node
from tinyllm.tensor import Tensor

Contexts = tuple[AbstractContextManager, AbstractContextManager]


class CheckpointError(RuntimeError):
    """The function computed something else the second time."""


def noop_context_fn() -> Contexts:
    """Two contexts that do nothing, for the forward and for its repetition."""
    return nullcontext(), nullcontext()


def checkpoint(
    function: Callable,
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], Contexts] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """Return function(*args, **kwargs), but keep nothing of its inside: backward computes it again.

    Gradients flow to the arguments and to all that the function closes over. It must compute the
    same both times: what it reads from elsewhere must not have changed in between.

    Args:    preserve_rng_state: repeat the random numbers, of dropout say, that were drawn from the
             default generator, and leave the generator as if nothing had been repeated.
             context_fn: gives two contexts, one around the forward, one around its repetition.
             determinism_check: "default" compares the outputs' shapes and dtypes, "none" nothing.
    Raises:  CheckpointError in backward, if the repetition gives other outputs.
    PyTorch: torch.utils.checkpoint.checkpoint; use_reentrant says nothing here, except that True
             takes no keyword arguments: there is one way, and it does all that PyTorch's two do.
             Nor do debug and early_stop.
    Source:  Chen et al. 2016, arXiv:1604.06174
    """
    if use_reentrant and (kwargs or context_fn is not noop_context_fn):
        names = ", ".join(kwargs) or "context_fn"
        raise ValueError(f"checkpoint: use_reentrant=True takes no {names}; use False")
    if determinism_check not in ("default", "none"):
        raise ValueError(
            f'checkpoint: determinism_check is "default" or "none", not {determinism_check!r}'
        )
    before, again = context_fn()
    random_state = default_generator.get_state() if preserve_rng_state else None
    oldest = tape.next_number()
    with before:
        output = function(*args, **kwargs)
    outputs = _made_since(oldest, output)
    if outputs:
        repeat = _Repetition(function, args, kwargs, again, random_state, determinism_check)
        _replace_graph(outputs, oldest, repeat, [*_tensors((args, kwargs))])
    return output


def checkpoint_sequential(
    functions: Sequential | Sequence[Callable],
    segments: int,
    input: Any,
    use_reentrant: bool | None = None,
    *,
    preserve_rng_state: bool = True,
) -> Any:
    """Run functions one after another in `segments` parts, all but the last checkpointed.

    PyTorch: torch.utils.checkpoint.checkpoint_sequential; use_reentrant says nothing here.
    """
    functions = list(functions)
    if not 1 <= segments <= len(functions):
        raise ValueError(
            f"checkpoint_sequential: segments must be within [1, {len(functions)}], the number of "
            f"functions, not {segments}"
        )
    length = len(functions) // segments
    start = 0
    for start in range(0, length * (segments - 1), length):
        part = _chain(functions[start : start + length])
        input = checkpoint(
            part, input, use_reentrant=use_reentrant, preserve_rng_state=preserve_rng_state
        )
    return _chain(functions[length * (segments - 1) :])(input)


def _chain(functions: Sequence[Callable]) -> Callable:
    def run(x: Any) -> Any:
        for function in functions:
            x = function(x)
        return x

    return run


class _Repetition:
    """The function, with all that it takes to run it again as it ran."""

    def __init__(
        self,
        function: Callable,
        args: tuple,
        kwargs: dict[str, Any],
        context: AbstractContextManager,
        random_state: dict[str, Any] | None,
        determinism_check: str,
    ) -> None:
        self.function, self.args, self.kwargs = function, args, kwargs
        self.context, self.random_state = context, random_state
        self.checks = determinism_check == "default"

    def run(self, node: CheckpointNode) -> tuple[list[Tensor], int]:
        """The outputs, with a graph, and the number of its oldest node."""
        now = default_generator.get_state()
        try:
            if self.random_state is not None:
                default_generator.set_state(self.random_state)
            oldest = tape.next_number()
            with grad_mode.enable_grad(), self.context:
                outputs = _made_since(oldest, self.function(*self.args, **self.kwargs))
        finally:
            if self.random_state is not None:
                default_generator.set_state(now)
        first = node.outputs
        second = [(x.shape, x.dtype) for x in outputs]
        if len(first) != len(second) or (self.checks and first != second):
            raise CheckpointError(
                f"checkpoint: the function gave {_described(first)} in the forward, and "
                f"{_described(second)} when it was computed again for the backward. Does it read "
                "something that has changed, or random numbers of its own?"
            )
        return outputs, oldest


def _described(outputs: Sequence[tuple[tuple[int, ...], np.dtype]]) -> str:
    return ", ".join(f"{dtype} {shape}" for shape, dtype in outputs) or "no tensor with a gradient"


class CheckpointNode(Node):
    """Stands for a whole part of the graph, which is computed again when its gradient is asked.

    outside:  the edges that lead out of that part, each once, as the repetition will find them;
              `next_functions` may lead to stand-ins, inside another checkpoint's backward
    """

    materializes = False

    def __init__(self, outside: list[tuple[Any, int]], repetition: _Repetition) -> None:
        super().__init__(Checkpoint, outside)
        self.outside, self.repetition = outside, repetition

    def free(self) -> None:
        """Forget the arguments."""
        self.saved = self.repetition = None


class Checkpoint(Function):
    """The backward of a checkpointed part: its forward again, recorded, then its backward.

    Saved:    the arguments
    """

    @staticmethod
    def backward(node: CheckpointNode, *grad_outputs: Array | None) -> tuple[Array | None, ...]:
        """Compute the part again, recorded, and go back through it."""
        outputs, oldest = node.repetition.run(node)
        wanted = zip(node.outside, node.next_functions, strict=True)
        stands_in = {outside: _stand_in(outside) for outside, edge in wanted if edge is not None}
        for inner in nodes_below(outputs, oldest):
            inner.next_functions = [
                edge if edge is None or _is_inside(edge, oldest) else _leaf(stands_in, edge)
                for edge in inner.next_functions
            ]
        given = [pair for pair in zip(outputs, grad_outputs, strict=True) if pair[1] is not None]
        grads = tape.walk(*zip(*given, strict=True), retain_graph=False)
        return tuple([grads.get(stands_in.get(outside)) for outside in node.outside])


def _leaf(stands_in: dict[tuple[Any, int], Tensor], edge: tuple[Any, int]) -> tuple | None:
    """An edge to what stands in for a tensor outside; None if its gradient is not wanted."""
    return (stands_in[edge], 0) if edge in stands_in else None


def _stand_in(edge: tuple[Any, int]) -> Tensor:
    """A leaf of the same shape and dtype, without memory."""
    source, index = edge
    shape, dtype = (
        source.outputs[index] if isinstance(source, Node) else (source.shape, source.dtype)
    )
    return Tensor(np.broadcast_to(np.zeros((), dtype), shape), requires_grad=True)


def _replace_graph(
    outputs: list[Tensor], oldest: int, repetition: _Repetition, arguments: list[Tensor]
) -> None:
    """Let one node stand for all nodes since `oldest`."""
    outside: dict[tuple[Any, int], None] = {}  # in order, each once
    for node in sorted(nodes_below(outputs, oldest), key=lambda node: node.number):
        for edge in node.next_functions:
            if edge is not None and not _is_inside(edge, oldest):
                outside[edge] = None
    node = CheckpointNode(list(outside), repetition)
    read = arguments + [source for source, _ in outside if isinstance(source, Tensor)]
    node.versions = [(x._version, x._version[0]) for x in read]
    node.outputs = [(x.shape, x.dtype) for x in outputs]
    for index, x in enumerate(outputs):
        x.grad_fn, x.output_index = node, index


def _is_inside(edge: tuple[Any, int], oldest: int) -> bool:
    return isinstance(edge[0], Node) and edge[0].number >= oldest


def _made_since(oldest: int, output: Any) -> list[Tensor]:
    """The tensors in the output that got their graph since `oldest`, each once."""
    made = [x for x in _tensors(output) if x.grad_fn is not None and x.grad_fn.number >= oldest]
    return list({id(x): x for x in made}.values())


def _tensors(values: Any) -> Iterator[Tensor]:
    """All tensors in nested tuples, lists and dicts."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, Mapping):
        for value in values.values():
            yield from _tensors(value)
    elif isinstance(values, tuple | list):
        for value in values:
            yield from _tensors(value)
