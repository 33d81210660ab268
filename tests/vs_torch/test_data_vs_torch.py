"""utils.data against torch.utils.data: all that does not depend on the random numbers."""

from __future__ import annotations

import collections.abc
import inspect
import itertools
import types

import numpy as np
import pytest
import torch
import torch.utils.data

import tinyllm
import tinyllm.utils.data

LIBRARIES = (tinyllm, torch)
ARGUMENTS = [name for name in tinyllm.utils.data.__all__ if name != "get_worker_info"]


def as_plain(value):
    """Tensors as (dtype, nested lists), whatever holds them with its type's name."""
    if isinstance(value, tinyllm.Tensor | torch.Tensor):
        return str(value.dtype).removeprefix("torch."), value.tolist()
    if isinstance(value, collections.abc.Mapping):
        return type(value).__name__, {key: as_plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value).__name__, [as_plain(part) for part in value]
    return value


def same(run):
    """Run with each library; the same results, or errors of the same kind."""
    ours, theirs = (_outcome(run, lib) for lib in LIBRARIES)
    assert ours == theirs
    return ours


def _outcome(run, lib):
    try:
        return as_plain(run(lib, lib.utils.data))
    except Exception as error:  # compared
        return type(error)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments_are_pytorchs(name):
    ours, theirs = (
        inspect.signature(getattr(lib.utils.data, name)).parameters for lib in LIBRARIES
    )
    assert list(ours) == list(theirs)
    for argument in ours:
        if argument != "generator":  # each has its own default one
            assert ours[argument].default == theirs[argument].default, argument
        assert ours[argument].kind == theirs[argument].kind, argument


def stream(data, length=None, n=7):
    class Stream(data.IterableDataset):
        def __iter__(self):
            return iter(range(n))

    if length is not None:
        Stream.__len__ = lambda self: length
    return Stream()


def pairs(lib, data, n=7):
    return data.TensorDataset(lib.arange(2 * n).view(n, 2), lib.arange(n).float())


DATASETS = {
    "tensors": pairs,
    "list": lambda lib, data: [10, 11, 12, 13, 14],
    "empty": lambda lib, data: [],
    "rows of a tensor": lambda lib, data: lib.arange(6).view(3, 2),
    "concat": lambda lib, data: data.ConcatDataset([pairs(lib, data, 3), pairs(lib, data, 2)]),
    "subset": lambda lib, data: data.Subset(pairs(lib, data), [5, 0, 5]),
    "tuples": lambda lib, data: data.StackDataset(range(5), pairs(lib, data, 5)),
    "dicts": lambda lib, data: data.StackDataset(a=range(5), b=data.Subset("abcdef", range(5))),
    "stream": lambda lib, data: stream(data),
    "sized stream": lambda lib, data: stream(data, 7),
    "chain": lambda lib, data: stream(data, 7) + stream(data, 2, 2),
}
SETTINGS = [
    {},
    {"batch_size": 2},
    {"batch_size": 3, "drop_last": True},
    {"batch_size": 100},
    {"batch_size": 100, "drop_last": True},
    {"batch_size": None},
    {"batch_size": 2, "collate_fn": len},
    {"batch_size": None, "collate_fn": str},
    {"batch_size": 2, "sampler": [2, 1, 0]},
    {"batch_size": None, "sampler": [2, -1]},
    {"batch_sampler": [[0, 1, 2], [1], [2, 2]]},
    {"sampler": []},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("name", DATASETS)
def test_batches_and_their_number(name, settings):
    def loader(lib, data):
        return data.DataLoader(DATASETS[name](lib, data), **settings)

    def two_epochs(lib, data):
        one = loader(lib, data)
        return [list(one), list(one)]

    if settings.get("collate_fn") is not str or name in ("list", "stream", "empty"):
        same(two_epochs)
    same(lambda lib, data: len(loader(lib, data)))


BAD = {
    "batch_size 0": {"batch_size": 0},
    "batch_size float": {"batch_size": 2.0},
    "batch_size bool": {"batch_size": True},
    "drop_last": {"drop_last": 1},
    "drop_last without batches": {"batch_size": None, "drop_last": True},
    "sampler and shuffle": {"sampler": [0], "shuffle": True},
    "batch_sampler and batch_size": {"batch_sampler": [[0]], "batch_size": 2},
    "batch_sampler and shuffle": {"batch_sampler": [[0]], "shuffle": True},
    "batch_sampler and sampler": {"batch_sampler": [[0]], "sampler": [0]},
    "batch_sampler and drop_last": {"batch_sampler": [[0]], "drop_last": True},
    "workers below 0": {"num_workers": -1},
    "timeout below 0": {"timeout": -1},
    "prefetch_factor": {"prefetch_factor": 2},
    "persistent_workers": {"persistent_workers": True},
    "context": {"multiprocessing_context": "spawn"},
}


@pytest.mark.parametrize("name", BAD)
def test_settings_that_are_refused(name):
    assert same(lambda lib, data: data.DataLoader([1, 2], **BAD[name])) is ValueError


@pytest.mark.parametrize(
    "settings", [{"shuffle": True}, {"sampler": [0]}, {"batch_sampler": [[0]]}]
)
def test_settings_that_are_refused_of_a_stream(settings):
    assert same(lambda lib, data: data.DataLoader(stream(data), **settings)) is ValueError


def test_a_stream_may_say_that_it_is_not_shuffled():
    same(lambda lib, data: list(data.DataLoader(stream(data), shuffle=False)))


@pytest.mark.parametrize("name", ["batch_size", "sampler", "batch_sampler", "drop_last", "dataset"])
def test_what_cannot_be_set_later(name):
    assert same(lambda lib, data: setattr(data.DataLoader([1]), name, None)) is ValueError


@pytest.mark.parametrize("settings", [*SETTINGS, {"shuffle": True}], ids=str)
def test_attributes(settings):
    def attributes(lib, data):
        loader = data.DataLoader([1, 2, 3], **settings)
        kinds = [type(loader.sampler).__name__, type(loader.batch_sampler).__name__]
        plain = "batch_size drop_last num_workers timeout pin_memory generator prefetch_factor"
        return kinds + [getattr(loader, name) for name in plain.split()]

    same(attributes)


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_shuffled_epoch_has_the_same_samples_and_sizes(shuffled):
    def sizes(lib, data):
        loader = data.DataLoader(pairs(lib, data, 11), 4, shuffled)
        batches = list(loader)
        rows = sorted(row for ids, _ in batches for row in ids.tolist())
        return [len(loader), [len(labels) for _, labels in batches], rows]

    same(sizes)


# Samplers


@pytest.mark.parametrize(
    ("n", "size", "drop"), [*itertools.product((0, 1, 6, 7), (1, 3, 10), (True, False))]
)
def test_batch_samplers(n, size, drop):
    def batches(lib, data):
        sampler = data.BatchSampler(data.SequentialSampler(range(n)), size, drop)
        return [list(sampler), len(sampler)]

    same(batches)


@pytest.mark.parametrize("replacement", [True, False])
@pytest.mark.parametrize("count", [None, 1, 6, 7, 40, 0, -1, 2.0])
def test_random_samplers_give_as_many(count, replacement):
    def counts(lib, data):
        sampler = data.RandomSampler(range(7), replacement, count)
        drawn = list(sampler)
        again = collections.Counter(drawn).most_common(1)[0][1] if not replacement else None
        return [len(sampler), len(drawn), again, {type(i).__name__ for i in drawn}]

    same(counts)


def weighted(*args, **kwargs):
    return lambda lib, data: len(list(data.WeightedRandomSampler(*args, **kwargs)))


SAMPLERS = {
    "empty": lambda lib, data: data.RandomSampler([]),
    "replacement": lambda lib, data: data.RandomSampler([1], 1),
    "weighted": weighted([1, 2], 5),
    "weights nested": weighted([[1.0, 2.0]], 5),
    "weights' count": weighted([1.0], 0),
    "weights' count bool": weighted([1.0], True),
    "weights' replacement": weighted([1.0], 1, replacement=1),
    "weights kept": lambda lib, data: data.WeightedRandomSampler([1, 2], 1).weights,
    "some": lambda lib, data: sorted(data.SubsetRandomSampler([5, 3, 4])),
    "base": lambda lib, data: list(data.Sampler()),
    "no length": lambda lib, data: len(data.Sampler()),
    "length of batches of an iterator": lambda lib, data: len(
        data.BatchSampler(iter([1]), 1, True)
    ),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers(name):
    same(SAMPLERS[name])


# Datasets and splits


@pytest.mark.parametrize("index", [0, 2, 3, 4, -1, -5, 5, -6, 100])
def test_concat_index(index):
    same(lambda lib, data: data.ConcatDataset([[1, 2, 3], [], [4, 5]])[index])
    same(lambda lib, data: data.ConcatDataset([[1, 2, 3], [], [4, 5]]).cumulative_sizes)


OTHER_DATASETS = {
    "tensor rows": lambda lib, data: pairs(lib, data)[2],
    "tensor slice": lambda lib, data: pairs(lib, data)[2:5],
    "tensor list": lambda lib, data: pairs(lib, data)[[2, -1]],
    "row outside": lambda lib, data: pairs(lib, data)[7],
    "all rows": lambda lib, data: list(pairs(lib, data)),
    "subset list": lambda lib, data: data.Subset(lib.arange(9), [3, 4, 5])[[0, 2]],
    "subset length": lambda lib, data: len(data.Subset(range(9), (3, 4))),
    "subset of a mask": lambda lib, data: data.Subset(range(9), lib.arange(3))[1],
    "stack": lambda lib, data: data.StackDataset([1, 2], "ab")[1],
    "stack by name": lambda lib, data: data.StackDataset(x=[1, 2], y="ab")[1],
    "stack batch": lambda lib, data: data.StackDataset(x=[1, 2], y="ab").__getitems__([1, 0]),
    "stack lengths": lambda lib, data: data.StackDataset([1], "ab"),
    "stack both": lambda lib, data: data.StackDataset([1], a=[1]),
    "stack none": lambda lib, data: data.StackDataset(),
    "base": lambda lib, data: data.Dataset()[0],
    "base length": lambda lib, data: len(data.Dataset()),
    "a stream without __iter__": lambda lib, data: data.IterableDataset(),
    "chain length": lambda lib, data: len(data.ChainDataset([stream(data, 4), stream(data, 3)])),
    "types in brackets": lambda lib, data: data.Dataset[int].__origin__ is data.Dataset,
    "worker": lambda lib, data: data.get_worker_info(),
}


@pytest.mark.parametrize("name", OTHER_DATASETS)
def test_datasets(name):
    same(OTHER_DATASETS[name])


SPLITS = [
    (10, [3, 7]),
    (10, [10]),
    (10, [0, 10]),
    (10, [1.0]),
    (10, [1.0000000000000002]),
    (1, [1, 0]),
    (10, [0.3, 0.3, 0.4]),
    (11, [0.5, 0.5]),
    (17, [0.1] * 10),
    (29, [0.9, 0.05, 0.05]),
    (3, [0.9, 0.1]),
    (100, [1 / 3, 1 / 3, 1 / 3]),
    (0, []),
    (10, [0.5, 0.4]),
    (10, [5, 4]),
    (10, [1.5, -0.5]),
    (10, [3.0, 7.0]),
    (10, [np.int64(4), np.int64(6)]),
]


@pytest.mark.filterwarnings("ignore:.*empty")
@pytest.mark.parametrize(("n", "lengths"), SPLITS)
def test_sizes_of_a_split(n, lengths):
    def sizes(lib, data):
        parts = data.random_split(range(n), lengths)
        return [[len(part) for part in parts], sorted(i for part in parts for i in part)]

    same(sizes)


@pytest.mark.filterwarnings("ignore:.*empty")
@pytest.mark.parametrize("n", range(0, 40, 3))
def test_sizes_of_drawn_fractions(n):
    rng = np.random.default_rng(n)
    cuts = np.sort(rng.random(4))
    fractions = np.diff([0.0, *cuts, 1.0]).tolist()
    same(lambda lib, data: [len(part) for part in data.random_split(range(n), fractions)])


# Collating

Point = collections.namedtuple("Point", "x y")


class Marked(list):
    pass


def tensors(*arrays):
    return lambda lib: [lib.from_numpy(array) for array in arrays]


BATCHES = {
    "floats": lambda lib: [1.5, 2.0],
    "float and int": lambda lib: [1.5, 2],
    "int and float": lambda lib: [1, 2.5],
    "ints": lambda lib: [1, 2],
    "bools": lambda lib: [True, False],
    "bool and int": lambda lib: [True, 2],
    "float32": lambda lib: [np.float32(1), np.float32(2)],
    "float64": lambda lib: [np.float64(1)],
    "float16": lambda lib: [np.float16(1)],
    "int32": lambda lib: [np.int32(1)],
    "uint8": lambda lib: [np.uint8(1)],
    "bool_": lambda lib: [np.bool_(True)],
    "NumPy numbers mixed": lambda lib: [np.float32(1), np.int64(2)],
    "str": lambda lib: ["a", "b"],
    "bytes": lambda lib: [b"a"],
    "str_": lambda lib: [np.str_("a")],
    "arrays": lambda lib: [np.ones(2, np.float32), np.zeros(2, np.float32)],
    "0-d arrays": lambda lib: [np.array(2.0), np.array(3.0)],
    "strided arrays": lambda lib: [np.arange(12).reshape(3, 4).T, np.ones((4, 3), np.int64)],
    "tensors": tensors(np.ones((2, 3)), np.zeros((2, 3))),
    "0-d tensors": tensors(np.array(2), np.array(3)),
    "empty tensors": tensors(np.ones((0, 3)), np.ones((0, 3))),
    "tensors' dtypes": tensors(np.ones(2), np.ones(2, np.int64)),
    "array and tensor": lambda lib: [np.ones(2), lib.ones(2)],
    "tuples": lambda lib: [(1, "a"), (2, "b")],
    "lists": lambda lib: [[1, 2.0], [3, 4.0]],
    "lists of a kind": lambda lib: [Marked([1, 2])],
    "ranges": lambda lib: [range(2), range(2)],
    "named": lambda lib: [Point(1, lib.ones(2)), Point(2, lib.zeros(2))],
    "dicts": lambda lib: [{"a": 1, "b": "x"}, {"b": "y", "a": 2, "c": 3}],
    "ordered": lambda lib: [collections.OrderedDict(b=1, a=2)],
    "proxies": lambda lib: [types.MappingProxyType({"a": 1})],
    "nested": lambda lib: [
        {"ids": lib.arange(3), "more": [(np.ones(1), {"k": 0.5})]},
        {"ids": lib.arange(3), "more": [(np.ones(1), {"k": 1.5})]},
    ],
    "empty lists": lambda lib: [[], []],
    "empty dicts": lambda lib: [{}, {}],
    "None": lambda lib: [None],
    "objects": lambda lib: [object()],
    "sets": lambda lib: [{1}],
    "texts": lambda lib: [np.array(["a"])],
    "no batch": lambda lib: [],
    "a missing key": lambda lib: [{"a": 1}, {"b": 1}],
    "tensor and int": lambda lib: [lib.ones(2), 3],
    "int and str": lambda lib: [1, "a"],
}


@pytest.mark.parametrize("name", BATCHES)
def test_collating(name):
    same(lambda lib, data: data.default_collate(BATCHES[name](lib)))


@pytest.mark.parametrize("name", BATCHES)
def test_converting(name):
    if name != "objects":
        same(lambda lib, data: data.default_convert(BATCHES[name](lib)))
        same(lambda lib, data: [data.default_convert(sample) for sample in BATCHES[name](lib)])


def test_converting_shares_memory():
    array = np.zeros(3)
    converted = tinyllm.utils.data.default_convert({"a": array})["a"]
    array[1] = 5
    assert converted.tolist() == [0, 5, 0]


def test_collating_leaves_the_samples_alone():
    samples = [{"a": [1, 2]}, {"a": [3, 4]}]
    tinyllm.utils.data.default_collate(samples)
    assert samples == [{"a": [1, 2]}, {"a": [3, 4]}]
