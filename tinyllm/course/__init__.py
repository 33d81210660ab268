"""The course: lessons as notebooks, exercises that a machine grades, hints, progress.

In a notebook `check(my_softmax)` grades what you wrote; in a terminal `tinyllm course` shows where
you are. The files, in the order in which to read them: `exercise.py` (what an exercise is),
`lessons/` (the exercises), `gathering.py` (your code out of the cells), `sandbox.py` and `child.py`
(where it runs), `exchange.py`, `comparing.py`, `grading.py`, `checking.py`, `progress.py`,
`predicting.py`, `build.py` (notebooks from their one source).
"""

from tinyllm.course.checking import check, check_file
from tinyllm.course.exercise import Case, Exercise, Lesson, Mistake
from tinyllm.course.grading import Report, grade
from tinyllm.course.lessons import exercise, lesson, lessons
from tinyllm.course.predicting import reveal
from tinyllm.course.progress import Progress

__all__ = [
    "Case",
    "Exercise",
    "Lesson",
    "Mistake",
    "Progress",
    "Report",
    "check",
    "check_file",
    "exercise",
    "grade",
    "lesson",
    "lessons",
    "reveal",
]
