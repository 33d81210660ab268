"""Lesson 10, likelihood, cross-entropy, perplexity: its exercises, in the notebook's order."""

from __future__ import annotations

from tinyllm.course.exercise import Lesson
from tinyllm.course.lessons.lesson_10 import (
    batches,
    counting,
    cross_entropy,
    gpt,
    heads,
    learning,
    measuring,
    smoothing,
)

LESSON = Lesson("10", "Maximum likelihood, cross-entropy, perplexity", minutes=285)

for _exercise in (
    *counting.EXERCISES,
    *cross_entropy.EXERCISES,
    smoothing.SMOOTHED_CROSS_ENTROPY,
    *measuring.EXERCISES,
    *batches.EXERCISES,
    *heads.EXERCISES,
    *gpt.EXERCISES,
    *learning.EXERCISES,
):
    LESSON.add(_exercise)
