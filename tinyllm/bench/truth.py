"""How far a small GPT stays above the exact entropy of tinyworld, while it learns.

The excess of a story is the model's -log p of it minus the grammar's own. Its mean is a
Kullback-Leibler divergence, so only the chance of the draws can put it below zero: if it ever is by
more than three standard errors, the model has seen what it should not, or a sum is wrong.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinyllm import random
from tinyllm.data.tinyworld import END, Grammar, World, stories
from tinyllm.generation import inference
from tinyllm.models import Decoder, DecoderConfig
from tinyllm.nn import functional as F
from tinyllm.nn.utils import clip_grad_norm_
from tinyllm.optim import AdamW
from tinyllm.tensor import Tensor

IGNORED = -100  # the target that cross_entropy leaves out
START = "<s>"


@dataclass(frozen=True)
class Settings:
    """What is trained on what.

    stories:   of a batch, each drawn afresh, so none is learned by heart
    held_out:  stories on which the excess is measured: draws of the same grammar
    measures:  how often, at steps that grow by a constant factor
    """

    size: str = "mini"
    steps: int = 700
    stories: int = 48
    held_out: int = 1500
    measures: int = 12
    width: int = 128
    layers: int = 4
    heads: int = 4
    learning_rate: float = 2e-3
    seed: int = 0


class Words:
    """Stories as arrays of word numbers, each story with a start and an end."""

    def __init__(self, texts: list[list[str]]) -> None:
        self.words = [START, *sorted({word for text in texts for word in text})]
        self.ids = {word: i for i, word in enumerate(self.words)}

    def batch(self, texts: list[list[str]]) -> tuple[np.ndarray, np.ndarray]:
        """Return ids (B, T) and targets (B, T); behind a story's end nothing is asked."""
        longest = max(map(len, texts))
        ids = np.zeros((len(texts), longest), np.int64)
        targets = np.full((len(texts), longest), IGNORED, np.int64)
        for row, text in enumerate(texts):
            numbers = [self.ids[word] for word in text]
            targets[row, : len(text)] = numbers
            ids[row, 1 : len(text)] = numbers[:-1]
        return ids, targets


def losses_of(model: Decoder, words: Words, texts: list[list[str]], batch: int = 64) -> np.ndarray:
    """Return the model's -log p of each story, all words and the end counted, in nats: (N,)."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))  # like lengths together
    losses = np.zeros(len(texts))
    with inference(model):
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            ids, targets = words.batch([texts[i] for i in rows])
            logits = model(Tensor(ids))  # (B, T, V)
            V = logits.shape[-1]
            each = F.cross_entropy(
                logits.reshape(-1, V), Tensor(targets.reshape(-1)), reduction="none"
            )
            losses[rows] = each.numpy().astype(np.float64).reshape(ids.shape).sum(axis=1)
    return losses


def measure_excess(
    settings: Settings | None = None, say: Callable[[str], Any] = print
) -> dict[str, Any]:
    """Train, and measure the excess on the way.

    Returns: rows (step, seconds, excess and its standard error, in nats per word) and what they
             were measured with.
    """
    settings = settings or Settings()
    grammar = Grammar(World(settings.seed, settings.size))
    held_out = list(stories(grammar, settings.held_out, settings.seed, "validation"))
    texts = [story.words for story in held_out]
    truth = np.array([-story.log_prob for story in held_out])
    # One long draw, so that every word of the world is in the vocabulary; training then goes on
    # through it story by story and sees none twice.
    train = [s.words for s in stories(grammar, settings.steps * settings.stories, settings.seed)]
    words = Words(train + texts)
    longest = max(map(len, train + texts))
    model = _model(settings, len(words.words), longest)
    optimizer = AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=0.01)
    wanted = set(np.geomspace(1, settings.steps, settings.measures).round().astype(int).tolist())
    rows: list[dict[str, float]] = []
    per_word = 1 / np.mean([len(text) for text in texts])
    started = time.perf_counter()
    for step in range(1, settings.steps + 1):
        batch = train[(step - 1) * settings.stories : step * settings.stories]
        _update(model, optimizer, words.batch(batch), _rate(settings, step))
        if step in wanted:
            excess = (losses_of(model, words, texts) - truth) * per_word
            row = {
                "step": step,
                "seconds": time.perf_counter() - started,
                "excess": float(excess.mean()),
                "error": float(excess.std(ddof=1) / math.sqrt(len(excess))),
            }
            rows.append(row)
            say(
                f"step {step:5d}  {row['seconds']:6.1f} s  excess {row['excess']:7.4f} "
                f"+- {row['error']:.4f} nats per word"
            )
    return {
        "rows": rows,
        "entropy": float(truth.mean() * per_word),
        "parameters": sum(p.numel() for p in model.parameters()),
        "vocabulary": len(words.words),
        "held_out": len(texts),
        "size": settings.size,
        "end": END,
    }


def _model(settings: Settings, vocab_size: int, longest: int) -> Decoder:
    random.manual_seed(settings.seed)
    return Decoder(
        DecoderConfig(
            vocab_size=vocab_size,
            context_length=longest,
            layers=settings.layers,
            heads=settings.heads,
            width=settings.width,
            positions="rotary",
        )
    )


def _rate(settings: Settings, step: int) -> float:
    """The learning rate: a short rise, then half a cosine to a twentieth."""
    rise = max(1, settings.steps // 20)
    done = min(1.0, max(0.0, (step - rise) / max(1, settings.steps - rise)))
    fall = 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * done))
    return settings.learning_rate * min(1.0, step / rise) * fall


def _update(model: Decoder, optimizer: AdamW, batch: tuple[np.ndarray, np.ndarray], rate) -> None:
    ids, targets = batch
    optimizer.param_groups[0]["lr"] = rate
    logits = model(Tensor(ids))  # (B, T, V)
    loss = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), Tensor(targets.reshape(-1)))
    optimizer.zero_grad()
    loss.backward()
    clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
