"""Loading weights by name: all that does not fit is found and listed before anything is copied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from tinyllm.bridges import array_of_torch, is_torch_tensor
from tinyllm.nn.parameter import Parameter
from tinyllm.tensor import Tensor


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict(strict=False)` had to leave out."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"IncompatibleKeys(missing_keys={self[0]}, unexpected_keys={self[1]})"

    __str__ = __repr__


def load_arrays(
    who: str,
    own: Mapping[str, Tensor],
    given: Mapping[str, Tensor | np.ndarray],
    strict: bool,
    put: Callable[[str, Tensor, Tensor], None] | None = None,
) -> IncompatibleKeys:
    """Copy `given` into the tensors `own` of the same names, or raise and copy nothing.

    Values are tensors, arrays, or PyTorch's tensors, also on other devices or in bfloat16.

    Args:    put: called with name, own and given tensor instead of copying.
    """
    if not isinstance(given, Mapping):
        raise TypeError(f"Expected state_dict to be dict-like, got {type(given)}.")
    missing = [name for name in own if name not in given]
    unexpected = [name for name in given if name not in own]
    problems = []
    if strict and missing:
        problems.append(f"Missing key(s) in state_dict: {_quoted(missing)}.")
    if strict and unexpected:
        problems.append(f"Unexpected key(s) in state_dict: {_quoted(unexpected)}.")
    if strict:
        problems += _prefix_hint(missing, unexpected)
    arrays = {}
    for name in own:
        if name in given:
            try:
                arrays[name] = _as_array(given[name])
            except TypeError as error:
                problems.append(f"cannot copy {name}: {error}.")
    for name, array in arrays.items():
        problems += _misfit(name, array, given[name], own[name])
    if problems:
        raise RuntimeError("\n\t".join([f"Error(s) in loading state_dict for {who}:", *problems]))
    for name, array in arrays.items():
        if put is not None:
            value = given[name]
            put(name, own[name], value if isinstance(value, Tensor) else Tensor(array))
        else:
            own[name]._version[0] += 1
            own[name].array[...] = array
    return IncompatibleKeys(missing, unexpected)


def put_into(module: Any, name: str, own: Tensor, value: Tensor) -> None:
    """Set a tensor itself where `own` stood; it becomes a Parameter if that was one."""
    if isinstance(own, Parameter):
        value = value if isinstance(value, Parameter) else Parameter(value)
        value.requires_grad_(own.requires_grad)
    path, _, last = name.rpartition(".")
    setattr(module.get_submodule(path), last, value)


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _as_array(value: Any) -> np.ndarray | None:
    if isinstance(value, Tensor):
        return value.array
    if is_torch_tensor(value):
        return array_of_torch(value)
    return value if isinstance(value, np.ndarray) else None


def _misfit(name: str, array: np.ndarray | None, value: Any, own: Tensor) -> list[str]:
    """What is wrong with one entry, in no or one sentence."""
    if array is None:
        return [
            f'While copying the parameter named "{name}", expected a Tensor or an ndarray from '
            f"checkpoint but received {type(value)}"
        ]
    if array.shape != own.shape:
        return [
            f"size mismatch for {name}: copying a param with shape {array.shape} from checkpoint, "
            f"the shape in current model is {own.shape}."
        ]
    if array.dtype.kind not in "fiub":
        return [f"dtype mismatch for {name}: cannot copy {array.dtype} into {own.dtype}."]
    return []


def _prefix_hint(missing: list[str], unexpected: list[str]) -> list[str]:
    """Say so if the names differ by a prefix alone: the commonest reason why nothing fits."""
    for longer, shorter, mend in (
        (unexpected, missing, "remove it from the checkpoint's names, or load into the part"),
        (missing, unexpected, "put it before the checkpoint's names, or load the part alone"),
    ):
        if shorter and longer and longer[0].endswith(f".{shorter[0]}"):
            prefix = longer[0].removesuffix(shorter[0])
            if longer == [prefix + name for name in shorter]:
                return [f'The names differ by the prefix "{prefix}" alone: {mend}.']
    return []
