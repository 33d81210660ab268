"""Clean a file into another, document by document, in memory that does not grow with the file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tinyllm.files import atomic_write
from tinyllm.text.clean.cleaner import Cleaner
from tinyllm.text.clean.report import CleaningReport

LONGEST_DOCUMENT = 64 * 2**20  # bytes
UNITS = ("line", "paragraph")
BAD_BYTES = ("error", "replace", "windows-1252")


def clean_file(
    source: str | os.PathLike,
    target: str | os.PathLike,
    cleaner: Cleaner | None = None,
    *,
    unit: str = "line",
    bad_bytes: str = "error",
    progress: bool = False,
) -> CleaningReport:
    """Clean a UTF-8 file into another; `target` appears whole at the end, or not at all.

    Args:
        source: the file to read.
        target: the file to write; it may be `source`.
        cleaner: by default one with `default_steps()`.
        unit: a document is a "line", or a "paragraph", lines up to an empty one.
        bad_bytes: what is not UTF-8 is an "error", is "replace"d by U+FFFD, or its line is read as
            "windows-1252".
        progress: show a bar on standard error, if it is a terminal.

    Raises:
        FileNotFoundError, IsADirectoryError: no such file, or no place for `target`.
        ValueError: not text, or a document above 64 MiB, with the line; or nothing but empty lines.
    """
    source, target = Path(source), Path(target)
    cleaner = Cleaner() if cleaner is None else cleaner
    check_target(target)
    end = "\n" if unit == "line" else "\n\n"
    with _bar(source, progress) as bar, atomic_write(target, "w") as out:
        documents = read_documents(source, unit, bad_bytes, on_bytes=bar.update)
        for number, text in enumerate(cleaner(documents)):
            if unit == "paragraph" and number:
                out.write("\n")
            out.write(_as_one(text, unit) + end[:1])
        if not cleaner.report.documents_in:
            raise ValueError(f"clean: {source}: expected text, there is none: is the file empty?")
    return cleaner.report


def check_target(path: Path) -> None:
    """Say before the work, not after it, that a file cannot be written there."""
    if path.is_dir():
        raise IsADirectoryError(f"clean: {path} is a folder: name a file in it")
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(f"clean: {path}: its folder is not there: make it first")


def read_documents(
    path: str | os.PathLike, unit: str = "line", bad_bytes: str = "error", on_bytes=lambda n: None
) -> Iterator[str]:
    r"""Read documents one by one from a UTF-8 file: lines, or paragraphs; empty ones are left out.

    Only "\n" and "\r\n" end a line here. See `clean_file`.
    """
    if unit not in UNITS:
        raise ValueError(f"clean: unit {unit!r} is neither of {', '.join(UNITS)}")
    if bad_bytes not in BAD_BYTES:
        raise ValueError(f"clean: bad_bytes {bad_bytes!r} is none of {', '.join(BAD_BYTES)}")
    path = Path(path)
    if not path.is_file():  # opening a pipe would wait for ever
        raise FileNotFoundError(f"clean: {path}: there is no such file")
    return _documents(path, unit, bad_bytes, on_bytes)


def _documents(path: Path, unit: str, bad_bytes: str, on_bytes) -> Iterator[str]:
    lines: list[str] = []
    size = 0
    with open(path, "rb") as file:
        for number, raw in _raw_lines(path, file):
            on_bytes(len(raw))
            line = _decode(path, number, raw, bad_bytes).rstrip("\r\n")
            if unit == "line":
                if line.strip():
                    yield line
                continue
            if not line.strip():
                if lines:
                    yield "\n".join(lines)
                lines, size = [], 0
                continue
            lines.append(line)
            size += len(raw)
            if size > LONGEST_DOCUMENT:
                raise ValueError(_too_long(path, number, "the paragraph"))
    if lines:
        yield "\n".join(lines)


def _raw_lines(path: Path, file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    while raw := file.readline(LONGEST_DOCUMENT + 1):
        number += 1
        if number == 1 and raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise ValueError(f"clean: {path} looks like UTF-16: save it as UTF-8")
        if len(raw) > LONGEST_DOCUMENT:
            raise ValueError(_too_long(path, number, "the line"))
        yield number, raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw


def _decode(path: Path, number: int, raw: bytes, bad_bytes: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if bad_bytes == "windows-1252":
            return raw.decode("cp1252", "replace")
        if bad_bytes == "replace":
            return raw.decode("utf-8", "replace")
        raise ValueError(
            f"clean: {path}, line {number}: byte 0x{raw[error.start]:02X} is not UTF-8: save the "
            f'file as UTF-8, or choose bad_bytes (--bad-bytes) "replace" or "windows-1252"'
        ) from None


def _too_long(path: Path, number: int, what: str) -> str:
    return (
        f"clean: {path}, line {number}: {what} is longer than {LONGEST_DOCUMENT:,} bytes: "
        f"is it text at all?"
    )


def _as_one(text: str, unit: str) -> str:
    """Keep a document one document: no line end in a line, no empty line in a paragraph."""
    parts = [part for part in text.split("\n") if part.strip()]
    return (" " if unit == "line" else "\n").join(parts)


def _bar(path: Path, progress: bool):
    from tqdm import tqdm

    total = path.stat().st_size if path.is_file() else None
    return tqdm(
        total=total,
        unit="B",
        unit_scale=True,
        desc="cleaning",
        leave=False,
        disable=None if progress else True,
    )
