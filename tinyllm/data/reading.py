"""Read UTF-8 text from a file or a folder, and say clearly why it cannot be read."""

from __future__ import annotations

import difflib
import os
from collections import Counter
from pathlib import Path

TEXT_SUFFIXES = frozenset(
    (".txt", ".text", ".md", ".markdown", ".rst", ".tex", ".org", ".adoc", ".srt", ".log")
    + (".html", ".htm", ".xml", ".css", ".csv", ".tsv", ".json", ".jsonl", ".sql")
    + (".toml", ".yaml", ".yml", ".ini", ".cfg", ".conf", ".sh", ".ps1", ".bat")
    + (".py", ".pyi", ".pyx", ".c", ".h", ".cc", ".cpp", ".hpp", ".cs", ".rs", ".go", ".java")
    + (".kt", ".scala", ".swift", ".js", ".jsx", ".ts", ".tsx", ".rb", ".php", ".pl", ".lua")
    + (".r", ".jl", ".hs", ".ml", ".ex", ".clj", ".lisp", ".el", ".vim")
)
_SIGNATURES = {  # first bytes -> what the file is
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a zip archive (as .docx, .epub and .odt are)",
    b"\x1f\x8b": "compressed with gzip",
    b"\xfd7zXZ": "compressed with xz",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"\xff\xfe": "UTF-16: save it as UTF-8",
    b"\xfe\xff": "UTF-16: save it as UTF-8",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}


def read_text_file(path: Path) -> str:
    r"""Read one UTF-8 file; a byte order mark is dropped, "\r\n" and "\r" become "\n".

    Raises:
        ValueError: binary, or bytes that are not UTF-8, with their offset and line.
        PermissionError: it may not be read.
    """
    try:
        raw = path.read_bytes()
    except PermissionError:
        raise PermissionError(f"load_text: {path}: no permission to read it") from None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(_why_not_text(path, raw) or _why_not_utf8(path, raw, error)) from None
    if b"\0" in raw:
        raise ValueError(_why_not_text(path, raw))
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def text_files(folder: Path) -> list[Path]:
    """List the text files below a folder, by their suffix, sorted; hidden ones are left out.

    Links to folders are not followed. Anything that is not a regular file is left out.
    """
    found, other = [], Counter()
    for place, folders, names in os.walk(folder, onerror=_raise_permission):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(place, name) for name in names if not name.startswith(".")):
            if path.suffix.lower() not in TEXT_SUFFIXES:
                other[path.suffix or path.name] += 1
            elif path.is_file():  # opening a pipe would wait for ever
                found.append(path)
    if not found:
        seen = ", ".join(suffix for suffix, _ in other.most_common(5)) or "nothing at all"
        raise ValueError(
            f"load_text: the folder {folder} has no file with the suffix of a text "
            f"(.txt, .md, .py …); found: {seen}"
        )
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def missing_path(path: Path, names: tuple[str, ...] = ()) -> FileNotFoundError:
    """Say that a path is missing, and what near it may have been meant; `names` are corpora."""
    place, wanted = path.absolute(), path.name
    while not place.is_dir() and place != place.parent:
        place, wanted = place.parent, place.name
    try:
        near = [os.path.join(place, name) for name in os.listdir(place)]
    except OSError:
        near = []
    candidates = {os.path.basename(name).lower(): name for name in near}
    if path.name == str(path):
        candidates |= {name: f'"{name}"' for name in names}
    close = difflib.get_close_matches(wanted.lower(), candidates, n=3, cutoff=0.6)
    meant = " or ".join(candidates[name] for name in close)
    hint = f"did you mean {meant}?" if meant else f"nothing with such a name is in {place}"
    return FileNotFoundError(f"load_text: {path}: no such file or folder: {hint}")


def _why_not_text(path: Path, raw: bytes) -> str:
    """Say that a file is binary, and of which sort; "" when it looks like text."""
    for start, what in _SIGNATURES.items():
        if raw.startswith(start):
            return f"load_text: {path} is not UTF-8 text: it looks like {what}"
    offset = raw.find(b"\0")
    if offset < 0:
        return ""
    line = raw.count(b"\n", 0, offset) + 1
    return (
        f"load_text: {path} is a binary file, not text: it has a zero byte at offset {offset} "
        f"(line {line})"
    )


def _why_not_utf8(path: Path, raw: bytes, error: UnicodeDecodeError) -> str:
    line = raw.count(b"\n", 0, error.start) + 1
    return (
        f"load_text: {path} is not UTF-8: byte 0x{raw[error.start]:02X} at offset {error.start} "
        f"(line {line}): {error.reason}: save it as UTF-8 (it may be Latin-1 or Windows-1252)"
    )


def _raise_permission(error: OSError) -> None:
    if isinstance(error, PermissionError):
        raise PermissionError(f"load_text: {error.filename}: no permission to list it") from None
    raise error
