"""The learner's code for one exercise, out of the cells of a notebook or a file.

Only what the exercise needs travels: its definition, and the imports, functions, classes and
constants that it uses, in the order in which they were written. Cells that plot or train stay.
"""

from __future__ import annotations

import ast
import builtins
import json
import symtable
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class _Piece:
    """A statement at the top of a cell: what it defines, what it uses, and its text."""

    order: int
    source: str
    names: frozenset[str]
    uses: frozenset[str] = field(default_factory=frozenset)


def gather(cells: Sequence[str], name: str) -> str | None:
    """Return the code that defines `name`, with what it needs; None if no cell defines it.

    The last definition of a name counts, as in a notebook that was run from top to bottom.

    Raises:  SyntaxError of the cell that has `name` in it, if it cannot be read.
    """
    pieces: dict[str, _Piece] = {}
    order = 0
    for cell in cells:
        try:
            tree = ast.parse(without_magics(cell))
        except SyntaxError:
            if f"def {name}" in cell or f"class {name}" in cell:
                raise
            continue
        for statement in tree.body:
            piece = _piece(statement, without_magics(cell), order)
            order += 1
            for defined in piece.names if piece else ():
                pieces[defined] = piece
    if name not in pieces:
        return None
    wanted, waiting = {}, [name]
    while waiting:
        piece = pieces.get(waiting.pop())
        if piece is not None and piece.order not in wanted:
            wanted[piece.order] = piece.source
            waiting += piece.uses
    return "\n\n\n".join(wanted[place] for place in sorted(wanted)) + "\n"


def defined_names(cells: Iterable[str]) -> set[str]:
    """Return the functions and classes that the cells define."""
    found = set()
    for cell in cells:
        try:
            body = ast.parse(without_magics(cell)).body
        except SyntaxError:
            continue
        found |= {s.name for s in body if isinstance(s, ast.FunctionDef | ast.ClassDef)}
    return found


def without_magics(cell: str) -> str:
    """Blank out lines that only a notebook understands, so that line numbers stay."""
    lines = cell.splitlines()
    if lines and lines[0].startswith("%%"):
        return "\n" * len(lines)
    return "\n".join("" if line.lstrip().startswith(("%", "!", "?")) else line for line in lines)


def _piece(statement: ast.stmt, cell: str, order: int) -> _Piece | None:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        names = {a.asname or a.name.partition(".")[0] for a in statement.names}
    elif isinstance(statement, ast.FunctionDef | ast.ClassDef):
        names = {statement.name}
    elif isinstance(statement, ast.Assign) and all(
        isinstance(target, ast.Name) for target in statement.targets
    ):
        names = {target.id for target in statement.targets}
    else:
        return None
    start = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", []))])
    source = "\n".join(cell.splitlines()[start - 1 : statement.end_lineno])
    return _Piece(order, source, frozenset(names), frozenset(_outside(source)))


def _outside(source: str) -> set[str]:
    """Names that a statement takes from outside: not its own arguments and variables."""
    found, waiting = set(), [top := symtable.symtable(source, "<a cell>", "exec")]
    while waiting:
        table = waiting.pop()
        waiting += table.get_children()
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (table is top or symbol.is_global()):
                found.add(symbol.get_name())
    return found - set(dir(builtins))


def cells_of(path: Path) -> list[str]:
    """Read the code cells of a notebook, or of a Python file, which is one cell.

    Raises:  FileNotFoundError; ValueError for what is neither.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    text = path.read_bytes().decode("utf-8", errors="replace")
    if path.suffix == ".py":
        return [text]
    if path.suffix != ".ipynb":
        raise ValueError(f"{path}: neither a notebook (.ipynb) nor Python (.py)")
    try:
        cells = json.loads(text)["cells"]
        code = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not a notebook that can be read: {error}") from None
    return ["".join(source) if isinstance(source, list) else str(source) for source in code]
