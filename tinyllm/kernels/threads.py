"""How many threads the kernels use, and how rows are shared out among them.

There is one pool: Numba's. SciPy's BLAS is held to one thread and called from inside it (blas.py).
Work is cut into as many contiguous parts as there are threads, so for a given thread count every
sum is taken in the same order and a run is reproducible to the bit.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from tinyllm.kernels import jit

SMALL = 16_384  # elements below which waking a second thread costs more than it saves
CACHE_LINES = 128  # bytes that one processor takes from another at a time: a line, or two beside


def _allowed_by_affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _allowed_by_cgroup(root: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Whole processors that the container's quota grants, or None where there is no quota."""
    try:
        if (root / "cpu.max").exists():  # cgroup v2: "200000 100000" or "max 100000"
            quota, period = (root / "cpu.max").read_text().split()
        else:  # cgroup v1
            quota = (root / "cpu/cpu.cfs_quota_us").read_text().strip()
            period = (root / "cpu/cpu.cfs_period_us").read_text().strip()
        if quota == "max" or int(quota) <= 0:
            return None
        return max(1, int(quota) // int(period))
    except (OSError, ValueError):
        return None


def _default() -> int:
    return min(_allowed_by_affinity(), _allowed_by_cgroup() or 10_000, jit.POOL_SIZE)


def get_num_threads() -> int:
    """The number of threads that kernels use."""
    return _threads


def set_num_threads(n: int) -> None:
    """Set the number of threads that kernels use.

    Args:    n: at least 1; more than the machine's processors is cut to that number.
    Raises:  TypeError, ValueError if n is not a positive integer.
    PyTorch: torch.set_num_threads; the default is what affinity and the container's quota allow.
    """
    global _threads
    if not isinstance(n, int) or isinstance(n, bool):
        raise TypeError(f"set_num_threads: n must be an int, not {type(n).__name__}")
    if n < 1:
        raise ValueError(f"set_num_threads: n must be at least 1, not {n}")
    _threads = min(n, jit.POOL_SIZE)


def threads_for(elements: int) -> int:
    """One thread for small work, all of them for the rest."""
    return 1 if elements < SMALL else _threads


def sums_apart(threads: int, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Zeros (threads, *shape[:-1], shape[-1] + gap): for each thread sums of its own.

    Without the gap two threads' sums would meet in one line of the cache, which would go to and
    fro between the processors at each addition. Take `[..., : shape[-1]]` of what they add up to.
    """
    gap = CACHE_LINES // dtype.itemsize
    return np.zeros((threads, *shape[:-1], shape[-1] + gap), dtype)


_threads = _default()
