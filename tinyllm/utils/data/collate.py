"""Samples into a batch: numbers and tensors become tensors, what holds them keeps its form."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any, NoReturn

import numpy as np

from tinyllm.functions import as_tensor, stack, tensor
from tinyllm.tensor import Tensor


def default_collate(batch: Sequence[Any]) -> Any:
    """Join the samples of a batch, by what the first of them is.

    | a sample is | the batch is |
    |---|---|
    | a Tensor or an array (...) | a Tensor (B, ...) |
    | an int or bool; a float | a Tensor (B,), int64 or bool; float64 |
    | a NumPy number | a Tensor (B,) of its dtype |
    | a str or bytes | the batch as it is |
    | a dict | a dict of batches, by the first sample's keys |
    | a named tuple | a named tuple of batches |
    | a tuple, a list | a list of batches, one for each place |

    Args:    batch: at least one sample.
    Raises:  ValueError for samples of different shapes or lengths, where PyTorch has RuntimeError;
             TypeError for a sample of another kind, KeyError for a key that one lacks.
    PyTorch: torch.utils.data.default_collate
    """
    if not len(batch):
        raise IndexError("default_collate: the batch is empty: there is no sample to go by")
    first = batch[0]
    for kinds, collate in _COLLATE.items():
        if isinstance(first, kinds):
            return collate(batch)
    raise TypeError(
        "default_collate: samples are made of tensors, arrays, numbers, strings, dicts, tuples and "
        f"lists, and this one holds {type(first).__name__}: give a collate_fn of your own"
    )


def default_convert(data: Any) -> Any:
    """Make tensors of the arrays and NumPy numbers in one sample, and leave the rest as it is.

    This is a DataLoader's collate_fn where there are no batches (`batch_size=None`).

    PyTorch: torch.utils.data.default_convert
    """
    if isinstance(data, np.ndarray | np.generic) and data.dtype.kind not in _TEXT:
        return as_tensor(data)
    if isinstance(data, Tensor | str | bytes | np.ndarray):
        return data
    if isinstance(data, Mapping):
        return _like_mapping(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, Sequence):
        return _like_sequence(data, [default_convert(part) for part in data])
    return data


_TEXT = "SUOaV"  # kinds of arrays whose elements are no numbers


def _collate_tensors(batch: Sequence[Tensor]) -> Tensor:
    for position, sample in enumerate(batch):
        if not isinstance(sample, Tensor):
            _mixed(batch, position)
        if sample.shape != batch[0].shape:
            _different_shapes(batch[0].shape, position, sample.shape)
    return stack(batch)  # (B, ...)


def _different_shapes(first: tuple[int, ...], position: int, other: tuple[int, ...]) -> NoReturn:
    """Say where two samples disagree, and how sequences of several lengths are batched."""
    if len(first) != len(other):
        where = f"they have {len(first)} and {len(other)} dims"
    else:
        dim = next(
            i for i, sizes in enumerate(zip(first, other, strict=True)) if sizes[0] != sizes[1]
        )
        where = f"they disagree on dim {dim}: {first[dim]} != {other[dim]}"
    raise ValueError(
        f"default_collate: sample 0 of the batch has shape {first} and sample {position} has shape "
        f"{other}: {where}. Give the DataLoader a collate_fn that makes them equal, with "
        "nn.utils.rnn.pad_sequence for sequences of different lengths"
    )


def _mixed(batch: Sequence[Any], position: int) -> NoReturn:
    raise TypeError(
        f"default_collate: sample 0 of the batch holds {type(batch[0]).__name__} where sample "
        f"{position} holds {type(batch[position]).__name__}"
    )


def _collate_arrays(batch: Sequence[np.ndarray]) -> Tensor:
    if batch[0].dtype.kind in _TEXT:
        raise TypeError(
            f"default_collate: an array of {batch[0].dtype} holds no numbers: encode the text as "
            "ids first, or give a collate_fn of your own"
        )
    for position, sample in enumerate(batch):
        if not isinstance(sample, np.ndarray | Tensor):
            _mixed(batch, position)
    return _collate_tensors([as_tensor(sample) for sample in batch])


def _collate_numbers(batch: Sequence[Any]) -> Tensor:
    for position, sample in enumerate(batch):
        if not isinstance(sample, bool | int | float | np.number | np.bool_):
            _mixed(batch, position)
    if isinstance(batch[0], np.generic):
        return stack([as_tensor(sample) for sample in batch])  # (B,)
    return tensor(list(batch), dtype=np.float64 if isinstance(batch[0], float) else None)  # (B,)


def _collate_mappings(batch: Sequence[Mapping]) -> Any:
    first = batch[0]
    for position, sample in enumerate(batch):
        if not isinstance(sample, Mapping):
            _mixed(batch, position)
        for key in first:
            if key not in sample:
                raise KeyError(
                    f"default_collate: sample {position} of the batch has no key {key!r}, and "
                    "sample 0 has it"
                )
    joined = {key: default_collate([sample[key] for sample in batch]) for key in first}
    return _like_mapping(first, joined)


def _collate_sequences(batch: Sequence[Sequence]) -> Any:
    first = batch[0]
    for position, sample in enumerate(batch):
        if not isinstance(sample, Sequence):
            _mixed(batch, position)
        if len(sample) != len(first):
            raise ValueError(
                f"default_collate: sample 0 of the batch has {len(first)} parts and sample "
                f"{position} has {len(sample)}. Are these sequences of different lengths? Make "
                "tensors of them, and give a collate_fn with nn.utils.rnn.pad_sequence"
            )
    return _like_sequence(first, [default_collate(parts) for parts in zip(*batch, strict=True)])


def _like_mapping(original: Mapping, changed: dict) -> Any:
    """The changed values in a mapping of the original's type, or a dict where that cannot be."""
    try:
        if isinstance(original, MutableMapping):
            clone = copy.copy(original)  # may carry more than its keys
            clone.update(changed)
            return clone
        return type(original)(changed)
    except TypeError:
        return changed


def _like_sequence(original: Sequence, changed: list) -> Any:
    """The changed parts in a sequence of the original's type; a plain tuple becomes a list."""
    if isinstance(original, tuple):
        return type(original)(*changed) if hasattr(original, "_fields") else changed
    try:
        if isinstance(original, MutableSequence):
            clone = copy.copy(original)
            for i, part in enumerate(changed):
                clone[i] = part
            return clone
        return type(original)(changed)
    except TypeError:  # a range, say
        return changed


_COLLATE: dict[Any, Callable[[Any], Any]] = {  # the first that fits
    Tensor: _collate_tensors,
    np.ndarray: _collate_arrays,
    (str, bytes): lambda batch: batch,
    (np.number, np.bool_, float, int): _collate_numbers,
    Mapping: _collate_mappings,
    Sequence: _collate_sequences,
}
