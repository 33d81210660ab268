"""Runs PyTorch's own sample inputs through both libraries, op by op.

An op of `op_db` is taken as soon as tinyllm has a function or Tensor method of its name. Each
sample goes through every form that both have: the function, the method, the in-place form; the
first one through the aliases too. Values, dtypes and shapes must agree, and where PyTorch
differentiates, gradients from a random covector. Where PyTorch raises, tinyllm must raise, with an
error of a kind that checks give.
"""

from __future__ import annotations

import functools
import random
import types
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from op_db_convert import Sides, Skipped, overlaps
from op_db_rules import (
    LEFT_OUT,
    RANDOM,
    SHAPE_ONLY,
    TIES,
    TOLERANCES,
    UNSETTLED_AT_NAN,
)
from torch.testing._internal.common_methods_invocations import op_db

import tinyllm

DTYPES = (torch.float32, torch.float64, torch.int64, torch.bool)
MOST = 400  # samples of an op and dtype: where PyTorch has more, these are taken evenly among them
REFUSED = 3  # samples of a dtype that PyTorch does not take
CHECKED_ERRORS = (ValueError, TypeError, IndexError, RuntimeError, NotImplementedError)


def has(path: str) -> Any:
    """tinyllm's function of that dotted name, or None."""
    found: Any = tinyllm
    for name in path.split("."):
        found = getattr(found, name, None)
    return found if callable(found) else None


def title(op: Any) -> str:
    """The op's name and variant."""
    return f"{op.name}.{op.variant_test_name}" if op.variant_test_name else op.name


OPS = {title(op): op for op in op_db if has(op.name) or hasattr(tinyllm.Tensor, op.name)}


@dataclass
class Form:
    """One way to call an op: the same in both libraries."""

    name: str
    ours: Callable
    theirs: Callable
    differentiated: bool = True


@dataclass
class Outcome:
    """What came of an op's samples."""

    total: int = 0
    right: int = 0  # in all forms
    skipped: Counter = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def run(self) -> int:
        """Samples that were not skipped."""
        return self.total - self.skipped.total()


class _Ours:
    """tinyllm in torch's place. `torch.zero_(x)` is written `x.zero_()` only, here."""

    def __getattr__(self, name: str) -> Any:
        owner = tinyllm.Tensor if name.endswith("_") and name[0] != "_" else tinyllm
        return getattr(owner, name)


def _in_ours(function: Callable) -> Callable:
    """A wrapper of op_db's that calls `torch.…`, calling `tinyllm.…` instead."""
    return types.FunctionType(
        function.__code__,
        {**function.__globals__, "torch": _Ours()},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )


def forms(op: Any, sample: Any) -> Iterator[Form]:
    """The ways to call an op on a sample that both libraries have."""
    wrapped = isinstance(op.op, types.FunctionType) and "testing" in op.op.__module__
    method = getattr(tinyllm.Tensor, op.name, None)
    ours = _in_ours(op.op) if wrapped else has(op.name) or method
    writes = op.name.endswith("_") and not op.name.startswith("__")
    yield Form(op.name, ours, op.op, differentiated=not writes)
    if not isinstance(sample.input, torch.Tensor):
        return
    if method and op.method_variant and method is not ours:
        yield Form(f"Tensor.{op.name}", method, op.method_variant)
    in_place = getattr(tinyllm.Tensor, f"{op.name}_", None)
    writable = not overlaps(sample.input)  # or what comes out hangs on the order of writing
    if in_place and op.inplace_variant and writable:
        yield Form(f"Tensor.{op.name}_", in_place, op.inplace_variant, differentiated=False)


def aliases(op: Any) -> Iterator[Form]:
    """Other names of an op that both libraries have."""
    for alias in op.aliases:
        if has(alias.name):
            yield Form(alias.name, has(alias.name), alias.op)


def samples(op: Any, dtype: torch.dtype) -> Iterator[tuple[Any, bool]]:
    """PyTorch's samples of an op and dtype, and those that must fail; with whether they may."""
    for seed in (random.seed, np.random.seed, torch.manual_seed):
        seed(0)
    taken = dtype in op.supported_dtypes("cpu")
    wants_grad = taken and dtype.is_floating_point and op.supports_autograd
    try:
        found = list(op.sample_inputs("cpu", dtype, requires_grad=wants_grad))
    except Exception:
        if taken:
            raise
        found = []  # PyTorch cannot make samples of a dtype that the op does not take
    most = MOST if taken else REFUSED
    found = _evenly(found, most)
    if taken and op.reference_inputs_func is not None:
        found += _evenly(_references(op, dtype, wants_grad), most)
    yield from ((sample, not taken) for sample in found if _callable(op, sample))
    if dtype is torch.float32 and op.error_inputs_func is not None:
        for error in op.error_inputs("cpu"):
            if _callable(op, error.sample_input):
                yield error.sample_input, True


def _callable(op: Any, sample: Any) -> bool:
    """Not `Tensor.__rsub__(2, x)`: Python never calls a tensor's operator on another thing."""
    return not op.name.startswith("__") or isinstance(sample.input, torch.Tensor)


def _references(op: Any, dtype: torch.dtype, wants_grad: bool) -> list:
    """PyTorch's further samples: odd numbers, odd layouts, mixed dtypes."""
    try:
        return list(op.reference_inputs("cpu", dtype, requires_grad=wants_grad))
    except ValueError:  # it would ask an integer tensor for gradients
        return list(op.reference_inputs("cpu", dtype, requires_grad=False))


def _evenly(found: list, most: int) -> list:
    """All of them, or as many as allowed, spread over all."""
    return found[:: -(-len(found) // most)] if found else []


@functools.cache
def outcome(name: str) -> Outcome:
    """Run all samples of an op in all dtypes."""
    op, result = OPS[name], Outcome()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for dtype in DTYPES:
            for index, (sample, may_fail) in enumerate(samples(op, dtype)):
                result.total += 1
                try:
                    found = _one(op, sample, may_fail, with_aliases=index == 0)
                except Skipped as skipped:
                    result.skipped[str(skipped)] += 1
                    continue
                if found:
                    result.wrong.append(f"{str(dtype).removeprefix('torch.')} {found}")
    result.right = result.run - len(result.wrong)
    return result


def _one(op: Any, sample: Any, may_fail: bool, with_aliases: bool) -> str | None:
    """Run one sample in all forms; return what differs, or None. Raises Skipped."""
    for form in (*forms(op, sample), *(aliases(op) if with_aliases else ())):
        if found := _differs(op, form, sample, may_fail or not form.differentiated):
            return f"{form.name}{_shown(sample)}: {found}"
    return None


def _shown(sample: Any) -> str:
    parts = [_brief(part) for part in (sample.input, *sample.args)]
    return f"({', '.join(parts + [f'{k}={_brief(v)}' for k, v in sample.kwargs.items()])})"


def _brief(value: Any) -> str:
    """A tensor by its dtype, shape and strides where they are unusual."""
    if isinstance(value, torch.Tensor) and value.layout == torch.strided:
        kind = str(value.dtype).removeprefix("torch.")
        strides = "" if value.is_contiguous() else f" strides {value.stride()}"
        content = f" = {value.tolist()}" if value.numel() < 4 else ""
        return f"{kind}{tuple(value.shape)}{strides}{content}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(_brief(part) for part in value)}]"
    return repr(value)


# One sample in one form


def _differs(op: Any, form: Form, sample: Any, may_fail: bool) -> str | None:
    """What differs between the libraries, or None. Raises Skipped."""
    for asks, reason in LEFT_OUT.get(op.name, ()):
        if asks(sample):
            raise Skipped(reason)
    sides = Sides(form.differentiated)
    try:
        args, kwargs = sides.ours(sample)
    except ValueError as error:  # NumPy cannot hold it: a 65th dim
        ours = error
        theirs = _result(form.theirs, [sample.input, *sample.args], sample.kwargs)
    else:
        ours = _result(form.ours, args, kwargs)
        theirs = _result(form.theirs, *sides.theirs(sample))
    if isinstance(theirs, Exception):
        if not may_fail:
            return f"torch fails, which it must not here, with {type(theirs).__name__}: {theirs}"
        if isinstance(ours, CHECKED_ERRORS):
            return None
        said = f"raises {type(theirs).__name__}: {str(theirs)[:90]}"
        if isinstance(ours, Exception):
            return f"torch {said}; tinyllm fails with {type(ours).__name__}: {ours}"
        return f"torch {said}; tinyllm gives {_kind(ours)}"
    if isinstance(ours, Exception):
        return f"tinyllm raises {type(ours).__name__}: {ours}"
    if _kind(ours) != _kind(theirs) and not isinstance(theirs, float):
        return f"tinyllm gives {_kind(ours)}, torch {_kind(theirs)}"
    if op.name in SHAPE_ONLY or (op.name in RANDOM and RANDOM[op.name](sample)):
        return None
    found = _values_differ(op, sample, ours, theirs)
    if found or not form.differentiated:
        return found
    leaves = [(ours, theirs) for _, ours, theirs in sides.tensors if theirs.requires_grad]
    return _gradients_differ(title(op), ours, theirs, leaves)


def _result(function: Callable, args: list, kwargs: dict) -> Any:
    """What the call gives, or the exception it raises."""
    try:
        return function(*args, **kwargs)
    except Exception as error:  # both kinds are compared
        return error


def _kind(value: Any) -> str:
    if isinstance(value, tinyllm.Tensor):
        return f"{value.dtype.name}{value.shape}"
    if isinstance(value, torch.Tensor):
        return f"{str(value.dtype).removeprefix('torch.')}{tuple(value.shape)}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(_kind(part) for part in value)}]"
    return repr(value)


def _parts(value: Any) -> list:
    """A result as a flat list."""
    if isinstance(value, tuple | list):
        return [part for one in value for part in _parts(one)]
    return [value]


def _values_differ(op: Any, sample: Any, ours: Any, theirs: Any) -> str | None:
    for a, b in zip(_parts(ours), _parts(theirs), strict=True):
        if isinstance(b, torch.Tensor):
            indices = op.name in TIES and b.dtype == torch.int64 and b is not _parts(theirs)[0]
            if op.name == "argsort" or indices:
                dim = _dim(op, sample)
                a, b = (_picked(sample.input, dim, x) for x in (torch.from_numpy(a.array), b))
                found = _far(a.numpy(), b)
            else:
                found = _far(a.array, b.detach(), *_within(title(op), b, 0))
            if found:
                return f"values differ: {found}"
        elif isinstance(b, float) and not np.isclose(a, b, rtol=1e-6, atol=0, equal_nan=True):
            return f"tinyllm gives {a}, torch {b}"
    return None


def _dim(op: Any, sample: Any) -> int:
    """The dim along which the op's indices point."""
    position = TIES[op.name]
    args = sample.args
    return args[position] if len(args) > position else sample.kwargs.get("dim", -1)


def _picked(input: torch.Tensor, dim: int, indices: torch.Tensor) -> torch.Tensor:
    """What indices point at: of equal elements any may come first."""
    return torch.take_along_dim(input.detach(), indices, dim) if input.ndim else indices


def _within(name: str, like: torch.Tensor, which: int) -> tuple[float, ...]:
    """(rtol, atol) of an op's values (0) or gradients (1); none where PyTorch's defaults hold."""
    return TOLERANCES[name][which] if name in TOLERANCES and like.dtype == torch.float32 else ()


def _far(
    ours: np.ndarray, theirs: torch.Tensor, rtol: float | None = None, atol: float | None = None
) -> str | None:
    """How far the numbers are apart, where that is more than torch.testing allows."""
    try:
        torch.testing.assert_close(
            torch.from_numpy(np.array(ours, order="C")),
            theirs,
            equal_nan=True,
            rtol=rtol,
            atol=atol,
        )
    except AssertionError as error:
        lines = [line for line in str(error).splitlines() if line][1:4]
        if theirs.numel() <= 8:
            lines.append(f"ours {ours.tolist()}, torch {theirs.tolist()}")
        return "; ".join(lines)
    return None


# Gradients


def _gradients_differ(
    name: str, ours: Any, theirs: Any, leaves: list[tuple[Any, torch.Tensor]]
) -> str | None:
    """Compare the gradients from a random covector of every result that has one."""
    generator = torch.Generator().manual_seed(1)
    mine, their_outputs, covectors = [], [], []
    for a, b in zip(_parts(ours), _parts(theirs), strict=True):
        if not isinstance(b, torch.Tensor):
            continue
        if a.requires_grad != b.requires_grad:
            return f"requires_grad is {a.requires_grad}, torch's {b.requires_grad}"
        if b.requires_grad:
            covector = torch.randn(b.shape, generator=generator, dtype=b.dtype)
            covectors.append(covector)
            their_outputs.append(b)
            mine.append(a)
    if not mine or not leaves:
        return None
    try:
        wanted = torch.autograd.grad(
            their_outputs, [leaf for _, leaf in leaves], covectors, allow_unused=True
        )
    except RuntimeError as error:
        if "is not implemented" in str(error):  # torch differentiates one argument, not all
            return None
        raise
    try:
        for output, covector in zip(mine, covectors, strict=True):
            output.backward(tinyllm.Tensor(covector.numpy().copy()), retain_graph=True)
    except Exception as error:
        return f"backward raises {type(error).__name__}: {error}"
    for (leaf, like), grad in zip(leaves, wanted, strict=True):
        if leaf.grad is None and grad is None:
            continue
        got = np.zeros(leaf.shape, leaf.dtype) if leaf.grad is None else leaf.grad.array
        expected = torch.zeros_like(like) if grad is None else grad
        if name in UNSETTLED_AT_NAN:
            got = np.where(np.isnan(leaf.array), 0, got).astype(leaf.dtype)
            expected = expected.masked_fill(like.isnan(), 0)
        if found := _far(got, expected, *_within(name, expected, 1)):
            return f"gradients differ: {found}"
    return None
