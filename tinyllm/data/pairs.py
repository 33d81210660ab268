"""Sentence pairs from two files, line by line."""

from __future__ import annotations

import os
from itertools import zip_longest

from tinyllm.data.lines import read_lines


def read_pairs(source: str | os.PathLike, target: str | os.PathLike) -> list[tuple[str, str]]:
    """Read two aligned UTF-8 files: line n of one is the translation of line n of the other.

    Spaces around lines go; a pair of two empty lines is left out. Files ending in .gz are unpacked.

    Raises:
        ValueError: one file ends before the other, a line is empty in one of them only, or there
            is no pair at all; says file and line.
    """
    pairs = []
    for left, right in zip_longest(read_lines(source), read_lines(target)):
        if left is None or right is None:
            short, number = (source, right[0]) if left is None else (target, left[0])
            raise ValueError(
                f"{short}, line {number}: expected a line, the file ends before the other: files "
                f"of pairs have as many lines, are {source} and {target} from one set?"
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
