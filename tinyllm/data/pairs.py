"""Pairs of texts: two files, line by line, or one file of JSON."""

from __future__ import annotations

import json
import os
from itertools import zip_longest
from typing import Any

from tinyllm.lines import read_lines


def read_pairs(source: str | os.PathLike, target: str | os.PathLike) -> list[tuple[str, str]]:
    """Read two aligned UTF-8 files: line n of one is the translation of line n of the other.

    Spaces around lines go; a pair of two empty lines is left out. Files ending in .gz are unpacked.

    Raises:
        ValueError: the files have not as many lines, a line is empty in one of them only, or there
            is no pair at all; says which.
    """
    pairs = []
    both = zip_longest(read_lines(source), read_lines(target))
    for left, right in both:
        if left is None or right is None:
            short = right[0] - 1 if left is None else left[0] - 1
            long = short + 1 + sum(1 for _ in both)
            counts = (short, long) if left is None else (long, short)
            raise ValueError(
                f"{source} has {counts[0]:,} lines and {target} has {counts[1]:,}: line n of one "
                "is the translation of line n of the other, so are they from one set?"
            )
        one, other = left[1].strip(), right[1].strip()
        if bool(one) != bool(other):
            empty = target if one else source
            raise ValueError(
                f"{empty}, line {left[0]}: expected a sentence, the line is empty while the other "
                f"file has one"
            )
        if one:
            pairs.append((one, other))
    if not pairs:
        raise ValueError(f"{source}: expected at least one pair of lines, there is none")
    return pairs


def read_jsonl_pairs(path: str | os.PathLike, source: str, target: str) -> list[tuple[str, str]]:
    """Read a UTF-8 file with a JSON object in each line, which has two texts under these names.

    Other names in an object are left alone, and so are empty lines. White space around the texts
    goes. A file ending in .gz is unpacked.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a line is no such object, or there is none at all; says file and line.
    """
    pairs = []
    wanted = f'{{"{source}": "…", "{target}": "…"}}'
    for number, line in read_lines(path):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            why = f"which is not JSON: {error}"
        else:
            why = _not_a_pair(row, (source, target))
        if why:
            shown = line.strip() if len(line.strip()) <= 60 else f"{line.strip()[:60]}…"
            raise ValueError(f"{path}, line {number}: expected {wanted}, found {shown!r}, {why}")
        pairs.append((row[source].strip(), row[target].strip()))
    if not pairs:
        raise ValueError(f"{path}: expected a line such as {wanted}, there is none")
    return pairs


def _not_a_pair(row: Any, names: tuple[str, str]) -> str:
    """Say why this is no object with two texts; "" if it is one."""
    if not isinstance(row, dict):
        return "which is no object"
    for name in names:
        if name not in row:
            return f'which has no "{name}"'
        if not isinstance(row[name], str):
            return f'whose "{name}" is no string'
        if not row[name].strip():
            return f'whose "{name}" is empty'
    return ""
