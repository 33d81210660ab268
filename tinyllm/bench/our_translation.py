"""Our side of a training step of translation."""

from __future__ import annotations

import itertools
from typing import Any

import tinyllm
from tinyllm import nn, optim
from tinyllm.bench.cases import WARM_UP_SECONDS, initial_weight
from tinyllm.bench.clock import times_of, warm_up
from tinyllm.bench.memory import PeakMemory
from tinyllm.bench.translation_batches import (
    ADAMW,
    CHECKED_STEPS,
    MUON,
    batches,
    config,
    takes_muon,
)
from tinyllm.models import Seq2Seq


class OurTranslation:
    """Steps of training: forward, backward, clip, Muon for the layers and AdamW for the rest."""

    def __init__(self, threads: int | None, memory: PeakMemory) -> None:
        if threads is not None:
            tinyllm.set_num_threads(threads)
        self.memory, self.model = memory, Seq2Seq(config())
        matrices, others = [], []
        for name, parameter in self.model.named_parameters():
            parameter.array[...] = initial_weight(name, parameter.shape, config().decoder_layers)
            (matrices if takes_muon(name, parameter.shape) else others).append(parameter)
        self.optimizers = [optim.Muon(matrices, **MUON), optim.AdamW(others, **ADAMW)]
        parts = [(b.source, b.decoder_input, b.labels, b.source_padding) for b in batches()]
        self.batches = itertools.cycle([tuple(map(tinyllm.tensor, part)) for part in parts])
        self.model.eval()  # the checked losses are those without dropout, which is each side's own
        self.losses = [float(self.step().item()) for _ in range(CHECKED_STEPS)]
        self.model.train()
        self.seconds = warm_up(self.step, WARM_UP_SECONDS)

    def step(self) -> tinyllm.Tensor:
        """Take one step; give the loss."""
        loss = self.model.loss(*next(self.batches))
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
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
