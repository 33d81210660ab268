"""Lesson 09, encoder and decoder: its exercises, in the order of the notebook."""

from __future__ import annotations

from tinyllm.course.exercise import Lesson
from tinyllm.course.lessons.lesson_09 import crossing, feeding, masks, sizes

LESSON = Lesson("09", "Encoder and decoder", minutes=150)

for _exercise in (
    crossing.CROSS_ATTENTION,
    *masks.EXERCISES,
    feeding.TEACHER_FORCED_BATCH,
    crossing.READ_AND_WRITE,
    sizes.TWO_STACKS_SIZE,
):
    LESSON.add(_exercise)
