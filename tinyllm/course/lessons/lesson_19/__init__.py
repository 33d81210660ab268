"""Lesson 19, the same in PyTorch: its exercises, in the order of the notebook."""

from __future__ import annotations

from tinyllm.course.exercise import Lesson
from tinyllm.course.lessons.lesson_19 import closeness, files, habits, layouts

LESSON = Lesson("19", "The same in PyTorch, and moving between", minutes=170)

for _exercise in (
    *habits.EXERCISES,
    *files.EXERCISES,
    layouts.DECODER_FROM_GPT2,
    layouts.STACK_QKV,
    closeness.FIRST_DIFFERENCE,
    layouts.ROWS_FOR_HALVES,
):
    LESSON.add(_exercise)
