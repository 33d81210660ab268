"""What the end of a word says of its tag: how an unknown word is tagged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

LONGEST_SUFFIX = 5
RARE = 10  # words seen more often are grammar's, and say little of new words


def shape(word: str) -> str:
    """Return the kind of characters in a word: "Xx" capitalised, "X" capitals, "9", "x" or "." """
    if any(c.isdigit() for c in word):
        return "9"
    if not any(c.isalpha() for c in word):
        return "."
    if word.isupper() and len(word) > 1:
        return "X"
    return "Xx" if word[0].isupper() else "x"


def endings(word: str) -> list[str]:
    """Return what is counted for a word: its shape, then with ever longer suffixes."""
    kind, lower = shape(word), word.lower()
    longest = min(LONGEST_SUFFIX, len(lower))
    return [kind, *(f"{kind} {lower[-n:]}" for n in range(1, longest + 1))]


class SuffixModel:
    """Estimate P(tag | shape and suffix of a word), longer suffixes smoothed by shorter ones.

    P_0(t) = count(t) / N
    P_n(t) = (count(s_n, t) + strength P_{n-1}(t)) / (count(s_n) + strength)

    where s_1 is the shape and s_2, s_3 … add suffixes of 1, 2 … letters. A suffix never seen says
    nothing, and the shorter one's estimate stands.

    Args:    strength: how many occurrences the shorter suffix's estimate counts for.
    Source:  Brants 2000 (TnT), section 2.3, arXiv:cs/0003055, with another weighting
    """

    def __init__(self, strength: float = 1.0) -> None:
        self.strength = strength
        self.prior = np.empty(0)  # P_0, (K,)
        self.counts: dict[str, np.ndarray] = {}  # ending -> counts of tags (K,)

    def fit(self, counts: dict[str, np.ndarray]) -> SuffixModel:
        """Learn from each word's counts of tags (K,); rare words stand for the unknown ones."""
        rare = {word: tags for word, tags in counts.items() if tags.sum() <= RARE}
        self.counts = {}
        for word, tags in (rare or counts).items():
            for ending in endings(word):
                self.counts[ending] = self.counts.get(ending, 0) + tags
        total = sum((rare or counts).values()) + 1.0  # no tag is impossible
        self.prior = total / total.sum()
        return self

    def probabilities(self, word: str) -> np.ndarray:
        """Return P(tag | the word's ending): (K,), all above 0."""
        p = self.prior
        for ending in endings(word):
            seen = self.counts.get(ending)
            if seen is None:
                break
            p = (seen + self.strength * p) / (seen.sum() + self.strength)
        return p

    def state(self) -> dict[str, Any]:
        """Give what was learned as a dict that JSON can hold."""
        return {
            "strength": self.strength,
            "prior": self.prior.tolist(),
            "counts": pack_counts(self.counts),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], num_tags: int) -> SuffixModel:
        """Make a model from `state()`'s dict."""
        model = cls(float(state["strength"]))
        model.prior = number_array(state["prior"], (num_tags,))
        model.counts = unpack_counts(state["counts"], num_tags)
        if (model.prior <= 0).any() or model.strength <= 0:
            raise ValueError("the suffix model's prior and strength must be above 0")
        return model


def count_tags(
    sentences: Sequence[tuple[list[str], list[str]]], tags: list[str]
) -> dict[str, np.ndarray]:
    """Count how often each word has each tag: word -> (K,)."""
    place = {tag: k for k, tag in enumerate(tags)}
    pairs = Counter(pair for words, own in sentences for pair in zip(words, own, strict=True))
    counts: dict[str, np.ndarray] = {}
    for (word, tag), count in pairs.items():
        counts.setdefault(word, np.zeros(len(tags)))[place[tag]] = count
    return counts


def pack_counts(counts: dict[str, np.ndarray]) -> dict[str, dict[str, int]]:
    """Leave out the zeros: word -> {tag's number: count}."""
    return {word: {str(k): int(c[k]) for k in np.flatnonzero(c)} for word, c in counts.items()}


def unpack_counts(packed: dict[str, dict[str, int]], num_tags: int) -> dict[str, np.ndarray]:
    """Undo `pack_counts`; raise ValueError or IndexError for what it cannot have written."""
    counts = {}
    for word, own in packed.items():
        counts[word] = np.zeros(num_tags)
        for k, count in own.items():
            if not 0 <= int(k) < num_tags or type(count) is not int or count < 1:
                raise ValueError(f"{word!r} has count {count!r} for tag number {k}")
            counts[word][int(k)] = count
    return counts


def number_array(values: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Make an array of finite numbers of that shape, or raise ValueError."""
    array = np.array(values, np.float64)
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"expected finite numbers of shape {shape}, got shape {array.shape}")
    return array
