"""All lessons that there are: the package's own, and a teacher's, in the folder TINYLLM_LESSONS.

A teacher's folder holds lesson_NN.py, each with a `LESSON`, and in source/ the lessons' notebooks.
Its files are run when they are loaded, like any module: they are a teacher's, not a learner's.
"""

from __future__ import annotations

import functools
import os
import sys
import types
from pathlib import Path

from tinyllm.course.exercise import Exercise, Lesson
from tinyllm.course.lessons import lessons as lessons_of_the_package

VARIABLE = "TINYLLM_LESSONS"


def lessons() -> dict[str, Lesson]:
    """Return all lessons by number, in their order.

    Raises:  FileNotFoundError for a folder TINYLLM_LESSONS that is not there; ValueError for a file
             in it that cannot be loaded, or a number or an exercise's name that is there already.
    """
    found = lessons_of_the_package()
    names = {name for each in found.values() for name in each.exercises}
    for path in _own_files():
        stamp = path.stat()
        own = _loaded(path, stamp.st_mtime_ns, stamp.st_size)
        if own.number in found:
            raise ValueError(f"{path}: there is a lesson {own.number} already; take another number")
        for name in own.exercises:
            if name in names:
                raise ValueError(f"{path}: there is an exercise {name} already; rename yours")
        names |= set(own.exercises)
        found[own.number] = own
    return dict(sorted(found.items()))


def lesson(number: str) -> Lesson:
    """Return a lesson by its number, "7" or "07". Raises ValueError with those there are."""
    wanted, found = str(number).zfill(2), lessons()
    if wanted not in found:
        raise ValueError(f"there is no lesson {number}; there are: {', '.join(found)}")
    return found[wanted]


def exercise(name: str) -> Exercise:
    """Return an exercise by its name, in whatever lesson. Raises ValueError for an unknown one."""
    found = {n: each for lesson in lessons().values() for n, each in lesson.exercises.items()}
    if name not in found:
        raise ValueError(f"there is no exercise {name!r}; there are: {', '.join(found)}")
    return found[name]


def _own_files() -> list[Path]:
    given = os.environ.get(VARIABLE)
    if not given:
        return []
    folder = Path(given).expanduser().resolve()
    if not folder.is_dir():
        raise FileNotFoundError(f"{VARIABLE}={given}: there is no such folder")
    found = sorted(folder.glob("lesson_*.py"))
    if not found:
        raise FileNotFoundError(f"{VARIABLE}={given}: there is no lesson_NN.py in it")
    return found


@functools.cache
def _loaded(path: Path, changed: int, size: int) -> Lesson:
    """The LESSON of a file; loaded anew when the file has changed."""
    module = types.ModuleType(f"_own_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # where inspect, which reads solutions, looks for it
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), vars(module))
    except Exception as error:
        raise ValueError(f"{path}: cannot be loaded: {type(error).__name__}: {error}") from error
    own = getattr(module, "LESSON", None)
    if not isinstance(own, Lesson):
        raise ValueError(f'{path}: has no LESSON, such as LESSON = Lesson("90", "Title", 60)')
    for each in own.exercises.values():
        if each.lesson != own.number:
            raise ValueError(f"{path}: {each} is in lesson {own.number}: the two must be the same")
    return own
