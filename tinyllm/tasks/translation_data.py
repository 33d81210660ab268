"""Sentence pairs for translation: a made-up world, a named corpus, or two files of the user's."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from tinyllm.data.named import load_pairs
from tinyllm.data.pairs import read_pairs
from tinyllm.data.tinyworld import Grammar, Story, World, sentence_pairs, stories
from tinyllm.data.tinyworld.world import SIZES
from tinyllm.tasks.pairs import Pair

NAMED = ("tinyworld", "multi30k")
ASIDE = 1000  # pairs of the training set that only choose which weights to keep
SHARE = 0.1  # of a user's files, at most, for each of the two held-out parts


@dataclass(frozen=True)
class Corpus:
    """Pairs to learn from, pairs kept aside to choose the weights by, and pairs to measure on.

    languages: what the two are called
    tokenize:  how BLEU cuts the target into words
    about:     where they are from, for config.json
    stories:   of `test`, where the truth is known: tinyworld's
    """

    languages: tuple[str, str]
    train: list[Pair]
    aside: list[Pair]
    test: list[Pair]
    tokenize: str
    about: dict[str, Any]
    stories: list[Story] = field(default_factory=list)

    def characters(self) -> str:
        """The characters of the sources to learn from."""
        return "".join(sorted({*"".join(source for source, _ in self.train)}))


def load_corpus(
    data: str | Sequence[str | os.PathLike] = "tinyworld",
    seed: int = 0,
    size: str = "full",
    train_stories: int = 30_000,
) -> Corpus:
    """Load pairs: "tinyworld", "multi30k", or two aligned files, [source, target].

    Args:    seed: which pairs are kept aside; of tinyworld, which stories are told
             size: of the world
             train_stories: of tinyworld, with about six sentences each
    Raises:  ValueError for another name, or for files that do not match.
    """
    if isinstance(data, str):
        if data not in NAMED:
            raise ValueError(f"translate: data {data!r} is not {' or '.join(NAMED)}, or two files")
        if data == "tinyworld":
            return tinyworld_corpus(size, train_stories, seed)
        train, aside = _split(load_pairs("multi30k"), [ASIDE], seed)
        about = {"name": data, "seed": seed, "pairs": len(train)}
        test = load_pairs("multi30k", part="val")
        return Corpus(("English", "German"), train, aside, test, "13a", about)
    if len(data) != 2:
        raise ValueError(f"translate: data are a name or two files, not {len(data)}")
    pairs = read_pairs(*data)
    count = min(ASIDE, int(SHARE * len(pairs)))
    if not count:
        raise ValueError(
            f"translate: {data[0]} has {len(pairs)} pairs, and at least {round(1 / SHARE)} are "
            "needed to learn from some and to measure on others"
        )
    train, aside, test = _split(pairs, [count, count], seed)
    about = {"files": [os.fspath(path) for path in data], "seed": seed, "pairs": len(train)}
    return Corpus(("source", "target"), train, aside, test, _tokenize(train), about)


def tinyworld_corpus(
    size: str = "full", train_stories: int = 30_000, seed: int = 0, test_stories: int = 200
) -> Corpus:
    """Tell stories in English and Chinese; those of the test are told of their own draws.

    Of the test's stories a fifth begin with what training never tells of their person.
    """
    if size not in SIZES:
        raise ValueError(f"translate: size {size!r} is not {' or '.join(SIZES)}")
    grammar = Grammar(World(0, size))
    test = list(stories(grammar, test_stories, seed, "test"))
    kept = islice(stories(grammar, ASIDE, seed, "validation"), ASIDE // 4)
    parts = [_pairs(told) for told in (stories(grammar, train_stories, seed), kept, test)]
    about = {"name": "tinyworld", "size": size, "stories": train_stories, "seed": seed}
    return Corpus(("English", "Chinese"), *parts, "zh", about, test)


def _pairs(told: Any) -> list[Pair]:
    return [(pair.english, pair.chinese) for pair in sentence_pairs(told)]


def _split(pairs: list[Pair], sizes: list[int], seed: int) -> list[list[Pair]]:
    """The rest, and so many pairs apart, drawn by the seed."""
    order = np.random.default_rng(seed).permutation(len(pairs))
    ends = np.cumsum([0, *sizes])
    parts = [order[a:b] for a, b in zip(ends[:-1], ends[1:], strict=True)]
    return [[pairs[i] for i in sorted(part)] for part in (order[ends[-1] :], *parts)]


def _tokenize(pairs: list[Pair]) -> str:
    """BLEU's "zh" where most of the target is written in Chinese characters, else "13a"."""
    text = "".join(target for _, target in pairs[:1000])
    return "zh" if sum("\u4e00" <= c <= "\u9fff" for c in text) > len(text) / 2 else "13a"
