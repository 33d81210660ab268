"""Writes the tables of docs/pytorch.md, between its markers: `python tests/pytorch_table.py`.

What is here is found in the two libraries; what differs is found in docstrings and, with what is
left out and why, in pytorch_differences.py. tests/test_docs_pytorch.py holds the page to the code.
"""

from __future__ import annotations

import fnmatch
import functools
import importlib
import inspect
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.utils.checkpoint
import torch.utils.data
from pytorch_differences import (
    ACCOUNTED,
    DIFFERENCES,
    LEFT_OUT,
    NOT_PUBLIC,
    ROOMS,
    ROWS,
    Difference,
    Room,
)
from pytorch_signatures import ABSENT_EVERYWHERE, Comparison, compare, form_of

import tinyllm

PAGE = Path(__file__).parents[1] / "docs" / "pytorch.md"
OPERATORS = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**",
    "matmul": "@", "and": "&", "or": "\\|", "xor": "^", "invert": "~", "eq": "==", "ne": "!=",
    "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "getitem": "x[i]", "setitem": "x[i] = y",
    "iadd": "+=", "isub": "-=", "imul": "*=", "itruediv": "/=", "ipow": "**=", "imod": "%=",
    "ifloordiv": "//=", "iand": "&=", "ior": "\\|=", "ixor": "^=", "lshift": "<<", "rshift": ">>",
}  # fmt: skip


# Names


def find(library: Any, path: str) -> Any:
    """`library.path`, or None where there is none."""
    here = library
    for name in filter(None, path.split(".")):
        if inspect.ismodule(here) and not hasattr(here, name):
            try:
                importlib.import_module(f"{here.__name__}.{name}")
            except ImportError:
                return None
        here = getattr(here, name, None)
    return here


def joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def public_names(room: Room) -> list[str]:
    """Our public names in a room."""
    here = find(tinyllm, room.path)
    if room.path == "":
        constants = [
            name
            for name, value in vars(tinyllm).items()
            if isinstance(value, np.dtype | float) and not name.startswith("_")
        ]
        names = [name for name in tinyllm.__all__ if not inspect.ismodule(getattr(tinyllm, name))]
        return sorted({*names, *constants})
    if room.members:
        names = [name for name in dir(here) if not name.startswith("_")]
        return [name for name in names if not hasattr(object, name)]
    told = getattr(here, "__all__", None)
    names = told or [name for name in dir(here) if not name.startswith("_")]
    if told is None:
        names = [name for name in names if _is_of(getattr(here, name), here)]
    return sorted(name for name in names if not inspect.ismodule(getattr(here, name)))


def _is_of(value: Any, room: Any) -> bool:
    """Whether a room without __all__ gives the name on purpose: it is no import of its own."""
    if room is tinyllm.nn.functional:
        return inspect.isfunction(value) and hasattr(torch.nn.functional, value.__name__)
    return getattr(value, "__module__", None) == room.__name__


@functools.cache
def rooms() -> list[Room]:
    """The rooms that both libraries have."""
    return [r for r in ROOMS if find(tinyllm, r.path) is not None and find(torch, r.path)]


def is_here(name: str) -> bool:
    """Whether we have PyTorch's `name`, a path such as nn.Linear."""
    path, _, last = name.rpartition(".")
    room = find(tinyllm, path)
    if room is None:
        return False
    try:
        return hasattr(room, last)
    except ImportError:  # a room that is to come
        return False


def here(room: Room) -> list[str]:
    """The names that both libraries have in a room."""
    theirs = find(torch, room.path)
    return [name for name in public_names(room) if hasattr(theirs, name)]


def ours_alone(room: Room) -> list[str]:
    theirs = find(torch, room.path)
    return [name for name in public_names(room) if not hasattr(theirs, name)]


def pair(room: Room, name: str) -> tuple[Any, Any]:
    """Ours, as it stands in its class or module, and PyTorch's."""
    ours = inspect.getattr_static(find(tinyllm, room.path), name)
    if isinstance(ours, staticmethod | classmethod):
        ours = ours.__func__
    return ours, getattr(find(torch, room.path), name)


# What is here


def row_of(room: Room, name: str) -> str:
    """The row of the table in which a name stands."""
    value = inspect.getattr_static(find(tinyllm, room.path), name)
    if isinstance(value, np.dtype):
        return "dtypes"
    if isinstance(value, float):
        return "constants"
    if room.members:
        if name.endswith("_"):
            return "in place"
        if not callable(value) and not isinstance(value, staticmethod | classmethod):
            return "attributes"
    module = getattr(value, "__module__", None) or type(value).__module__
    if room.members and module == find(tinyllm, room.path).__module__ != "tinyllm.tensor":
        return room.title
    if module in ROWS:
        return ROWS[module]
    text = (sys.modules[module].__doc__ or module) if module in sys.modules else module
    return re.split(r"[.:]\s", " ".join(text.split()) + " ")[0].rstrip(".").lower()


def rows(room: Room) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in here(room):
        if is_also_function(room, name):
            continue
        found.setdefault(row_of(room, name), []).append(name)
    order = [*dict.fromkeys(ROWS.values())]
    return dict(sorted(found.items(), key=lambda row: _place(row[0], order)))


def _place(title: str, order: list[str]) -> tuple[int, str]:
    return (order.index(title) if title in order else len(order)), title


def code(names: Any) -> str:
    return " ".join(f"`{name}`" for name in names)


def table_of_what_is_here() -> str:
    parts, others = [], ["| where | names |", "|---|---|"]
    for room in rooms():
        if not room.own_table:
            prefix = f"`{room.path}`: {room.title}"
            others.append(f"| {prefix} | {code(marked(room, here(room)))} |")
            continue
        lines = [f"### {room.title}", "", "| | |", "|---|---|"]
        lines += [
            f"| {title} | {code(marked(room, names))} |" for title, names in rows(room).items()
        ]
        if room.path == "Tensor":
            lines.insert(2, methods())
            lines.append(f"| operators | {code(operators())} |")
        parts += [*lines, ""]
    return "\n".join([*parts, "### Other rooms", "", *others])


def methods() -> str:
    """Which functions are methods too."""
    missing = [
        name
        for name in here(ROOMS[0])
        if hasattr(torch.Tensor, name) and not hasattr(tinyllm.Tensor, name)
    ]
    but = f", but for {code(missing)}" if missing else ""
    return f"The functions above that are methods in PyTorch are methods here{but}. Besides:\n"


def operators() -> list[str]:
    return [
        sign
        for name, sign in OPERATORS.items()
        if f"__{name}__" in vars(tinyllm.Tensor) and hasattr(torch.Tensor, f"__{name}__")
    ]


def marked(room: Room, names: list[str]) -> list[str]:
    return [f"{name}†" if difference(room, name) else name for name in names]


# What differs


def remark(value: Any) -> str:
    """What a docstring says after "PyTorch: torch.name"."""
    told = re.search(
        r"PyTorch:\s+torch\.([\w.]*\w)(.*?)(?=\n\s*\n|\n\w+:\s|\Z)",
        inspect.getdoc(value) or "",
        re.S,
    )
    if not told:
        return ""
    text = " ".join(told[2].split()).rstrip(" .")
    if re.search(r"\bthere and here\b|\b(as|so) (in PyTorch|there)\b|\bthere, too\b", text, re.I):
        return ""  # what is the same
    for word, instead in (("which", "PyTorch's"), ("whose", "PyTorch's"), ("where", "in PyTorch")):
        text = re.sub(rf"^, {word}\b", instead, text)
    return text.lstrip(" ;,.")


@functools.cache
def comparison(room: Room, name: str) -> Comparison | None:
    ours, theirs = pair(room, name)
    if not callable(ours) or (inspect.isclass(ours) and issubclass(ours, Exception)):
        return Comparison()
    return compare(ours, theirs, name, room.members)


def difference(room: Room, name: str) -> str:
    """In what something differs from PyTorch's, in a sentence; "" if in nothing."""
    told = DIFFERENCES.get(joined(room.path, name))
    if isinstance(told, str):
        return told
    if isinstance(told, Difference):
        return "; ".join(filter(None, [in_parameters(told), told.says]))
    if is_also_function(room, name):  # then that is said to differ
        return ""
    return remark(pair(room, name)[0])


def is_also_function(room: Room, name: str) -> bool:
    return room.path == "Tensor" and name in here(ROOMS[0])


def declared(room: Room, name: str) -> Comparison:
    """How the parameters should differ by DIFFERENCES; a method as its function does."""
    told = DIFFERENCES.get(joined(room.path, name))
    if told is None and is_also_function(room, name):
        told = DIFFERENCES.get(name)
    if not isinstance(told, Difference):
        return Comparison()
    without, adds = frozenset(told.without.split()), frozenset(told.adds.split())
    return Comparison(without, adds, told.reordered)


def in_parameters(told: Difference) -> str:
    without, adds = code(told.without.split()), code(told.adds.split())
    if without and adds:
        return f"{adds} in place of {without}"
    return f"without {without}" if without else f"with {adds}" if adds else ""


def table_of_what_differs() -> str:
    found: dict[str, list[str]] = {}
    for room in rooms():
        for name in here(room):
            if text := difference(room, name):
                found.setdefault(text, []).append(shown(joined(room.path, name)))
    lines = ["| name | what differs |", "|---|---|"]
    return "\n".join([*lines, *(f"| {code(names)} | {text} |" for text, names in found.items())])


def absent_parameters() -> str:
    """The parameters that nothing has here, and those that only some functions have."""
    taken = set()
    for room in rooms():
        for name in here(room):
            value = pair(room, name)[0]
            form = form_of(value, room.members) if callable(value) else None
            taken |= form.names if form else set()
    nowhere = sorted(name for name in ABSENT_EVERYWHERE - taken if not name.startswith("_"))
    some = code(sorted(ABSENT_EVERYWHERE & taken))
    return f"{code(nowhere)}\n\nSome functions have them, others have them in PyTorch alone: {some}"


# What is left out


def matching(pattern: str) -> list[str]:
    """The public names of PyTorch's, as paths, that a pattern such as nn.Conv* means."""
    path, _, last = pattern.rpartition(".")
    room = find(torch, path)
    if "*" not in last:
        return [pattern] if find(torch, pattern) is not None else []
    names = (name for name in dir(room) if not name.startswith("_"))
    return [joined(path, name) for name in names if fnmatch.fnmatchcase(name, last)]


def absent(pattern: str) -> list[str]:
    """The pattern, if nothing that it means is here; otherwise those names that are not."""
    names = matching(pattern)
    missing = [name for name in names if not is_here(name)]
    return [pattern] if len(missing) == len(names) else missing


def rest() -> list[str]:
    """Public names, in the rooms that are accounted for, of which nothing else is said."""
    said = {name for row in LEFT_OUT for pattern in row.names.split() for name in matching(pattern)}
    found = []
    for path in ACCOUNTED.split():
        for name in public_of_pytorch(path):
            full = joined(path, name)
            if full not in said and full not in NOT_PUBLIC.split() and not is_here(full):
                found.append(full)
    return found


def public_of_pytorch(path: str) -> list[str]:
    room = find(torch, path)
    told = getattr(room, "__all__", None)
    if told is not None and room is not torch.nn.functional:  # whose list has few of its names
        return sorted(name for name in told if not name.startswith("_"))
    names = [name for name in dir(room) if not name.startswith("_") and _is_torchs(room, name)]
    return sorted(names)


def _is_torchs(room: Any, name: str) -> bool:
    """Whether a room of PyTorch's, which has no list, gives the name on purpose."""
    value = getattr(room, name)
    if not callable(value) or "torch" not in (getattr(value, "__module__", None) or "torch"):
        return False
    return not (room is torch.nn.functional and inspect.isclass(value))


def shown(pattern: str) -> str:
    return pattern.replace("nn.functional.", "F.")


def table_of_what_is_left_out() -> str:
    lines = ["| | names | why |", "|---|---|---|"]
    for row in LEFT_OUT:
        names = [name for pattern in row.names.split() for name in absent(pattern)]
        if names:
            lines.append(f"| {row.what} | {code(map(shown, names))} | {row.why} |")
    if left := rest():
        lines.append(f"| the rest | {code(map(shown, left))} | not needed so far |")
    return "\n".join(lines)


def table_of_what_is_ours() -> str:
    lines = ["| where | names |", "|---|---|"]
    for room in rooms():
        if names := ours_alone(room):
            where = f"`tinyllm.{room.path}`" if room.path else "`tinyllm`"
            lines.append(f"| {where} | {code(names)} |")
    return "\n".join(lines)


# The page

TABLES = {
    "absent parameters": absent_parameters,
    "differs": table_of_what_differs,
    "here": table_of_what_is_here,
    "left out": table_of_what_is_left_out,
    "ours": table_of_what_is_ours,
    "version": lambda: f"Made with PyTorch {pytorch_version()}.",
}


def pytorch_version() -> str:
    return ".".join(torch.__version__.split(".")[:2])


def written(page: str) -> str:
    """The page with its tables made anew."""
    for name, make in TABLES.items():
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.S)
        if len(pattern.findall(page)) != 1:
            raise ValueError(f"{PAGE}: needs the markers {start} and {end} once")
        table = make()
        page = pattern.sub(lambda _, t=table, s=start, e=end: f"{s}\n{t}\n{e}", page)
    return page


def main() -> None:
    old = PAGE.read_text(encoding="utf-8")
    new = written(old)
    PAGE.write_text(new, encoding="utf-8")
    print(f"{PAGE}: {'written' if new != old else 'was up to date'}")


if __name__ == "__main__":
    main()
