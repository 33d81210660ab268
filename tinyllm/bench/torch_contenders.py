"""PyTorch's side of a training step, and of writing with a key-value cache."""

from __future__ import annotations

import itertools
from time import perf_counter
from typing import Any

import torch

from tinyllm.bench.cases import (
    ADAMW,
    CHECKED_STEPS,
    WARM_UP_SECONDS,
    EncoderDecoder,
    Model,
    batches,
    initial_weight,
    prompt,
)
from tinyllm.bench.chapter import chapter_model
from tinyllm.bench.clock import times_of, warm_up
from tinyllm.bench.memory import PeakMemory
from tinyllm.bench.torch_twin import Twin, step


def make_twin(model: Model | EncoderDecoder) -> torch.nn.Module:
    """The twin with the weights that both sides share."""
    twin = chapter_model(torch, model) if isinstance(model, EncoderDecoder) else Twin(model)
    with torch.no_grad():
        for name, parameter in twin.named_parameters():
            value = initial_weight(name, tuple(parameter.shape), model.layers)
            parameter.copy_(torch.from_numpy(value))
    return twin


class TorchTraining:
    """Steps of training, eager or compiled, with the faster of AdamW's plain and fused forms."""

    def __init__(
        self, model: Model, threads: int | None, memory: PeakMemory, compiled: bool
    ) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self.memory = memory
        self.twin = make_twin(model)
        self.model = torch.compile(self.twin) if compiled else self.twin
        pairs = [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in batches(model)]
        self.batches = itertools.cycle(pairs)
        self.optimizer = self.new_optimizer(fused=False)
        self.model.eval()  # the checked losses are those without dropout, which is each side's own
        self.losses = [float(self.step().item()) for _ in range(CHECKED_STEPS)]
        self.model.train()
        self.fused = self.faster_optimizer()
        self.memory.reset_peak()  # what the trial held is not the contender's
        self.optimizer = self.new_optimizer(self.fused)
        self.seconds = warm_up(self.step, WARM_UP_SECONDS)

    def step(self) -> torch.Tensor:
        """Take one step; give the loss."""
        return step(self.model, self.twin.parameters, self.optimizer, *next(self.batches))

    def new_optimizer(self, fused: bool) -> torch.optim.AdamW:
        """AdamW by default, or fused into one loop."""
        return torch.optim.AdamW(self.twin.parameters(), fused=True if fused else None, **ADAMW)

    def faster_optimizer(self) -> bool:
        """Whether the fused AdamW is the faster one; one at a time, to hold one state."""
        seconds = {}
        for fused in (False, True):
            self.optimizer = None  # frees the state of the one before
            self.optimizer = self.new_optimizer(fused)
            seconds[fused] = warm_up(self.step, WARM_UP_SECONDS)
        self.optimizer = None
        return seconds[True] < seconds[False]

    def about(self) -> dict[str, Any]:
        """What the parent wants to know once."""
        return {
            "seconds": self.seconds,
            "check": self.losses,
            "threads": torch.get_num_threads(),
            "optimizer": "AdamW(fused=True)" if self.fused else "AdamW",
        }

    def run(self, n: int) -> dict[str, Any]:
        """Seconds of each of `n` steps."""
        return {"times": times_of(self.step, n), "peak_bytes": self.memory.peak()}


class TorchDecoding:
    """Greedy writing, one token after the other, with room for the cache made beforehand."""

    def __init__(self, model: Model, threads: int | None, memory: PeakMemory) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self.memory, self.sizes = memory, model
        self.twin = make_twin(model).eval()
        self.prompt = torch.from_numpy(prompt(model))
        self.seconds = min(self.write() for _ in range(2))

    @torch.inference_mode()
    def write(self) -> float:
        """Write all new tokens; give the seconds per token, prompt left out."""
        cache = self.twin.new_cache()
        logits = self.twin.logits(self.prompt[None], cache)
        length, count = len(self.prompt), self.sizes.new_tokens - 1
        start = perf_counter()
        for i in range(count):
            token = int(logits[0, -1].argmax())
            logits = self.twin.logits(torch.tensor([[token]]), cache, length + i)
        return (perf_counter() - start) / count

    @torch.inference_mode()
    def about(self) -> dict[str, Any]:
        """What the parent wants to know once."""
        cache, last = self.twin.new_cache(), len(self.prompt) - 1
        self.twin.logits(self.prompt[None, :-1], cache)
        logits = self.twin.logits(self.prompt[None, -1:], cache, last)[0, -1]
        return {
            "seconds": self.seconds * self.sizes.new_tokens,
            "check": logits[:8].tolist(),
            "threads": torch.get_num_threads(),
        }

    def run(self, n: int) -> dict[str, Any]:
        """Seconds per token in each of `n` texts."""
        return {"times": [self.write() for _ in range(n)], "peak_bytes": self.memory.peak()}
