"""The grammar drawn: which choice follows which, and what each may say, seen in many stories.

The grammar is a program, so its picture is taken while it runs: every menu that a story passes is
noted, with what was said there and which menu came next.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from tinyllm.data.tinyworld.choices import Sampler, Uniforms
from tinyllm.data.tinyworld.english import Telling
from tinyllm.data.tinyworld.grammar import Grammar
from tinyllm.data.tinyworld.pieces import Menu, Piece

_SHOWN = 5  # examples of what a choice says
_FIXED = {".", "to", "with", "because", "</s>"}
_LEAST = 0.005  # a way on that is rarer is not drawn


class _Watching(Sampler):
    """A sampler that remembers the menus."""

    def __init__(self, uniforms: Uniforms) -> None:
        super().__init__(uniforms)
        self.passed: list[tuple[str, Piece, int]] = []

    def say(self, said: Piece) -> None:
        """Say what must come."""
        super().say(said)
        self.passed.append(("", said, 1))

    def choose(self, menu: Menu, without: tuple = ()) -> Any:
        """Draw one of the menu."""
        value = super().choose(menu, without)
        self.passed.append((menu.point, self.pieces[-1], len(menu.pieces)))
        return value


def draw_grammar(grammar: Grammar, count: int = 2000, seed: int = 0) -> str:
    """Return the grammar as text: a box for each choice, and the ways that lead on from it."""
    says: dict[str, Counter] = defaultdict(Counter)
    most: Counter = Counter()
    leads: dict[str, Counter] = defaultdict(Counter)
    order: dict[str, None] = {}
    uniforms = Uniforms(seed)
    for _ in range(count):
        watching = _Watching(uniforms)
        Telling(grammar, watching).story()
        _note(watching.passed, says, most, leads, order)
    return "\n".join(
        line for point in order for line in _box(point, says[point], most[point], leads[point])
    )


def _note(passed, says, most, leads, order) -> None:
    before = None
    fixed: list[str] = []
    for point, said, width in passed:
        words = " ".join(said.words)
        if not point:
            fixed.append(words)
            continue
        order.setdefault(point)
        says[point][words] += 1
        most[point] = max(most[point], width)
        if before is not None:
            leads[before][_way(fixed, point)] += 1
        before, fixed = point, []
    if before is not None:
        leads[before][_way(fixed, "")] += 1


def _way(fixed: list[str], point: str) -> str:
    said = [
        f"‘{word}’" if word in _FIXED else "(what the world or the cause says)" for word in fixed
    ]
    return " ".join([*said, f"[{point}]" if point else "■"])


def _box(point: str, says: Counter, width: int, leads: Counter) -> list[str]:
    examples = [words for words, _ in says.most_common(_SHOWN)]
    more = f" … of {width}" if width > len(examples) else ""
    total = sum(leads.values())
    ways = [(way, n / total) for way, n in leads.most_common() if n / total >= _LEAST]
    lines = [f"┌─[{point}]", "│   " + " | ".join(examples) + more]
    for number, (way, share) in enumerate(ways):
        corner = "└" if number == len(ways) - 1 else "├"
        lines.append(f"{corner}─{share:5.0%} ─► {way}")
    return [*lines, ""]
