"""Memory that is used again: never while anything still looks at it."""

import gc
import threading

import numpy as np
import pytest

from tinyllm.kernels import memory

FLOAT = np.dtype(np.float32)
SHAPE = (97, 331)  # above LARGE


@pytest.fixture(autouse=True)
def _fresh():
    memory.release()
    yield
    memory.release()


def address(array):
    return array.__array_interface__["data"][0]


def test_the_next_array_of_its_size_stands_in_the_same_memory():
    first = memory.empty(SHAPE, FLOAT)
    there = address(first)
    del first
    assert address(memory.empty(SHAPE, FLOAT)) == there


def test_sizes_up_to_half_as_large_share_memory_and_others_do_not():
    first = memory.empty((1000, 100), FLOAT)
    there = address(first)
    del first
    assert address(memory.empty((200, 200), FLOAT)) != there
    assert address(memory.empty((999, 100), FLOAT)) == there


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a[3:],
        lambda a: a.T,
        lambda a: a.reshape(-1)[::7],
        lambda a: a[1:][1:].T,
        lambda a: a.view(np.int32),
        lambda a: memoryview(a),
        lambda a: np.broadcast_to(a, (3, *a.shape)),
        lambda a: a.base,
    ],
)
def test_memory_waits_for_the_last_view(view):
    first = memory.empty(SHAPE, FLOAT)
    there = address(first)
    kept = view(first)
    del first
    gc.collect()
    second = memory.empty(SHAPE, FLOAT)
    assert address(second) != there
    del kept
    assert address(memory.empty(SHAPE, FLOAT)) == there


def test_arrays_do_not_overlap():
    arrays = [memory.empty(SHAPE, FLOAT) for _ in range(5)]
    for number, array in enumerate(arrays):
        array.fill(number)
    for number, array in enumerate(arrays):
        assert (array == number).all()


def test_small_arrays_are_numpys_own():
    small = memory.empty((3, 5), FLOAT)
    assert small.base is None
    assert small.flags.owndata


@pytest.mark.parametrize("shape", [(), (0,), (0, 5), SHAPE, (2, 3, 50_000)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shape_dtype_and_layout(shape, dtype):
    array = memory.zeros(shape, np.dtype(dtype))
    assert array.shape == shape
    assert array.dtype == dtype
    assert array.flags.c_contiguous
    assert array.flags.writeable
    assert type(array) is np.ndarray
    assert not array.any()


def test_zeros_are_zero_in_used_memory():
    used = memory.empty(SHAPE, FLOAT)
    used.fill(np.nan)
    del used
    assert not memory.zeros(SHAPE, FLOAT).any()


def test_is_whole():
    array = memory.empty(SHAPE, FLOAT)
    assert memory.is_whole(array)
    assert memory.is_whole(np.ones(3))
    assert not memory.is_whole(array[1:])
    assert not memory.is_whole(array.reshape(-1))
    assert not memory.is_whole(np.ones(3)[1:])


def test_idle_memory_beyond_the_limit_is_given_back(monkeypatch):
    monkeypatch.setattr(memory, "SPARE", 3 * memory.LARGE)
    arrays = [memory.empty((2 * memory.LARGE,), np.dtype(np.uint8)) for _ in range(5)]
    del arrays
    memory.empty((3 * memory.LARGE,), np.dtype(np.uint8))  # another size: those five are in the way
    assert sum(map(len, memory._idle.values())) == 1


def test_sizes_of_blocks():
    for size in range(memory.LARGE, 40 * memory.LARGE, 997):
        sizes = memory._sizes_that_serve(size)
        assert size <= sizes[0] <= size * 9 / 8
        assert list(sizes) == sorted(set(sizes))
        assert sizes[-1] <= 2 * sizes[0]
        assert all(memory._sizes_that_serve(each)[0] == each for each in sizes)


def test_a_larger_block_serves_where_none_of_the_size_is_idle():
    rows, width = 100, memory.LARGE // 100
    there = address(memory.empty((rows, width), np.dtype(np.float64)))
    assert address(memory.empty((60, width), np.dtype(np.float64))) == there
    assert address(memory.empty((rows, width), np.dtype(np.float64))) == there  # whole again
    assert address(memory.empty((40, width), np.dtype(np.float64))) != there  # would waste half


def test_threads_never_share():
    wrong = []

    def work(number):
        for _ in range(300):
            array = memory.empty(SHAPE, FLOAT)
            array.fill(number)
            if not (array == number).all():
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
