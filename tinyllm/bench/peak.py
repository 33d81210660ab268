"""What the processor gives at best: products per second, and bytes per second from memory."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

import tinyllm
from tinyllm import kernels
from tinyllm.bench.clock import warm_up
from tinyllm.bench.memory import PeakMemory

# M, K, N of large products, square and as a model has them
SHAPES = ((1024, 1024, 1024), (2048, 2048, 2048), (2048, 384, 1536), (4096, 1024, 1024))
SECONDS = 0.3  # for each measurement
FAR_BEYOND_CACHES = 2**25  # numbers of 4 bytes: 128 MiB


class Peak:
    """Measures by one library: "tinyllm" (and memory too), "numpy" or "torch"."""

    def __init__(self, who: str, threads: int | None, memory: PeakMemory) -> None:
        self.who = who
        if threads is not None:
            tinyllm.set_num_threads(threads)
        self.threads = tinyllm.get_num_threads()

    def about(self) -> dict[str, Any]:
        """Nothing is made beforehand."""
        return {}

    def run(self, n: int) -> dict[str, Any]:
        """Measure; `n` is without meaning here."""
        answer: dict[str, Any] = {"gflops": self.gflops()}
        if self.who == "tinyllm":
            answer["bandwidth"], answer["read_bandwidth"] = self.bandwidth()
        return answer

    def gflops(self) -> float:
        """The best of all shapes, in 1e9 operations per second; a product has 2 M K N."""
        best = 0.0
        for m, k, n in SHAPES:
            a, b = np.ones((m, k), np.float32), np.ones((k, n), np.float32)
            seconds = warm_up(self.product(a, b), SECONDS, least=5)
            best = max(best, 2 * m * k * n / seconds / 1e9)
        return best

    def product(self, a: np.ndarray, b: np.ndarray) -> Callable[[], object]:
        """The library's product of two matrices."""
        if self.who == "tinyllm":
            return lambda: kernels.matmul(a, b)
        if self.who == "numpy":
            return lambda: np.matmul(a, b)
        import torch

        left, right = torch.from_numpy(a), torch.from_numpy(b)
        return lambda: torch.matmul(left, right)

    def bandwidth(self) -> tuple[float, float]:
        """Bytes per second that memory gives: read and written together, and read alone."""
        a, b, c = (np.ones(FAR_BEYOND_CACHES, np.float32) for _ in range(3))
        with ThreadPoolExecutor(self.threads) as pool:

            def seconds(work: Callable[..., object], *arrays: np.ndarray) -> float:
                """Share it out among threads: NumPy lets others run while it loops."""
                parts = list(zip(*(np.array_split(array, self.threads) for array in arrays)))  # noqa: B905
                return warm_up(lambda: list(pool.map(lambda part: work(*part), parts)), SECONDS)

            triad = 3 * a.nbytes / seconds(lambda x, y, z: np.add(x, y, out=z), a, b, c)
            copy = 2 * a.nbytes / seconds(lambda x, y: np.copyto(y, x), a, b)
            read = a.nbytes / seconds(np.max, a)
        scale = 2 * a.nbytes / warm_up(lambda: kernels.scale_([a], 1.0), SECONDS)
        read = max(read, a.nbytes / warm_up(lambda: kernels.sum_of_squares([a]), SECONDS))
        return max(triad, copy, scale), read
