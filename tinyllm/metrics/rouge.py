"""ROUGE: how much of a reference summary a summary holds, by its words and their order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinyllm.metrics.bleu import count_ngrams
from tinyllm.metrics.inputs import References, check_corpus, number_of_references
from tinyllm.metrics.porter import stem
from tinyllm.metrics.resampling import DEFAULT_SEED
from tinyllm.metrics.score import Score, yes_no
from tinyllm.metrics.tokenizers import ROUGE_TOKENIZERS, Tokenize

KINDS = ("rouge1", "rouge2", "rougeL", "rougeLsum")
_NGRAM_KIND = re.compile("rouge([1-9])")
PRF = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class RougeScore(Score):
    """One kind of ROUGE, 0 to 1: means over the summaries. `score` is `fmeasure`."""

    precision: float
    recall: float
    fmeasure: float

    def details(self) -> dict[str, Any]:
        """Give the parts of which the score is made."""
        return {n: getattr(self, n) for n in ("precision", "recall", "fmeasure")}

    @property
    def per_summary(self) -> np.ndarray:
        """Precision, recall and F of each summary (N, 3)."""
        return self.statistics[:, 1:]


class Rouge(Mapping[str, RougeScore]):
    """The scores by kind: `result["rougeL"].fmeasure`; `result.score` is the first kind's F."""

    def __init__(self, scores: Mapping[str, RougeScore]) -> None:
        self._scores = dict(scores)

    def __getitem__(self, kind: str) -> RougeScore:
        return self._scores[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._scores)

    def __len__(self) -> int:
        return len(self._scores)

    @property
    def score(self) -> float:
        """F of the first kind that was asked for."""
        return next(iter(self._scores.values())).score

    def with_interval(
        self, n_bootstrap: int = 1000, confidence: float = 0.95, seed: int = DEFAULT_SEED
    ) -> Rouge:
        """Give the same scores with the bootstrap intervals of their F."""
        drawn = (n_bootstrap, confidence, seed)
        return Rouge({kind: score.with_interval(*drawn) for kind, score in self.items()})

    def __str__(self) -> str:
        return "\n".join(str(score) for score in self._scores.values())

    __repr__ = __str__


def rouge(
    hypotheses: Sequence[str],
    references: References,
    kinds: Sequence[str] = KINDS,
    use_stemmer: bool = False,
    tokenize: str | Tokenize = "rouge",
) -> Rouge:
    """Measure summaries against one or several sets of references.

    rougeN:     P, R: share of the n-grams of the summary, of the reference, that the other has
    rougeL:     P, R: longest common subsequence over the length of the summary, of the reference
    rougeLsum:  the same for texts of several lines: for each line of the reference the union of
                its longest common subsequences with every line of the summary
    F = 2 P R / (P + R); of several references, each summary keeps the one with the best F.

    Args:    hypotheses, references: as in `bleu`.
             kinds: rouge1 … rouge9, rougeL, rougeLsum.
             use_stemmer: cut the endings off English words of more than 3 letters (Porter).
             tokenize: rouge, which knows a-z and 0-9 only, as rouge-score; unicode for any other
                 text, Chinese too; a name of BLEU's; or a function from str to a list of words.
    Raises:  TypeError, ValueError for wrong lists and unknown names.
    Source:  Lin 2004, ROUGE; rouge-score's counting
    """
    if isinstance(kinds, str):
        raise TypeError(f"rouge: kinds is a str, not a list of them: write [{kinds!r}]")
    if not kinds:
        raise ValueError("rouge: kinds is empty: there is nothing to measure")
    measures = {kind: _measure_of(kind) for kind in kinds}
    cut = _tokenizer(tokenize, use_stemmer)
    hypotheses, per_sentence = check_corpus("rouge", hypotheses, references)
    settings = {
        "nrefs": number_of_references(per_sentence),
        "tok": tokenize if isinstance(tokenize, str) else getattr(tokenize, "__name__", "own"),
        "stem": yes_no(use_stemmer),
    }
    rows: dict[str, list[PRF]] = {kind: [] for kind in kinds}
    for hypothesis, texts in zip(hypotheses, per_sentence, strict=True):
        mine = _Text(hypothesis, cut)
        theirs = [_Text(text, cut) for text in texts]
        for kind, measure in measures.items():
            best = max((measure(reference, mine) for reference in theirs), key=lambda prf: prf[2])
            rows[kind].append(best)
    return Rouge({kind: _score(kind, rows[kind], settings) for kind in kinds})


class _Text:
    """A text cut into words, as a whole and line by line, when asked."""

    def __init__(self, text: str, cut: Tokenize) -> None:
        self.words = cut(text)
        lines = [line for line in text.split("\n") if line]
        self.lines = [self.words] if len(lines) == 1 else [cut(line) for line in lines]


def _score(kind: str, rows: list[PRF], settings: dict[str, Any]) -> RougeScore:
    statistics = np.array([(1.0, *row) for row in rows])
    precision, recall, fmeasure = (float(mean) for mean in statistics[:, 1:].mean(axis=0))
    return RougeScore(
        name=kind.replace("rouge", "ROUGE-"),
        score=fmeasure,
        settings=settings,
        statistics=statistics,
        from_sums=_mean_f,
        digits=4,
        precision=precision,
        recall=recall,
        fmeasure=fmeasure,
    )


def _mean_f(sums: np.ndarray) -> float:
    count, _, _, fmeasure = sums
    return float(fmeasure / count)


def _measure_of(kind: str) -> Callable[[_Text, _Text], PRF]:
    if kind == "rougeL":
        return _rouge_l
    if kind == "rougeLsum":
        return _rouge_lsum
    found = _NGRAM_KIND.fullmatch(kind)
    if not found:
        raise ValueError(
            f"rouge: kind {kind!r} is not known; there are: rouge1 … rouge9, rougeL, rougeLsum"
        )
    n = int(found[1])
    return lambda reference, mine: _rouge_n(reference, mine, n)


def _tokenizer(tokenize: str | Tokenize, use_stemmer: bool) -> Tokenize:
    if not callable(tokenize):
        if tokenize not in ROUGE_TOKENIZERS:
            raise ValueError(
                f"rouge: tokenize {tokenize!r} is neither a function nor one of "
                f"{', '.join(ROUGE_TOKENIZERS)}"
            )
        tokenize = ROUGE_TOKENIZERS[tokenize]
    if not use_stemmer:
        return tokenize
    return lambda text: [stem(w.lower()) if len(w) > 3 else w for w in tokenize(text)]


def _prf(common: int, in_hypothesis: int, in_reference: int) -> PRF:
    precision, recall = common / max(in_hypothesis, 1), common / max(in_reference, 1)
    both = precision + recall
    return precision, recall, 2 * precision * recall / both if both > 0 else 0.0


def _rouge_n(reference: _Text, mine: _Text, n: int) -> PRF:
    theirs, ours = count_ngrams(reference.words, n), count_ngrams(mine.words, n)
    common = sum(min(count, ours[gram]) for gram, count in theirs.items() if gram in ours)
    return _prf(common, ours.total(), theirs.total())


def _rouge_l(reference: _Text, mine: _Text) -> PRF:
    columns = len(mine.words)
    common = columns - lcs_rows(reference.words, mine.words)[-1].bit_count()
    return _prf(common, columns, len(reference.words))


def _rouge_lsum(reference: _Text, mine: _Text) -> PRF:
    ours = Counter(word for line in mine.lines for word in line)
    theirs = Counter(word for line in reference.lines for word in line)
    totals = ours.total(), theirs.total()
    common = 0
    for line in reference.lines:
        places = set().union(*(lcs_places(line, other) for other in mine.lines))
        for i in sorted(places):
            word = line[i]
            if ours[word] > 0 and theirs[word] > 0:  # no word counts twice, as in ROUGE-1.5.5
                ours[word] -= 1
                theirs[word] -= 1
                common += 1
    return _prf(common, *totals)


def lcs_rows(reference: Sequence[Any], candidate: Sequence[Any]) -> list[int]:
    """Fill the table of longest common subsequences, one row of bits for each reference word.

    The table t[i][j], the length for the first i and j words, grows along a row by 0 or 1. Bit j
    of row i is 0 where it grows from t[i][j] to t[i][j + 1], so a Python int holds a row and one
    addition fills it: a matching word moves a step forward to the left as a carry.

    Returns: rows 0 … len(reference); t[i][j] = j - (ones among the lowest j bits of row i).
    Source:  Hyyrö 2004, Bit-parallel LCS-length computation revisited
    """
    places: dict[Any, int] = {}
    for j, word in enumerate(candidate):
        places[word] = places.get(word, 0) | 1 << j
    all_ones = (1 << len(candidate)) - 1
    row = all_ones
    rows = [row]
    for word in reference:
        matching = row & places.get(word, 0)
        row = ((row + matching) | (row - matching)) & all_ones
        rows.append(row)
    return rows


def lcs_places(reference: Sequence[Any], candidate: Sequence[Any]) -> list[int]:
    """Read one longest common subsequence off the table: its places in the reference.

    Of several equally long ones that which rouge-score takes: their union depends on it.
    """
    rows = lcs_rows(reference, candidate)

    def length(i: int, j: int) -> int:
        return j - (rows[i] & ((1 << j) - 1)).bit_count()

    i, j, places = len(reference), len(candidate), []
    while i > 0 and j > 0:
        if reference[i - 1] == candidate[j - 1]:
            i, j = i - 1, j - 1
            places.append(i)
        elif length(i, j - 1) > length(i - 1, j):
            j -= 1
        else:
            i -= 1
    return places[::-1]
