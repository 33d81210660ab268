"""The lessons of the package, each with its exercises: lesson_NN beside this file."""

from __future__ import annotations

from tinyllm.course.exercise import Lesson
from tinyllm.course.lessons import lesson_00, lesson_02, lesson_07, lesson_10, lesson_11, lesson_12

_MODULES = (lesson_00, lesson_02, lesson_07, lesson_10, lesson_11, lesson_12)


def lessons() -> dict[str, Lesson]:
    """Return the package's lessons by number, in their order."""
    return {module.LESSON.number: module.LESSON for module in _MODULES}
