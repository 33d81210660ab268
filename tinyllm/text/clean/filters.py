"""Steps that drop whole documents: by length, and by how much they repeat themselves."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tinyllm.text.clean.words import ngrams, words


@dataclass(frozen=True)
class LengthFilter:
    """Drop documents that are too short or too long, in characters or in words.

    A Chinese character counts as a word. None sets no limit.
    """

    min_characters: int = 1
    max_characters: int | None = None
    min_words: int = 0
    max_words: int | None = None
    name = "length"

    def __post_init__(self) -> None:
        for least, most in (
            (self.min_characters, self.max_characters),
            (self.min_words, self.max_words),
        ):
            if least < 0 or (most is not None and most < least):
                raise ValueError(f"LengthFilter: nothing has at least {least} and at most {most}")

    def __call__(self, text: str) -> str | None:
        if not _within(len(text), self.min_characters, self.max_characters):
            return None
        if self.min_words == 0 and self.max_words is None:
            return text
        return text if _within(len(words(text)), self.min_words, self.max_words) else None


def _within(count: int, least: int, most: int | None) -> bool:
    return count >= least and (most is None or count <= most)


@dataclass(frozen=True)
class RepetitionFilter:
    """Drop documents that say the same again and again.

    share of n-gram g = n * count(g) / number of words, over the most frequent g of n words.

    Args:
        max_shares: for n = 2, 3 and 4, the largest share allowed.
        max_same_lines: the largest part of lines that stood there before.
        min_words: shorter documents pass: a few words repeat by chance.

    Source:  Rae et al. 2021 (Gopher), table A1, arXiv:2112.11446; shares there are of characters.
    """

    max_shares: tuple[float, float, float] = (0.20, 0.18, 0.16)
    max_same_lines: float = 0.30
    min_words: int = 20
    name = "repetition"

    def __call__(self, text: str) -> str | None:
        tokens = words(text)
        if len(tokens) < self.min_words:
            return text
        lines = [line for line in text.split("\n") if line.strip()]
        if 1 - len(set(lines)) / max(len(lines), 1) > self.max_same_lines:
            return None
        for n, most in zip((2, 3, 4), self.max_shares, strict=True):
            counts = Counter(ngrams(tokens, n))
            count = max(counts.values(), default=0)
            if count > 1 and n * count / len(tokens) > most:
                return None
        return text
