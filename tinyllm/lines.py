"""Read text line by line, plain or gzip, and say file and line where it is not text."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

LONGEST_LINE = 2**20  # bytes


def read_lines(path: str | os.PathLike) -> Iterator[tuple[int, str]]:
    r"""Give (number from 1, line without its end) of a UTF-8 file; one ending in .gz is unpacked.

    Lines end with "\n" or "\r\n"; a byte order mark is dropped.

    Raises:
        FileNotFoundError: no such file.
        ValueError: bytes that are not UTF-8, a NUL byte, a line above 1 MiB, a damaged gzip file.
    """
    path = Path(path)
    if not path.is_file():  # opening a pipe would wait for ever
        raise FileNotFoundError(f"{path}: there is no such file")
    return _lines(path)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    number = 0
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        while True:
            try:
                raw = file.readline(LONGEST_LINE + 1)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise ValueError(
                    f"{path}, after line {number}: expected a whole gzip file: {error}: fetch it "
                    f"again"
                ) from None
            if not raw:
                return
            number += 1
            yield number, _checked(path, number, raw)


def _checked(path: Path, number: int, raw: bytes) -> str:
    where = f"{path}, line {number}"
    if number == 1 and raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ValueError(f"{where}: expected UTF-8, this looks like UTF-16: save it as UTF-8")
    if len(raw) > LONGEST_LINE:
        raise ValueError(f"{where}: expected lines of at most {LONGEST_LINE:,} bytes: is it text?")
    if b"\0" in raw:
        raise ValueError(
            f"{where}: expected text, there is a zero byte at column {raw.index(0) + 1}"
        )
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{where}: expected UTF-8, byte 0x{raw[error.start]:02X} at column {error.start + 1} "
            f"is not: save the file as UTF-8 (it may be Latin-1 or Windows-1252)"
        ) from None
    text = text.removesuffix("\n").removesuffix("\r")
    return text.removeprefix("\ufeff") if number == 1 else text
