"""What is measured: models by name, and the weights and batches that both sides begin with."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

BATCHES = 16  # different ones, used in turn: a single batch would soon be known by heart
NEW_TOKENS = 128
ADAMW = {"lr": 1e-3, "betas": (0.9, 0.95), "weight_decay": 0.1}
CHECKED_STEPS = 3  # whose losses both sides must agree on
WARM_UP_SECONDS = 0.5


@dataclass(frozen=True)
class Model:
    """The sizes of a GPT-2 and of its training batch, letters as in docs/notation.md."""

    name: str
    about: str
    layers: int
    heads: int  # H
    width: int  # C
    context: int  # T
    batch: int  # B
    vocab: int  # V
    bias: bool = False  # nanoGPT's recipes have none

    @property
    def settings(self) -> dict[str, Any]:
        """The model's part, as DecoderConfig.gpt2 takes it."""
        return {
            "vocab_size": self.vocab,
            "context_length": self.context,
            "layers": self.layers,
            "heads": self.heads,
            "width": self.width,
            "bias": self.bias,
        }

    @property
    def prompt(self) -> int:
        """Tokens of the prompt when decoding: a quarter of the context."""
        return self.context // 4

    @property
    def new_tokens(self) -> int:
        """Tokens to write after it: 128, or as many as fill the context."""
        return min(NEW_TOKENS, self.context - self.prompt)


@dataclass(frozen=True)
class EncoderDecoder:
    """The sizes of the chapter's Transformer, which leaves the rest to its layers' defaults."""

    name: str
    about: str
    layers: int  # of the encoder, and as many of the decoder
    heads: int  # H
    width: int  # C
    context: int  # tokens on each side, T and S
    batch: int  # B
    vocab: int  # V
    hidden: int = 2048  # dim_feedforward's default


MODELS = {
    model.name: model
    for model in (
        Model("micro", "a classroom cell", 2, 2, 32, 16, 8, 65),
        Model("char", "nanoGPT's CPU recipe", 4, 4, 128, 64, 12, 65),
        Model("small", "a small GPT", 6, 6, 192, 128, 16, 512),
        Model("baby", "nanoGPT's baby GPT", 6, 6, 384, 256, 8, 65),
        Model("gpt2", "GPT-2 124M, one sequence", 12, 12, 768, 256, 1, 50257, bias=True),
        EncoderDecoder("chapter", "the chapter's encoder-decoder", 2, 4, 128, 32, 32, 65),
    )
}

TRAINING = ("micro", "char", "small", "baby", "gpt2", "chapter")
DECODING = {"decode-char": "char", "decode-baby": "baby", "decode-gpt2": "gpt2"}
STARTING = ("start", "import")
SCALING = "scaling"  # the baby step with one thread and with all
COLD = "cold"  # a first start, kernels not yet built: only when asked for
READING = "reading"  # the contender of a decoding case that only reads so many bytes as weights
DEFAULT = (*TRAINING, *DECODING, *STARTING, SCALING)
ALL = (*DEFAULT, COLD)

SCALING_MODEL, STARTING_MODEL = "baby", "char"


def model_of(case: str) -> Model | EncoderDecoder:
    """The model that a training, decoding, scaling or starting case uses."""
    if case in DECODING:
        return MODELS[DECODING[case]]
    return MODELS[{SCALING: SCALING_MODEL}.get(case, case if case in MODELS else STARTING_MODEL)]


def check_names(names: list[str]) -> None:
    """Refuse a case that does not exist.

    Raises:  ValueError naming those that do.
    """
    for name in names:
        if name not in ALL:
            raise ValueError(f"bench: there is no case {name!r}; the cases are {', '.join(ALL)}")


def initial_weight(name: str, shape: tuple[int, ...], layers: int) -> np.ndarray:
    """A parameter's first value, the same for both sides: a stream of random numbers by name.

    N(0, 0.02^2), around 1 for the norms' weights, smaller where a branch ends, as in GPT-2. Biases
    are random too, so that a bias that one side forgot would show in the loss.
    """
    generator = np.random.default_rng(zlib.crc32(name.encode()))
    value = generator.standard_normal(shape, np.float32)
    ends_branch = name.endswith(("attention.out.weight", "mlp.down.weight"))
    value *= 0.02 / (2 * layers) ** 0.5 if ends_branch else 0.02
    if "norm" in name and name.endswith("weight"):
        value += 1
    return value


def batches(model: Model | EncoderDecoder) -> list[tuple[np.ndarray, np.ndarray]]:
    """Random token ids, or sources, and their targets, (B, T) each."""
    generator = np.random.default_rng(0)
    shape = (BATCHES, 2, model.batch, model.context)
    return [tuple(pair) for pair in generator.integers(0, model.vocab, shape)]


def prompt(model: Model) -> np.ndarray:
    """Random token ids to continue, (prompt,)."""
    return np.random.default_rng(1).integers(0, model.vocab, model.prompt)
