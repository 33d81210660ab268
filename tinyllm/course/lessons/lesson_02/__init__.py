"""Lesson 02, derivatives by machine: its exercises, in the order of the notebook."""

from __future__ import annotations

from tinyllm.course.exercise import Lesson
from tinyllm.course.lessons.lesson_02 import arrays, normalization, scalars, steps, value, walking

LESSON = Lesson("02", "Derivatives by machine", minutes=170)

for _exercise in (
    *scalars.EXERCISES,
    *walking.EXERCISES,
    value.VALUE,
    *arrays.EXERCISES,
    steps.GRADIENT_BY_STEPS,
    normalization.LAYER_NORM_BACKWARD,
):
    LESSON.add(_exercise)
