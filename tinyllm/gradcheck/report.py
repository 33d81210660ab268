"""What a gradient check found, input by input."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class InputReport:
    """One input: how much of it was checked, and how far off its gradient was at worst.

    worst_error: the largest |analytic - numeric|, at `worst_index`
    cause:       the likely mistake, or None where the gradient is right
    """

    name: str
    shape: tuple[int, ...]
    size: int
    checked: int = 0
    failed: int = 0
    worst_error: float = 0.0
    worst_index: tuple[int, ...] = ()
    analytic: float | None = 0.0
    numeric: float = 0.0
    directions: bool = False
    cause: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the gradient agrees everywhere it was checked."""
        return self.cause is None

    def coverage(self) -> str:
        """How much was checked, in words."""
        if self.directions:
            return f"{self.checked} directions through {self.size} elements"
        if self.checked == self.size:
            return "the only element" if self.size == 1 else f"all {self.size} elements"
        return f"{self.checked} of {self.size} elements, sampled"

    def __str__(self) -> str:
        head = f"{self.name} {self.shape}: {self.coverage()}"
        if self.ok:
            return f"{head}, worst error {self.worst_error:.1e}"
        if not self.failed:
            return f"{head}\n    likely cause: {self.cause}"
        where = "direction" if self.directions else "index"
        got = "None" if self.analytic is None else f"{self.analytic:.9g}"
        return (
            f"{head}, {self.failed} of them wrong\n"
            f"    at {where} {self.worst_index}: analytic {got}, numeric {self.numeric:.9g}\n"
            f"    likely cause: {self.cause}"
        )


@dataclass
class Report:
    """A whole gradient check; `str(report)` tells it in words."""

    inputs: list[InputReport]
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every input's gradient is right."""
        return all(x.ok for x in self.inputs)

    @property
    def elements(self) -> int:
        """How many elements (or directions) were checked, over all inputs."""
        return sum(x.checked for x in self.inputs)

    @property
    def worst_error(self) -> float:
        """The largest |analytic - numeric| over all inputs."""
        return max((x.worst_error for x in self.inputs), default=0.0)

    def __str__(self) -> str:
        verdict = "gradients agree" if self.ok else "gradients disagree"
        lines = [f"gradcheck: {verdict} with finite differences"]
        lines += [f"  {x}" for x in self.inputs]
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)
