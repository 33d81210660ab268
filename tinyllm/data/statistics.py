"""What a corpus looks like in numbers: how many documents and words, how long, how often."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_]+(?:['’][^\W_]+)*")


@dataclass(frozen=True)
class TextStatistics:
    """Lengths of documents in words, and how often each word stands there."""

    documents: int
    characters: int
    words: int
    lengths: np.ndarray = field(repr=False)
    """(documents,) words of each."""
    frequencies: Counter[str] = field(repr=False)

    @property
    def zipf_exponent(self) -> float:
        """The s of frequency ~ rank^-s, fitted to the logarithms at ranks 10 to 1,000; nan below.

        Source:  Zipf 1949
        """
        counts = np.sort(np.array(list(self.frequencies.values()), np.float64))[::-1]
        ranks = np.unique(np.geomspace(10, max(min(1000, len(counts)), 10), 50).astype(int))
        if len(counts) < 100:
            return float("nan")
        slope, _ = np.polyfit(np.log(ranks), np.log(counts[ranks - 1]), 1)
        return float(-slope)

    def __str__(self) -> str:
        if not self.words:
            return f"{self.documents:,} documents, {self.characters:,} characters, no words"
        once = sum(count == 1 for count in self.frequencies.values())
        middle, long = np.percentile(self.lengths, [50, 95])
        often = ", ".join(f"{_cut(word)} {n:,}" for word, n in self.frequencies.most_common(8))
        exponent = self.zipf_exponent
        zipf = "too few different words to see it" if np.isnan(exponent) else ""
        return (
            f"{self.documents:,} documents, {self.characters:,} characters, {self.words:,} words\n"
            f"words per document: half have at most {middle:.0f}, 95 % at most {long:.0f}, the "
            f"longest {self.lengths.max():,}\n"
            f"{len(self.frequencies):,} different words, {once / len(self.frequencies):.0%} of "
            f"them once only\nmost frequent: {often}\n"
            f"Zipf's law: {zipf or f'frequency falls as rank^-{exponent:.2f}'}"
        )


def _cut(word: str) -> str:
    return word if len(word) <= 30 else f"{word[:30]}…"


def text_statistics(documents: Iterable[str]) -> TextStatistics:
    """Count documents, characters and words; a Chinese character counts as a word."""
    lengths, characters, frequencies = [], 0, Counter()
    for document in documents:
        found = _WORD.findall(document.lower())
        lengths.append(len(found))
        characters += len(document)
        frequencies.update(found)
    array = np.array(lengths, np.int64)
    return TextStatistics(len(lengths), characters, int(array.sum()), array, frequencies)
