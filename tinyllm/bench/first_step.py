"""A whole small program: from nothing to the first training step. `start` measures it.

python -m tinyllm.bench.first_step CASE [write]

The last line it prints is the clock, which is the same one for all processes; with "write" it
generates a little text too, so that all kernels of a model's life are built.
"""

from __future__ import annotations

import sys
from time import perf_counter

import numpy as np

import tinyllm
from tinyllm import nn, optim
from tinyllm.bench.cases import ADAMW, MODELS
from tinyllm.generation import generate
from tinyllm.models import Decoder, DecoderConfig


def main(name: str, writes: bool) -> None:
    """Make a model, take one step."""
    sizes = MODELS[name]
    model = Decoder(DecoderConfig.gpt2(**sizes.settings))
    optimizer = optim.AdamW(model.parameters(), **ADAMW)
    tokens = np.random.default_rng(0).integers(0, sizes.vocab, (2, sizes.batch, sizes.context))
    loss = model.loss(tinyllm.tensor(tokens[0]), tinyllm.tensor(tokens[1]))
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    if writes:
        list(generate(model, tokens[0, 0, : sizes.prompt], 16))
    print(perf_counter())


if __name__ == "__main__":
    main(sys.argv[1], "write" in sys.argv[2:])
