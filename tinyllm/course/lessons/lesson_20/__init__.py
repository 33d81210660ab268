"""Lesson 20, frequently asked: its exercises and its project's, in the order of the notebook."""

from __future__ import annotations

from tinyllm.course.exercise import Lesson
from tinyllm.course.lessons.lesson_20 import choosing, counting, planning

LESSON = Lesson("20", "Frequently asked: how long, which one, how good", minutes=185)

for _exercise in (*counting.EXERCISES, *choosing.EXERCISES, *planning.EXERCISES):
    LESSON.add(_exercise)
