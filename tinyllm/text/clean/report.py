"""What each cleaning step did: counts, and a few examples of before and after."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

EXAMPLES = 3
_EXCERPT = 60


@dataclass
class StepReport:
    """What one step did to the documents that reached it."""

    name: str
    seen: int = 0
    changed: int = 0
    dropped: int = 0
    characters: int = 0
    """Characters after the step minus before, over changed and dropped documents."""
    examples: list[tuple[str, str | None]] = field(default_factory=list)
    """The first few (before, after), cut to where they differ; after is None if dropped."""

    def add(self, before: str, after: str | None) -> None:
        """Count one document."""
        self.seen += 1
        if after == before:
            return
        self.changed += after is not None
        self.dropped += after is None
        self.characters += len(after or "") - len(before)
        if len(self.examples) < EXAMPLES:
            self.examples.append(_excerpts(before, after))


@dataclass
class CleaningReport:
    """What a cleaning run did, step by step."""

    steps: list[StepReport]
    documents_in: int = 0
    documents_out: int = 0
    characters_in: int = 0
    characters_out: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Give all counts and examples as values that JSON can hold."""
        totals = {name: value for name, value in vars(self).items() if name != "steps"}
        return {**totals, "steps": [dict(vars(step)) for step in self.steps]}

    def totals(self) -> str:
        """Say in a line what went in and what came out."""
        return (
            f"{self.documents_in:,} documents in, {self.documents_out:,} out; "
            f"{self.characters_in:,} characters in, {self.characters_out:,} out"
        )

    def __str__(self) -> str:
        width = max([len(step.name) for step in self.steps] + [4])
        rows = [f"{'step':{width}} {'changed':>10} {'dropped':>10} {'characters':>12}"]
        for step in self.steps:
            rows.append(
                f"{step.name:{width}} {step.changed:>10,} {step.dropped:>10,} "
                f"{step.characters:>+12,}"
            )
        rows.append("\n" + self.totals())
        for step in self.steps:
            for before, after in step.examples:
                shown = "dropped" if after is None else _quoted(after)
                rows.append(f"{step.name:{width}}  {_quoted(before)}  ->  {shown}")
        return "\n".join(rows)


def _quoted(text: str) -> str:
    """Quote a text so that what cannot be seen is written as an escape; letters stay letters."""
    return repr(text)


def _excerpts(before: str, after: str | None) -> tuple[str, str | None]:
    """Cut both texts to the surroundings of the first place where they differ."""
    if after is None:
        return _cut(before, 0), None
    shorter = min(len(before), len(after))
    place = next((i for i in range(shorter) if before[i] != after[i]), shorter)
    start = max(0, place - _EXCERPT // 3)
    return _cut(before, start), _cut(after, start)


def _cut(text: str, start: int) -> str:
    head = "…" if start else ""
    tail = "…" if len(text) > start + _EXCERPT else ""
    return head + text[start : start + _EXCERPT] + tail
