"""Texts of lesson 15's cases: the pattern is fixed, the words are drawn."""

from __future__ import annotations

import numpy as np

WORDS = (
    "apple", "bridge", "candle", "desk", "engine", "forest", "garden", "harbour", "island",
    "jacket", "kettle", "ladder", "mirror", "needle", "orchard", "piano", "river", "window",
)  # fmt: skip


def texts(rng: np.random.Generator, *patterns: str) -> list[list[str]]:
    """Make a list of words of each pattern, one word for each letter: "aba" is a word, another,
    and the first again. The same letter is the same word in all of them.
    """
    drawn = [WORDS[i] for i in rng.permutation(len(WORDS))]
    word = dict(zip("abcdefghijklmnopqr", drawn, strict=True))
    return [[word[letter] for letter in pattern] for pattern in patterns]
