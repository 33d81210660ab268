"""PyTorch's side of a training step of translation: the same model, batches and optimizers."""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

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
from tinyllm.models import Seq2SeqConfig
from tinyllm.nn import sinusoidal_positions


class TorchSeq2Seq(nn.Module):
    """tinyllm's `Seq2Seq` with one vocabulary, by nn.Transformer; the names are the same."""

    def __init__(self, config: Seq2SeqConfig) -> None:
        super().__init__()
        self.config, C = config, config.width
        self.target_embedding = nn.Embedding(config.vocab_size, C)
        self.dropout = nn.Dropout(config.dropout)
        self.transformer = nn.Transformer(
            C, config.heads, config.encoder_layers, config.decoder_layers, config.hidden_width,
            config.dropout, config.activation, batch_first=True, norm_first=config.norm_first,
        )  # fmt: skip
        positions = sinusoidal_positions(config.context_length, C).numpy()
        self.positions = torch.from_numpy(positions.astype("float32"))

    def loss(
        self,
        source: torch.Tensor,
        decoder_input: torch.Tensor,
        labels: torch.Tensor,
        source_padding: torch.Tensor,
    ) -> torch.Tensor:
        """The mean cross-entropy, smoothed while training."""
        T = decoder_input.shape[1]
        padding = source_padding if source_padding.any() else None
        x = self.transformer(
            self.embedded(source),
            self.embedded(decoder_input),
            tgt_mask=nn.Transformer.generate_square_subsequent_mask(T),
            src_key_padding_mask=padding,
            memory_key_padding_mask=padding,
            tgt_is_causal=True,
        )  # (B, T, C)
        logits = F.linear(x, self.target_embedding.weight)  # (B, T, V)
        return F.cross_entropy(
            logits.view(-1, self.config.vocab_size),
            labels.reshape(-1),
            label_smoothing=self.config.label_smoothing if self.training else 0.0,
        )

    def embedded(self, ids: torch.Tensor) -> torch.Tensor:
        """Tokens as vectors, with their positions."""
        x = self.target_embedding(ids) * math.sqrt(self.config.width)
        return self.dropout(x + self.positions[: ids.shape[1]])


class TorchTranslation:
    """Steps of training, eager: compiled it would be for each of the lengths anew."""

    def __init__(self, threads: int | None, memory: PeakMemory) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self.memory, self.model = memory, TorchSeq2Seq(config())
        matrices, others = [], []
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                shape = tuple(parameter.shape)
                value = initial_weight(name, shape, config().decoder_layers)
                parameter.copy_(torch.from_numpy(value))
                (matrices if takes_muon(name, shape) else others).append(parameter)
        self.optimizers = [
            torch.optim.Muon(matrices, **MUON),
            torch.optim.AdamW(others, fused=True, **ADAMW),
        ]
        parts = [(b.source, b.decoder_input, b.labels, b.source_padding) for b in batches()]
        self.batches = itertools.cycle([tuple(map(torch.from_numpy, part)) for part in parts])
        self.model.eval()
        self.losses = [float(self.step().item()) for _ in range(CHECKED_STEPS)]
        self.model.train()
        self.seconds = warm_up(self.step, WARM_UP_SECONDS)

    def step(self) -> torch.Tensor:
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
            "threads": torch.get_num_threads(),
        }

    def run(self, n: int) -> dict[str, Any]:
        """Seconds of each of `n` steps."""
        return {"times": times_of(self.step, n), "peak_bytes": self.memory.peak()}
