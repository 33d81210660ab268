"""docs/course.md lists the lessons that are there, each with a picture."""

import pytest
from lessons_table import PAGE, PICTURES, with_table

from tinyllm.course import lessons


def test_the_table_is_what_the_lessons_are():
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_table(page), "run python tests/lessons_table.py"


@pytest.mark.parametrize("number", lessons())
def test_each_lesson_has_a_picture(number):
    picture = PICTURES / f"{number}.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size < 60_000
