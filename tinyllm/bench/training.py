"""Our side of a training step."""

from __future__ import annotations

import itertools
from typing import Any

import tinyllm
from tinyllm import nn, optim
from tinyllm.bench.cases import (
    ADAMW,
    CHECKED_STEPS,
    WARM_UP_SECONDS,
    Model,
    batches,
    initial_weight,
)
from tinyllm.bench.clock import times_of, warm_up
from tinyllm.bench.memory import PeakMemory
from tinyllm.models import Decoder, DecoderConfig


def make_model(model: Model) -> Decoder:
    """The case's decoder with the weights that both sides share."""
    decoder = Decoder(DecoderConfig.gpt2(**model.settings))
    for name, parameter in decoder.named_parameters():
        parameter.array[...] = initial_weight(name, parameter.shape, model.layers)
    return decoder


class Training:
    """Steps of training as nanoGPT takes them: forward, backward, clip, AdamW, zero."""

    def __init__(self, model: Model, threads: int | None, memory: PeakMemory) -> None:
        if threads is not None:
            tinyllm.set_num_threads(threads)
        self.memory = memory
        self.model = make_model(model)
        self.optimizer = optim.AdamW(self.model.parameters(), **ADAMW)
        pairs = [(tinyllm.tensor(x), tinyllm.tensor(y)) for x, y in batches(model)]
        self.batches = itertools.cycle(pairs)
        self.losses = [float(self.step().item()) for _ in range(CHECKED_STEPS)]
        self.seconds = warm_up(self.step, WARM_UP_SECONDS)

    def step(self) -> tinyllm.Tensor:
        """Take one step; give the loss."""
        ids, targets = next(self.batches)
        loss = self.model.loss(ids, targets)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss

    def about(self) -> dict[str, Any]:
        """What the parent wants to know once."""
        return {
            "seconds": self.seconds,
            "check": self.losses,
            "threads": tinyllm.get_num_threads(),
        }

    def run(self, n: int) -> dict[str, Any]:
        """Seconds of each of `n` steps."""
        return {"times": times_of(self.step, n), "peak_bytes": self.memory.peak()}
