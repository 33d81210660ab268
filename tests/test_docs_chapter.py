"""docs/chapter.md names lessons, places in the package and tests that are there."""

import importlib
import re
from pathlib import Path

import pytest

from tinyllm.course import lessons

ROOT = Path(__file__).parents[1]
LINES = (ROOT / "docs" / "chapter.md").read_text(encoding="utf-8").splitlines()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in LINES
    if line.startswith("| ") and not line.startswith(("| section", "| ---"))
]
HERE = [row for row in ROWS if row[2] != "not yet"]


def exists(name):
    """Whether a dotted name is a module, or something in one."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            found = getattr(found, part, None)
        return found is not None
    return False


def test_rows():
    assert len(HERE) > 20
    assert all(len(row) == 5 for row in ROWS)


@pytest.mark.parametrize("row", HERE, ids=lambda row: row[1])
def test_what_a_row_names_is_there(row):
    _, _, numbers, names, tests = row
    for number in numbers.split(", "):
        known = number in lessons() and list((ROOT / "notebooks").glob(f"{number}_*.ipynb"))
        assert known or number == "no lesson yet", number
    found = re.findall(r"`([\w.]+)`", names)
    assert found
    for name in found:
        assert exists(name), name
    for path in tests.split(", "):
        assert path.startswith("tests/")
        assert (ROOT / path).exists(), path


def test_each_lesson_serves_an_idea_of_the_chapter():
    named = {number for row in HERE for number in row[2].split(", ")}
    assert set(lessons()) - {"00"} <= named


def test_a_name_that_is_not_there_is_noticed():
    assert exists("tinyllm.nn.Linear")
    assert not exists("tinyllm.nn.Liniar")
    assert not exists("tinyllm.nonesuch.Linear")
