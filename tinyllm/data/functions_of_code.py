"""Short functions out of Python source: the unit in which a small model can learn to write code."""

from __future__ import annotations

import ast
import textwrap
import warnings
from collections.abc import Iterator

MOST_LINES = 12
MOST_CHARACTERS = 480


def short_functions(
    source: str, most_lines: int = MOST_LINES, most_characters: int = MOST_CHARACTERS
) -> Iterator[str]:
    """Give the functions and methods of a module that are short, with their decorators.

    Methods are moved to the left margin; a function inside another is a part of that one.

    Raises:  ValueError if the source does not parse, with the line.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(source)
    except SyntaxError as error:
        raise ValueError(
            f"short_functions: this is no Python source: line {error.lineno}: {error.msg}"
        ) from None
    lines = source.split("\n")
    for node in _outermost(tree):
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        if node.end_lineno - first < most_lines:
            code = textwrap.dedent("\n".join(lines[first - 1 : node.end_lineno]))
            if len(code) <= most_characters and _parses(code):
                yield code


def _outermost(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        else:
            yield from _outermost(node)


def _parses(code: str) -> bool:
    """Whether it still does on its own: not after `if x: def f(): …` on one line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            ast.parse(code)
    except SyntaxError:
        return False
    return True
