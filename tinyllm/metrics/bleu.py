"""BLEU: how many of the words and phrases that a translator wrote stand in a reference too."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tinyllm.metrics.inputs import (
    References,
    check_choice,
    check_corpus,
    check_sentence,
    number_of_references,
)
from tinyllm.metrics.score import Score, case, yes_no
from tinyllm.metrics.tokenizers import BLEU_TOKENIZERS

SMOOTH_DEFAULTS = {"exp": None, "floor": 0.1, "add-k": 1, "none": None}
LOG_OF_ZERO = -9999999999.0  # sacrebleu's: exp of it is 0, also after division by an order
TOKENIZED_LINES = 100


@dataclass(frozen=True, kw_only=True)
class BLEUScore(Score):
    """BLEU, 0 to 100, and what it is made of.

    counts, totals:    n-grams of the hypotheses found in a reference, and all of them, n = 1, 2 …
    precisions:        100 * counts / totals, smoothed where a count is 0
    bp:                the brevity penalty
    sys_len, ref_len:  tokens of the hypotheses, and of the closest references
    """

    counts: list[int]
    totals: list[int]
    precisions: list[float]
    bp: float
    sys_len: int
    ref_len: int

    @property
    def ratio(self) -> float:
        """Length of the hypotheses over that of the references; 0 if these are empty."""
        return self.sys_len / self.ref_len if self.ref_len else 0.0

    def details(self) -> dict[str, Any]:
        """Give the parts of which the score is made."""
        parts = ("precisions", "bp", "ratio", "sys_len", "ref_len", "counts", "totals")
        return {name: getattr(self, name) for name in parts}

    def verbose(self) -> str:
        """Write the parts as sacrebleu does: `66.7/40.0/25.0/16.7 (BP = 1.000 ratio = …)`."""
        precisions = "/".join(f"{p:.1f}" for p in self.precisions)
        return (
            f"{precisions} (BP = {self.bp:.3f} ratio = {self.ratio:.3f} "
            f"hyp_len = {self.sys_len} ref_len = {self.ref_len})"
        )


def bleu(
    hypotheses: Sequence[str],
    references: References,
    tokenize: str = "13a",
    smooth_method: str = "exp",
    smooth_value: float | None = None,
    lowercase: bool = False,
    force: bool = False,
    effective_order: bool = False,
    max_ngram_order: int = 4,
) -> BLEUScore:
    """Measure a corpus of translations against one or several sets of references.

    BLEU = BP * exp(1/4 sum_n log p_n), n = 1 … 4
    p_n = 100 * (n-grams of the hypotheses that occur in a reference) / (all their n-grams); an
    n-gram counts at most as often as in the one reference that has it most often.
    BP = min(1, exp(1 - r / c)); c tokens in the hypotheses, r in the closest references.

    Args:    hypotheses: one text per sentence.
             references: a list of lists, one per reference set; None where a set has none.
             tokenize: 13a, intl, zh (Chinese), char or none; see `tinyllm.metrics.tokenizers`.
             smooth_method: for an n whose count is 0. exp: 1/2, 1/4 … of one n-gram; floor:
                 smooth_value of one, by default 0.1; add-k: smooth_value more, by default 1, in
                 every count and total from n = 2 on; none: the score is 0.
             lowercase: ignore upper and lower case.
             force: do not warn of text that looks tokenized already.
             effective_order: leave out the n for which the hypotheses are too short; for single
                 sentences.
             max_ngram_order: the largest n.
    Raises:  TypeError, ValueError for wrong lists and unknown names.
    Differs: from sacrebleu, which cuts lists of unequal length to the shortest without a word.
    Source:  Papineni et al. 2002; Post 2018, arXiv:1804.08771; smoothing: Chen and Cherry 2014
    """
    check_choice("bleu", "tokenize", tokenize, list(BLEU_TOKENIZERS))
    smooth_value = _smooth_value(smooth_method, smooth_value)
    if max_ngram_order < 1:
        raise ValueError(f"bleu: max_ngram_order = {max_ngram_order} is not 1 or more")
    hypotheses, per_sentence = check_corpus("bleu", hypotheses, references)
    if not force:
        _warn_if_tokenized(hypotheses)

    cut = BLEU_TOKENIZERS[tokenize]

    def words(text: str) -> list[str]:
        return cut((text.lower() if lowercase else text).rstrip())

    statistics = np.array(
        [
            sentence_statistics(words(hypothesis), list(map(words, row)), max_ngram_order)
            for hypothesis, row in zip(hypotheses, per_sentence, strict=True)
        ]
    )
    smoothing = (smooth_method, smooth_value, effective_order)
    parts = bleu_from_sums(statistics.sum(axis=0), *smoothing)
    settings = {
        "nrefs": number_of_references(per_sentence),
        "case": case(lowercase),
        "eff": yes_no(effective_order),
        "tok": tokenize,
        "smooth": smooth_method + ("" if smooth_value is None else f"[{smooth_value:.2f}]"),
    }
    return BLEUScore(
        name="BLEU",
        settings=settings,
        statistics=statistics,
        from_sums=partial(_score_from_sums, smoothing=smoothing),
        **parts,
    )


def sentence_bleu(
    hypothesis: str,
    references: Sequence[str],
    tokenize: str = "13a",
    smooth_method: str = "exp",
    smooth_value: float | None = None,
    lowercase: bool = False,
    effective_order: bool = True,
    max_ngram_order: int = 4,
) -> BLEUScore:
    """Measure one sentence against its references; `bleu` says the rest.

    A sentence's score is noisy: never average them, BLEU of a corpus is not the mean of its
    sentences.
    """
    sets = check_sentence("sentence_bleu", hypothesis, references)
    smoothing = (smooth_method, smooth_value)
    rest = (lowercase, True, effective_order, max_ngram_order)
    return bleu([hypothesis], sets, tokenize, *smoothing, *rest)


def count_ngrams(tokens: Sequence[Any], n: int) -> Counter:
    """Count the n-grams of a sequence, as tuples; its single tokens themselves for n = 1."""
    if n == 1:
        return Counter(tokens)
    return Counter(zip(*(tokens[start:] for start in range(n)), strict=False))


def sentence_statistics(
    hypothesis: list[str], references: list[list[str]], max_order: int
) -> list[int]:
    """Give what a sentence adds: its length, the closest reference's, counts, totals: (2 + 2 n,).

    Of two references equally close, the shorter one.
    """
    length = len(hypothesis)
    closest = min((abs(length - len(words)), len(words)) for words in references)[1]
    counts = []
    for n in range(1, max_order + 1):
        found = 0
        if n <= length:
            in_references = count_ngrams(references[0], n)
            for other in references[1:]:
                in_references |= count_ngrams(other, n)  # the larger count of each
            for ngram, count in count_ngrams(hypothesis, n).items():
                if ngram in in_references:
                    found += min(count, in_references[ngram])
        counts.append(found)
    totals = [max(0, length - n + 1) for n in range(1, max_order + 1)]
    return [length, closest, *counts, *totals]


def bleu_from_sums(
    sums: np.ndarray, smooth_method: str, smooth_value: float | None, effective_order: bool
) -> dict[str, Any]:
    """Compute BLEU from the sums of `sentence_statistics` over a corpus (2 + 2 n,).

    Differs: with add-k, sacrebleu's counts and totals hold the k too; ours are the true ones.
    """
    order = (len(sums) - 2) // 2
    sys_len, ref_len, *rest = (int(value) for value in sums)
    counts, totals = rest[:order], rest[order:]
    bp = 1.0
    if sys_len < ref_len:
        bp = math.exp(1 - ref_len / sys_len) if sys_len > 0 else 0.0
    parts = {"bp": bp, "sys_len": sys_len, "ref_len": ref_len, "counts": counts, "totals": totals}
    precisions = [0.0] * order
    if not any(counts):
        return {"score": 0.0, "precisions": precisions, **parts}

    used, halving = order, 1.0
    for i, (count, total) in enumerate(zip(counts, totals, strict=True)):
        if smooth_method == "add-k" and i > 0:
            count, total = count + smooth_value, total + smooth_value
        if total == 0:
            break  # the hypotheses have no n-gram of this order, so of no higher one
        if effective_order:
            used = i + 1
        if count > 0:
            precisions[i] = 100.0 * count / total
        elif smooth_method == "exp":
            halving *= 2
            precisions[i] = 100.0 / (halving * total)
        elif smooth_method == "floor":
            precisions[i] = 100.0 * smooth_value / total
    logs = [math.log(p) if p > 0 else LOG_OF_ZERO for p in precisions[:used]]
    return {"score": bp * math.exp(sum(logs) / used), "precisions": precisions, **parts}


def _smooth_value(method: str, value: float | None) -> float | None:
    """Give the value that a method smooths with, None if it needs none."""
    check_choice("bleu", "smooth_method", method, list(SMOOTH_DEFAULTS))
    default = SMOOTH_DEFAULTS[method]
    if default is None or value is None:
        return default
    if not 0 < value < math.inf:
        raise ValueError(f"bleu: smooth_value = {value} is not a number above 0")
    return value


def _score_from_sums(sums: np.ndarray, smoothing: tuple) -> float:
    return bleu_from_sums(sums, *smoothing)["score"]


def _warn_if_tokenized(hypotheses: list[str]) -> None:
    if sum(text.endswith(" .") for text in hypotheses) >= TOKENIZED_LINES:
        warnings.warn(
            f"bleu: {TOKENIZED_LINES} or more hypotheses end in ' .': were they tokenized? BLEU "
            "does that itself, and wants plain text (force=True if all is well)",
            stacklevel=3,
        )
