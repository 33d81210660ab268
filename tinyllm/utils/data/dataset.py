"""Datasets: samples by their index or in a stream, and several of them end to end."""

from __future__ import annotations

import bisect
import itertools
import operator
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """Samples by their index: define `__getitem__` and, as nearly every sampler asks, `__len__`.

    A subclass may define `__getitems__(indices)` as well, which gives a whole batch as a list.
    Any object with `__getitem__` and `__len__`, such as a list, serves a DataLoader too.
    `a + b` is ConcatDataset([a, b]).

    PyTorch: torch.utils.data.Dataset
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(
            f"{type(self).__name__}: a Dataset defines __getitem__(self, index), and this one "
            "does not (an IterableDataset defines __iter__ instead)"
        )

    def __add__(self, other: Dataset) -> Dataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co], Iterable[T_co]):
    """Samples in a stream, such as the lines of a file: define `__iter__`.

    Their order is the stream's own: a DataLoader takes neither shuffle nor a sampler with it.
    `a + b` is ChainDataset([a, b]).

    PyTorch: torch.utils.data.IterableDataset
    """

    def __add__(self, other: Dataset) -> Dataset:
        return ChainDataset([self, other])


class ConcatDataset(Dataset[T_co]):
    """Datasets end to end: the samples of the first, then those of the second, and so on.

    Args:    datasets: at least one, none an IterableDataset; their lengths are taken now.
    Raises:  ValueError for no dataset, TypeError for a stream; PyTorch: AssertionError for both.
    PyTorch: torch.utils.data.ConcatDataset
    """

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset: needs at least one dataset")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise TypeError(
                "ConcatDataset: an IterableDataset has no indices; streams are joined by "
                "ChainDataset, or by +"
            )
        self.cumulative_sizes = self.cumsum(self.datasets)

    @staticmethod
    def cumsum(sequence: Sequence[Dataset]) -> list[int]:
        """Return the lengths, each added to those before it."""
        return list(itertools.accumulate(length_of("ConcatDataset", part) for part in sequence))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, idx: int) -> T_co:
        idx = operator.index(idx)
        if not -len(self) <= idx < len(self):
            kind = ValueError if idx < 0 else IndexError  # as in PyTorch
            raise kind(f"ConcatDataset: index {idx} is outside the {len(self)} samples")
        idx %= len(self)
        part = bisect.bisect_right(self.cumulative_sizes, idx)
        return self.datasets[part][idx - (self.cumulative_sizes[part - 1] if part else 0)]


class ChainDataset(IterableDataset[T_co]):
    """Streams end to end; each is opened when the one before has ended.

    Raises:  TypeError, when iterated, for a dataset that is no stream; PyTorch: AssertionError.
    PyTorch: torch.utils.data.ChainDataset
    """

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        self.datasets = datasets

    def _streams(self) -> Iterator[IterableDataset]:
        for position, dataset in enumerate(self.datasets):
            if not isinstance(dataset, IterableDataset):
                raise TypeError(
                    f"ChainDataset: dataset {position} is a {type(dataset).__name__}, no "
                    "IterableDataset; datasets with indices are joined by ConcatDataset"
                )
            yield dataset

    def __iter__(self) -> Iterator[T_co]:
        return itertools.chain.from_iterable(self._streams())

    def __len__(self) -> int:
        return sum(length_of("ChainDataset", dataset) for dataset in self._streams())


def length_of(who: str, dataset: Any) -> int:
    """Return len(dataset).

    Raises:  TypeError that says what to define, where it has none.
    """
    try:
        return len(dataset)
    except TypeError:
        kind = type(dataset)
        if hasattr(kind, "__len__"):
            raise  # an error in the user's own __len__
        raise TypeError(
            f"{who}: {kind.__name__} has no length: define __len__, or, for samples that only "
            "come one after another, subclass IterableDataset and define __iter__"
        ) from None
