"""How well a model predicts a text: loss, perplexity, bits per byte."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from tinyllm.data import Windows
from tinyllm.generation import inference
from tinyllm.nn import Module
from tinyllm.nn import functional as F
from tinyllm.tensor import Tensor
from tinyllm.text import Tokenizer

IGNORED = -100  # the target that cross_entropy leaves out

Batches = Iterator[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Evaluation:
    """How well a text was predicted.

    loss:       mean of -log p(token | the tokens before it), in nats per token
    tokens:     how many were predicted
    of_tokens:  how many there were to predict; more than `tokens` if a sample was taken
    bytes:      how many bytes of UTF-8 the predicted tokens stand for; None if not known
    """

    loss: float
    tokens: int
    of_tokens: int
    bytes: int | None = None

    @property
    def perplexity(self) -> float:
        """exp(loss): as unsure as a choice among so many tokens, all equally likely."""
        return math.exp(self.loss) if self.loss < 709 else math.inf

    @property
    def bits_per_byte(self) -> float | None:
        """The loss in bits over the bytes of the text: fair between tokenizers."""
        return self.loss * self.tokens / (math.log(2) * self.bytes) if self.bytes else None


def evaluate(
    model: Module,
    tokens: np.ndarray,
    context_length: int | None = None,
    stride: int | None = None,
    batch_size: int = 32,
    max_tokens: int | None = None,
    tokenizer: Tokenizer | None = None,
    on_batch: Callable[[int], object] | None = None,
) -> Evaluation:
    """Measure the mean loss over a text in which every token but the first is predicted once.

    The text is cut into windows that do not overlap, so the first token of a window is predicted
    from one token, the last from `context_length`. With a smaller `stride`, windows overlap, and
    each predicts only what the one before it did not reach: slower, fairer to the model.

    Args:    tokens: the ids of the text (N,), at least 2.
             context_length: tokens per window, by default the model's.
             stride: from one window's start to the next one's, by default context_length.
             max_tokens: predict at most about so many, in windows spread evenly over the text.
             tokenizer: that of the model; with it, the bytes are counted, unless it is one that
             loses some, as WordPiece does.
             on_batch: called with the number of tokens of each batch just done.
    Raises:  ValueError for a text of fewer than 2 tokens, or a stride outside [1, context_length].
    """
    context_length = model.config.context_length if context_length is None else context_length
    stride = context_length if stride is None else stride
    if not 1 <= stride <= context_length:
        raise ValueError(
            f"evaluate: stride = {stride} is not in [1, context_length] = [1, {context_length}]"
        )
    V = model.config.vocab_size
    if tokenizer is not None and tokenizer.vocab_size != V:
        raise ValueError(
            f"evaluate: the tokenizer has {tokenizer.vocab_size} tokens and the model {V}: were "
            "they trained together?"
        )
    windows = Windows(tokens, context_length, name="the text to evaluate", allow_short=True)
    if max_tokens is not None and max_tokens < windows.num_targets:
        batches = _spread(windows, max_tokens, batch_size)
    elif stride == context_length:
        batches = windows.non_overlapping(batch_size)
    else:
        batches = _overlapping(windows, stride, batch_size)
    loss, counts = 0.0, np.zeros(V, np.int64)
    with inference(model):
        for ids, targets in batches:
            logits = model(Tensor(ids))  # (B, T, V)
            losses = F.cross_entropy(
                logits.reshape(-1, V), Tensor(targets.reshape(-1)), reduction="sum"
            )
            loss += losses.item()
            predicted = targets[targets != IGNORED]
            counts += np.bincount(predicted, minlength=counts.size)
            if on_batch:
                on_batch(predicted.size)
    total = int(counts.sum())
    known = tokenizer is not None and tokenizer.lossless
    size = int(_byte_lengths(tokenizer) @ counts) if known else None
    return Evaluation(loss / total, total, windows.num_targets, size)


def spread_windows(tokens: np.ndarray, context_length: int, count: int) -> np.ndarray:
    """About `count` windows spread evenly over a text, one after the other: a fixed sample of it.

    Returns: ids and targets together (count, T + 1); all windows, if there are fewer.
    """
    whole = max(1, (len(tokens) - 1) // context_length)
    length = min(context_length, len(tokens) - 1) + 1
    places = np.unique(np.linspace(0, whole - 1, min(count, whole)).round().astype(np.int64))
    return np.stack([tokens[p * context_length :][:length] for p in places]).astype(np.int64)


def _spread(windows: Windows, max_tokens: int, batch_size: int) -> Batches:
    T = windows.context_length
    rows = spread_windows(windows.tokens, T, max(1, max_tokens // T))
    for start in range(0, len(rows), batch_size):
        batch = rows[start : start + batch_size]
        yield batch[:, :-1].copy(), batch[:, 1:].copy()


def _overlapping(windows: Windows, stride: int, batch_size: int) -> Batches:
    """Windows `stride` apart, in which what an earlier window has predicted is not asked again."""
    T, last = windows.context_length, windows.num_targets
    rows, reached = [], 0  # targets up to `reached` are predicted
    for start in range(0, last, stride):
        end = min(start + T, last)
        row = np.asarray(windows.tokens[start : end + 1], np.int64)
        ids, targets = row[:-1].copy(), row[1:].copy()
        targets[: reached - start] = IGNORED
        if len(ids) < T and rows:  # the last window is shorter: a batch of its own
            yield _stacked(rows)
            rows = []
        rows.append((ids, targets))
        reached = end
        if len(rows) == batch_size or end == last:
            yield _stacked(rows)
            rows = []
        if end == last:
            return


def _stacked(rows: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    return np.stack([ids for ids, _ in rows]), np.stack([targets for _, targets in rows])


def _byte_lengths(tokenizer: Tokenizer) -> np.ndarray:
    """The bytes that each token stands for: (V,)."""
    return np.array([len(tokenizer.token_bytes(i)) for i in range(tokenizer.vocab_size)], np.int64)
