"""The baseline: each word's most frequent tag, whatever stands around it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinyllm.text.taggers.suffixes import SuffixModel, count_tags, pack_counts, unpack_counts
from tinyllm.text.taggers.tagger import Sentence, Tagger


class MostFrequentTagger(Tagger):
    """Tag a known word with its most frequent tag, an unknown one with the most frequent of all.

    A word known only in another case ("The") has the tag of its lower-case form.

    Args:    suffixes: tag unknown words by their ending instead, as `SuffixModel` estimates.
    Source:  Jurafsky and Martin, Speech and Language Processing, chapter 17: measure this first
    """

    kind = "most_frequent"

    def __init__(self, suffixes: bool = False) -> None:
        super().__init__()
        self.suffixes = suffixes
        self.counts: dict[str, np.ndarray] = {}  # word -> counts of tags (K,)
        self.total = np.empty(0)  # counts of tags in all (K,)
        self.suffix_model: SuffixModel | None = None

    def _fit(self, sentences: list[Sentence]) -> None:
        self.counts = count_tags(sentences, self.tags)
        self._sum_up()

    def _sum_up(self) -> None:
        self.total = sum(self.counts.values())
        self.suffix_model = SuffixModel().fit(self.counts) if self.suffixes else None

    def _tag(self, words: list[str]) -> list[str]:
        return [self.tags[int(self._scores(word).argmax())] for word in words]

    def _scores(self, word: str) -> np.ndarray:
        for form in (word, word.lower()):
            if form in self.counts:
                return self.counts[form]
        if self.suffix_model is not None:
            return self.suffix_model.probabilities(word)
        return self.total

    def _state(self) -> dict[str, Any]:
        return {"suffixes": self.suffixes, "counts": pack_counts(self.counts)}

    def _restore(self, state: dict[str, Any]) -> None:
        self.suffixes = bool(state["suffixes"])
        self.counts = unpack_counts(state["counts"], len(self.tags))
        if not self.counts:
            raise ValueError("no word is counted")
        self._sum_up()
