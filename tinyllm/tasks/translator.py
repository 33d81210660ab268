"""A trained translator: what `tinyllm translate "…"` needs, and nothing of the training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Self

import numpy as np

from tinyllm.generation import inference
from tinyllm.models import Decoder, Seq2Seq
from tinyllm.nn import Module
from tinyllm.tasks.pairs import TextToText
from tinyllm.tensor import Tensor
from tinyllm.text import Tokenizer


class Translator(TextToText):
    """A model that reads a sentence and writes its translation.

    Args:    tokenizers: {"source": …, "target": …}, or {"tokenizer": …}, one for both.
             characters: those that stand in the sources it was trained on; None: not known.
    """

    task = "translation"
    command = "translate"
    advice = "cut it into sentences, one per line"

    def __init__(
        self,
        model: Seq2Seq | Decoder,
        tokenizers: Mapping[str, Tokenizer],
        characters: str | None = None,
    ) -> None:
        super().__init__(model, tokenizers)
        self.characters = None if characters is None else frozenset(characters)

    @classmethod
    def of_run(
        cls, model: Module, tokenizers: Mapping[str, Tokenizer], data: Mapping[str, Any]
    ) -> Self:
        """Make it of a run's parts; `data` are those settings of config.json."""
        return cls(model, tokenizers, data.get("characters"))

    def never_seen(self, text: str) -> list[str]:
        """List the characters of a text that stood in no source of the training."""
        if self.characters is None:
            return []
        return sorted({c for c in text if not c.isspace()} - self.characters)

    def cross_attention(self, source: str, target: str) -> tuple[list[str], list[str], np.ndarray]:
        """Show what each token of a translation looks at while it is predicted.

        Tokens that are parts of one character count as one: looking at it is looking at any of
        them, and writing it the mean of writing them.

        Returns: the source's tokens (S), the target's with its end (T), and weights
                 (layers, H, T, S): row t is of the step that predicts token t.
        Raises:  ValueError for a decoder, which has no cross-attention.
        """
        if not self.reads_apart:
            raise ValueError("cross_attention: a decoder has none: use a seq2seq model")
        read, (_, written) = self.encode(source), self.encode_pair(source, target)
        batch = Tensor(np.array([read], np.int64)), Tensor(written[None, :-1].astype(np.int64))
        with inference(self.model):
            weights = self.model.cross_attention(*batch)[:, 0]  # (layers, H, T, S)
        sources, columns = _whole_characters(self.source, read)
        targets, rows = _whole_characters(self.target, written[1:-1])
        weights = np.add.reduceat(weights, columns, axis=-1)
        ends = [*rows, len(written) - 2]
        weights = np.stack(
            [weights[..., a:b, :].mean(axis=-2) for a, b in pairwise([*ends, len(written) - 1])],
            axis=-2,
        )
        return sources, [*targets, "</s>"], weights


def _whole_characters(tokenizer: Tokenizer, ids: Sequence[int]) -> tuple[list[str], list[int]]:
    """Names for tokens, joined where a character has several, and where each name begins."""
    names, starts = [], []
    decoder, whole = tokenizer.stream_decoder(), True
    for place, token in enumerate(ids):
        text = decoder.feed(int(token))
        if whole:
            starts.append(place)
            names.append("")
        names[-1] += text
        whole = bool(text)
    return [name.strip() or "␣" for name in names], starts
