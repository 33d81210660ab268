import numpy as np
import pytest

from tinyllm.data import Corpus
from tinyllm.models import DecoderConfig
from tinyllm.text import ByteTokenizer
from tinyllm.training import TrainConfig, Trainer

TEXT = "The quick brown fox jumps over the lazy dog, and 12 wizards box. "


@pytest.fixture
def corpus():
    words = np.random.default_rng(0).permutation((TEXT * 40).split())
    text = " ".join(words)
    return Corpus("fox", text[:2000], text[2000:])


@pytest.fixture
def make_trainer(corpus, tmp_path):
    """A trainer of next to nothing; settings of TrainConfig, and of the model as `model`."""

    def make(out="run", model=None, **settings):
        sizes = {"layers": 2, "heads": 2, "width": 16, "context_length": 8, **(model or {})}
        settings = {
            "max_steps": 12,
            "batch_size": 3,
            "learning_rate": 1e-2,
            "min_learning_rate": 1e-3,
            "warmup_steps": 3,
            "eval_every": 4,
            "eval_windows": 8,
            "checkpoint_every": 4,
            "sample_every": 6,
            "sample_tokens": 12,
            "threads": 1,
            **settings,
        }
        config = DecoderConfig(vocab_size=256, **sizes)
        return Trainer(
            config, corpus, ByteTokenizer(), TrainConfig(**settings), tmp_path / out, progress=False
        )

    return make
