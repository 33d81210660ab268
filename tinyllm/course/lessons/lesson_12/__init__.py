"""Lesson 12, the training loop and its troubles: its exercises, in the order of the notebook."""

from __future__ import annotations

from tinyllm.course.exercise import Lesson
from tinyllm.course.lessons.lesson_12 import cures, doctor, loops, splits

LESSON = Lesson("12", "The training loop, overfitting, debugging", minutes=155)

for _exercise in (
    *loops.EXERCISES,
    splits.HELD_OUT_POSITIONS,
    *cures.EXERCISES,
    doctor.SUSPECT,
):
    LESSON.add(_exercise)
