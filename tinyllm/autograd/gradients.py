"""grad and backward over several tensors at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinyllm.backward import run
from tinyllm.tensor import Tensor, add_to_grad

Tensors = Tensor | Sequence[Tensor]


def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """Return the gradient of the outputs by each input, and leave every `.grad` as it is.

    grad_k = sum_i grad_outputs_i d outputs_i / d inputs_k

    Only the part of the graph between outputs and inputs is walked; an input may be a computed
    tensor.

    Args:    grad_outputs: for each output a tensor of its shape; None for a single number means 1.
             retain_graph: keep what the ops saved, to go through the graph again.
             allow_unused: give None, rather than an error, for an input that no output used.
             materialize_grads: give zeros for such an input.
    Raises:  RuntimeError for an input without a gradient, an output without a graph, or a
             grad_output that is missing or does not fit.
    PyTorch: torch.autograd.grad; no double backward (create_graph), no batched gradients.
    """
    if not only_inputs:
        raise ValueError("grad: only_inputs must be True; .backward() fills the .grad of leaves")
    if is_grads_batched:
        raise NotImplementedError("grad: is_grads_batched is not here; call grad once for each")
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "grad: materialize_grads=True gives zeros for unused inputs, so allow_unused must be "
            "left out or True, not False"
        )
    roots, sought = _tensors("grad", "outputs", outputs), _tensors("grad", "inputs", inputs)
    for place, x in enumerate(sought):
        if not x.requires_grad:
            raise RuntimeError(
                f"grad: input {place}, of shape {x.shape}, does not require a gradient: call "
                ".requires_grad_() on it before the outputs are computed"
            )
    gradients = _gradients("grad", roots, grad_outputs)
    found = run("grad", roots, gradients, retain_graph, create_graph, sought)
    if not (allow_unused or materialize_grads):
        for place, x in enumerate(sought):
            if x not in found:
                raise RuntimeError(
                    f"grad: input {place}, of shape {x.shape}, was not used in the graph of the "
                    "outputs. Set allow_unused=True to get None for it, or materialize_grads=True "
                    "for zeros."
                )
    return tuple([_as_tensor(x, found.get(x), materialize_grads) for x in sought])


def backward(
    tensors: Tensors,
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: None = None,
    inputs: Tensors | None = None,
) -> None:
    """Add the gradient of the sum of the tensors to the `.grad` of every leaf below them.

    Args:    grad_tensors: for each tensor one of its shape; None for a single number means 1.
             retain_graph: keep what the ops saved, to go through the graph again.
             inputs: the tensors, computed ones too, whose `.grad` is wanted, and no others'.
    Raises:  RuntimeError if a tensor has no graph, or its gradient is missing or does not fit.
    PyTorch: torch.autograd.backward; no double backward (create_graph).
    """
    if grad_variables is not None:
        raise ValueError("backward: grad_variables is PyTorch's old name of grad_tensors")
    roots = _tensors("backward", "tensors", tensors)
    sought = None if inputs is None else _tensors("backward", "inputs", inputs)
    for x in sought or ():
        x.retain_grad()
    gradients = _gradients("backward", roots, grad_tensors)
    add_to_grad(run("backward", roots, gradients, retain_graph, create_graph, sought))


def _tensors(who: str, name: str, given: Any) -> tuple[Tensor, ...]:
    given = (given,) if isinstance(given, Tensor) else given
    if not isinstance(given, Sequence) or not all(isinstance(x, Tensor) for x in given):
        raise TypeError(f"{who}: {name} must be a Tensor or a sequence of them, got {given!r:.80}")
    return tuple(given)


def _gradients(who: str, roots: tuple[Tensor, ...], given: Any) -> tuple[Tensor | None, ...]:
    if given is None:
        return (None,) * len(roots)
    gradients = (given,) if isinstance(given, Tensor) else tuple(given)
    if len(gradients) != len(roots):
        raise RuntimeError(f"{who}: got {len(roots)} tensors and {len(gradients)} gradients")
    return gradients


def _as_tensor(x: Tensor, gradient: np.ndarray | None, zeros: bool) -> Tensor | None:
    if gradient is not None:
        return Tensor(gradient)
    return Tensor(np.zeros(x.shape, x.dtype)) if zeros else None
