"""Lesson 18, how NumPy gets fast: its exercises, in the order of the notebook."""

from __future__ import annotations

from tinyllm.course.exercise import Lesson
from tinyllm.course.lessons.lesson_18 import costs, kernels, memory

LESSON = Lesson("18", "How NumPy gets fast", minutes=145)

for _exercise in (*costs.EXERCISES, *memory.EXERCISES, *kernels.EXERCISES):
    LESSON.add(_exercise)
