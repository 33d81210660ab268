"""The settings of decoding: how a row of logits becomes the next token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinyllm import random
from tinyllm.generation.penalties import add_bias, ban_repeated_ngrams, penalize_repetition
from tinyllm.generation.sampling import (
    apply_temperature,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    sample,
)


@dataclass(frozen=True)
class Choosing:
    """How the next token is chosen; as in Hugging Face's GenerationConfig, and in its order.

    First what has been said counts (repetition, n-grams), then the caller's bias, then sampling:
    temperature, top k, top p, min p.
    """

    temperature: float = 1.0  # 1 samples from the model as it is, 0 takes the likeliest token
    top_k: int | None = None  # sample only among so many likeliest tokens
    top_p: float | None = None  # only among the likeliest that have this probability together
    min_p: float | None = None  # only what has this share of the likeliest one's probability
    repetition_penalty: float = 1.0  # above 1, tokens that are in the text get less likely
    no_repeat_ngram_size: int = 0  # so many tokens in a row never come twice; 0: they may
    logit_bias: Mapping[int, float] | None = None  # token id -> what is added to its logit

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < float("inf"):
            _refuse("temperature", self.temperature, "in [0, inf): 0 takes the likeliest token")
        if self.top_k is not None and not _whole(self.top_k, 1):
            _refuse("top_k", self.top_k, "a whole number of tokens, 1 or more (None keeps all)")
        for name, keeps_all in (("top_p", "None or 1"), ("min_p", "None or 0")):
            value = getattr(self, name)
            if value is not None and not (0 <= value <= 1 and (value or name == "min_p")):
                bracket = "(0, 1]" if name == "top_p" else "[0, 1]"
                _refuse(name, value, f"a probability in {bracket} ({keeps_all} keeps all)")
        if not 0 < self.repetition_penalty < float("inf"):
            _refuse("repetition_penalty", self.repetition_penalty, "above 0 (1 is none)")
        if not _whole(self.no_repeat_ngram_size, 0):
            _refuse("no_repeat_ngram_size", self.no_repeat_ngram_size, "a number of tokens, or 0")

    def check_vocabulary(self, vocab_size: int) -> None:
        """Refuse a bias on what is no token. Raises IndexError."""
        for token in self.logit_bias or ():
            if not 0 <= token < vocab_size:
                raise IndexError(
                    f"generate: logit_bias is on token {token}, outside [0, {vocab_size})"
                )

    def logits(self, logits: np.ndarray, text: Sequence[int]) -> np.ndarray:
        """Reshape a row by what does not depend on chance: repetition, n-grams, bias.

        Args:    text: the tokens so far.
        Shapes:  (V,) -> (V,)
        Raises:  ValueError if the model's logits are not finite.
        """
        if not np.isfinite(logits.max()):  # the maximum of a row with a NaN is NaN
            raise ValueError(
                f"generate: the model's highest logit is {logits.max()}: its weights are not "
                "finite, or its training diverged. Load an earlier checkpoint."
            )
        if self.repetition_penalty != 1:
            logits = penalize_repetition(logits, text, self.repetition_penalty)
        if self.no_repeat_ngram_size:
            logits = ban_repeated_ngrams(logits, text, self.no_repeat_ngram_size)
        if self.logit_bias:
            logits = add_bias(logits, self.logit_bias)
        return logits

    def choose(
        self, logits: np.ndarray, text: Sequence[int], generator: random.Generator | None
    ) -> int:
        """Return the next token: the likeliest, or one that is drawn."""
        logits = self.logits(logits, text)
        if logits.max() == -np.inf:
            raise ValueError(
                "generate: every token is forbidden: by no_repeat_ngram_size or logit_bias"
            )
        if self.temperature == 0:
            return int(np.argmax(logits))
        logits = apply_temperature(logits.astype(np.float64), self.temperature)
        if self.top_k is not None:
            logits = keep_top_k(logits, self.top_k)
        if self.top_p is not None:
            logits = keep_top_p(logits, self.top_p)
        if self.min_p:
            logits = keep_min_p(logits, self.min_p)
        return sample(logits, generator)


def _whole(value: Any, least: int) -> bool:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    return whole and value >= least


def _refuse(name: str, value: object, legal: str) -> None:
    raise ValueError(f"generate: {name} = {value!r} is not {legal}")
