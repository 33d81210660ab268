"""Does a model say the same thing again and again? Measures that need no reference.

A text is a sequence of tokens, words or ids; a str is cut at whitespace.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

import numpy as np

from tinyllm.metrics.bleu import bleu_from_sums, count_ngrams
from tinyllm.metrics.inputs import check_choice
from tinyllm.metrics.tokenizers import BLEU_TOKENIZERS

Text = str | Sequence[Hashable]


def distinct_n(texts: Iterable[Text], n: int = 1) -> float:
    """Give the share of different n-grams among all n-grams of all texts: 1 nothing recurs.

    It falls with the length of the texts: compare equal amounts only.

    Raises:  ValueError if no text has n tokens.
    Source:  Li et al. 2016, arXiv:1510.03055
    """
    counts: Counter = Counter()
    for tokens in _tokens("distinct_n", texts, n):
        counts.update(count_ngrams(tokens, n))
    return len(counts) / _some(counts.total(), "distinct_n", n)


def rep_n(texts: Iterable[Text], n: int = 4) -> float:
    """Give the share of n-grams that stood in the same text before, over all texts: 0 none.

    rep-n = 1 - sum_texts |different n-grams| / sum_texts |n-grams|

    Raises:  ValueError if no text has n tokens.
    Source:  Su et al. 2022, arXiv:2202.06417
    """
    counters = [count_ngrams(tokens, n) for tokens in _tokens("rep_n", texts, n)]
    total = _some(sum(counter.total() for counter in counters), "rep_n", n)
    return 1 - sum(map(len, counters)) / total


def seq_rep(texts: Iterable[Text], n: int = 4) -> float:
    """Give the mean over texts of 1 - |different n-grams| / |n-grams|: each text weighs the same.

    A text shorter than n tokens is left out.

    Raises:  ValueError if no text has n tokens.
    Source:  Welleck et al. 2020, seq-rep-n, arXiv:1908.04319
    """
    counters = [count_ngrams(tokens, n) for tokens in _tokens("seq_rep", texts, n)]
    shares = [1 - len(counter) / counter.total() for counter in counters if counter]
    _some(len(shares), "seq_rep", n)
    return float(np.mean(shares))


def rep_window(texts: Iterable[Text], window: int = 128) -> float:
    """Give the share of tokens that stand among the `window` tokens before them as well.

    Raises:  ValueError if the texts are empty.
    Source:  Welleck et al. 2020, rep/l, arXiv:1908.04319
    """
    repeated = total = 0
    for tokens in _tokens("rep_window", texts, window):
        last_place: dict[Hashable, int] = {}
        for place, token in enumerate(tokens):
            repeated += token in last_place and place - last_place[token] <= window
            last_place[token] = place
        total += len(tokens)
    return repeated / _some(total, "rep_window", 1)


def self_bleu(texts: Sequence[str], tokenize: str = "13a", max_ngram_order: int = 4) -> float:
    """Give the mean BLEU, 0 to 100, of each text against all the others: 100 all are alike.

    As sentence BLEU with exp smoothing and the effective order, so that short texts count too.

    Raises:  ValueError for fewer than 2 texts or an unknown tokenizer.
    Source:  Zhu et al. 2018, Texygen, arXiv:1802.01886
    """
    check_choice("self_bleu", "tokenize", tokenize, list(BLEU_TOKENIZERS))
    if isinstance(texts, str) or len(texts) < 2:
        raise ValueError("self_bleu: give a list of 2 texts or more")
    words = [BLEU_TOKENIZERS[tokenize](text.rstrip()) for text in texts]
    lengths = Counter(map(len, words))
    orders = range(1, max_ngram_order + 1)
    highest = {n: _two_highest([count_ngrams(row, n) for row in words]) for n in orders}
    scores = []
    for number, row in enumerate(words):
        length = len(row)
        others = lengths - Counter([length])
        closest = min((abs(length - other), other) for other in others)[1]
        counts = []
        for n in orders:
            found = 0
            for ngram, count in count_ngrams(row, n).items():
                (first, owner), (second, _) = highest[n][ngram]
                found += min(count, second if owner == number else first)
            counts.append(found)
        totals = [max(0, length - n + 1) for n in orders]
        sums = np.array([length, closest, *counts, *totals])
        scores.append(bleu_from_sums(sums, "exp", None, effective_order=True)["score"])
    return float(np.mean(scores))


def _two_highest(counters: list[Counter]) -> dict[Hashable, tuple]:
    """For each n-gram its two highest counts, and whose they are: the best of all others."""
    highest: dict[Hashable, tuple] = {}
    nobody = (0, -1)
    for number, counter in enumerate(counters):
        for ngram, count in counter.items():
            first, second = highest.get(ngram, (nobody, nobody))
            if count > first[0]:
                first, second = (count, number), first
            elif count > second[0]:
                second = (count, number)
            highest[ngram] = first, second
    return highest


def _tokens(who: str, texts: Iterable[Text], n: int) -> list[Sequence[Hashable]]:
    if isinstance(texts, str):
        raise TypeError(f"{who}: texts is a str, not a list of texts: write [text]")
    if n < 1:
        raise ValueError(f"{who}: {n} is not 1 or more")
    return [text.split() if isinstance(text, str) else list(text) for text in texts]


def _some(count: int, who: str, n: int) -> int:
    if not count:
        raise ValueError(f"{who}: no text has {n} token{'s' * (n > 1)}: nothing to measure")
    return count
