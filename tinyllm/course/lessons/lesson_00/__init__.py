"""Lesson 00, how to use this course: its exercises, in the order of the notebook."""

from __future__ import annotations

from tinyllm.course.exercise import Lesson
from tinyllm.course.lessons.lesson_00 import broadcasting, logarithms, rows, slopes

LESSON = Lesson("00", "How to use this course", minutes=120)

for _exercise in (
    broadcasting.OUTER_SUM,
    *rows.EXERCISES,
    broadcasting.SIDE_BY_SIDE,
    broadcasting.SQUARED_DISTANCES,
    *slopes.EXERCISES,
    *logarithms.EXERCISES,
):
    LESSON.add(_exercise)
