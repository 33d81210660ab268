"""What a lesson hides from its reader stays hidden: a guess's answer, an open question's."""

import ast
import re
from pathlib import Path

import pytest

SOURCES = sorted((Path(__file__).parents[2] / "notebooks" / "source").glob("*.py"))
REVEALED = re.compile(r"^reveal\(.*$", re.MULTILINE)


def names_in(node):
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem[:2])
def test_the_cell_that_asks_for_a_guess_first_does_not_assert_the_answer(path):
    cells = [cell for cell in path.read_text("utf-8").split("\n# %%") if REVEALED.search(cell)]
    assert cells
    for cell in cells:
        body = ast.parse("#" + cell).body
        asserted = set().union(*(names_in(s) for s in body if isinstance(s, ast.Assert)))
        shown = ast.parse(REVEALED.search(cell)[0]).body[0].value.args[-1]
        assert not asserted & names_in(shown)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem[:2])
def test_a_rubric_is_folded_away(path):
    text = path.read_text("utf-8")
    folded = re.findall(r"^# <details>\n(.*?)^# </details>", text, re.MULTILINE | re.DOTALL)
    assert any("rubric" in part for part in folded)
    assert text.lower().count("rubric") == sum(part.lower().count("rubric") for part in folded)
