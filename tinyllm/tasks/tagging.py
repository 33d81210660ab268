"""Tagging as a task: taggers are trained, saved, compared on sentences that they have not seen."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinyllm.files import read_json
from tinyllm.metrics.schemes import is_entity_tag, marks_entities
from tinyllm.metrics.spans import seen_scheme, spans
from tinyllm.tasks.transformer_tagger import SETTINGS, TransformerTagger, remove_weights
from tinyllm.text.taggers import HMMTagger, MostFrequentTagger, PerceptronTagger, load_tagger
from tinyllm.text.taggers.tagger import Sentence, Tagger

AnyTagger = Tagger | TransformerTagger
METHODS: dict[str, Callable[..., AnyTagger]] = {
    "most-frequent": lambda seed, progress: MostFrequentTagger(),
    "hmm": lambda seed, progress: HMMTagger(),
    "perceptron": lambda seed, progress: PerceptronTagger(seed=seed),
    "transformer": lambda seed, progress: TransformerTagger(seed=seed, progress=progress),
}
RESAMPLES = 1000
_WORD = re.compile(r"\w+(?=n['’]t\b)|n['’]t\b|['’]\w+|\w+(?:[-.@]\w+)*|[^\w\s]")


@dataclass(frozen=True)
class Estimate:
    """A share of 1, and where it lies with a probability of 95 %."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} [{100 * self.low:.1f}, {100 * self.high:.1f}]"


@dataclass(frozen=True)
class TaggingScores:
    """What `evaluate` measured.

    unseen: None where every word is known.
    entity_f1, strict_f1: None unless the tags mark entities. Both as seqeval's: the first forgives
    as conlleval does, the second counts only what the scheme allows, BIO or BIOES.
    confusion: (K, K), counts; the row is the true tag, the column the given one.
    """

    accuracy: Estimate
    unseen: Estimate | None
    entity_f1: Estimate | None
    strict_f1: Estimate | None
    words: int
    unseen_words: int
    tags: list[str]
    confusion: np.ndarray


def make_tagger(method: str, seed: int = 0, progress: bool | None = False) -> AnyTagger:
    """Make an untrained tagger: "most-frequent", "hmm", "perceptron" or "transformer"."""
    if method not in METHODS:
        raise ValueError(f"make_tagger: {method!r} is not one of {', '.join(METHODS)}")
    return METHODS[method](seed, progress)


def save_tagger(tagger: AnyTagger, folder: str | os.PathLike) -> None:
    """Write a tagger of any kind into a folder; a kill leaves the old one or the new one."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(tagger, TransformerTagger):
        tagger.save(folder)
    else:
        tagger.save(folder / SETTINGS)
        remove_weights(folder)


def open_tagger(folder: str | os.PathLike) -> AnyTagger:
    """Read the tagger that `save_tagger` wrote.

    Raises:  FileNotFoundError; ValueError if a file is damaged.
    """
    path = Path(folder) / SETTINGS
    if read_json(path).get("kind") == TransformerTagger.kind:
        return TransformerTagger.load(folder)
    return load_tagger(path)


def tag_all(tagger: AnyTagger, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
    """Tag many sentences."""
    if isinstance(tagger, TransformerTagger):
        return tagger.tag_all(sentences)
    return [tagger.tag(words) for words in sentences]


def split_words(text: str) -> list[str]:
    """Split English text as treebanks do: "don't stop." -> do n't stop .

    URLs and smileys come apart: a tokenizer for tweets knows more.
    """
    return _WORD.findall(text)


def evaluate(
    tagger: AnyTagger, sentences: Sequence[Sentence], known: set[str], seed: int = 0
) -> TaggingScores:
    """Measure a tagger on sentences that it has not learned from.

    Intervals are percentiles of the bootstrap over sentences, whose words are not independent.

    Args:    known: the words of the training sentences; others are unseen.
             seed: of the bootstrap.
    Raises:  ValueError with no sentence.
    Source:  Efron and Tibshirani 1993, chapter 13
    """
    if not sentences:
        raise ValueError("evaluate: there is no sentence to measure on")
    guesses = tag_all(tagger, [words for words, _ in sentences])
    tags = sorted({*tagger.tags, *(tag for _, own in sentences for tag in own)})
    place = {tag: k for k, tag in enumerate(tags)}
    confusion = np.zeros((len(tags), len(tags)), np.int64)
    # right, words, right unseen, unseen; right, true and given entities, the same by strict rules
    counts = np.zeros((len(sentences), 10))
    has_entities = marks_entities(tags) and all(map(is_entity_tag, tags))
    scheme = seen_scheme([tags])
    for row, (words, truth), guess in zip(counts, sentences, guesses, strict=True):
        np.add.at(confusion, ([place[t] for t in truth], [place[t] for t in guess]), 1)
        right = np.array([a == b for a, b in zip(truth, guess, strict=True)])
        new = np.array([word not in known for word in words])
        row[:4] = right.sum(), right.size, (right & new).sum(), new.sum()
        if has_entities:
            for start, rules in ((4, None), (7, scheme)):
                true, given = set(spans(truth, rules)), set(spans(guess, rules))
                row[start : start + 3] = len(true & given), len(true), len(given)
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(counts), (RESAMPLES, len(counts)))
    weights = np.stack([np.bincount(draw, minlength=len(counts)) for draw in draws])
    drawn, total = weights @ counts, counts.sum(axis=0)  # (RESAMPLES, 10), (10)

    def f1(first: int) -> Estimate | None:
        right, true, given = first, first + 1, first + 2
        if not has_entities:
            return None
        return _estimate(total, drawn, lambda c: (2 * c[..., right], c[..., true] + c[..., given]))

    return TaggingScores(
        _estimate(total, drawn, lambda c: (c[..., 0], c[..., 1])),
        _estimate(total, drawn, lambda c: (c[..., 2], c[..., 3])) if total[3] else None,
        f1(4),
        f1(7),
        int(total[1]),
        int(total[3]),
        tags,
        confusion,
    )


def _estimate(total: np.ndarray, drawn: np.ndarray, parts: Callable) -> Estimate:
    """A ratio of sums, 0 where there is nothing to divide by."""
    above, below = parts(np.vstack([total, drawn]))
    ratios = above / np.maximum(below, 1)
    low, high = np.percentile(ratios[1:], [2.5, 97.5])
    return Estimate(float(ratios[0]), float(low), float(high))


def compare(
    train: Sequence[Sentence],
    test: Sequence[Sentence],
    seed: int = 0,
    progress: bool | None = False,
    methods: Sequence[str] = tuple(METHODS),
) -> list[dict[str, Any]]:
    """Train the taggers on the same sentences and measure them on the same others.

    Returns: a dict per method: `method`, `tagger`, `scores`, `fit_seconds`, `tag_seconds`.
    """
    known = {word for words, _ in train for word in words}
    rows = []
    for method in methods:
        tagger = make_tagger(method, seed, progress)
        started = time.perf_counter()
        tagger.fit(train)
        fitted = time.perf_counter()
        tag_all(tagger, [words for words, _ in test])
        tagged = time.perf_counter()
        row = {"method": method, "tagger": tagger, "fit_seconds": fitted - started}
        row |= {"tag_seconds": tagged - fitted, "scores": evaluate(tagger, test, known, seed)}
        rows.append(row)
    return rows


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Write what `compare` returned as a table in Markdown, percentages with 95 % intervals."""
    entity = any(row["scores"].entity_f1 for row in rows)
    heads = [
        "tagger",
        "accuracy",
        "on unseen words",
        *(["entity F1", "strict F1"] if entity else []),
    ]
    lines = [[*heads, "training, s", "words per s"]]
    lines.append(["---"] * len(lines[0]))
    for row in rows:
        scores = row["scores"]
        cells = [row["method"], scores.accuracy, scores.unseen or "-"]
        cells += [scores.entity_f1 or "-", scores.strict_f1 or "-"] if entity else []
        speed = scores.words / max(row["tag_seconds"], 1e-9)
        lines.append([str(c) for c in cells] + [f"{row['fit_seconds']:.1f}", f"{speed:,.0f}"])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
