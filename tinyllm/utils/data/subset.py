"""A part of a dataset, and a dataset cut at random into parts."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Sequence
from typing import Any

from tinyllm.functions.sampling import randperm
from tinyllm.random import Generator, default_generator
from tinyllm.utils.data.columns import samples_of
from tinyllm.utils.data.dataset import Dataset, T_co, length_of


class Subset(Dataset[T_co]):
    """The samples of a dataset at some indices: sample i is dataset[indices[i]].

    PyTorch: torch.utils.data.Subset
    """

    def __init__(self, dataset: Dataset[T_co], indices: Sequence[int]) -> None:
        kind = type(self)
        if kind.__getitem__ is not Subset.__getitem__ and kind.__getitems__ is Subset.__getitems__:
            raise NotImplementedError(
                f"{kind.__name__} defines __getitem__ and inherits __getitems__, which a "
                "DataLoader takes first; define that too: return [self[i] for i in indices]"
            )
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, idx: Any) -> T_co:
        if isinstance(idx, list):
            return self.dataset[[self.indices[i] for i in idx]]
        return self.dataset[self.indices[idx]]

    def __getitems__(self, indices: list[int]) -> list[T_co]:
        """Return the samples of a batch, all at once where the dataset can."""
        return samples_of(self.dataset, [self.indices[i] for i in indices])

    def __len__(self) -> int:
        return len(self.indices)


def random_split(
    dataset: Dataset[T_co],
    lengths: Sequence[int | float],
    generator: Generator | None = default_generator,
) -> list[Subset[T_co]]:
    """Cut a dataset at random into parts that share no sample.

    Fractions f_i become floor(f_i N) samples; the few left over go one each to the first parts.

    Args:    lengths: numbers of samples that sum to N = len(dataset), or fractions that sum to 1.
             generator: decides which sample goes where; None is the default generator.
    Raises:  ValueError for lengths that do not sum to N or 1, or a negative one.
    PyTorch: torch.utils.data.random_split; the lengths are PyTorch's, the order is our own.
    """
    size, total = length_of("random_split", dataset), sum(lengths)
    for position, length in enumerate(lengths):
        if not length >= 0:
            raise ValueError(f"random_split: length {position} is {length}, below 0")
    if math.isclose(total, 1) and total <= 1:
        lengths = _whole_lengths(lengths, size)
    elif total != size:
        raise ValueError(
            f"random_split: the lengths {list(lengths)} sum to {total}, and the dataset has "
            f"{size} samples: give lengths that sum to {size}, or fractions that sum to 1"
        )
    elif not all(hasattr(length, "__index__") for length in lengths):
        raise TypeError(
            f"random_split: {list(lengths)} are neither ints nor fractions that sum to 1"
        )
    indices = randperm(size, generator=generator).tolist()
    ends = itertools.accumulate(lengths)
    return [
        Subset(dataset, indices[end - length : end])
        for end, length in zip(ends, lengths, strict=True)
    ]


def _whole_lengths(fractions: Sequence[float], size: int) -> list[int]:
    """The fractions of `size`, rounded down; then 1 more for each of the first until it fits."""
    lengths = [math.floor(size * fraction) for fraction in fractions]
    for i in range(size - sum(lengths)):
        lengths[i % len(lengths)] += 1
    for position, length in enumerate(lengths):
        if not length:
            warnings.warn(
                f"random_split: part {position}, {fractions[position]} of {size} samples, is empty",
                stacklevel=3,
            )
    return lengths
