"""Our side of writing with the key-value cache, and the reading of weights that bounds it."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np

import tinyllm
from tinyllm import kernels
from tinyllm.bench.cases import Model, prompt
from tinyllm.bench.memory import PeakMemory
from tinyllm.bench.roofline import decoding_bytes
from tinyllm.bench.training import make_model
from tinyllm.generation import generate


class Decoding:
    """Greedy writing, one token after the other, with the key-value cache: seconds per token.

    The prompt is read before the clock starts. "product" is `generation.generate`, as users have
    it; the other way is the model's forward alone.
    """

    def __init__(
        self, model: Model, threads: int | None, memory: PeakMemory, product: bool
    ) -> None:
        if threads is not None:
            tinyllm.set_num_threads(threads)
        self.memory, self.sizes = memory, model
        self.model = make_model(model)
        self.model.eval()
        self.prompt = prompt(model)
        self.write = self.write_as_users_do if product else self.write_by_forward
        self.seconds = min(self.write() for _ in range(2))

    def write_as_users_do(self) -> float:
        """Write all new tokens by `generate`."""
        tokens = generate(self.model, self.prompt, self.sizes.new_tokens, temperature=0)
        next(tokens)
        start = perf_counter()
        written = sum(1 for _ in tokens)
        return (perf_counter() - start) / written

    def write_by_forward(self) -> float:
        """Write all new tokens by calling the model."""
        with tinyllm.no_grad():
            cache = self.model.new_cache()
            logits = self.model(tinyllm.tensor(self.prompt[None]), cache)
            count = self.sizes.new_tokens - 1
            start = perf_counter()
            for _ in range(count):
                token = int(np.argmax(logits.array[0, -1]))
                logits = self.model(tinyllm.tensor([[token]]), cache)
            return (perf_counter() - start) / count

    def about(self) -> dict[str, Any]:
        """What the parent wants to know once; the check is logits with and without a cache."""
        with tinyllm.no_grad():
            cache = self.model.new_cache()
            self.model(tinyllm.tensor(self.prompt[None, :-1]), cache)
            logits = self.model(tinyllm.tensor(self.prompt[None, -1:]), cache).array[0, -1]
        return {
            "seconds": self.seconds * self.sizes.new_tokens,
            "check": [float(value) for value in logits[:8]],
            "threads": tinyllm.get_num_threads(),
        }

    def run(self, n: int) -> dict[str, Any]:
        """Seconds per token in each of `n` texts."""
        times = [self.write() for _ in range(n)]
        return {"times": times, "peak_bytes": self.memory.peak()}


class Reading:
    """An array as large as the weights that a token needs, read again and again.

    It takes its turns with the writing that it bounds: what memory gives differs from one minute
    to the next on a shared machine, and by where it places this one's processors.
    """

    def __init__(self, model: Model, threads: int | None, memory: PeakMemory) -> None:
        if threads is not None:
            tinyllm.set_num_threads(threads)
        self.passes = model.new_tokens
        self.array = np.ones(decoding_bytes(model) // 4, np.float32)
        self.seconds = min(self.read() for _ in range(2))

    def read(self) -> float:
        """Seconds of one pass, of as many passes as a text has tokens."""
        start = perf_counter()
        for _ in range(self.passes):
            kernels.sum_of_squares([self.array])
        return (perf_counter() - start) / self.passes

    def about(self) -> dict[str, Any]:
        """It computes nothing that others could check."""
        return {"seconds": self.seconds * self.passes}

    def run(self, n: int) -> dict[str, Any]:
        """Seconds of a pass, `n` times over."""
        return {"times": [self.read() for _ in range(n)]}
