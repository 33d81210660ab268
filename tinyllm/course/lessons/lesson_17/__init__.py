"""Lesson 17, tagging by a Transformer: its exercises, those of the project last."""

from __future__ import annotations

from tinyllm.course.exercise import Lesson
from tinyllm.course.lessons.lesson_17 import painting, pieces, rules, targets

LESSON = Lesson("17", "Names and parts of speech again, by a Transformer", minutes=215)

for _exercise in (
    *pieces.EXERCISES,
    *targets.EXERCISES,
    *rules.EXERCISES,
    *painting.EXERCISES,
):
    LESSON.add(_exercise)
