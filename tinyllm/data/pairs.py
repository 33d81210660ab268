"""Sentence pairs from two files, line by line."""

from __future__ import annotations

import os
from itertools import zip_longest

from tinyllm.data.lines import read_lines


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
