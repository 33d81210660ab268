"""Lesson 14, translation and BLEU: its exercises, in the order of the notebook."""

from __future__ import annotations

from tinyllm.course.exercise import Lesson
from tinyllm.course.lessons.lesson_14 import characters, counting, resampling, searching

LESSON = Lesson("14", "Translation, and BLEU", minutes=150)

for _exercise in (
    *counting.EXERCISES,
    characters.CHINESE_TOKENS,
    searching.RANK_HYPOTHESES,
    resampling.BOOTSTRAP_INTERVAL,
    characters.CHARACTER_F_SCORE,
):
    LESSON.add(_exercise)
