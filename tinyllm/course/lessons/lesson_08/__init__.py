"""Lesson 08, the Transformer block: its exercises, in the order of the notebook."""

from __future__ import annotations

from tinyllm.course.exercise import Lesson
from tinyllm.course.lessons.lesson_08 import block, norms, starting, stream

LESSON = Lesson("08", "The Transformer block", minutes=160)

for _exercise in (*norms.EXERCISES, *stream.EXERCISES, *starting.EXERCISES, *block.EXERCISES):
    LESSON.add(_exercise)
