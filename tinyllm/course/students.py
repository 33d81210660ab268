"""A seed for each student: the same exercise with other numbers.

The seed is made of the name alone, so that the student's notebook, the student's terminal and the
teacher's grading draw the same cases without having to agree on a list.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from pathlib import Path

VARIABLE = "TINYLLM_STUDENT"


def seed_of(student: str) -> int:
    """Return the seed of a student: the first four bytes of the name's SHA-256.

    Case, spaces around the name and the way in which accents are stored do not matter. Any text
    will do: a name, a number, an address.

    Raises:  ValueError for an empty name.
    """
    name = unicodedata.normalize("NFC", unicodedata.normalize("NFC", student).casefold()).strip()
    if not name:
        raise ValueError("the student's name is empty")
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


def seed_here() -> int:
    """Return the seed of the student whom TINYLLM_STUDENT names; 0 where it is not set."""
    student = os.environ.get(VARIABLE, "")
    return seed_of(student) if student.strip() else 0


def student_in(path: Path, pattern: str) -> str:
    """Return the student's name out of a path: "submitted/{student}/*/*.ipynb", "{student}.py".

    The pattern is laid against the end of the path, part by part; * stands for anything in a part.

    Raises:  ValueError for a pattern without {student}, or a path that is not like it.
    """
    if pattern.count("{student}") != 1:
        raise ValueError(f'{pattern!r} needs {{student}} once, as in "{{student}}.ipynb"')
    wanted = pattern.split("/")
    there = path.resolve().parts[-len(wanted) :]
    expression = re.escape("/".join(wanted)).replace(r"\*", "[^/]*")
    expression = expression.replace(re.escape("{student}"), "(?P<student>[^/]+?)")
    found = re.fullmatch(expression, "/".join(there))
    if found is None:
        raise ValueError(f"{path}: not of the form {pattern}")
    return found["student"]
