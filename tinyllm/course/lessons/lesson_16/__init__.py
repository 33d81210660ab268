"""Lesson 16, dialogue: its exercises, in the order of the notebook."""

from __future__ import annotations

from tinyllm.course.exercise import Lesson
from tinyllm.course.lessons.lesson_16 import knowing, scoring, template

LESSON = Lesson("16", "Dialogue", minutes=135)

for _module in (template, scoring, knowing):
    for _exercise in _module.EXERCISES:
        LESSON.add(_exercise)
