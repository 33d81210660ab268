"""Memory for large arrays that is used again, step after step.

An array of a megabyte comes fresh from the operating system, which hands out each of its pages on
first touch: a training step spent a third of its time on that. Here the memory of an array that
nobody holds any more waits for the next one of its size, last come first served, so that it is
often still in the processor's cache. Where none of its size waits, one of up to twice the size
serves: batches of texts differ in length, and so all their arrays in size.

    empty((768, 512), np.dtype("float32"))    as np.empty

An array keeps the `Lease` that it stands in alive, and so does every view of it; when the last one
is gone, Python calls the lease's `__del__`, and its block is free.
"""

from __future__ import annotations

import functools
import math
import mmap
from collections import defaultdict

import numpy as np

LARGE = 64 * 1024  # bytes from which an array is worth it
SPARE = 512 * 1024**2  # bytes that may lie idle, beside as many as are in use
HUGE_PAGE = 2 * 1024**2


class Block(np.ndarray):
    """A piece of the system's memory, as bytes. It has a type of its own because NumPy makes
    views of plain arrays point past one another, and would so point past the lease."""


class Lease(np.ndarray):
    """A block's bytes while an array stands in them, until nobody holds it."""

    def __del__(self) -> None:
        block = self.base
        if type(block) is Block:  # a view of a lease is no lease
            _idle[self.size].append(block)


_idle: defaultdict[int, list[Block]] = defaultdict(list)  # size -> blocks that nobody uses
_total = 0  # bytes of all blocks, idle or in use


def empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array of whatever stands in memory."""
    size = math.prod(shape) * dtype.itemsize
    if size < LARGE:
        return np.empty(shape, dtype)
    sizes = _sizes_that_serve(size)
    for each in sizes:
        if blocks := _idle.get(each):
            try:
                block = blocks.pop()
                break
            except IndexError:  # another thread was quicker
                continue
    else:
        block = _new_block(sizes[0])
    return np.ndarray(shape, dtype, block.view(Lease))


def empty_like(array: np.ndarray) -> np.ndarray:
    """A contiguous array of that shape and dtype."""
    return empty(array.shape, array.dtype)


def zeros(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array of zeros."""
    array = empty(shape, dtype)
    array.fill(0)
    return array


def release() -> None:
    """Give all idle memory back to the operating system."""
    global _total
    for size, blocks in list(_idle.items()):  # another thread may add a size meanwhile
        while blocks:
            blocks.pop()
            _total -= size


def is_whole(array: np.ndarray) -> bool:
    """Whether the array has its memory to itself: it is no view of another array."""
    return array.base is None or type(array.base) is Lease


@functools.lru_cache
def _sizes_that_serve(size: int) -> tuple[int, ...]:
    """The sizes of blocks for so many bytes, smallest first: there are eight to the doubling."""
    sizes = []
    while len(sizes) < 8:
        step = 1 << (size.bit_length() - 4)
        sizes.append(-(-size // step) * step)
        size = sizes[-1] + 1
    return tuple(sizes)


def _new_block(size: int) -> Block:
    global _total
    idle = sum(size * len(blocks) for size, blocks in list(_idle.items()))
    if idle > _total - idle + SPARE:
        release()  # the sizes wanted now are others than before
    if not hasattr(mmap, "MAP_PRIVATE"):  # Windows
        block = mmap.mmap(-1, size)
    else:
        block = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        if size >= HUGE_PAGE and hasattr(mmap, "MADV_HUGEPAGE"):
            block.madvise(mmap.MADV_HUGEPAGE)
    _total += size
    return Block(size, np.uint8, block)
