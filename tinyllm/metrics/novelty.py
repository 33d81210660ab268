"""Is a generated text new, or copied from what the model was trained on? Exact, by a suffix array.

A text is cut into words and signs of punctuation; spaces and line ends count for nothing.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from tinyllm.metrics.proportion import Proportion, proportion
from tinyllm.metrics.resampling import Interval, bootstrap_scores, percentile_interval

NGRAMS = (4, 8)
_TOKENS = re.compile(r"\w+|[^\w\s]")


def tokens_of(text: str) -> list[str]:
    """Return the words and the signs of a text."""
    return _TOKENS.findall(text)


class CopyIndex:
    """Finds in training texts the longest run of words that a text shares with them.

    The places of the training text are sorted by what follows there (a suffix array, made by
    doubling: Manber & Myers 1993), so that what a text goes on with is found by bisection. Runs do
    not cross from one training text into the next.

    Args:    texts: all training texts; held in memory, with some 16 bytes for each of their words
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._ids: dict[str, int] = {}
        self.texts: set[tuple[str, ...]] = set()
        self.lines: set[tuple[str, ...]] = set()
        words: list[int] = []
        longest = 1
        for text in texts:
            tokens = tokens_of(text)
            self.texts.add(tuple(tokens))
            self.lines.update(tuple(tokens_of(line)) for line in text.splitlines())
            words += [self._ids.setdefault(token, len(self._ids) + 1) for token in tokens]
            words.append(0)  # ends a text
            longest = max(longest, len(tokens))
        self._words = words
        self._places = _suffix_array(np.array(words, np.int64), longest).tolist()

    def runs(self, text: str) -> list[int]:
        """Return for each word of a text how many from there on stand so in a training text."""
        ids = [self._ids.get(token, -1) for token in tokens_of(text)]
        runs: list[int] = []
        for start in range(len(ids)):
            least = runs[-1] - 1 if runs else 0
            runs.append(self._longest(ids[start:], max(least, 0)))
        return runs

    def _longest(self, ids: list[int], least: int) -> int:
        """The longest beginning of `ids` that stands somewhere; `least` are known to."""
        n = len(ids)
        at = bisect_left(self._places, ids, key=lambda place: self._words[place : place + n])
        longest = least
        for neighbour in self._places[max(0, at - 1) : at + 1]:
            run = 0
            for mine, known in zip(ids, self._words[neighbour : neighbour + n], strict=False):
                if mine != known:
                    break
                run += 1
            longest = max(longest, run)
        return longest


def _suffix_array(words: np.ndarray, longest: int) -> np.ndarray:
    """Return the places in the order of the `longest` words or more that follow there."""
    rank = np.unique(words, return_inverse=True)[1].astype(np.int64)
    length = 1
    while length <= longest:
        beyond = np.full_like(rank, -1)
        beyond[:-length] = rank[length:]
        pair = rank * (int(rank.max()) + 2) + beyond + 1  # ordered as (rank here, rank beyond)
        distinct, rank = np.unique(pair, return_inverse=True)
        length *= 2
        if len(distinct) == len(words):
            break
    return np.argsort(rank, kind="stable")


@dataclass(frozen=True)
class Share:
    """A share with its bootstrap interval over texts."""

    value: float
    interval: Interval

    def __str__(self) -> str:
        low, high = 100 * self.interval.low, 100 * self.interval.high
        return f"{100 * self.value:.1f} % [{low:.1f}, {high:.1f}]"


@dataclass(frozen=True)
class Novelty:
    """How much of some generated texts is not in the training text.

    texts:   the share of texts that are no training text
    lines:   the share of lines that are no line of it; None without lines
    ngrams:  n -> the share of runs of n words that stand nowhere in it; texts shorter than n are
             left out, and n if all are
    longest_runs: the longest run of words that each text shares with one training text
    """

    texts: Proportion
    lines: Share | None
    ngrams: dict[int, Share]
    longest_runs: list[int] = field(repr=False)

    @property
    def longest_run(self) -> int:
        """The longest run of words that any text shares with the training text."""
        return max(self.longest_runs)


def novelty(texts: Sequence[str], index: CopyIndex, n: Sequence[int] = NGRAMS) -> Novelty:
    """Measure how much of `texts` is new.

    Raises:  ValueError if there are no texts; TypeError for one str.
    """
    if isinstance(texts, str):
        raise TypeError("novelty: texts is a str, not a list of texts: write [text]")
    if not texts:
        raise ValueError("novelty: there are no texts to look at")
    runs = [index.runs(text) for text in texts]
    lines = [[tuple(tokens_of(line)) for line in text.splitlines()] for text in texts]
    new_lines = [[line not in index.lines for line in some if line] for some in lines]
    return Novelty(
        proportion(tuple(tokens_of(text)) not in index.texts for text in texts),
        _share(new_lines),
        {k: share for k in n if (share := _share([_new(some, k) for some in runs]))},
        [max(some, default=0) for some in runs],
    )


def _new(runs: list[int], n: int) -> list[bool]:
    return [run < n for run in runs[: len(runs) - n + 1]] if len(runs) >= n else []


def _share(answers: list[list[bool]]) -> Share | None:
    """The share of yes; the interval draws whole texts, whose answers hang together."""
    sums = np.array([(sum(some), len(some)) for some in answers if some], np.float64)
    if not len(sums):
        return None
    value = float(sums[:, 0].sum() / sums[:, 1].sum())
    if len(sums) < 2:
        return Share(value, Interval(0.0, 1.0, value, 0.95, 0, 0))  # one text tells nothing
    scores = bootstrap_scores(sums, lambda total: float(total[0] / total[1]))
    return Share(value, percentile_interval(scores))
