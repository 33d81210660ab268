"""Lesson 13, generating text: its exercises, in the order of the notebook."""

from __future__ import annotations

from tinyllm.course.exercise import Lesson
from tinyllm.course.lessons.lesson_13 import choosing, keeping, project, searching, stories

LESSON = Lesson("13", "Generating text", minutes=245)

for _module in (choosing, keeping, searching, project, stories):
    for _exercise in _module.EXERCISES:
        LESSON.add(_exercise)
