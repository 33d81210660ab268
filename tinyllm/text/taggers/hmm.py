"""The hidden Markov model: tags that follow each other, each of which utters a word."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinyllm.text.taggers.suffixes import (
    SuffixModel,
    count_tags,
    number_array,
    pack_counts,
    unpack_counts,
)
from tinyllm.text.taggers.tagger import Sentence, Tagger
from tinyllm.text.taggers.viterbi import viterbi


class HMMTagger(Tagger):
    """Find the tags that make tags and words together the most probable.

    P(t, w) = P(t_1 | start) prod_i P(t_i | t_{i-1}) prod_i P(w_i | t_i) P(end | t_T)

    Transitions are smoothed by how frequent the tag is:
        P(t | s) = (count(s, t) + transition_strength P(t)) / (count(s) + transition_strength)
    Words by Bayes' rule, P(w | t) = P(t | w) P(w) / P(t), in which P(w) is the same for all tags
    and is left out:
        P(t | w) = (count(w, t) + word_strength P(t | ending of w)) / (count(w) + word_strength)
    so that an unknown word, of count 0, is left to the suffix model.

    Args:    transition_strength, word_strength: how many occurrences the estimate behind is worth.
    Source:  Brants 2000 (TnT), arXiv:cs/0003055, which looks at two tags before instead of one
    """

    kind = "hmm"

    def __init__(self, transition_strength: float = 1.0, word_strength: float = 0.5) -> None:
        super().__init__()
        for name, value in (("transition", transition_strength), ("word", word_strength)):
            if not 0 < value < np.inf:
                raise ValueError(f"HMMTagger: {name}_strength must be above 0, not {value}")
        self.transition_strength, self.word_strength = transition_strength, word_strength
        self.words: dict[str, np.ndarray] = {}  # word -> counts of tags (K,)
        self.follows = np.empty((0, 0))  # counts; row K is the start, column K the end
        self.suffix_model = SuffixModel()

    def _fit(self, sentences: list[Sentence]) -> None:
        K = len(self.tags)
        place = {tag: k for k, tag in enumerate(self.tags)}
        self.follows = np.zeros((K + 1, K + 1))
        for _, tags in sentences:
            path = [K, *(place[tag] for tag in tags), K]
            np.add.at(self.follows, (path[:-1], path[1:]), 1)
        self.words = count_tags(sentences, self.tags)
        self._estimate()

    def _estimate(self) -> None:
        """Turn counts into logarithms of probabilities."""
        K = len(self.tags)
        self.suffix_model.fit(self.words)
        prior = self.follows.sum(axis=0) / self.follows.sum()  # P(t), the end among them
        strength = self.transition_strength
        smoothed = self.follows + strength * prior
        logs = np.log(smoothed / smoothed.sum(axis=1, keepdims=True))
        self.transitions, self.start, self.end = logs[:K, :K], logs[K, :K], logs[:K, K]
        self.log_prior = np.log(prior[:K] / prior[:K].sum())

    def emission(self, word: str) -> np.ndarray:
        """Compute log P(word | tag) for each tag, less log P(word): (K,)."""
        p = self.word_strength * self.suffix_model.probabilities(word)
        if word in self.words:
            p = p + self.words[word]
        return np.log(p / p.sum()) - self.log_prior

    def _tag(self, words: list[str]) -> list[str]:
        scores = np.stack([self.emission(word) for word in words])  # (T, K)
        return [self.tags[k] for k in viterbi(scores, self.transitions, self.start, self.end)]

    def _state(self) -> dict[str, Any]:
        return {
            "transition_strength": self.transition_strength,
            "word_strength": self.word_strength,
            "follows": self.follows.astype(int).tolist(),
            "words": pack_counts(self.words),
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self.__init__(float(state["transition_strength"]), float(state["word_strength"]))
        self.tags = state["tags"]
        K = len(self.tags)
        self.words = unpack_counts(state["words"], K)
        self.follows = number_array(state["follows"], (K + 1, K + 1))
        if not self.words or (self.follows < 0).any() or not self.follows.sum(axis=0).all():
            raise ValueError("counts that no sentences can have")
        self._estimate()
