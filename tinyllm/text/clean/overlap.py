"""Does the training text hold the test text? A model that has read the test is not measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tinyllm.text.clean.words import digest, ngrams, words


class DropOverlap:
    """Drop training documents that share a run of n words with the test documents.

    A test document shorter than n words is shared only by a training document of the same words.
    Keeps 8 bytes for each n-gram of the test documents; the training text streams through.

    Args:
        test: the test documents.
        n: words in a run; 13 as for GPT-3, fewer find more.

    Source:  Brown et al. 2020, appendix C, arXiv:2005.14165
    """

    name = "test overlap"

    def __init__(self, test: Iterable[str], n: int = 13) -> None:
        if n < 1:
            raise ValueError(f"DropOverlap: n is {n}, at least 1 is needed")
        self.n = n
        self._owners: dict[int, list[int]] = {}
        self.documents = 0
        for text in test:
            for key in self._keys(text):
                self._owners.setdefault(key, []).append(self.documents)
            self.documents += 1

    def __call__(self, text: str) -> str | None:
        return None if any(key in self._owners for key in self._keys(text)) else text

    def shared_with(self, text: str) -> set[int]:
        """Give the numbers of the test documents of which `text` holds a run."""
        return {n for key in self._keys(text) for n in self._owners.get(key, ())}

    def _keys(self, text: str) -> set[int]:
        tokens = words(text)
        if 0 < len(tokens) < self.n:
            return {digest(" ".join(tokens))}
        return {digest(run) for run in ngrams(tokens, self.n)}


@dataclass(frozen=True)
class OverlapReport:
    """How many test documents share a run of n words with the training documents."""

    n: int
    test_documents: int
    shared: dict[int, int] = field(repr=False)
    """Number of a test document -> number of the first training document that shares a run."""

    @property
    def share(self) -> float:
        """The part of test documents that are shared, between 0 and 1."""
        return len(self.shared) / self.test_documents if self.test_documents else 0.0

    def __str__(self) -> str:
        return (
            f"{len(self.shared):,} of {self.test_documents:,} test documents ({self.share:.1%}) "
            f"share a run of {self.n} words with the training text"
        )


def overlap(train: Iterable[str], test: Iterable[str], n: int = 13) -> OverlapReport:
    """Check which test documents share a run of n words with the training documents.

    Both are iterables of documents; `train` may be larger than memory. See `DropOverlap`.
    """
    index = DropOverlap(test, n)
    shared: dict[int, int] = {}
    for number, text in enumerate(train):
        for document in index.shared_with(text):
            shared.setdefault(document, number)
    return OverlapReport(n, index.documents, dict(sorted(shared.items())))
