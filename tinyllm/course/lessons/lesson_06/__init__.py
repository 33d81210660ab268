"""Lesson 06, embeddings and positions: its exercises, in the order of the notebook."""

from __future__ import annotations

from tinyllm.course.exercise import Lesson
from tinyllm.course.lessons.lesson_06 import counting, likeness, positions, tables, vectors

LESSON = Lesson("06", "Embeddings and positions", minutes=225)

for _exercise in (
    *tables.EXERCISES,
    *likeness.EXERCISES,
    *positions.EXERCISES,
    *counting.EXERCISES,
    *vectors.EXERCISES,
):
    LESSON.add(_exercise)
