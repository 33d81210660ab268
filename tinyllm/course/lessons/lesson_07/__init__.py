"""Lesson 07, softmax and attention: its exercises, in the order of the notebook."""

from __future__ import annotations

from tinyllm.course.exercise import Lesson
from tinyllm.course.lessons.lesson_07 import attention, heads, masks, softmax

LESSON = Lesson("07", "Softmax and attention", minutes=150)

for _exercise in (
    *softmax.EXERCISES,
    attention.ATTENTION,
    masks.CAUSAL_MASK,
    masks.MASKED_ATTENTION,
    attention.CAUSAL_ATTENTION,
    *heads.EXERCISES,
):
    LESSON.add(_exercise)
