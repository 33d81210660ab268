"""Read files in which line k of one belongs to line k of the others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tinyllm.lines import read_lines


def read_texts(path: str | Path) -> list[str]:
    r"""Give the lines of a UTF-8 file; only \n and \r\n end one, whatever else Unicode has.

    Raises:
        FileNotFoundError: nothing is there, or something that is not a file.
        ValueError: empty, or what `read_lines` refuses; says the line.
    """
    texts = [line for _, line in read_lines(path)]
    if not texts:
        raise ValueError(f"{path} is empty: there is nothing to measure")
    return texts


def read_parallel(first: str | Path, others: Sequence[str | Path]) -> list[list[str]]:
    """Give the lines of files that have equally many: those of the first, then of each other.

    Raises:
        ValueError: one has more or fewer lines than the first.
    """
    columns = [read_texts(path) for path in (first, *others)]
    for path, lines in zip(others, columns[1:], strict=True):
        if len(lines) != len(columns[0]):
            raise ValueError(
                f"{first} has {len(columns[0]):,} lines and {path} has {len(lines):,}: line k of "
                "one is measured against line k of the other"
            )
    return columns
