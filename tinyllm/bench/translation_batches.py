"""What a training step of translation is measured on: sizes, batches, and who takes steps."""

from __future__ import annotations

import numpy as np

from tinyllm.data.translation import PairBatch, PairBatches
from tinyllm.models import Seq2SeqConfig

PAIRS, BATCH = 2560, 128  # 20 batches
VOCAB = 6000
CHECKED_STEPS = 2
ADAMW = {"lr": 1e-3, "betas": (0.9, 0.99), "weight_decay": 0.01}
MUON = {"lr": 0.02, "weight_decay": 0.01}


def config() -> Seq2SeqConfig:
    """The model that `tinyllm translate` trains on pairs of captions."""
    return Seq2SeqConfig(
        vocab_size=VOCAB + 2, width=256, dropout=0.1, start_id=VOCAB, end_id=VOCAB + 1
    )


def batches() -> list[PairBatch]:
    """Random tokens, in sentences as long as those of Multi30k are: 5 to 40 tokens, 14 mostly."""
    generator = np.random.default_rng(0)
    lengths = np.clip(generator.lognormal(np.log(14), 0.32, (PAIRS, 2)).astype(int), 5, 40)
    pairs = []
    for source, target in lengths:
        body = generator.integers(0, VOCAB, target)
        pairs.append((generator.integers(0, VOCAB, source), [VOCAB, *body, VOCAB + 1]))
    return list(PairBatches(pairs, BATCH, pad_id=0))


def takes_muon(name: str, shape: tuple[int, ...]) -> bool:
    """Whether Muon has a parameter: the matrices of the layers, as in `training.optimizers`."""
    return len(shape) == 2 and ".layers." in name
