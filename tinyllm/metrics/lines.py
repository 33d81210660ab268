"""Read files in which line k of one belongs to line k of the others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

BOM = b"\xef\xbb\xbf"


def read_lines(path: str | Path) -> list[str]:
    r"""Give the lines of a UTF-8 file; only \n and \r\n end one, whatever else Unicode has.

    Raises:
        FileNotFoundError: nothing is there, or something that is not a file.
        ValueError: not UTF-8, in which line, or empty.
    """
    path = Path(path)
    if not path.is_file():  # opening a pipe would wait for ever
        raise FileNotFoundError(f"{path}: there is no such file")
    data = path.read_bytes().removeprefix(BOM)
    if not data:
        raise ValueError(f"{path} is empty: there is nothing to measure")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8: save it as UTF-8"
        ) from None
    return text.replace("\r\n", "\n").removesuffix("\n").split("\n")


def read_parallel(first: str | Path, others: Sequence[str | Path]) -> list[list[str]]:
    """Give the lines of files that have equally many: those of the first, then of each other.

    Raises:
        ValueError: one has more or fewer lines than the first.
    """
    columns = [read_lines(path) for path in (first, *others)]
    for path, lines in zip(others, columns[1:], strict=True):
        if len(lines) != len(columns[0]):
            raise ValueError(
                f"{first} has {len(columns[0]):,} lines and {path} has {len(lines):,}: line k of "
                "one is measured against line k of the other"
            )
    return columns
