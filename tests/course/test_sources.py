"""What a lesson's source must not do: say one thing in text and show another in JupyterLab."""

import ast
import re
from pathlib import Path

import pytest

SOURCES = sorted((Path(__file__).parents[2] / "notebooks" / "source").glob("*.py"))
COURSE = {"check", "hint", "reveal"}
MARKED = re.compile(r"\s*([-+*]|\d+[.)])\s")
INTERRUPTS = re.compile(r"([-+*>]|1[.)]|#{1,6})\s|[-=]+$")


def cells(path):
    for cell in ("\n" + path.read_text("utf-8")).split("\n# %%")[1:]:
        first, _, text = cell.partition("\n")
        yield "[markdown]" in first, text


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem[:2])
def test_no_line_of_a_paragraph_begins_a_list(path):
    """Markdown takes a line such as «1. And so on» for a list, in the middle of a paragraph too."""
    for is_text, text in cells(path):
        lines = [line[2:] for line in text.splitlines()] if is_text else []
        for before, line in zip(lines, lines[1:], strict=False):
            paragraph = before.strip() and not MARKED.match(before) and before[0] not in " #|$<>"
            assert not (paragraph and INTERRUPTS.match(line)), f"{before}\n{line}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem[:2])
def test_what_a_learner_calls_keeps_its_name(path):
    """A variable `hint` would stand in the way of a learner who wants one."""
    for is_text, text in cells(path):
        if not is_text:
            names = [each for each in ast.walk(ast.parse(text)) if isinstance(each, ast.Name)]
            stored = {each.id for each in names if isinstance(each.ctx, ast.Store)}
            assert not stored & COURSE
