"""The lessons that there are, each with its exercises: lesson_NN.py beside this file."""

from __future__ import annotations

from tinyllm.course.exercise import Exercise, Lesson
from tinyllm.course.lessons import lesson_00, lesson_02, lesson_07, lesson_10

_LESSONS = {
    module.LESSON.number: module.LESSON for module in (lesson_00, lesson_02, lesson_07, lesson_10)
}


def lessons() -> dict[str, Lesson]:
    """Return all lessons by number, in their order."""
    return dict(_LESSONS)


def lesson(number: str) -> Lesson:
    """Return a lesson by its number, "7" or "07". Raises ValueError with those there are."""
    wanted = str(number).zfill(2)
    if wanted not in lessons():
        raise ValueError(f"there is no lesson {number}; there are: {', '.join(lessons())}")
    return lessons()[wanted]


def exercise(name: str) -> Exercise:
    """Return an exercise by its name, in whatever lesson. Raises ValueError."""
    found = [e for lesson in lessons().values() for e in lesson.exercises.values()]
    for each in found:
        if each.name == name:
            return each
    raise ValueError(
        f"there is no exercise {name!r}; there are: {', '.join(e.name for e in found)}"
    )
