"""Lesson 03, tensors, broadcasting, gradient checking: its exercises, in the notebook's order."""

from __future__ import annotations

from tinyllm.course.exercise import Lesson
from tinyllm.course.lessons.lesson_03 import checking, engine, reductions, strides, training

LESSON = Lesson("03", "Tensors, broadcasting, gradient checking", minutes=210)

for _exercise in (
    *strides.EXERCISES,
    *reductions.EXERCISES,
    *checking.EXERCISES,
    engine.TRACED,
    engine.TRACED_PRODUCT,
    training.LOSS_AND_GRADIENTS,
    training.DESCEND,
):
    LESSON.add(_exercise)
