"""assert_gradients: a backward agrees with finite differences, or what is wrong with it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinyllm.autograd import Function
from tinyllm.gradcheck import GradcheckError, gradcheck_report
from tinyllm.nn import Module
from tinyllm.tensor import Tensor
from tinyllm.testing.inputs import drawn, name_of


def assert_gradients(
    function: Callable[..., Any],
    *inputs: Any,
    backward: Callable[..., Any] | None = None,
    seed: int = 0,
    rtol: float = 1e-3,
    atol: float = 1e-5,
) -> None:
    """Fail unless the gradient of every input agrees with central differences, in float64.

    With a random covector c, the gradient of sum_k c_k y_k: never that of the plain sum, which for
    a softmax is constant, so that a backward of zeros would pass.

    Args:    function: of tensors; or a module, whose parameters are checked too (a copy of it, in
             float64); or MyOp.apply of an `autograd.Function`.
             inputs: shapes such as (3, 5), filled with random numbers, or tensors, or arrays of
             floats, taken to float64; whatever else is passed on as it is.
             backward: for code over NumPy arrays: backward(grad_y, *inputs) gives the gradient of
             each input, in a tuple if there are several; None for one that has none.
             seed: of the inputs and of the covector.
    Raises:  AssertionError that says where, by how much, and the likely cause.
    """
    given = drawn(inputs, seed, "float64")
    names = _names(given)
    name = name_of(function)
    if backward is not None:
        function = _by_hand(function, backward)
    parameters: list[Tensor] = []
    if isinstance(function, Module):
        module = function = copy.deepcopy(function).double()
        wanted = [(n, p) for n, p in module.named_parameters() if p.requires_grad]
        parameters = [p for _, p in wanted]
        names += [f"parameter {n}" for n, _ in wanted]

    def of_all(*values: Any) -> Any:
        return function(*values[: len(given)])

    try:
        report = gradcheck_report(
            of_all, (*given, *parameters), rtol=rtol, atol=atol, samples=64, seed=seed
        )
    except GradcheckError as error:
        raise AssertionError(f"assert_gradients: {name}: {error}") from None
    for entry, said in zip(report.inputs, names, strict=True):
        entry.name = said
    if not report.ok:
        raise AssertionError(f"assert_gradients: {name}: {report}")


def _names(given: Sequence[Any]) -> list[str]:
    """A name for each tensor that is checked; one tensor in two places has one name."""
    places: dict[int, list[str]] = {}
    for place, value in enumerate(given):
        if isinstance(value, Tensor) and value.requires_grad:
            places.setdefault(id(value), []).append(str(place))
    return [
        f"input {found[0]}" if len(found) == 1 else f"inputs {' and '.join(found)} (one tensor)"
        for found in places.values()
    ]


def _by_hand(forward: Callable[..., Any], backward: Callable[..., Any]) -> Callable[..., Tensor]:
    """An op of a forward and a backward over arrays."""

    class ByHand(Function):
        @staticmethod
        def forward(ctx: Any, *inputs: Any) -> Tensor:
            ctx.inputs = [x.array if isinstance(x, Tensor) else x for x in inputs]
            before = [np.copy(x) for x in ctx.inputs]
            y = Tensor(np.array(forward(*ctx.inputs)))
            for place, (now, then) in enumerate(zip(ctx.inputs, before, strict=True)):
                if not np.array_equal(now, then):
                    raise AssertionError(
                        f"assert_gradients: input {place} was changed by the call: work on a copy"
                    )
            return y

        @staticmethod
        def backward(ctx: Any, grad_y: Tensor) -> Any:
            found = backward(grad_y.array, *ctx.inputs)
            gradients = tuple(found) if isinstance(found, tuple | list) else (found,)
            missing = (None,) * (len(ctx.inputs) - len(gradients))
            return tuple(_as_gradient(g) for g in gradients) + missing

    return ByHand.apply


def _as_gradient(gradient: Any) -> Tensor | None:
    return None if gradient is None else Tensor(np.asarray(gradient))
