"""Lesson 15, summarisation and ROUGE: its exercises, in the order of the notebook."""

from __future__ import annotations

from tinyllm.course.exercise import Lesson
from tinyllm.course.lessons.lesson_15 import choosing, counting, resampling, subsequences

LESSON = Lesson("15", "Summarisation, and ROUGE", minutes=150)

for _exercise in (
    *counting.EXERCISES,
    *subsequences.EXERCISES,
    choosing.ORACLE_EXTRACT,
    *resampling.EXERCISES,
    choosing.FALSE_SHARE_ABOVE,
):
    LESSON.add(_exercise)
