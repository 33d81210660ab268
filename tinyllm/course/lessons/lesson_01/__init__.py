"""Lesson 01, what a language model is: its exercises, in the order of the notebook."""

from __future__ import annotations

from tinyllm.course.exercise import Lesson
from tinyllm.course.lessons.lesson_01 import counting, discounting, guessing, smoothing

LESSON = Lesson("01", "What a language model is", minutes=130)

for _exercise in (
    *counting.EXERCISES,
    guessing.DRAW_WORD,
    *smoothing.EXERCISES,
    *discounting.EXERCISES,
    guessing.SHANNON_BOUNDS,
):
    LESSON.add(_exercise)
