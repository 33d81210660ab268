"""Checks from where a learner is: in a notebook, `check(my_softmax)`; or of a file."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

from tinyllm.course.catalogue import exercise as find_exercise
from tinyllm.course.catalogue import lessons
from tinyllm.course.exercise import Exercise
from tinyllm.course.gathering import cells_of, defined_names, gather
from tinyllm.course.grading import Report, grade
from tinyllm.course.progress import Progress
from tinyllm.course.students import seed_here


def check(solution: Callable | str, seed: int | None = None) -> Report:
    """Grade an exercise in a notebook: `check(my_softmax)`; show and note what was found.

    Helper functions, imports and constants of other cells travel along.

    Args:    solution: the function or class, or the name of the exercise.
             seed: of the cases; by default that of the student whom TINYLLM_STUDENT names, else 0.
    Raises:  ValueError for what is no exercise.
    """
    name = solution if isinstance(solution, str) else getattr(solution, "__name__", "")
    found = find_exercise(name)
    code = gather(_cells_so_far(), name)
    if code is None:
        raise ValueError(f"check: no cell defines {name}: run the cell with your code first")
    seed = seed_here() if seed is None else seed
    with redirect_stderr(io.StringIO()):  # nbgrader gives 0 to a cell that says a word there
        report = grade(found, code, seed)
    if not report.to_do:
        Progress.load().tried(found.lesson, found.name, report.points)
    return report


def check_file(path: Path, seed: int | None = None, note: bool = True) -> list[Report]:
    """Grade all exercises that a notebook or a Python file has code for, in the lessons' order.

    Args:    seed: as of `check`.
             note: whether the points go into the progress of whoever runs this.
    Raises:  FileNotFoundError, ValueError for a file that cannot be read or has no exercise.
    """
    cells = cells_of(path)
    seed = seed_here() if seed is None else seed
    reports = []
    progress = Progress.load() if note else None
    for found in _exercises_in(cells):
        reports.append(_graded(found, cells, seed))
        if progress is not None and not reports[-1].to_do:
            progress.tried(found.lesson, found.name, reports[-1].points)
    if not reports:
        raise ValueError(f"{path}: defines nothing that is an exercise")
    return reports


def _graded(found: Exercise, cells: list[str], seed: int) -> Report:
    try:
        code = gather(cells, found.name)
    except SyntaxError:  # the child says where, as for any code that does not run
        code = next(cell for cell in cells if found.name in cell)
    return grade(found, code or "", seed)


def _exercises_in(cells: list[str]) -> list[Exercise]:
    """Those whose name a cell defines, or tries to."""
    defined = defined_names(cells)
    # cells that cannot be read have names too; whole ones: attention_heads is no attention
    defined |= set(re.findall(r"\b(?:def|class)\s+(\w+)", "\n".join(cells)))
    return [
        each
        for lesson in lessons().values()
        for each in lesson.exercises.values()
        if each.name in defined
    ]


def _cells_so_far() -> list[str]:
    """What the notebook has run, in order; elsewhere, the main script."""
    main: Any = sys.modules["__main__"]
    if isinstance(cells := getattr(main, "In", None), list):
        return cells[1:]
    path = getattr(main, "__file__", None)
    return [Path(path).read_text("utf-8")] if path else []
