"""Samplers: in which order, and how often, the samples of a dataset are taken.

A sampler is iterated once per epoch and gives indices. Random ones draw from the generator given,
or from the default one, and then at the start of the epoch alone: `tinyllm.manual_seed` fixes the
order whatever else draws random numbers while the epoch runs.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

import numpy as np

from tinyllm.functions import as_tensor, multinomial, randperm
from tinyllm.random import Generator, default_generator
from tinyllm.utils.data.dataset import length_of

T_co = TypeVar("T_co", covariant=True)
_AT_ONCE = 1024  # numbers drawn with replacement, of which there may be any number


class Sampler(Generic[T_co]):
    """The base of samplers: define `__iter__`, and `__len__` so that a loader has a length.

    PyTorch: torch.utils.data.Sampler
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__}: a Sampler defines __iter__(self)")


class SequentialSampler(Sampler[int]):
    """Give 0, 1, ... N-1 for a dataset of N samples. PyTorch: torch.utils.data.SequentialSampler.

    Args:    data_source: what has a length; it is asked anew in each epoch.
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self)))

    def __len__(self) -> int:
        return length_of("SequentialSampler", self.data_source)


class RandomSampler(Sampler[int]):
    """Give indices at random, in another order each time.

    Without replacement every index comes once before any comes again; with replacement each is
    drawn from all N.

    Args:    data_source: a dataset of N samples.
             num_samples: how many indices; None is N.
             generator: where the numbers come from; None takes a seed from the default one.
    Raises:  ValueError for num_samples that is no positive int, so for an empty dataset as well.
    PyTorch: torch.utils.data.RandomSampler; the order is our own.
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.data_source, self.replacement = data_source, replacement
        self._num_samples, self.generator = num_samples, generator
        if not isinstance(replacement, bool):
            raise TypeError(f"RandomSampler: replacement must be a bool, got {replacement!r}")
        if num_samples is None and not self.num_samples:
            raise ValueError("RandomSampler: the dataset is empty: there is nothing to draw")
        _check_positive("RandomSampler", "num_samples", self.num_samples)

    @property
    def num_samples(self) -> int:
        """How many indices an epoch gives; the dataset's length may change between epochs."""
        if self._num_samples is None:
            return length_of("RandomSampler", self.data_source)
        return self._num_samples

    def __iter__(self) -> Iterator[int]:
        size = length_of("RandomSampler", self.data_source)
        if not size:
            raise ValueError("RandomSampler: the dataset is empty: there is nothing to draw")
        generator = self.generator or Generator(default_generator.next_seed())
        if self.replacement:
            for start in range(0, self.num_samples, _AT_ONCE):
                count = min(_AT_ONCE, self.num_samples - start)
                yield from generator.numpy.integers(size, size=count).tolist()
            return
        left = self.num_samples
        while left > 0:
            yield from randperm(size, generator=generator).tolist()[:left]
            left -= size

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """Give some indices, each once, in another order each time.

    PyTorch: torch.utils.data.SubsetRandomSampler; the order is our own.
    """

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        for i in randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Give indices, each as probable as its weight: rare classes may be taken more often.

    Args:    weights: one for each sample, not negative; they need not sum to 1.
             num_samples: how many indices an epoch gives.
             replacement: False gives no index twice.
    Raises:  ValueError for weights that are no flat sequence, num_samples that is no positive int,
             and, when iterated, negative weights or fewer than are to be drawn.
    PyTorch: torch.utils.data.WeightedRandomSampler; the order is our own.
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        _check_positive("WeightedRandomSampler", "num_samples", num_samples)
        _check_bool("WeightedRandomSampler", "replacement", replacement)
        self.weights = as_tensor(weights, dtype=np.float64)  # (N,)
        if self.weights.ndim != 1:
            raise ValueError(
                "WeightedRandomSampler: weights (N,) are one number for each sample, got shape "
                f"{self.weights.shape}"
            )
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator

    def __iter__(self) -> Iterator[int]:
        drawn = multinomial(
            self.weights, self.num_samples, self.replacement, generator=self.generator
        )
        yield from drawn.tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Give the indices of another sampler in lists of `batch_size`.

    Args:    sampler: any iterable of indices.
             drop_last: leave out the last list if it is shorter.
    PyTorch: torch.utils.data.BatchSampler
    """

    def __init__(
        self, sampler: Sampler[int] | Iterable[int], batch_size: int, drop_last: bool
    ) -> None:
        _check_positive("BatchSampler", "batch_size", batch_size)
        _check_bool("BatchSampler", "drop_last", drop_last)
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if self.drop_last and len(batch) < self.batch_size:
                return
            yield batch

    def __len__(self) -> int:
        indices = length_of("BatchSampler", self.sampler)
        return indices // self.batch_size if self.drop_last else -(-indices // self.batch_size)


def _check_positive(who: str, name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{who}: {name} must be a positive int, got {value!r}")


def _check_bool(who: str, name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise ValueError(f"{who}: {name} must be a bool, got {value!r}")
