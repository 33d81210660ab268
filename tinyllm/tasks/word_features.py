"""Words as numbers: an id for each known word, and hashed ids of its affixes and shape."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

from tinyllm.text.taggers.suffixes import shape

PADDING, UNKNOWN = 0, 1  # word ids
HIDDEN = 0  # the id of a feature that is not told
BUCKETS = 8192  # of hashed features; two in one bucket share a vector, which does little harm
OUTSIDE = "<outside>"


def affixes(word: str) -> list[str]:
    """Describe the letters of a word: its shape, prefixes of 1 to 3 and suffixes of 1 to 4."""
    lower = word.lower()
    found = [f"shape={shape(word)}", f"lower={lower}"]
    found += [f"prefix{n}={lower[:n]}" for n in (1, 2, 3)]
    return found + [f"suffix{n}={lower[-n:]}" for n in (1, 2, 3, 4)]


def describe(words: Sequence[str], i: int) -> list[str]:
    """Describe word i by its letters, and its neighbours by theirs in short.

    Attention over learned positions needs more than 1,600 sentences to find the word next door:
    the neighbours are told, as a convolution of width 3 would.
    """
    found = affixes(words[i])
    for step in (-1, 1):
        other = words[i + step] if 0 <= i + step < len(words) else OUTSIDE
        lower = other.lower()
        found += [f"{step} {part}" for part in (shape(other), lower, lower[-3:])]
    return found


def bucket(feature: str) -> int:
    """Hash a feature to an id in [1, BUCKETS], the same on every machine."""
    return 1 + zlib.crc32(feature.encode("utf-8", "surrogatepass")) % BUCKETS


def make_vocabulary(sentences: Sequence[Sequence[str]], least: int = 2) -> dict[str, int]:
    """Number the words that stand at least so often, the most frequent first, from 2 on."""
    counts = Counter(word for words in sentences for word in words)
    kept = sorted((-count, word) for word, count in counts.items() if count >= least)
    return {word: number for number, (_, word) in enumerate(kept, UNKNOWN + 1)}


class Batch:
    """Sentences as arrays, shorter ones padded at their ends.

    Shapes:  ids, mask (True at padding) and targets (B, T), features (B, T, F)
    """

    def __init__(self, coded: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> None:
        B, T = len(coded), max(len(ids) for ids, _, _ in coded)
        self.ids = np.full((B, T), PADDING, np.int64)
        self.features = np.zeros((B, T, coded[0][1].shape[1]), np.int64)
        self.targets = np.full((B, T), -100, np.int64)  # cross_entropy's ignore_index
        for row, (ids, features, targets) in enumerate(coded):
            self.ids[row, : len(ids)] = ids
            self.features[row, : len(ids)] = features
            self.targets[row, : len(ids)] = targets
        self.mask = self.ids == PADDING


def code(words: Sequence[str], vocabulary: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """Turn words into ids (T,) and features (T, F)."""
    ids = np.array([vocabulary.get(word, UNKNOWN) for word in words], np.int64)
    rows = [[bucket(feature) for feature in describe(words, i)] for i in range(len(words))]
    return ids, np.array(rows, np.int64)
