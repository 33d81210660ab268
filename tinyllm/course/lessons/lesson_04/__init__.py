"""Lesson 04, preparing text: its exercises, in the order of the notebook."""

from __future__ import annotations

from tinyllm.course.exercise import Lesson
from tinyllm.course.lessons.lesson_04 import cleaning, merging, pieces

LESSON = Lesson("04", "Preparing text: cleaning and tokenizing", minutes=130)

for _exercise in (*cleaning.EXERCISES, *merging.EXERCISES, *pieces.EXERCISES):
    LESSON.add(_exercise)
