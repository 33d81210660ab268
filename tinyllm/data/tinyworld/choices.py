"""Three ways through the same grammar: draw a story, read one, or count them all.

The grammar (`english.py`) is a program that calls `choose(menu)` wherever a story may go on in more
than one way, and `say(piece)` where it may not. It never asks who chooses:

    Sampler     draws each choice, and sums the log-probabilities of what it drew
    Reader      takes only choices that agree with a given text, every one of them
    Enumerator  takes every choice there is
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Any

from tinyllm.data.tinyworld.pieces import Menu, Piece
from tinyllm.random import Generator

_BLOCK = 4096  # uniform numbers drawn at once: one at a time costs ten times as much


class Uniforms:
    """Uniform numbers in [0, 1), one at a time, from a generator or a seed."""

    def __init__(self, generator: Generator | int) -> None:
        generator = Generator(generator) if not isinstance(generator, Generator) else generator
        self._numpy = generator.numpy
        self._iterator = iter(())

    def next(self) -> float:
        """Return the next number."""
        for number in self._iterator:
            return number
        self._iterator = iter(self._numpy.random(_BLOCK).tolist())
        return next(self._iterator)


def excluded_mass(menu: Menu, without: tuple) -> tuple[set[int], float]:
    """Return the numbers of the excluded choices and how much probability they had."""
    gone = {i for value in without for i in menu.where(value)}
    return gone, math.fsum(menu.probs[i] for i in gone)


class Sampler:
    """Draw a story. `log_prob` is the natural logarithm of its probability, so far."""

    def __init__(self, uniforms: Uniforms) -> None:
        self._next = uniforms.next
        self.pieces: list[Piece] = []
        self.log_prob = 0.0

    def say(self, said: Piece) -> None:
        """Say what must come."""
        self.pieces.append(said)

    def choose(self, menu: Menu, without: tuple = ()) -> Any:
        """Draw one of the menu; the excluded values are left out, the rest made to sum to 1."""
        i = bisect_right(menu.cumulative, self._next())
        self.log_prob += menu.logs[i]
        if without:
            gone, mass = excluded_mass(menu, without)
            if gone:
                self.log_prob -= menu.logs[i] + math.log1p(-mass)
                while i in gone:  # drawing again until it fits is a draw from what is left
                    i = bisect_right(menu.cumulative, self._next())
                self.log_prob += menu.logs[i]
        self.pieces.append(menu.pieces[i])
        return menu.values[i]


class _NoFit(Exception):
    """The text goes on in a way that this derivation cannot."""


class Frontier(Exception):
    """The text ended where a story does not: `following` maps each next word to its probability."""

    def __init__(self, following: dict[str, float]) -> None:
        super().__init__("the text ends before the story does")
        self.following = following


class _Scripted:
    """Choose by a list of numbers, then take the first choice, and note the other ones."""

    def __init__(self, script: list[int]) -> None:
        self.script = script
        self.turn = 0
        self.pieces: list[Piece] = []
        self.log_prob = 0.0
        self.others: list[list[int]] = []  # scripts of the derivations that branch off
        self.trace: list[tuple[Menu, int]] = []

    def _take(self, menu: Menu, fitting: list[int], without: tuple) -> Any:
        mass = 0.0
        if without:
            gone, mass = excluded_mass(menu, without)
            fitting = [i for i in fitting if i not in gone]
        if not fitting:
            raise _NoFit
        if self.turn < len(self.script):
            i = self.script[self.turn]
        else:
            i = fitting[0]
            self.others += [[*self.script, other] for other in fitting[1:]]
            self.script = [*self.script, i]
        self.turn += 1
        self.trace.append((menu, i))
        self.log_prob += menu.logs[i] - (math.log1p(-mass) if mass else 0.0)
        self.pieces.append(menu.pieces[i])
        return menu.values[i]


class Enumerator(_Scripted):
    """Take every choice, one derivation a run."""

    def say(self, said: Piece) -> None:
        """Say what must come."""
        self.pieces.append(said)

    def choose(self, menu: Menu, without: tuple = ()) -> Any:
        """Take the choice that the script names, or the first."""
        return self._take(menu, list(range(len(menu.pieces))), without)


class Reader(_Scripted):
    """Take the choices that agree with a text.

    Args:    words: the text's words, as `text.words_of` cuts them
             script: the choices already made, by number
             wants_next: at the text's end raise Frontier with the probabilities of the next word
    """

    def __init__(self, words: list[str], script: list[int], wants_next: bool = False) -> None:
        super().__init__(script)
        self.words = words
        self.at = 0
        self.wants_next = wants_next

    def say(self, said: Piece) -> None:
        """Read what must come."""
        if not self._fits(said):
            raise _NoFit
        if self.at + len(said.words) > len(self.words):
            raise Frontier({self._written(said, len(self.words) - self.at): 1.0})
        self._pass(said)

    def choose(self, menu: Menu, without: tuple = ()) -> Any:
        """Read whichever choice the text makes."""
        here = self.words[self.at].casefold() if self.at < len(self.words) else None
        candidates = range(len(menu.pieces)) if here is None else menu.by_word.get(here, ())
        fitting = [i for i in candidates if self._fits(menu.pieces[i])]
        if self.wants_next:
            self._stop_at_the_end(menu, fitting, without)
        value = self._take(menu, fitting, without)
        self._pass(self.pieces.pop())
        return value

    def _stop_at_the_end(self, menu: Menu, fitting: list[int], without: tuple) -> None:
        left = len(self.words) - self.at
        gone, _ = excluded_mass(menu, without)
        fitting = [i for i in fitting if i not in gone]
        if not fitting or any(len(menu.pieces[i].words) <= left for i in fitting):
            return  # nothing fits, or the text says the whole of one
        total = math.fsum(menu.probs[i] for i in fitting)
        following: dict[str, float] = {}
        for i in fitting:
            word = self._written(menu.pieces[i], left)
            following[word] = following.get(word, 0.0) + menu.probs[i] / total
        raise Frontier(following)

    def _fits(self, said: Piece) -> bool:
        left = len(self.words) - self.at
        if left < len(said.words) and not self.wants_next:
            return False
        count = min(left, len(said.words))
        return all(self._written(said, k) == self.words[self.at + k] for k in range(count))

    def _written(self, said: Piece, k: int) -> str:
        """Return word k of the piece as it is written here: with a capital after a full stop."""
        word = said.words[k]
        before = said.words[k - 1] if k else (self.words[self.at - 1] if self.at else ".")
        return capital(word) if before == "." else word

    def _pass(self, said: Piece) -> None:
        self.at += len(said.words)
        self.pieces.append(said)


def capital(word: str) -> str:
    """Return the word as it begins a sentence."""
    return word[0].upper() + word[1:]


def derivations(make: Callable[[list[int]], Any], tell: Callable) -> Iterator[tuple[Any, Any]]:
    """Run the grammar along every derivation; yield (chooser, what was told).

    A run follows its script and then the first choice that fits; the other choices wait on a stack
    as scripts of their own. So the search is exhaustive: no fitting choice is passed over.
    """
    waiting: list[list[int]] = [[]]
    while waiting:
        chooser = make(waiting.pop())
        try:
            told = tell(chooser)
        except _NoFit:
            told = None
        finally:
            waiting += chooser.others
        if told is not None:
            yield chooser, told
