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
    EncoderDecoder,
    Model,
    batches,
    initial_weight,
)
from tinyllm.bench.chapter import chapter_model
from tinyllm.bench.clock import times_of, warm_up
from tinyllm.bench.memory import PeakMemory
from tinyllm.models import Decoder, DecoderConfig


def make_model(model: Model | EncoderDecoder) -> nn.Module:
    """The case's model with the weights that both sides share."""
    if isinstance(model, EncoderDecoder):
        made = chapter_model(tinyllm, model)
    else:
        made = Decoder(DecoderConfig.gpt2(**model.settings))
    for name, parameter in made.named_parameters():
        parameter.array[...] = initial_weight(name, parameter.shape, model.layers)
    return made


class Training:
    """Steps of training as nanoGPT takes them: forward, backward, clip, AdamW, zero."""

    def __init__(self, model: Model, threads: int | None, memory: PeakMemory) -> None:
        if threads is not None:
            tinyllm.set_num_threads(threads)
        self.memory = memory
        self.model = make_model(model)
        self.loss = self.model if isinstance(model, EncoderDecoder) else self.model.loss
        self.optimizer = optim.AdamW(self.model.parameters(), **ADAMW)
        pairs = [(tinyllm.tensor(x), tinyllm.tensor(y)) for x, y in batches(model)]
        self.batches = itertools.cycle(pairs)
        self.model.eval()  # the checked losses are those without dropout, which is each side's own
        self.losses = [float(self.step().item()) for _ in range(CHECKED_STEPS)]
        self.model.train()
        self.seconds = warm_up(self.step, WARM_UP_SECONDS)

    def step(self) -> tinyllm.Tensor:
        """Take one step; give the loss."""
        ids, targets = next(self.batches)
        loss = self.loss(ids, targets)
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
