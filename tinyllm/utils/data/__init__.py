"""Datasets, samplers and the loader that makes batches of them, under PyTorch's names.

A dataset answers `dataset[index]`; a sampler gives the indices, in order or shuffled; a collate_fn
joins samples into a batch; a DataLoader runs the three. All of it happens in this process.

PyTorch: torch.utils.data, without worker processes, DistributedSampler and data pipes.
"""

from tinyllm.utils.data.collate import default_collate, default_convert
from tinyllm.utils.data.columns import StackDataset, TensorDataset
from tinyllm.utils.data.dataset import ChainDataset, ConcatDataset, Dataset, IterableDataset
from tinyllm.utils.data.loader import DataLoader, get_worker_info
from tinyllm.utils.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from tinyllm.utils.data.subset import Subset, random_split

__all__ = [
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "default_collate",
    "default_convert",
    "get_worker_info",
    "random_split",
]
