"""One way to ask any model for its next tokens: texts that grow, and the logits after each.

A reader holds a batch of texts and the cache of what has been read of them. Decoding reads the
logits, appends a token to each text, drops or repeats texts, and so on; it need not know whether
the model is a decoder or an encoder-decoder.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from tinyllm.generation.mode import inference
from tinyllm.models import Decoder, Seq2Seq
from tinyllm.tensor import Tensor


class Reader(Protocol):
    """What decoding needs of a model. `texts` are the tokens that the next one follows."""

    texts: list[list[int]]
    ends: frozenset[int]

    def logits(self) -> np.ndarray:
        """Read what is new in each text; return the logits of what comes next: (B, V)."""

    def select(self, rows: Sequence[int]) -> None:
        """Go on with these rows, in this order; a row may come more than once, or not at all."""

    def room(self) -> int:
        """How many more tokens can follow."""


class DecoderReader:
    """A decoder continues its prompts. When a text fills the context, its first half is forgotten.

    Prompts of different lengths are read together, filled up at their ends; the cache then forgets
    the filling.
    """

    def __init__(self, model: Decoder, prompts: Sequence[Sequence[int]]) -> None:
        self.model, self.ends = model, frozenset()
        self.texts = [list(prompt) for prompt in prompts]
        context = model.config.context_length
        self._starts = [max(0, len(text) - context) for text in self.texts]  # of each window
        self._cache = None
        self._using = inference(model)

    def logits(self) -> np.ndarray:
        """Read what is new in each text; return the logits of what comes next: (B, V)."""
        context = self.model.config.context_length
        if self._cache is not None:
            unread = self._unread()
            if all(len(tokens) == 1 for tokens in unread) and self._fits(context):
                with self._using:  # not across a yield: the caller may train in between
                    logits = self.model(Tensor(np.array(unread, np.int64)), cache=self._cache)
                return logits.array[:, -1]
        for row, text in enumerate(self.texts):
            if len(text) - self._starts[row] > context:
                self._starts[row] = len(text) - max(1, context // 2)
        self._cache = self.model.new_cache(len(self.texts))
        unread = self._unread()
        lengths = np.array([len(tokens) for tokens in unread])
        ids = np.zeros((len(unread), lengths.max()), np.int64)
        for row, tokens in enumerate(unread):
            ids[row, : len(tokens)] = tokens
        with self._using:
            logits = self.model(Tensor(ids), cache=self._cache)  # (B, longest, V)
        if len(set(lengths.tolist())) > 1:
            self._cache.truncate(lengths)
        return logits.array[np.arange(len(unread)), lengths - 1]

    def select(self, rows: Sequence[int]) -> None:
        """Go on with these rows, in this order."""
        self.texts = [list(self.texts[row]) for row in rows]
        self._starts = [self._starts[row] for row in rows]
        if self._cache is not None:
            self._cache.select(rows)

    def room(self) -> int:
        """How many more tokens can follow."""
        return 2**62  # what is too long is forgotten

    def _unread(self) -> list[list[int]]:
        read = self._cache.lengths
        return [
            text[start + int(length) :]
            for text, start, length in zip(self.texts, self._starts, read, strict=True)
        ]

    def _fits(self, context: int) -> bool:
        longest = max(len(t) - start for t, start in zip(self.texts, self._starts, strict=True))
        return longest <= context


class Seq2SeqReader:
    """An encoder-decoder reads its sources once; its texts are the targets, from the start token.

    A target ends with the end token, and at the latest where the context is full.
    """

    def __init__(self, model: Seq2Seq, sources: Sequence[Sequence[int]]) -> None:
        self.model, config = model, model.config
        self.ends = frozenset([config.end_id])
        longest = max(map(len, sources))
        ids = np.full((len(sources), longest), config.pad_id, np.int64)
        padding = np.ones(ids.shape, bool)
        for row, source in enumerate(sources):
            ids[row, : len(source)], padding[row, : len(source)] = source, False
        self._using = inference(model)
        with self._using:
            self._cache = model.new_cache(Tensor(ids), Tensor(padding))
        self.texts = [[config.start_id] for _ in sources]

    def logits(self) -> np.ndarray:
        """Read what is new in each text; return the logits of what comes next: (B, V)."""
        read = self._cache.length
        unread = np.array([text[read:] for text in self.texts], np.int64)
        with self._using:
            return self.model.step(Tensor(unread), self._cache).array[:, -1]

    def select(self, rows: Sequence[int]) -> None:
        """Go on with these rows, in this order."""
        self.texts = [list(self.texts[row]) for row in rows]
        self._cache.select(rows)

    def room(self) -> int:
        """How many more tokens can follow."""
        return self.model.config.context_length - len(self.texts[0]) + 1


def reader(model: Any, prompts: Sequence[Sequence[int]]) -> Reader:
    """Return a reader of the model's kind for checked prompts, at least one."""
    kind = Seq2SeqReader if isinstance(model, Seq2Seq) else DecoderReader
    return kind(model, prompts)


def checked_prompts(model: Any, prompts: Any) -> list[list[int]]:
    """Make lists of our own of prompts, so that the caller's do not grow.

    Raises:  ValueError for an empty prompt, or a source beyond the context; TypeError for what is
             no integer; IndexError for an id outside the vocabulary.
    """
    config = model.config
    reads_source = isinstance(model, Seq2Seq)
    vocab_size = config.vocab_size
    if reads_source and config.source_vocab_size is not None:
        vocab_size = config.source_vocab_size
    checked = []
    for prompt in prompts:
        array = np.asarray(prompt.array if isinstance(prompt, Tensor) else prompt)
        _check_prompt(array, vocab_size)
        if reads_source and array.size > config.context_length:
            raise ValueError(
                f"generate: a source of {array.size} tokens exceeds the model's context_length "
                f"{config.context_length}: cut the text into parts"
            )
        checked.append(array.tolist())
    return checked


def _check_prompt(array: np.ndarray, vocab_size: int) -> None:
    if array.ndim != 1:
        raise ValueError(
            f"generate: ids must be one sequence of token ids, not of shape {array.shape}; "
            "generate_batch takes a list of sequences"
        )
    if array.size == 0:
        raise ValueError(
            "generate: ids is empty, and a model continues something: give at least one token, "
            "such as tokenizer.encode('\\n')"
        )
    if array.dtype.kind not in "iu":
        raise TypeError(
            f"generate: ids must be integers, not {array.dtype}: encode text with a tokenizer first"
        )
    wrong = np.flatnonzero((array < 0) | (array >= vocab_size))
    if wrong.size:
        raise IndexError(
            f"generate: token id {array[wrong[0]]} at [{wrong[0]}] is outside [0, {vocab_size}): "
            "was the prompt encoded with another tokenizer than the model's?"
        )
