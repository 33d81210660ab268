"""Datasets, samplers and the loader: what is ours alone, and what is said of mistakes."""

from __future__ import annotations

import re
from collections import Counter, namedtuple

import numpy as np
import pytest

import tinyllm
from tinyllm import Generator
from tinyllm.nn.utils.rnn import pad_sequence
from tinyllm.utils.data import (
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    default_convert,
    get_worker_info,
    random_split,
)


class Lines(IterableDataset):
    def __init__(self, *lines):
        self.lines = lines

    def __iter__(self):
        return iter(self.lines)


class Unsized(Dataset):
    def __getitem__(self, index):
        return index


def numbers(n=7):
    return TensorDataset(tinyllm.arange(n), tinyllm.arange(n) * 10)


def order(loader):
    return [batch.tolist() for batch in loader]


# Datasets


def test_rows_of_tensors_stay_rows():
    ids, labels = tinyllm.arange(6).view(3, 2), tinyllm.arange(3)
    dataset = TensorDataset(ids, labels)
    assert len(dataset) == 3
    row, label = dataset[-1]
    assert row.tolist() == [4, 5]
    assert label.item() == 2
    assert [label.item() for _, label in dataset] == [0, 1, 2]  # ends by IndexError


def test_plus_joins_by_index_and_streams_one_after_another():
    both = numbers(3) + numbers(2)
    assert isinstance(both, ConcatDataset)
    assert [int(x) for x, _ in both] == [0, 1, 2, 0, 1]
    lines = Lines("a", "b") + Lines("c")
    assert isinstance(lines, ChainDataset)
    assert list(lines) == ["a", "b", "c"]


def test_parts_of_parts_keep_their_batch_form():
    class AtOnce(Dataset):
        asked = []

        def __len__(self):
            return 10

        def __getitems__(self, indices):
            self.asked.append(indices)
            return [10 * i for i in indices]

    part = Subset(Subset(AtOnce(), [9, 7, 5, 3]), [0, 2, 3])
    assert order(DataLoader(part, batch_size=2)) == [[90, 50], [30]]
    assert AtOnce.asked == [[9, 5], [3]]


# Randomness: ours, fixed by the seed


def test_a_seed_fixes_the_order_and_epochs_differ():
    def epochs(generator=None):
        loader = DataLoader(range(20), batch_size=20, shuffle=True, generator=generator)
        return order(loader) + order(loader)

    tinyllm.manual_seed(3)
    first = epochs()
    assert epochs() != first
    tinyllm.manual_seed(3)
    assert epochs() == first
    assert first[0] != first[1]
    assert sorted(first[0]) == sorted(first[1]) == list(range(20))

    given = epochs(Generator(5))
    state = tinyllm.default_generator.get_state()
    assert epochs(Generator(5)) == given
    assert tinyllm.default_generator.get_state() == state  # not drawn from


@pytest.mark.parametrize("replacement", [False, True])
def test_other_draws_do_not_change_an_epoch_that_has_begun(replacement):
    def indices(meanwhile):
        tinyllm.manual_seed(3)
        drawn = []
        for index in RandomSampler(range(1500), replacement, num_samples=4000):
            drawn.append(index)
            if meanwhile:
                tinyllm.rand(2)
        return drawn

    assert indices(meanwhile=True) == indices(meanwhile=False)


def test_without_replacement_all_come_before_any_comes_again():
    drawn = list(RandomSampler(range(5), num_samples=12))
    assert sorted(drawn[:5]) == sorted(drawn[5:10]) == [0, 1, 2, 3, 4]
    assert len(set(drawn[10:])) == 2


def test_with_replacement_all_are_equally_likely():
    drawn = Counter(RandomSampler(range(5), replacement=True, num_samples=10_000))
    assert sum(drawn.values()) == 10_000
    for index in range(5):  # 2000 expected, standard deviation 40
        assert abs(drawn[index] - 2000) < 200
    some = [list(RandomSampler(range(5), replacement=True)) for _ in range(20)]
    assert any(len(set(indices)) < 5 for indices in some)


def test_weights_are_probabilities():
    drawn = Counter(WeightedRandomSampler([1, 0, 3.0], 8000))
    assert drawn[1] == 0
    assert abs(drawn[2] - 6000) < 200  # standard deviation 39
    few = WeightedRandomSampler([0.2, 0, 0.5, 0.3], 3, replacement=False)
    assert sorted(few) == [0, 2, 3]
    assert len(few) == 3


@pytest.mark.parametrize(
    "sampler",
    [
        lambda g: RandomSampler(range(30), generator=g),
        lambda g: RandomSampler(range(30), True, generator=g),
        lambda g: SubsetRandomSampler(range(30), g),
        lambda g: WeightedRandomSampler([1.0] * 30, 30, generator=g),
        lambda g: [part.indices for part in random_split(range(30), [10, 20], g)],
    ],
)
def test_the_generator_given_decides(sampler):
    assert list(sampler(Generator(1))) == list(sampler(Generator(1)))
    assert list(sampler(Generator(1))) != list(sampler(Generator(2)))
    tinyllm.manual_seed(8)
    drawn = list(sampler(None))
    tinyllm.manual_seed(8)
    assert list(sampler(None)) == drawn


def test_a_subset_sampler_gives_the_indices_themselves():
    sampler = SubsetRandomSampler([4, 7, 9, 40])
    assert sorted(sampler) == [4, 7, 9, 40]
    assert len({tuple(sampler) for _ in range(30)}) > 5


def test_a_split_shares_nothing_and_loses_nothing():
    tinyllm.manual_seed(1)
    parts = random_split(range(100, 150), [0.5, 0.3, 0.2])
    samples = [[part[i] for i in range(len(part))] for part in parts]
    assert sorted(sum(samples, [])) == list(range(100, 150))
    assert samples[0] != sorted(samples[0])
    tinyllm.manual_seed(1)
    assert [part.indices for part in random_split(range(100, 150), [25, 15, 10])] == [
        part.indices for part in parts
    ]


# The loader


def test_a_loader_reads_the_samples_when_they_are_asked_for():
    read = []

    class Watched(Dataset):
        def __len__(self):
            return 6

        def __getitem__(self, index):
            read.append(index)
            return index

    batches = iter(DataLoader(Watched(), batch_size=2))
    assert read == []
    next(batches)
    assert read == [0, 1]


def test_a_loader_shows_a_dataset_that_has_grown():
    samples = [1, 2]
    loader = DataLoader(samples, batch_size=2)
    assert (len(loader), order(loader)) == (1, [[1, 2]])
    samples.append(3)
    assert (len(loader), order(loader)) == (2, [[1, 2], [3]])


def test_padding_in_a_collate_fn():
    sequences = [tinyllm.arange(n) for n in (2, 3, 1)]
    loader = DataLoader(
        sequences, batch_size=3, collate_fn=lambda batch: pad_sequence(batch, batch_first=True)
    )
    assert order(loader) == [[[0, 1, 0], [0, 1, 2], [0, 0, 0]]]


def test_there_is_no_worker():
    assert get_worker_info() is None
    loader = DataLoader([1], worker_init_fn=print, pin_memory=True, in_order=False)
    assert order(loader) == [[1]]


def test_gradients_flow_through_a_batch():
    x = tinyllm.ones(3, 2, requires_grad=True)
    (batch,) = next(iter(DataLoader(TensorDataset(x), batch_size=2)))
    (batch * 5).sum().backward()
    assert x.grad.tolist() == [[5, 5], [5, 5], [0, 0]]


# What is said of mistakes


def text(n):
    return {"ids": tinyllm.arange(n)}


Pair = namedtuple("Pair", "ids label")
MISTAKES = {
    "lengths": (
        lambda: default_collate([text(3), text(3), text(5)]),
        ValueError,
        "sample 0 of the batch has shape (3,) and sample 2 has shape (5,): they disagree on dim 0: "
        "3 != 5. Give the DataLoader a collate_fn that makes them equal, with "
        "nn.utils.rnn.pad_sequence",
    ),
    "arrays": (
        lambda: default_collate([Pair(np.ones((2, 3)), 1), Pair(np.ones((2, 4)), 0)]),
        ValueError,
        "shape (2, 3) and sample 1 has shape (2, 4): they disagree on dim 1: 3 != 4",
    ),
    "dims": (
        lambda: default_collate([tinyllm.ones(2), tinyllm.ones(2, 1)]),
        ValueError,
        "shape (2,) and sample 1 has shape (2, 1): they have 1 and 2 dims",
    ),
    "lists": (
        lambda: default_collate([[1, 2], [1, 2, 3]]),
        ValueError,
        "sample 0 of the batch has 2 parts and sample 1 has 3",
    ),
    "None": (lambda: default_collate([None, None]), TypeError, "and this one holds NoneType"),
    "mixed": (
        lambda: default_collate([1, None]),
        TypeError,
        "sample 0 of the batch holds int where sample 1 holds NoneType",
    ),
    "mixed tensors": (
        lambda: default_collate([tinyllm.ones(2), 3]),
        TypeError,
        "holds Tensor where sample 1 holds int",
    ),
    "mixed arrays": (
        lambda: default_collate([np.ones(2), [3]]),
        TypeError,
        "holds ndarray where sample 1 holds list",
    ),
    "mixed dicts": (lambda: default_collate([{}, 3]), TypeError, "holds dict where sample 1"),
    "mixed lists": (lambda: default_collate([[1], 3]), TypeError, "holds list where sample 1"),
    "key": (
        lambda: default_collate([{"a": 1, "b": 2}, {"a": 1}]),
        KeyError,
        "sample 1 of the batch has no key 'b', and sample 0 has it",
    ),
    "empty batch": (lambda: default_collate([]), IndexError, "the batch is empty"),
    "texts": (
        lambda: default_collate([np.array(["a"])]),
        TypeError,
        "an array of <U1 holds no numbers: encode the text as ids first",
    ),
    "rows": (
        lambda: TensorDataset(tinyllm.ones(3, 2), tinyllm.ones(4)),
        ValueError,
        "tensor 0 (3, 2) and tensor 1 (4,) disagree on their rows, dim 0: 3 != 4",
    ),
    "no rows": (lambda: TensorDataset(tinyllm.tensor(1)), ValueError, "tensor 0 is 0-d"),
    "no tensors": (lambda: TensorDataset(), ValueError, "needs at least one tensor"),
    "no Tensor": (lambda: TensorDataset(np.ones(3)), TypeError, "wrap it in tinyllm.tensor"),
    "row outside": (lambda: numbers(3)[3], IndexError, "3"),
    "concat none": (lambda: ConcatDataset([]), ValueError, "needs at least one dataset"),
    "concat stream": (lambda: ConcatDataset([Lines()]), TypeError, "joined by ChainDataset"),
    "concat unsized": (lambda: ConcatDataset([Unsized()]), TypeError, "Unsized has no length"),
    "concat outside": (
        lambda: ConcatDataset([[1, 2], [3]])[3],
        IndexError,
        "index 3 is outside the 3 samples",
    ),
    "chain": (
        lambda: list(ChainDataset([Lines("a"), numbers()])),
        TypeError,
        "dataset 1 is a TensorDataset, no IterableDataset",
    ),
    "stack lengths": (
        lambda: StackDataset([1, 2], [1]),
        ValueError,
        "the datasets disagree on their length: [2, 1]",
    ),
    "stack both": (lambda: StackDataset([1], a=[1]), ValueError, "for tuples, or by name"),
    "stack none": (lambda: StackDataset(), ValueError, "got none"),
    "split": (
        lambda: random_split(range(10), [5, 4]),
        ValueError,
        "[5, 4] sum to 9, and the dataset has 10 samples: give lengths that sum to 10,",
    ),
    "split fractions": (lambda: random_split(range(10), [0.5, 0.4]), ValueError, "sum to 0.9"),
    "split below 0": (lambda: random_split(range(10), [12, -2]), ValueError, "length 1 is -2"),
    "split nan": (lambda: random_split(range(3), [float("nan"), 1]), ValueError, "length 0 is nan"),
    "split floats": (lambda: random_split(range(10), [5.0, 5.0]), TypeError, "neither ints nor"),
    "split stream": (lambda: random_split(Lines("a"), [1]), TypeError, "Lines has no length"),
    "base dataset": (lambda: Dataset()[0], NotImplementedError, "defines __getitem__(self, index)"),
    "base sampler": (lambda: list(Sampler()), NotImplementedError, "defines __iter__(self)"),
    "nothing to draw": (lambda: RandomSampler([]), ValueError, "the dataset is empty"),
    "nothing to draw, late": (
        lambda: list(RandomSampler([], num_samples=2)),
        ValueError,
        "the dataset is empty",
    ),
    "num_samples": (
        lambda: RandomSampler([1], num_samples=0),
        ValueError,
        "num_samples must be a positive int, got 0",
    ),
    "replacement": (lambda: RandomSampler([1], 2), TypeError, "replacement must be a bool, got 2"),
    "weights": (
        lambda: WeightedRandomSampler([[1.0], [2.0]], 2),
        ValueError,
        "one number for each sample, got shape (2, 1)",
    ),
    "weights below 0": (
        lambda: list(WeightedRandomSampler([1.0, -2.0], 2)),
        ValueError,
        "finite and not negative",
    ),
    "batch_size": (
        lambda: DataLoader([1], batch_size=0),
        ValueError,
        "batch_size must be a positive int, got 0",
    ),
    "workers": (
        lambda: DataLoader([1], num_workers=2),
        ValueError,
        "num_workers is 2, and there are no worker processes here",
    ),
    "for workers": (
        lambda: DataLoader([1], prefetch_factor=2),
        ValueError,
        "prefetch_factor is 2, and it is for worker processes, which are not here: leave it",
    ),
    "stream shuffled": (
        lambda: DataLoader(Lines("a"), shuffle=True),
        ValueError,
        "shuffle does not go with an IterableDataset",
    ),
    "unsized": (
        lambda: list(DataLoader(Unsized())),
        TypeError,
        "Unsized has no length: define __len__, or, for samples that only come one after another",
    ),
    "an iterator": (
        lambda: DataLoader(iter("abc"), shuffle=True),
        TypeError,
        "str_ascii_iterator has no length",
    ),
    "length of a stream": (lambda: len(DataLoader(Lines("a"))), TypeError, "Lines has no length"),
    "changed": (
        lambda: setattr(DataLoader([1]), "batch_size", 4),
        ValueError,
        "batch_size cannot change any more",
    ),
    "two orders": (
        lambda: DataLoader([1], sampler=[0], shuffle=True),
        ValueError,
        "sampler and shuffle both say the order",
    ),
    "batch_sampler and size": (
        lambda: DataLoader([1], batch_sampler=[[0]], batch_size=2),
        ValueError,
        "leave out batch_size, shuffle, sampler and drop_last",
    ),
    "batch_sampler and an empty sampler": (
        lambda: DataLoader([1], batch_sampler=[[0]], sampler=[]),
        ValueError,
        "leave out batch_size, shuffle, sampler and drop_last",
    ),
    "no batch to drop": (
        lambda: DataLoader([1], batch_size=None, drop_last=True),
        ValueError,
        "drop_last has no last",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_explained(name):
    make, kind, words = MISTAKES[name]
    with pytest.raises(kind, match=re.escape(words)):
        make()


def test_a_users_own_error_in_len_is_not_hidden():
    class Broken(Unsized):
        def __len__(self):
            return len(None)

    with pytest.raises(TypeError, match="NoneType"):
        len(SequentialSampler(Broken()))


def test_a_stack_says_when_a_dataset_gives_too_few():
    class Few(Unsized):
        def __len__(self):
            return 3

        def __getitems__(self, indices):
            return indices[:1]

    with pytest.raises(ValueError, match="gave 1 samples for 2 indices"):
        next(iter(DataLoader(StackDataset(Few(), [1, 2, 3]), batch_size=2)))


def test_a_subset_that_changes_samples_says_so_for_batches():
    class Doubled(Subset):
        def __getitem__(self, idx):
            return 2 * super().__getitem__(idx)

    with pytest.raises(NotImplementedError, match="Doubled defines __getitem__ and inherits"):
        Doubled([1, 2], [0])


def test_empty_parts_of_a_split_are_noticed():
    with pytest.warns(UserWarning, match="part 1, 0.1 of 3 samples, is empty"):
        random_split(range(3), [0.9, 0.1])


def test_types_that_cannot_be_made_anew_become_plain_ones():
    class Fixed(dict):
        def update(self, *_):
            raise TypeError

    assert type(default_collate([Fixed(a=1)])) is dict
    assert default_convert(range(2)) == [0, 1]
    assert len(BatchSampler(range(5), 2, True)) == 2
