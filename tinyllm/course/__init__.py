"""The course: lessons as notebooks, exercises that a machine grades, hints, progress.

In a notebook `check(my_softmax)` grades what you wrote; in a terminal `tinyllm course` shows where
you are. The files, in the order in which to read them: `exercise.py` (what an exercise is),
`lessons/` (the exercises), `catalogue.py` (these and a teacher's own), `gathering.py` (your code
out of the cells), `sandbox.py` and `child.py` (where it runs), `exchange.py`, `comparing.py`,
`grading.py`, `students.py` (whose numbers), `checking.py`, `progress.py`, `hinting.py`,
`predicting.py`, `preparing.py` (full models), `verifying.py` (does an exercise keep what it
promises?), `build.py` (notebooks of one source).
"""

from tinyllm.course.catalogue import exercise, lesson, lessons
from tinyllm.course.checking import check, check_file
from tinyllm.course.exercise import Case, Exercise, Lesson, Mistake
from tinyllm.course.grading import Report, grade
from tinyllm.course.hinting import hint
from tinyllm.course.predicting import reveal
from tinyllm.course.preparing import prepared
from tinyllm.course.progress import Progress
from tinyllm.course.students import seed_of
from tinyllm.course.verifying import complaints

__all__ = [
    "Case",
    "Exercise",
    "Lesson",
    "Mistake",
    "Progress",
    "Report",
    "check",
    "check_file",
    "complaints",
    "exercise",
    "grade",
    "hint",
    "lesson",
    "lessons",
    "prepared",
    "reveal",
    "seed_of",
]
