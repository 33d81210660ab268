"""Datasets side by side: each sample takes one part from every one of them."""

from __future__ import annotations

from typing import Any

from tinyllm.functions.arguments import check_tensor
from tinyllm.tensor import Tensor
from tinyllm.utils.data.dataset import Dataset, length_of


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Rows of tensors: sample i is the tuple of every tensor's row i.

    Shapes:  tensors (N, ...), all of the same N
    Raises:  ValueError for no tensor, or tensors that disagree on N; PyTorch: AssertionError.
    PyTorch: torch.utils.data.TensorDataset
    """

    def __init__(self, *tensors: Tensor) -> None:
        if not tensors:
            raise ValueError("TensorDataset: needs at least one tensor")
        for position, tensor in enumerate(tensors):
            if not check_tensor("TensorDataset", tensor).ndim:
                raise ValueError(f"TensorDataset: tensor {position} is 0-d, it has no rows")
            if len(tensor) != len(tensors[0]):
                raise ValueError(
                    f"TensorDataset: tensor 0 {tensors[0].shape} and tensor {position} "
                    f"{tensor.shape} disagree on their rows, dim 0: "
                    f"{len(tensors[0])} != {len(tensor)}"
                )
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return len(self.tensors[0])


class StackDataset(Dataset):
    """Datasets side by side: sample i is a tuple of each one's sample i, or a dict of them.

    Args:    args: datasets of one length, for tuples;
             kwargs: instead, datasets by name, for dicts.
    Raises:  ValueError for none, for both kinds, or for lengths that disagree.
    PyTorch: torch.utils.data.StackDataset
    """

    def __init__(self, *args: Dataset, **kwargs: Dataset) -> None:
        if bool(args) == bool(kwargs):
            got = "both" if args else "none"
            raise ValueError(
                "StackDataset: takes datasets by position, for tuples, or by name, for dicts; "
                f"got {got}"
            )
        self.datasets: tuple | dict = args or kwargs
        lengths = [length_of("StackDataset", dataset) for dataset in self._columns()]
        if len(set(lengths)) > 1:
            raise ValueError(f"StackDataset: the datasets disagree on their length: {lengths}")
        self._length = lengths[0]

    def _columns(self) -> list[Dataset]:
        by_name = isinstance(self.datasets, dict)
        return list(self.datasets.values() if by_name else self.datasets)

    def _sample(self, parts: tuple) -> tuple | dict:
        by_name = isinstance(self.datasets, dict)
        return dict(zip(self.datasets, parts, strict=True)) if by_name else parts

    def __getitem__(self, index: Any) -> tuple | dict:
        return self._sample(tuple(dataset[index] for dataset in self._columns()))

    def __getitems__(self, indices: list) -> list:
        """Return the samples of a batch, with each dataset's own `__getitems__` where it has one.

        Raises:  ValueError if one gives another number of samples.
        """
        columns = [samples_of(dataset, indices) for dataset in self._columns()]
        for column in columns:
            if len(column) != len(indices):
                raise ValueError(
                    f"StackDataset: __getitems__ of a dataset gave {len(column)} samples for "
                    f"{len(indices)} indices"
                )
        return [self._sample(parts) for parts in zip(*columns, strict=True)]

    def __len__(self) -> int:
        return self._length


def samples_of(dataset: Any, indices: list) -> list:
    """Return the samples at the indices, all at once where the dataset can."""
    at_once = getattr(dataset, "__getitems__", None)
    return at_once(indices) if callable(at_once) else [dataset[index] for index in indices]
