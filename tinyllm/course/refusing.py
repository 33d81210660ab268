"""Names that would be a shortcut: found in the code before it runs.

`refused` holds dotted names as they are reached from the top, such as "numpy.gradient" or
"tinyllm.functions". A name refuses all that is below it. What is imported under another name is
followed. This keeps honest people honest; the grader's safety does not rest on it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable


def refused_names(code: str, refused: Iterable[str]) -> list[tuple[int, str]]:
    """Return line and full name of each use of a refused name; [] also for code with no syntax."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError):
        return []
    refused = tuple(refused)
    finder = _Finder(refused)
    finder.visit(tree)
    return sorted(set(finder.found))


class _Finder(ast.NodeVisitor):
    def __init__(self, refused: tuple[str, ...]) -> None:
        self.refused, self.found = refused, []
        self.known: dict[str, str] = {}  # a name in the code -> what it stands for

    def visit_Import(self, node: ast.Import) -> None:
        for name in node.names:
            self._use(node.lineno, name.name)
            if name.asname:
                self.known[name.asname] = name.name
            else:
                top = name.name.partition(".")[0]
                self.known[top] = top

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for name in node.names:
            full = f"{node.module or ''}.{name.name}"
            self._use(node.lineno, full)
            if name.name == "*":
                for refused in self.refused:
                    if refused.startswith(f"{node.module}."):
                        self.known[refused.rpartition(".")[2]] = refused
            self.known[name.asname or name.name] = full

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        full = self._full_name(node.value)
        for target in node.targets:
            if full and isinstance(target, ast.Name):
                self.known[target.id] = full

    def visit_Attribute(self, node: ast.Attribute) -> None:
        full = self._full_name(node)
        if full:
            self._use(node.lineno, full)
        elif f".{node.attr}" in self.refused:  # a method of whatever it is called on
            self.found.append((node.lineno, f".{node.attr}"))
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in self.known:
            self._use(node.lineno, self.known[node.id])
        elif node.id in self.refused:
            self.found.append((node.lineno, node.id))

    def _full_name(self, node: ast.AST) -> str | None:
        parts = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self.known:
            return None
        return ".".join([self.known[node.id], *reversed(parts)])

    def _use(self, line: int, full: str) -> None:
        for refused in self.refused:
            method = refused.startswith(".") and full.endswith(refused)
            if method or full == refused or full.startswith(f"{refused}."):
                self.found.append((line, full))
