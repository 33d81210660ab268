"""Summarisation as a task: a story in, one sentence out, and whether it is true of the story."""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinyllm import random
from tinyllm.data.pairs import read_jsonl_pairs, read_pairs
from tinyllm.data.tinyworld import (
    Grammar,
    Story,
    SummaryScores,
    World,
    score_summaries,
    stories,
    summary_pairs,
)
from tinyllm.metrics import Score, rouge
from tinyllm.tasks.pairs import (
    LENGTH_PENALTY,
    NUM_BEAMS,
    Pair,
    TextToText,
    fit_pairs,
    make_model,
    model_settings,
    plain,
)
from tinyllm.tasks.summarizer import Summarizer, known_words
from tinyllm.text import BPETokenizer
from tinyllm.training import FitResult
from tinyllm.training.config import TaskConfig

ASIDE = 500  # pairs that only choose which weights to keep
SHARE = 0.1  # of a user's pairs, at most, for each of the two held-out parts
ROUGE = ("rouge1", "rouge2", "rougeL")
NUMBERS = ("texts", "num_beams", "length_penalty", "left_out")
LONGEST = 192  # tokens of a text


@dataclass(frozen=True)
class SummarizationConfig(TaskConfig):
    """How a summariser is trained; the defaults take some minutes on two cores."""

    max_steps: int = 1900
    batch_size: int = 64
    optimizer: str = "muon"
    learning_rate: float = 1e-3  # with twice as much the loss stays high until the rate falls
    min_learning_rate: float = 1e-4
    muon_learning_rate: float = 0.01
    warmup_steps: int = 100
    weight_decay: float = 0.01
    average_decay: float | None = 0.99


@dataclass(frozen=True)
class Model:
    """The sizes of the model and its vocabulary."""

    vocab_size: int = 5000  # so that nearly all words of the full world are one token
    layers: int = 3
    heads: int = 4
    width: int = 128
    dropout: float = 0.0  # nothing is read often enough to be learned by heart
    label_smoothing: float = 0.0  # there is one right summary
    longest: int = LONGEST


@dataclass(frozen=True)
class Corpus:
    """Texts with their summaries: to learn from, to choose the weights by, and to measure on.

    about:   where they are from, for config.json
    stories: of `test`, with their grammar, where the truth is known: tinyworld's
    """

    train: list[Pair]
    aside: list[Pair]
    test: list[Pair]
    about: dict[str, Any]
    stories: list[Story] = field(default_factory=list)
    grammar: Grammar | None = None


def load_corpus(
    data: str | os.PathLike | Sequence[str | os.PathLike] = "tinyworld",
    seed: int = 0,
    size: str = "full",
    train_stories: int = 100_000,
    test_stories: int = 500,
) -> Corpus:
    """Load pairs: "tinyworld", a JSONL file of {"text", "summary"}, or two aligned files.

    Args:    seed: which pairs are kept aside; of tinyworld, which stories are told.
             size, train_stories, test_stories: of tinyworld.
    Raises:  ValueError for a file that is not so, naming the line.
    """
    if data == "tinyworld":
        grammar = Grammar(World(0, size))
        test = list(stories(grammar, test_stories, seed, "test"))
        train = stories(grammar, train_stories, seed)
        parts = (train, stories(grammar, ASIDE, seed, "validation"), test)
        pairs = [[(pair.text, pair.summary) for pair in summary_pairs(told)] for told in parts]
        about = {"name": "tinyworld", "size": size, "stories": train_stories, "seed": seed}
        return Corpus(*pairs, about, test, grammar)
    files = [data] if isinstance(data, str | os.PathLike) else list(data)
    if len(files) == 1:
        pairs = read_jsonl_pairs(files[0], "text", "summary")
    else:
        pairs = read_pairs(*files)
    pairs = [(plain(text), plain(summary)) for text, summary in pairs]
    kept = min(ASIDE, int(SHARE * len(pairs)))
    if not kept:
        raise ValueError(
            f"summarize: {files[0]} has {len(pairs)} pairs, and at least {round(1 / SHARE)} are "
            "needed to learn from some and to measure on others"
        )
    order = np.random.default_rng(seed).permutation(len(pairs))
    parts = order[2 * kept :], order[:kept], order[kept : 2 * kept]
    about = {"files": [os.fspath(path) for path in files], "seed": seed, "pairs": len(parts[0])}
    return Corpus(*[[pairs[i] for i in sorted(part)] for part in parts], about)


@dataclass(frozen=True)
class Scores:
    """How good a summariser is on held-out texts.

    rouge:  ROUGE-1, -2 and -L (F) against the summaries
    lead:   those of the texts' first sentences, which know nothing of summaries
    left_out: texts that were too long for the model
    world:  where the truth is known: whether the summaries are true of their stories
    """

    rouge: dict[str, Score]
    lead: dict[str, Score]
    texts: int
    num_beams: int
    length_penalty: float
    left_out: int = 0
    world: SummaryScores | None = None
    examples: list[tuple[str, str, str]] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [
            f"On {self.texts:,} texts that were not learned from, by {self.num_beams} beams, "
            f"length penalty {self.length_penalty:g}, 95 % intervals:",
            *([f"({self.left_out:,} more are too long for the model)"] if self.left_out else []),
            *map(str, self.rouge.values()),
            "of the first sentence:",
            *map(str, self.lead.values()),
        ]
        if self.world is not None:
            lines += ["", str(self.world)]
        for text, found, wanted in self.examples:
            lines += ["", f"  {text}", f"  → {found}", f"  = {wanted}"]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Give what can be written as JSON."""
        named = {
            name: {kind: score.to_dict() for kind, score in getattr(self, name).items()}
            for name in ("rouge", "lead")
        }
        plainly = {name: getattr(self, name) for name in NUMBERS}
        world = self.world and self.world.to_dict()
        return named | plainly | {"world": world, "examples": self.examples}


def train(
    corpus: Corpus,
    config: SummarizationConfig | None = None,
    model: Model | None = None,
    kind: str = "seq2seq",
    folder: str | os.PathLike | None = None,
    go_on: str | None = None,
    progress: bool | None = None,
) -> tuple[Summarizer, FitResult]:
    """Train a summariser in a folder of its own, or go on with the one that was begun there.

    The weights that are kept are those with the lowest loss on the pairs kept aside.

    Args:    kind: "seq2seq", or "decoder": of the same size, which reads the text as a prompt.
             folder, go_on, progress: as for `training.fit`.
    """
    config, sizes = config or SummarizationConfig(), dataclasses.asdict(model or Model())
    texts = [Summarizer.prefix + text for pair in corpus.train[:20_000] for text in pair]
    tokenizers = {
        "tokenizer": BPETokenizer.train(texts, sizes.pop("vocab_size")),
        "words": known_words(text for text, _ in corpus.train),
    }
    settings = model_settings(kind, tokenizers, sizes.pop("longest"), **sizes)
    random.manual_seed(config.seed)
    summarizer = Summarizer(make_model(settings), tokenizers)
    result = fit_pairs(
        summarizer, corpus.train, corpus.aside, config, folder, settings, corpus.about,
        go_on, progress,
    )  # fmt: skip
    return summarizer, result


def evaluate(
    summarizer: TextToText,
    corpus: Corpus,
    num_beams: int = NUM_BEAMS,
    length_penalty: float = LENGTH_PENALTY,
    examples: int = 4,
) -> Scores:
    """Summarise the test's texts, and hold the summaries against what is right."""
    fits = [
        len(summarizer.source.encode(summarizer.prefix + text)) <= summarizer.longest
        for text, _ in corpus.test
    ]
    if not any(fits):
        raise ValueError(
            f"summarize: each of the {len(fits)} texts to measure on has more than the "
            f"{summarizer.longest} tokens that the model reads: train with --longest"
        )
    texts, wanted = map(list, zip(*itertools.compress(corpus.test, fits), strict=True))
    told = list(itertools.compress(corpus.stories, fits)) if corpus.stories else []
    found = summarizer.write_all(texts, num_beams, length_penalty)

    def scored(summaries: list[str]) -> dict[str, Score]:
        scores = rouge(summaries, [wanted], list(ROUGE))
        return {name: score.with_interval() for name, score in scores.items()}

    world = score_summaries(told, found, corpus.grammar) if told else None
    step = max(1, len(texts) // max(1, examples))
    shown = list(zip(texts, found, wanted, strict=True))[::step][:examples]
    return Scores(
        scored(found), scored([first_sentence(text) for text in texts]), len(texts),
        num_beams, length_penalty, len(fits) - len(texts), world, shown,
    )  # fmt: skip


def first_sentence(text: str) -> str:
    """The lead: what stands before the first full stop, with it."""
    before, stop, _ = text.partition(". ")
    return before + stop.strip()
