"""DataLoader: which samples, in which order, joined into batches how."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic

from tinyllm.random import Generator
from tinyllm.utils.data.collate import default_collate, default_convert
from tinyllm.utils.data.columns import samples_of
from tinyllm.utils.data.dataset import Dataset, IterableDataset, T_co, length_of
from tinyllm.utils.data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

_FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


class DataLoader(Generic[T_co]):
    """Give the batches of a dataset, and, iterated again, those of another epoch.

    for ids, targets in DataLoader(TensorDataset(ids, targets), batch_size=32, shuffle=True): ...

    Args:    dataset: any object with `__getitem__` and `__len__`, or an IterableDataset.
             batch_size: samples per batch; None gives single samples, not joined.
             shuffle: another random order in each epoch.
             sampler: gives the indices instead, one by one.
             batch_sampler: gives lists of indices instead, one for each batch.
             num_workers: 0. Batches are made in this process, when they are asked for; what is for
                 workers only keeps PyTorch's default.
             collate_fn: makes a batch of a list of samples; `default_collate`, or
                 `default_convert` of one sample where batch_size is None.
             pin_memory, pin_memory_device, worker_init_fn, in_order: of no effect.
             drop_last: leave out a last batch that is shorter.
             generator: of shuffle's order; None is the default generator.
    Raises:  ValueError for settings that exclude each other or ask for workers.
    PyTorch: torch.utils.data.DataLoader without worker processes: num_workers above 0, which would
             be quietly slower than there, is refused. The order of shuffle is our own.
    """

    def __init__(
        self,
        dataset: Dataset[T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Sampler | Iterable | None = None,
        batch_sampler: Sampler[list] | Iterable[list] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_no_workers(
            num_workers, timeout, multiprocessing_context, prefetch_factor, persistent_workers
        )
        streamed = isinstance(dataset, IterableDataset)
        if streamed:
            _check_stream(shuffle=shuffle or None, sampler=sampler, batch_sampler=batch_sampler)
        _check_exclusive(batch_size, shuffle, sampler, batch_sampler, drop_last)
        if batch_sampler is not None:
            batch_size = None
        if streamed:
            sampler = itertools.repeat(None)  # the stream itself says when it ends
        elif sampler is None and shuffle:
            sampler = RandomSampler(dataset, generator=generator)
        elif sampler is None:
            sampler = SequentialSampler(dataset)
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)

        self.dataset, self.batch_size, self.drop_last = dataset, batch_size, drop_last
        self.sampler, self.batch_sampler, self.generator = sampler, batch_sampler, generator
        batches = batch_sampler is not None
        self.collate_fn = collate_fn or (default_collate if batches else default_convert)
        self.num_workers, self.worker_init_fn = num_workers, worker_init_fn
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.timeout, self.prefetch_factor = timeout, prefetch_factor
        self.multiprocessing_context, self.in_order = multiprocessing_context, in_order
        self.persistent_workers = persistent_workers
        self._made = True

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED and getattr(self, "_made", False):
            raise ValueError(f"DataLoader: {name} cannot change any more: make another DataLoader")
        super().__setattr__(name, value)

    def __iter__(self) -> Iterator[Any]:
        if isinstance(self.dataset, IterableDataset):
            samples = iter(self.dataset)
            if self.batch_size is None:
                batches = samples
            else:
                batches = BatchSampler(samples, self.batch_size, self.drop_last)  # cuts anything
        elif self.batch_sampler is None:
            batches = (self.dataset[index] for index in self.sampler)
        else:
            batches = (samples_of(self.dataset, indices) for indices in self.batch_sampler)
        return map(self.collate_fn, batches)

    def __len__(self) -> int:
        """The number of batches, or of samples where there are none.

        Raises:  TypeError if the dataset, or the sampler, has no length.
        """
        if not isinstance(self.dataset, IterableDataset):
            return length_of(
                "DataLoader", self.sampler if self.batch_sampler is None else self.batch_sampler
            )
        samples = length_of("DataLoader", self.dataset)
        if self.batch_size is None:
            return samples
        return samples // self.batch_size if self.drop_last else -(-samples // self.batch_size)


def get_worker_info() -> None:
    """Return None: there is no worker, this is the main process.

    PyTorch: torch.utils.data.get_worker_info
    """


def _check_no_workers(
    num_workers: int,
    timeout: float,
    multiprocessing_context: Any,
    prefetch_factor: int | None,
    persistent_workers: bool,
) -> None:
    """Refuse worker processes, and the settings that mean something with them alone."""
    if num_workers != 0:
        raise ValueError(
            f"DataLoader: num_workers is {num_workers}, and there are no worker processes here: "
            "batches are made in this process; use num_workers=0"
        )
    for name, value, default in (
        ("timeout", timeout, 0),
        ("multiprocessing_context", multiprocessing_context, None),
        ("prefetch_factor", prefetch_factor, None),
        ("persistent_workers", persistent_workers, False),
    ):
        if value != default:
            raise ValueError(
                f"DataLoader: {name} is {value!r}, and it is for worker processes, which are not "
                f"here: leave it at {default}"
            )


def _check_stream(**settings: Any) -> None:
    for name, value in settings.items():
        if value is not None:
            raise ValueError(
                f"DataLoader: {name} does not go with an IterableDataset: its samples come in the "
                "order of its own __iter__, which is the place to mix them"
            )


def _check_exclusive(
    batch_size: int | None, shuffle: Any, sampler: Any, batch_sampler: Any, drop_last: bool
) -> None:
    """Refuse two settings that say the same thing."""
    if sampler is not None and shuffle:
        raise ValueError(
            "DataLoader: sampler and shuffle both say the order: give one (RandomSampler shuffles)"
        )
    if batch_sampler is not None and (
        batch_size != 1 or shuffle or sampler is not None or drop_last
    ):
        raise ValueError(
            "DataLoader: batch_sampler says it all: leave out batch_size, shuffle, sampler and "
            "drop_last"
        )
    if batch_size is None and drop_last:
        raise ValueError("DataLoader: batch_size=None makes no batches, so drop_last has no last")
