"""Lesson 11, optimizers and schedules: its exercises, in the order of the notebook."""

from __future__ import annotations

from tinyllm.course.exercise import Lesson
from tinyllm.course.lessons.lesson_11 import adam, bowls, gradients, rates

LESSON = Lesson("11", "SGD, momentum, Adam, schedules", minutes=145)

for _exercise in (
    *bowls.EXERCISES,
    adam.MOMENTUM_STEP,
    adam.MY_ADAM_STEP,
    rates.DECAYED_UPDATE,
    rates.WARMUP_THEN_COSINE,
    *gradients.EXERCISES,
):
    LESSON.add(_exercise)
