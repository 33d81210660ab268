"""Timing of calls inside a worker."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter


def times_of(call: Callable[[], object], n: int, before: Callable[[], object] | None = None):
    """Seconds that each of `n` calls took; the results are dropped as they come.

    The first call wakes sleeping threads and fills the caches, so where there are several, one more
    is made before and not counted.
    """
    if n > 1:
        call()
    times = []
    for _ in range(n):
        if before is not None:
            before()
        start = perf_counter()
        call()
        times.append(perf_counter() - start)
    return times


def warm_up(call: Callable[[], object], seconds: float, least: int = 3) -> float:
    """Call until `seconds` are over and at least so often; give the shortest time."""
    end = perf_counter() + seconds
    times = []
    while len(times) < least or perf_counter() < end:
        start = perf_counter()
        call()
        times.append(perf_counter() - start)
    return min(times)
