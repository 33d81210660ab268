"""The averaged perceptron: features of a word and its neighbours vote for a tag."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from tinyllm.text.taggers.suffixes import number_array, shape
from tinyllm.text.taggers.tagger import Sentence, Tagger
from tinyllm.text.taggers.viterbi import viterbi

OUTSIDE = "<outside>"  # the neighbour of a sentence's first and last word
DIGITS = 4  # kept of an averaged weight


def features(words: list[str], i: int) -> list[str]:
    """Describe word i by what may tell its tag: itself, its affixes, its shape, its neighbours."""
    word, lower = words[i], words[i].lower()
    found = ["bias", f"word={word}", f"lower={lower}", f"shape={shape(word)}"]
    found += [f"prefix={lower[:n]}" for n in range(1, 4)]
    found += [f"suffix={lower[-n:]}" for n in range(1, 5)]
    found += [f"has {c}" for c in "-@#/." if c in word]
    if i == 0:
        found.append(f"first shape={shape(word)}")
    for step in (-2, -1, 1, 2):
        other = words[i + step] if 0 <= i + step < len(words) else OUTSIDE
        found.append(f"{step} lower={other.lower()}")
        if abs(step) == 1:
            found.append(f"{step} shape={shape(other)}")
            found.append(f"{step} suffix={other.lower()[-3:]}")
    return found


class PerceptronTagger(Tagger):
    """Score tags by weights of features; a mistake adds 1 for the truth and takes 1 from the guess.

    score(t_1 … t_T) = sum_i sum_{f in features(i)} weight[f, t_i] + sum_i follow[t_{i-1}, t_i]

    The weights after the last sentence know it too well: what tags is the average of the weights
    after every sentence of every epoch. With u the sum of all changes, each times the number of
    sentences c before it, the average is weight - u / c: one array in place of a sum in each step.

    Args:    search: "viterbi" finds the best sequence, "greedy" the best tag given the one before.
             epochs: passes over the sentences, each in another order.
             seed: of the orders.
    Raises:  ValueError for another search, or fewer than 1 epoch.
    Source:  Collins 2002, aclanthology.org/W02-1001; the average: Daumé 2006, figure 2.3
    """

    kind = "perceptron"

    def __init__(self, search: str = "viterbi", epochs: int = 8, seed: int = 0) -> None:
        super().__init__()
        if search not in ("viterbi", "greedy"):
            raise ValueError(f"PerceptronTagger: search is viterbi or greedy, not {search!r}")
        if not isinstance(seed, int):
            raise TypeError(f"PerceptronTagger: seed must be an int, not {seed!r}")
        if epochs < 1:
            raise ValueError(f"PerceptronTagger: epochs must be at least 1, not {epochs}")
        self.search, self.epochs, self.seed = search, epochs, seed
        self.rows: dict[str, int] = {}  # feature -> row of `weights`
        self.weights = np.empty((0, 0))  # (features, K)
        self.follow = np.empty((0, 0))  # (K + 1, K), the last row for a sentence's first tag

    def _fit(self, sentences: list[Sentence]) -> None:
        place = {tag: k for k, tag in enumerate(self.tags)}
        self.rows = {}
        known = []
        for words, tags in sentences:
            rows = [self._numbers(words, i, learn=True) for i in range(len(words))]
            known.append((rows, [place[tag] for tag in tags]))
        K = len(self.tags)
        self.weights = np.zeros((len(self.rows), K))
        self.follow = np.zeros((K + 1, K))
        weights_u, follow_u = np.zeros_like(self.weights), np.zeros_like(self.follow)
        order, count = random.Random(self.seed), 0
        for _ in range(self.epochs):
            order.shuffle(known)
            for rows, truth in known:
                guess = self._search(rows)
                if guess != truth:
                    change(self.weights, self.follow, rows, truth, guess, 1)
                    change(weights_u, follow_u, rows, truth, guess, count)
                count += 1
        self.weights -= weights_u / count
        self.follow -= follow_u / count
        self._round_off()

    def _round_off(self) -> None:
        """Drop the features that never mattered, and digits that a file need not hold."""
        self.weights, self.follow = self.weights.round(DIGITS), self.follow.round(DIGITS)
        kept = self.weights.any(axis=1)
        self.rows = {name: row for name, row in self.rows.items() if kept[row]}
        self.weights = self.weights[list(self.rows.values())]
        self.rows = {name: row for row, name in enumerate(self.rows)}

    def _numbers(self, words: list[str], i: int, learn: bool = False) -> list[int]:
        """The rows of word i's features; unknown ones are left out, or learned."""
        found = features(words, i)
        if learn:
            return [self.rows.setdefault(name, len(self.rows)) for name in found]
        return [self.rows[name] for name in found if name in self.rows]

    def _search(self, rows: list[list[int]]) -> list[int]:
        scores = np.stack([self.weights[own].sum(axis=0) for own in rows])  # (T, K)
        if self.search == "viterbi":
            return viterbi(scores, self.follow[:-1], self.follow[-1])
        path, before = [], len(self.tags)
        for own in scores:
            before = int((own + self.follow[before]).argmax())
            path.append(before)
        return path

    def _tag(self, words: list[str]) -> list[str]:
        rows = [self._numbers(words, i) for i in range(len(words))]
        return [self.tags[k] for k in self._search(rows)]

    def _state(self) -> dict[str, Any]:
        weights = {
            name: {str(k): self.weights[row, k] for k in np.flatnonzero(self.weights[row])}
            for name, row in self.rows.items()
        }
        settings = {"search": self.search, "epochs": self.epochs, "seed": self.seed}
        return {**settings, "follow": self.follow.tolist(), "weights": weights}

    def _restore(self, state: dict[str, Any]) -> None:
        self.__init__(state["search"], state["epochs"], state["seed"])
        self.tags = state["tags"]
        K = len(self.tags)
        self.follow = number_array(state["follow"], (K + 1, K))
        self.rows = {name: row for row, name in enumerate(state["weights"])}
        weights = np.zeros((len(self.rows), K))
        for row, own in enumerate(state["weights"].values()):
            for k, weight in own.items():
                if not 0 <= int(k) < K:
                    raise ValueError(f"there is no tag number {k}")
                weights[row, int(k)] = weight
        self.weights = number_array(weights, weights.shape)


def change(
    weights: np.ndarray,
    follow: np.ndarray,
    rows: list[list[int]],
    truth: list[int],
    guess: list[int],
    step: float,
) -> None:
    """Move weights towards the truth and away from the guess by `step`, where they differ.

    A transition that both have is added and taken away again, and stays.
    """
    before_truth = before_guess = len(follow) - 1
    for own, true, guessed in zip(rows, truth, guess, strict=True):
        if true != guessed:
            # a feature may stand twice in `own`, as a short word's prefixes do
            np.add.at(weights, (own, true), step)
            np.add.at(weights, (own, guessed), -step)
        follow[before_truth, true] += step
        follow[before_guess, guessed] -= step
        before_truth, before_guess = true, guessed
