"""Pieces of English with their labels, and the menus that a story is a walk through."""

from __future__ import annotations

import math
from functools import cache
from itertools import accumulate
from typing import Any, NamedTuple


class Piece(NamedTuple):
    """Some words that are always said together, with the label of each.

    words:    as they stand in the middle of a sentence
    tags:     parts of speech, the names of Universal Dependencies (UPOS)
    entities: PER, LOC, DATE, or "" where the word names nothing
    """

    words: tuple[str, ...]
    tags: tuple[str, ...]
    entities: tuple[str, ...]


@cache
def piece(marked: str) -> Piece:
    """Read a piece from `lived/VERB in/ADP Riverton/PROPN/LOC`; stops and commas know theirs."""
    parts = []
    for word in marked.split():
        word, *labels = word.split("/")
        labels = labels or (["PUNCT"] if word in {",", "."} else ["X"])
        parts.append((word, labels[0], labels[1] if len(labels) > 1 else ""))
    return Piece(*zip(*parts, strict=True))


def a_or_an(noun: str) -> str:
    """Return the article that the sound of the next word asks for."""
    you_sound = ("uni", "use", "uku", "euro", "eu")
    if noun.startswith("unu") or noun.startswith(("hour", "honest")):
        return "an"
    return "an" if noun[0] in "aeiou" and not noun.startswith(you_sound) else "a"


class Menu:
    """The choices at one point of a story: what may be said next, what it means, how likely.

    The log-probabilities are those of the weights made to sum to 1. No choice is empty, and none is
    the beginning of another, so what is said tells which choice was made.

    Args:    point: the choice's name in the drawing of the grammar
             choices: (piece, value, weight); a weight of 0 leaves the choice out
    """

    __slots__ = ("by_word", "cumulative", "index", "logs", "pieces", "point", "probs", "values")

    def __init__(self, point: str, choices: list[tuple[Piece, Any, float]]) -> None:
        choices = [c for c in choices if c[2] > 0]
        if not choices:
            raise ValueError(f"{point}: a menu needs a choice")
        total = math.fsum(weight for *_, weight in choices)
        self.point = point
        self.pieces = [said for said, *_ in choices]
        self.values = [value for _, value, _ in choices]
        self.probs = [weight / total for *_, weight in choices]
        self.logs = [math.log(p) for p in self.probs]
        self.cumulative = list(accumulate(self.probs))
        self.cumulative[-1] = 1.0  # the sum's rounding must not leave a gap at the end
        self.by_word: dict[str, list[int]] = {}
        for i, said in enumerate(self.pieces):
            self.by_word.setdefault(said.words[0].casefold(), []).append(i)
        self.index: dict[Any, list[int]] | None = None
        self._check()

    def _check(self) -> None:
        for rivals in self.by_word.values():
            for i in rivals:
                for j in rivals:
                    first, second = self.pieces[i].words, self.pieces[j].words
                    if i != j and _folded(second[: len(first)]) == _folded(first):
                        raise ValueError(
                            f"{self.point}: {' '.join(first)!r} begins {' '.join(second)!r}: "
                            "a reader could not tell the choices apart"
                        )

    def where(self, value: Any) -> list[int]:
        """Return the numbers of the choices with that value."""
        if self.index is None:
            self.index = {}
            for i, known in enumerate(self.values):
                self.index.setdefault(known, []).append(i)
        return self.index.get(value, [])


def _folded(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word.casefold() for word in words)
