"""docs/course.md and README.md list the lessons that are there, each with a picture."""

import json
import re

import pytest
from lessons_table import BEGIN, PAGE, PICTURES, README, ROOT, between_markers, gallery, table

from tinyllm.course import lessons

SOLVED = sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))


@pytest.mark.parametrize(("path", "content"), [(PAGE, table), (README, gallery)])
def test_the_pages_have_the_lessons_that_are_there(path, content):
    page = path.read_text(encoding="utf-8")
    assert BEGIN in page
    assert page == between_markers(page, content()), "run python tests/lessons_table.py"


@pytest.mark.parametrize("number", lessons())
def test_each_lesson_has_a_picture(number):
    picture = PICTURES / f"{number}.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size < 60_000


@pytest.mark.parametrize("path", SOLVED, ids=lambda path: path.stem)
def test_solved_notebooks_show_no_lost_points(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    checks = [cell for cell in cells if "".join(cell["source"]).startswith("check(")]
    assert len(checks) >= 6
    for cell in checks:
        shown = json.dumps(cell["outputs"], ensure_ascii=False)
        assert "✗" not in shown, "".join(cell["source"])  # built beside much else: a time-out?


@pytest.mark.parametrize("path", SOLVED, ids=lambda path: path.stem)
def test_the_first_cell_brings_check_and_hint(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    first = "".join(next(cell["source"] for cell in cells if cell["cell_type"] == "code"))
    (names,) = re.findall(r"^from tinyllm\.course import (.+)$", first, re.M)
    assert {"check", "hint", "reveal"} <= set(names.split(", "))
