"""Hints, one at a time: a nudge, then the method, then nearly there."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

from tinyllm.course.catalogue import exercise
from tinyllm.course.progress import Progress

COLUMNS = 88  # a longer line JupyterLab would break anywhere, in the middle of words too


def hint(solution: Callable | str) -> None:
    """Print the hints of an exercise so far and the next: `hint(my_softmax)` in a notebook.

    How many were seen is kept with the progress.

    Args:    solution: the function or class that is being written, or its name.
    Raises:  ValueError for what is no exercise.
    """
    found = exercise(solution if isinstance(solution, str) else getattr(solution, "__name__", ""))
    progress = Progress.load()
    seen = progress.of(found.lesson, found.name)["hints"]
    if seen == len(found.hints):
        print("There are no more hints. All three:\n")
    for number, text in enumerate(found.hints[: seen + 1], 1):
        print(_wrapped(f"Hint {number} of {len(found.hints)}: {text}"))
    if seen < len(found.hints):
        progress.record(found.lesson, found.name, hints=seen + 1)


def _wrapped(text: str) -> str:
    """Break long lines between words; short lines, such as code has, stay as they are."""
    lines = text.splitlines()
    return "\n".join(
        line
        if len(line) <= COLUMNS
        else textwrap.fill(line, COLUMNS, break_long_words=False, break_on_hyphens=False)
        for line in lines
    )
