"""n-gram models: the next word from counts of what followed the last few words.

    the cat sat </s>   order 3:   <s> <s> the   <s> the cat   the cat sat   cat sat </s>

No gradient and no learning rate: a pass over the text counts, and a smoothing gives a share to what
was never counted. Everything else in this package is measured against such a model first.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from math import log

import numpy as np

from tinyllm.random import Generator, default_generator

START, END = "<s>", "</s>"
SMOOTHINGS = ("none", "add-k", "interpolated", "kneser-ney")


class NGram:
    """p(word | the order - 1 words before), from the counts c of n-grams, h being those words.

    "none"          c(h w) / c(h), maximum likelihood; 0 for all words where h was never seen
    "add-k"         (c(h w) + k) / (c(h) + k V)
    "interpolated"  (1 - below) c(h w) / c(h) + below p(w | h')
    "kneser-ney"    max(c(h w) - discount, 0) / c(h) + discount t(h) / c(h) p(w | h')

    h' is h without its first word, the shares below the unigrams are 1 / V, and a history never
    seen leaves everything to h'. t(h) is how many different words followed h. With "kneser-ney"
    the counts of lower orders are of different words before: c(h w) = how many v have v h w.

    Args:    order: words of an n-gram; 1 looks at no word before.
             smoothing: one of the four.
             k: added to every count, of "add-k".
             below: the share that goes to the next lower order, of "interpolated".
             discount: taken off every count that is not 0, of "kneser-ney".

    Source:  Chen and Goodman 1998, «An Empirical Study of Smoothing Techniques for Language
             Modeling»; Kneser and Ney 1995
    """

    def __init__(
        self,
        order: int,
        smoothing: str = "kneser-ney",
        k: float = 1.0,
        below: float = 0.3,
        discount: float = 0.75,
    ) -> None:
        if order < 1:
            raise ValueError(f"NGram: order {order} is below 1, a word by itself")
        if smoothing not in SMOOTHINGS:
            raise ValueError(f"NGram: smoothing {smoothing!r} is none of {', '.join(SMOOTHINGS)}")
        if k <= 0 or not 0 < below < 1 or not 0 < discount < 1:
            raise ValueError(
                f"NGram: k {k} must be above 0; below {below} and discount {discount} between 0 "
                f"and 1"
            )
        self.order, self.smoothing = order, smoothing
        self.k, self.below, self.discount = k, below, discount
        self.vocabulary: list[str] = []

    def fit(self, texts: Iterable[Sequence[str]]) -> NGram:
        """Count the n-grams of texts, each given as its words; the end of each is counted too.

        Returns the model itself. The vocabulary is every word seen, and the end.
        """
        counts: Counter[tuple[str, ...]] = Counter()
        for words in texts:
            counts.update(self.ngrams(words))
        if not counts:
            raise ValueError("NGram.fit: no texts: there is nothing to count")
        self.vocabulary = sorted({ngram[-1] for ngram in counts})
        # One table for each order, the highest first: history -> Counter of the words that followed
        self.tables: list[dict[tuple[str, ...], Counter[str]]] = []
        for _ in range(self.order):
            self.tables.append(_followers(counts))
            lower: Counter[tuple[str, ...]] = Counter()
            for ngram, count in counts.items():
                lower[ngram[1:]] += 1 if self.smoothing == "kneser-ney" else count
            counts = lower
        self._totals = [{h: f.total() for h, f in table.items()} for table in self.tables]
        return self

    def ngrams(self, words: Sequence[str]) -> list[tuple[str, ...]]:
        """Give the n-grams of a text: one ends in each word, and one in the end."""
        padded = [START] * (self.order - 1) + [*words, END]
        return [tuple(padded[i : i + self.order]) for i in range(len(words) + 1)]

    def share(self, word: str, history: Sequence[str] = ()) -> float:
        """Give p(word | history); of the history only the last order - 1 words count.

        A word outside the vocabulary has the share 0, as has START.
        """
        padded = [START] * (self.order - 1) + list(history)
        return self._share(word, tuple(padded[len(padded) - self.order + 1 :]))

    def _share(self, word: str, history: tuple[str, ...]) -> float:
        """The share by one order, and by those below it: a history of n - 1 words."""
        place = self.order - 1 - len(history)
        followers = self.tables[place].get(history)
        if self.smoothing == "none":
            return followers[word] / self._totals[place][history] if followers else 0.0
        if self.smoothing == "add-k":
            known = self.k if word in self.tables[-1][()] else 0.0
            total = self._totals[place].get(history, 0)
            count = followers[word] if followers else 0
            return (count + known) / (total + self.k * len(self.vocabulary))
        if history:
            lower = self._share(word, history[1:])
        else:
            lower = 1 / len(self.vocabulary) if word in followers else 0.0
        if followers is None:
            return lower
        count, total = followers[word], self._totals[place][history]
        if self.smoothing == "interpolated":
            return (1 - self.below) * count / total + self.below * lower
        left = self.discount * len(followers) / total  # what the discounts have freed
        return max(count - self.discount, 0) / total + left * lower

    def shares(self, history: Sequence[str] = ()) -> dict[str, float]:
        """Give the share of every word of the vocabulary; they sum to 1 (or to 0: "none")."""
        return {word: self.share(word, history) for word in self.vocabulary}

    def nats(self, words: Sequence[str]) -> np.ndarray:
        """Give -log p of each word of a text, and of its end, (words + 1,); infinite for 0."""
        shares = [self._share(ngram[-1], ngram[:-1]) for ngram in self.ngrams(words)]
        return np.array([-log(share) if share > 0 else np.inf for share in shares])

    def draw(self, generator: Generator | None = None, most: int = 200) -> list[str]:
        """Write a text word by word, each drawn by its share, until the end or `most` words."""
        numbers = (default_generator if generator is None else generator).numpy
        words: list[str] = []
        while len(words) < most:
            shares = np.array(list(self.shares(words).values()))
            word = self.vocabulary[numbers.choice(len(shares), p=shares / shares.sum())]
            if word == END:
                break
            words.append(word)
        return words

    def __repr__(self) -> str:
        return f"NGram(order={self.order}, smoothing={self.smoothing!r})"


def _followers(counts: Counter[tuple[str, ...]]) -> dict[tuple[str, ...], Counter[str]]:
    """Sort n-grams by their history: all but the last word."""
    table: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for ngram, count in counts.items():
        table[ngram[:-1]][ngram[-1]] += count
    return dict(table)
