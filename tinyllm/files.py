"""Write files so that a kill leaves the old one or the new one; read JSON that may be hostile."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

PARTIAL_PREFIX = ".partial-"
JSON_BYTES_LIMIT = 64 * 2**20


@contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Give a temporary path beside `path`; when the block ends well, it becomes `path`.

    For libraries that want a file name: the temporary name keeps the suffix. The contents are
    synced to the disk before the rename, so that even a power cut leaves the old file or the new
    one. If the block raises, the old file stays and the temporary one goes.
    """
    path = Path(os.path.realpath(path))  # a link goes on pointing: what it points to is replaced
    partial = path.with_name(f"{PARTIAL_PREFIX}{secrets.token_hex(4)}-{path.name}")
    try:
        yield partial
        with open(partial, "r+b") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise
    sync_folder(path.parent)


@contextmanager
def atomic_write(path: str | os.PathLike, mode: str = "wb") -> Iterator[IO]:
    """Open `path` for writing, "wb" or "w" (UTF-8, newlines as given), by way of `atomic_path`."""
    if mode not in ("wb", "w"):
        raise ValueError(f'atomic_write: mode {mode!r} is neither "wb" nor "w"')
    how = {"encoding": "utf-8", "newline": ""} if mode == "w" else {}
    with atomic_path(path) as partial, open(partial, mode, **how) as file:
        yield file


def remove_partials(folder: str | os.PathLike) -> None:
    """Remove what killed writers left in `folder`; for its owner, when nobody else writes there."""
    for path in Path(folder).glob(f"{PARTIAL_PREFIX}*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()


def sync_folder(folder: str | os.PathLike) -> None:
    """Make a rename inside `folder` durable itself. Windows has no such call."""
    if os.name == "nt":
        return
    with suppress(OSError):  # some file systems refuse it
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_json(path: str | os.PathLike, settings: dict[str, Any]) -> None:
    """Write a dictionary as JSON, atomically. ASCII only, which any editor and any str survives."""
    text = json.dumps(settings, indent=2, ensure_ascii=True, allow_nan=False)
    with atomic_write(path, "w") as file:
        file.write(text + "\n")


def read_json(path: str | os.PathLike) -> dict[str, Any]:
    """Read the JSON object in a file that may have been cut off, edited or made to do harm.

    Raises:
        FileNotFoundError: nothing is there, or something that is not a file.
        ValueError: larger than 64 MiB, not UTF-8, not JSON, nested without end, with a key twice,
            NaN or Infinity in it, or not an object.
    """
    path = Path(path)
    if not path.is_file():  # opening a pipe would wait for ever
        raise FileNotFoundError(f"{path}: there is no such file")
    with open(path, "rb") as file:
        raw = file.read(JSON_BYTES_LIMIT + 1)
    if len(raw) > JSON_BYTES_LIMIT:
        raise ValueError(f"{path}: larger than {JSON_BYTES_LIMIT:,} bytes: is it the right file?")
    try:
        settings = json.loads(
            raw.decode("utf-8-sig"), object_pairs_hook=_unique_keys, parse_constant=_no_constant
        )
    except RecursionError:
        raise ValueError(f"{path}: not JSON to be read: it nests too deep") from None
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path}, line {line}: not valid JSON: byte 0x{raw[error.start]:02X} is not UTF-8"
        ) from None
    except ValueError as error:  # a JSONDecodeError is one
        raise ValueError(f"{path}: not valid JSON: {error}: was the file cut off?") from None
    if not isinstance(settings, dict):
        raise ValueError(f"{path}: holds a JSON {type(settings).__name__}, not an object {{...}}")
    return settings


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    settings = dict(pairs)
    if len(settings) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return settings


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
