"""How well a text was predicted, in numbers that compare between tokenizers, and one that does not.

A model's loss is in nats per token. A tokenizer with longer tokens makes fewer and harder
predictions of the same text, so perplexity per token says nothing across tokenizers. The sum of
nats over the whole text does: over its words, characters or bytes, which no tokenizer changes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from tinyllm.metrics.score import Score

LARGEST_EXPONENT = 709.0  # exp of more is no double


@dataclass(frozen=True, kw_only=True)
class Perplexity(Score):
    """A text's loss; `score` is the perplexity per token.

    nats:   -log p(text), the sum over all its tokens
    tokens, words, characters, bytes:  how many it has; None where not told
    """

    nats: float
    tokens: int
    words: int | None = None
    characters: int | None = None
    bytes: int | None = None

    @property
    def per_token(self) -> float:
        """exp(nats / tokens): as unsure as a choice among so many tokens, all equally likely."""
        return self.score

    @property
    def per_word(self) -> float | None:
        """exp(nats / words): the same text as a sequence of words; fair between tokenizers."""
        return None if self.words is None else _exp(self.nats, self.words)

    @property
    def bits_per_token(self) -> float:
        """nats / (tokens log 2)."""
        return _bits(self.nats, self.tokens)

    @property
    def bits_per_character(self) -> float | None:
        """nats / (characters log 2); fair between tokenizers."""
        return None if self.characters is None else _bits(self.nats, self.characters)

    @property
    def bits_per_byte(self) -> float | None:
        """nats / (bytes log 2), bytes of UTF-8; fair between tokenizers."""
        return None if self.bytes is None else _bits(self.nats, self.bytes)

    def details(self) -> dict[str, Any]:
        """Give all that can be said."""
        rates = ("per_word", "bits_per_token", "bits_per_character", "bits_per_byte")
        names = ("nats", "tokens", "words", "characters", "bytes", *rates)
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def __str__(self) -> str:
        parts = [f"{super().__str__()} per token"]
        if self.words is not None:
            parts.append(f"{self.per_word:.2f} per word")
        if self.bytes is not None:
            parts.append(f"{self.bits_per_byte:.3f} bits per byte")
        return ", ".join(parts)


@dataclass(frozen=True)
class TextSize:
    """How long a text is, whatever the tokenizer."""

    words: int
    characters: int
    bytes: int

    @classmethod
    def of(cls, text: str) -> Self:
        """Count words between whitespace, characters (code points) and bytes of UTF-8."""
        return cls(len(text.split()), len(text), len(text.encode("utf-8", "surrogatepass")))


def perplexity(
    nats: float | Sequence[float] | np.ndarray,
    tokens: int | Sequence[int] | np.ndarray,
    text: str | None = None,
    *,
    words: int | None = None,
    characters: int | None = None,
    bytes: int | None = None,
) -> Perplexity:
    """Turn sums of nats into perplexity per token and per word, bits per character and per byte.

    per token = exp(sum nats / tokens), bits per byte = sum nats / (bytes log 2)

    Args:    nats: -log p summed over the tokens; for an interval one sum per sentence (N,).
             tokens: how many were predicted, in the same form.
             text: what was predicted, whole: its words, characters and bytes are counted. For
                 Chinese, which has no spaces, `words` means nothing unless you give it.
             words, characters, bytes: those counts, where you know better.
    Raises:  ValueError for negative or undefined nats, no tokens, unequal lengths.
    """
    sums, counts = np.atleast_1d(np.asarray(nats, np.float64)), np.atleast_1d(np.asarray(tokens))
    if sums.ndim != 1 or sums.shape != counts.shape:
        raise ValueError(
            f"perplexity: nats {sums.shape} and tokens {counts.shape} must be two numbers, or one "
            "of each per sentence (N,)"
        )
    if np.isnan(sums).any() or (sums < 0).any():
        raise ValueError("perplexity: nats below 0 or NaN: -log of a probability is neither")
    if not np.issubdtype(counts.dtype, np.integer) or (counts < 0).any() or not counts.sum():
        raise ValueError("perplexity: tokens must be whole numbers, 1 or more together")
    sizes = {"words": words, "characters": characters, "bytes": bytes}
    if text is not None:
        counted = vars(TextSize.of(text))
        sizes = {name: counted[name] if n is None else n for name, n in sizes.items()}
    for name, size in sizes.items():
        if size is not None and size < 1:
            raise ValueError(f"perplexity: {name} = {size} is not 1 or more")
    total, number = float(sums.sum()), int(counts.sum())
    return Perplexity(
        name="perplexity",
        score=_exp(total, number),
        statistics=np.stack([sums, counts.astype(np.float64)], axis=1),
        from_sums=_from_sums,
        nats=total,
        tokens=number,
        **sizes,
    )


def _from_sums(sums: np.ndarray) -> float:
    return _exp(*sums) if sums[1] else 1.0


def _exp(nats: float, count: float) -> float:
    loss = float(nats) / float(count)
    return math.exp(loss) if loss < LARGEST_EXPONENT else math.inf


def _bits(nats: float, count: int) -> float:
    return nats / (count * math.log(2))
