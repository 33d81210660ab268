"""assert_same_as: one's own function or layer does what a reference does, gradients included."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tinyllm.bridges import is_torch_tensor
from tinyllm.tensor import Tensor
from tinyllm.testing.close import difference
from tinyllm.testing.inputs import array_of, drawn, in_words, name_of

Tolerances = tuple[float, float] | None


def assert_same_as(
    mine: Callable[..., Any],
    reference: Callable[..., Any],
    cases: Iterable[Sequence[Any]],
    *,
    torch: bool = False,
    arrays: bool = False,
    gradients: bool = True,
    seed: int = 0,
    rtol: float | None = None,
    atol: float | None = None,
) -> None:
    """Fail unless `mine` gives what `reference` gives in every case, in values and in gradients.

    Args:    cases: one sequence of inputs for each call: shapes such as (3, 5), filled with random
             float64 numbers, tensors, arrays, or whatever else, which is passed on as it is.
             torch: the reference is PyTorch's: it gets PyTorch's tensors of the same numbers.
             arrays: both are functions of NumPy arrays (with `torch`, mine is); no gradients then.
             gradients: compare also what arrives at each input, and in modules at each parameter,
             when one random covector is sent backwards.
             rtol, atol: as of assert_close.
    Two modules get the same weights first (copies of them do): their parameters must have the same
    names and shapes.
    Raises:  AssertionError with the first case that differs; ValueError for no case.
    """
    if (rtol is None) != (atol is None):
        raise ValueError("assert_same_as: give rtol and atol, or neither of them")
    tolerances = None if rtol is None or atol is None else (rtol, atol)
    mine_named, theirs_named = name_of(mine), name_of(reference)
    if hasattr(mine, "state_dict") and hasattr(reference, "state_dict"):
        mine, reference = _with_the_same_weights(mine, reference)
    number = -1
    for number, case in enumerate(cases):
        inputs = drawn(case, seed + number, "arrays" if arrays else "as given")
        found = _compare(mine, reference, inputs, torch, gradients and not arrays, tolerances, seed)
        if found is not None:
            raise AssertionError(
                f"assert_same_as: {mine_named} is not as {theirs_named} in case {number}, "
                f"{mine_named}({in_words(inputs)}):\n{found}"
            )
    if number < 0:
        raise ValueError("assert_same_as: there is no case to compare in")


def _compare(
    mine: Any,
    reference: Any,
    inputs: list[Any],
    torch: bool,
    gradients: bool,
    tolerances: Tolerances,
    seed: int,
) -> str | None:
    """Say how the two differ for these inputs, or None."""
    own = drawn(inputs, 0)  # copies: neither sees what the other does to its inputs
    theirs = [_in_torch(x) if torch else x for x in drawn(inputs, 0)]
    result, expected = mine(*own), reference(*theirs)
    for place, (now, before) in enumerate(zip(own, inputs, strict=True)):
        if isinstance(now, Tensor | np.ndarray) and not _same(array_of(now), array_of(before)):
            return f"input {place} was changed by the call: work on a copy"
    if found := difference(_detached(result), _detached(expected), tolerances):
        return found
    if not gradients:
        return None
    return _compare_gradients(mine, reference, (own, theirs), (result, expected), tolerances, seed)


def _compare_gradients(
    mine: Any,
    reference: Any,
    inputs: tuple[list[Any], list[Any]],
    results: tuple[Any, Any],
    tolerances: Tolerances,
    seed: int,
) -> str | None:
    """Send one covector back through both, and compare what arrives."""
    own, theirs = (_outputs(result) for result in results)
    places = [i for i, y in enumerate(theirs) if getattr(y, "requires_grad", False)]
    if not places:
        return None
    if not all(own[i].requires_grad for i in places):
        return (
            "the result requires no gradient: was the graph cut by .detach(), .numpy(), .array or "
            "no_grad()?"
        )
    parameters = [dict(_parameters(mine)), dict(_parameters(reference))]
    for each in (*parameters[0].values(), *parameters[1].values()):
        each.grad = None  # of the case before
    rng = np.random.default_rng([seed, 1])
    covectors = [rng.normal(size=tuple(own[i].shape)).astype(own[i].dtype) for i in places]
    for outputs in (own, theirs):
        total = sum((_weighted(outputs[i], c) for i, c in zip(places, covectors, strict=True)), 0)
        total.backward()
    named = [(f"input {i}", *pair) for i, pair in enumerate(zip(*inputs, strict=True))]
    if parameters[0] and parameters[1]:
        named += [(f"parameter {n}", parameters[0][n], p) for n, p in parameters[1].items()]
    for name, one, other in named:
        if getattr(other, "grad", None) is None:
            continue
        if one.grad is None:
            return f"no gradient arrives at {name}: the graph is cut, or {name} is not used"
        if found := difference(one.grad, other.grad, tolerances, name=f"the gradient of {name}"):
            return found
    return None


def _weighted(output: Any, covector: np.ndarray) -> Any:
    """sum_k c_k y_k, in the library of the output."""
    weights = Tensor(covector)
    return (output * (weights.to_torch() if is_torch_tensor(output) else weights)).sum()


def _outputs(result: Any) -> list[Any]:
    return list(result) if isinstance(result, tuple | list) else [result]


def _detached(result: Any) -> Any:
    if isinstance(result, tuple | list):
        return [_detached(item) for item in result]
    return result.detach() if isinstance(result, Tensor) or is_torch_tensor(result) else result


def _in_torch(value: Any) -> Any:
    """PyTorch's tensor of the same numbers, which requires a gradient if ours does."""
    if isinstance(value, np.ndarray):
        value = Tensor(value)
    if not isinstance(value, Tensor):
        return value
    wanted = value.requires_grad
    return value.detach().clone().to_torch().requires_grad_(wanted)


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    nan_is_nan = one.dtype.kind == "f"  # NumPy refuses the question for other kinds
    return np.array_equal(one, other, equal_nan=nan_is_nan)


def _parameters(module: Any) -> Iterable[tuple[str, Any]]:
    return module.named_parameters() if hasattr(module, "named_parameters") else ()


def _with_the_same_weights(mine: Any, reference: Any) -> tuple[Any, Any]:
    """Copies of two modules in float64, the first with the second's weights."""
    mine, reference = copy.deepcopy(mine).double(), copy.deepcopy(reference).double()
    shapes = [
        {name: tuple(value.shape) for name, value in module.state_dict().items()}
        for module in (mine, reference)
    ]
    if shapes[0] != shapes[1]:
        raise AssertionError(
            "assert_same_as: the parameters have other names or shapes, so the weights of the "
            f"reference cannot be put in:\n  yours:     {shapes[0]}\n  reference: {shapes[1]}"
        )
    mine.load_state_dict(reference.state_dict())
    return mine, reference
