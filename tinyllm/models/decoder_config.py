"""The settings of a decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tinyllm.models.config import ModelConfig

CHOICES = {
    "positions": ("learned", "rotary"),
    "norm": ("layer", "rms"),
    "activation": ("gelu_tanh", "gelu", "swiglu", "relu2"),
}


@dataclass
class DecoderConfig(ModelConfig):
    """Sizes and style of a `Decoder`. What is None is filled in when the config is made."""

    vocab_size: int  # V
    context_length: int = 64  # the longest T
    layers: int = 4
    heads: int = 4  # H
    width: int = 128  # C, a multiple of heads
    kv_heads: int | None = None  # key and value heads; None: as many as heads
    hidden_width: int | None = None  # inside the MLP; None: 4 C, or 8/3 C rounded up to 8s (swiglu)
    positions: str = "learned"  # or "rotary"
    norm: str = "layer"  # or "rms"
    activation: str = "gelu_tanh"  # or "gelu", "relu2" (squared ReLU), "swiglu" (with a gate)
    bias: bool = True  # in linear layers and LayerNorm
    dropout: float = 0.0  # on embeddings, attention weights, and what each residual branch adds
    tie_embeddings: bool = True  # the head's weight is the token embedding's
    norm_eps: float = 1e-5
    rope_base: float = 10000.0
    qk_norm: bool = False  # each query and key is given the root mean square qk_gain
    qk_gain: float = 1.0  # scores are then at most qk_gain^2 sqrt(D)
    zero_init_branches: bool = False  # a branch adds 0 at first, so each block begins as identity
    embedding_std: float = 0.02  # how far apart tokens begin
    prefix_end: int | None = None  # up to the first such token a text is read in both directions

    def __post_init__(self) -> None:
        self.check_sizes(["width"])  # others are made of it
        if self.kv_heads is None:
            self.kv_heads = self.heads
        if self.hidden_width is None:
            swiglu = self.activation == "swiglu"
            self.hidden_width = -(-self.width // 3) * 8 if swiglu else 4 * self.width
        self._check()

    @classmethod
    def gpt2(cls, **sizes: Any) -> DecoderConfig:
        """Make a GPT-2: learned positions, LayerNorm, GELU (tanh), biases, tied head.

        Source:  Radford et al. 2019
        """
        return cls(**sizes)

    @classmethod
    def llama(cls, **sizes: Any) -> DecoderConfig:
        """Make a Llama: rotary positions, RMSNorm, SwiGLU, no biases, a head of its own.

        Source:  Touvron et al. 2023, arXiv:2302.13971
        """
        style = {"positions": "rotary", "norm": "rms", "activation": "swiglu"}
        return cls(**{**style, "bias": False, "tie_embeddings": False, **sizes})

    @property
    def head_size(self) -> int:
        """D, the width of one head."""
        return self.width // self.heads

    def _check(self) -> None:
        sizes = ("vocab_size", "context_length", "layers", "heads", "width", "kv_heads")
        self.check_sizes([*sizes, "hidden_width"])
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"DecoderConfig: {name} must be one of {choices}, not {getattr(self, name)!r}"
                )
        self.check_multiple("width", of="heads")
        self.check_multiple("heads", of="kv_heads")
        if self.positions == "rotary" and self.head_size % 2:
            raise ValueError(
                f"DecoderConfig: rotary positions need an even head size, and width {self.width} / "
                f"heads {self.heads} = {self.head_size}"
            )
        if not self.qk_gain > 0:
            raise ValueError(f"DecoderConfig: qk_gain must be above 0, not {self.qk_gain!r}")
        if self.qk_gain != 1 and not self.qk_norm:
            raise ValueError(f"DecoderConfig: qk_gain {self.qk_gain!r} needs qk_norm")
        if not 0 < self.embedding_std < float("inf"):
            raise ValueError(
                f"DecoderConfig: embedding_std must be above 0, not {self.embedding_std!r}"
            )
        end = self.prefix_end
        if end is not None and not 0 <= end < self.vocab_size:
            raise ValueError(
                f"DecoderConfig: prefix_end must be a token id below vocab_size {self.vocab_size}, "
                f"not {end!r}"
            )
        self.check_dropout()
