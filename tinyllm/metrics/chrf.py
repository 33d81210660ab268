"""chrF: like BLEU, but over characters and with recall; kinder to word endings and to Chinese."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tinyllm.metrics.bleu import count_ngrams
from tinyllm.metrics.inputs import References, check_corpus, check_sentence, number_of_references
from tinyllm.metrics.score import Score, case, yes_no

EPS = 1e-16
PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


@dataclass(frozen=True, kw_only=True)
class CHRFScore(Score):
    """chrF, 0 to 100."""

    char_order: int
    word_order: int
    beta: int

    def details(self) -> dict[str, Any]:
        """Give what the name stands for."""
        return {n: getattr(self, n) for n in ("char_order", "word_order", "beta")}


def chrf(
    hypotheses: Sequence[str],
    references: References,
    char_order: int = 6,
    word_order: int = 0,
    beta: int = 2,
    lowercase: bool = False,
    whitespace: bool = False,
    eps_smoothing: bool = False,
) -> CHRFScore:
    """Measure a corpus by the character n-grams it shares with its references.

    chrF_beta = 100 (1 + beta^2) P R / (beta^2 P + R)
    P, R: precision and recall of n-grams, each the mean over n = 1 … char_order characters, and
    over 1 … word_order words. Of several references, each sentence keeps the one it is nearest to.

    Args:    hypotheses, references: as in `bleu`.
             word_order: 0 for chrF, 2 for chrF++.
             beta: how many times more recall weighs than precision.
             whitespace: count spaces as characters.
             eps_smoothing: mean of the F of each n, as in the authors' chrF++.py, instead of the F
                 of the means over the n that both sides have.
    Raises:  TypeError, ValueError for wrong lists and orders.
    Source:  Popović 2015 (chrF), 2017 (chrF++); sacrebleu's counting
    """
    for name, value in {"char_order": char_order, "word_order": word_order}.items():
        if not isinstance(value, int) or value < 0:
            raise ValueError(f"chrf: {name} = {value} is not a whole number, 0 or more")
    if char_order + word_order == 0:
        raise ValueError("chrf: char_order and word_order are both 0: there is nothing to count")
    if not beta > 0:
        raise ValueError(f"chrf: beta = {beta} is not above 0")
    hypotheses, per_sentence = check_corpus("chrf", hypotheses, references)
    from_sums = partial(chrf_from_sums, beta=beta, eps_smoothing=eps_smoothing)

    def ngrams(text: str) -> list[Counter]:
        text = text.lower() if lowercase else text
        return _all_ngrams(text, char_order, word_order, whitespace)

    def statistics_of(hypothesis: str, references: list[str]) -> list[int]:
        mine = ngrams(hypothesis)
        candidates = [_match(mine, ngrams(reference)) for reference in references]
        return candidates[0] if len(candidates) == 1 else max(candidates, key=from_sums)

    statistics = np.array(
        [statistics_of(text, row) for text, row in zip(hypotheses, per_sentence, strict=True)]
    )
    settings = {
        "nrefs": number_of_references(per_sentence),
        "case": case(lowercase),
        "eff": yes_no(not eps_smoothing),
        "nc": char_order,
        "nw": word_order,
        "space": yes_no(whitespace),
    }
    return CHRFScore(
        name=f"chrF{beta}" + "+" * word_order,
        score=from_sums(statistics.sum(axis=0)),
        settings=settings,
        statistics=statistics,
        from_sums=from_sums,
        char_order=char_order,
        word_order=word_order,
        beta=beta,
    )


def sentence_chrf(
    hypothesis: str,
    references: Sequence[str],
    char_order: int = 6,
    word_order: int = 0,
    beta: int = 2,
    lowercase: bool = False,
    whitespace: bool = False,
    eps_smoothing: bool = False,
) -> CHRFScore:
    """Measure one sentence against its references; `chrf` says the rest."""
    sets = check_sentence("sentence_chrf", hypothesis, references)
    orders = (char_order, word_order, beta)
    return chrf([hypothesis], sets, *orders, lowercase, whitespace, eps_smoothing)


def _all_ngrams(text: str, char_order: int, word_order: int, whitespace: bool) -> list[Counter]:
    """Count the n-grams of characters, n = 1 … char_order, then those of words."""
    line = text if whitespace else "".join(text.split())
    counters = [
        Counter([line[i : i + n] for i in range(len(line) - n + 1)])
        for n in range(1, char_order + 1)
    ]
    words = _words(text) if word_order else []
    return counters + [count_ngrams(words, n) for n in range(1, word_order + 1)]


def _words(text: str) -> list[str]:
    """Cut at whitespace, and one mark of punctuation off each word's end, else its beginning.

    "(hi)" gives "(hi" and ")": so it stands in chrF++.py, and in sacrebleu.
    """
    words = []
    for word in text.split():
        if len(word) > 1 and word[-1] in PUNCTUATION:
            words += [word[:-1], word[-1]]
        elif len(word) > 1 and word[0] in PUNCTUATION:
            words += [word[0], word[1:]]
        else:
            words.append(word)
    return words


def _match(hypothesis: list[Counter], reference: list[Counter]) -> list[int]:
    """Give three numbers per order: n-grams of the hypothesis, of the reference, common ones."""
    statistics = []
    for mine, theirs in zip(hypothesis, reference, strict=True):
        common = sum(min(count, theirs[gram]) for gram, count in mine.items() if gram in theirs)
        # a reference too short for this order says nothing of the hypothesis
        statistics += [mine.total() if theirs else 0, theirs.total(), common]
    return statistics


def chrf_from_sums(sums: Sequence[float], beta: float, eps_smoothing: bool) -> float:
    """Compute chrF from three sums per order, those of `_match` over a corpus: (3 n,)."""
    factor = beta**2
    precision = recall = mean_f = 0.0
    used = 0
    orders = len(sums) // 3
    for i in range(orders):
        n_hyp, n_ref, n_common = (float(value) for value in sums[3 * i : 3 * i + 3])
        p = n_common / n_hyp if n_hyp > 0 else EPS
        r = n_common / n_ref if n_ref > 0 else EPS
        below = factor * p + r
        mean_f += (1 + factor) * p * r / below if below > 0 else EPS
        if n_hyp > 0 and n_ref > 0:
            precision, recall, used = precision + p, recall + r, used + 1
    if eps_smoothing:
        return 100 * mean_f / orders
    if precision + recall == 0:
        return 0.0
    precision, recall = precision / used, recall / used
    return 100 * (1 + factor) * precision * recall / (factor * precision + recall)
