"""Lesson 05, labels on words: its exercises, in the order of the notebook."""

from __future__ import annotations

from tinyllm.course.exercise import Lesson
from tinyllm.course.lessons.lesson_05 import counting, measuring, names, perceptron, search

LESSON = Lesson("05", "Labels on words: parts of speech and names", minutes=165)

for _exercise in (
    *names.EXERCISES,
    counting.MOST_FREQUENT_TAGS,
    *measuring.EXERCISES,
    counting.HMM_TABLES,
    search.BEST_TAG_PATH,
    perceptron.AVERAGED_PERCEPTRON,
):
    LESSON.add(_exercise)
