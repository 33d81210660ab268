"""How solutions and wrong variants are written down: from one working function."""

from __future__ import annotations

from collections.abc import Callable

from tinyllm.course.exercise import code_of

REFUSED = ("scipy", "tinyllm", "torch")


def solution_of(function: Callable, name: str) -> str:
    """A function's source as a learner would write it, with its import."""
    return f"import numpy as np\n\n{code_of(function, name)}"


def changed(code: str, *changes: tuple[str, str]) -> str:
    """Code with pieces replaced: a wrong variant of a solution. Raises ValueError for a miss."""
    for old, new in changes:
        if old not in code:
            raise ValueError(f"{old!r} is not in the solution that a variant changes:\n{code}")
        code = code.replace(old, new)
    return code
