"""The Python standard library's own source as a corpus: real code and English on every machine."""

from __future__ import annotations

import hashlib
import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path

_NOT_THE_LIBRARY = frozenset(("site-packages", "dist-packages", "__pycache__"))
_FOLDERS_LEFT_OUT = frozenset(
    ("test", "tests", "idle_test")
    + ("encodings", "pydoc_data")  # tables and help texts, written as code
)
_LOCAL = ("_sysconfigdata", "_sysconfig_vars", "sitecustomize", "usercustomize")
_CHARACTERS = frozenset("\n" + "".join(map(chr, range(ord(" "), ord("~") + 1))))
_LARGEST_MODULE = 150_000  # bytes: so that no one module weighs much in either part


def standard_library(max_bytes: int, everything: bool = False) -> list[str]:
    """Read the modules in a fixed shuffled order, as many as fit in `max_bytes`.

    Each starts with a line `# module json.decoder` and ends with an empty line. Left out are tests,
    tables, two or three giants, files made for this machine, and the dozen with a character outside
    ASCII: the 95 printable characters of ASCII and the line end make up the whole corpus. The same
    Python gives the same corpus; another version or distributor, nearly the same.

    Args:
        everything: take tests, tables and giants too, for who needs more text: 24 MB of Python
            3.11, 11 where its tests are not installed.

    Raises:
        FileNotFoundError: this Python has no source files (an embedded or frozen one).
    """
    root = Path(sysconfig.get_path("stdlib"))
    modules, room = [], max_bytes
    largest = max_bytes if everything else _LARGEST_MODULE
    for name in sorted(_module_files(root, everything), key=_shuffled):
        source = _read_module(root, name, room, largest)
        if source is not None:
            modules.append(source)
            room -= len(source)
    if not modules:
        raise FileNotFoundError(
            f'load_text: "stdlib" needs the source of Python\'s standard library, and there is '
            f"none of at most {max_bytes:,} bytes in {root} (an embedded or frozen Python?): give "
            f"a text file or a folder instead"
        )
    return modules


def _module_files(root: Path, everything: bool) -> Iterator[str]:
    """Give the paths of the modules wanted, relative to `root`, with slashes."""
    for folder, folders, names in os.walk(root):
        unwanted = _NOT_THE_LIBRARY if everything else _NOT_THE_LIBRARY | _FOLDERS_LEFT_OUT
        folders[:] = [name for name in folders if name not in unwanted]
        for name in names:
            if name.endswith(".py") and not name.startswith(_LOCAL):
                yield Path(folder, name).relative_to(root).as_posix()


def _shuffled(name: str) -> bytes:
    """Give the place in the order, a hash: it stays when other modules come or go."""
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()


def _read_module(root: Path, name: str, room: int, largest: int) -> str | None:
    """Read a module below its header line; None if it is not wanted or larger than `room`."""
    path = root / name
    try:
        if path.stat().st_size > min(room, largest):
            return None
        source = path.read_bytes().decode("ascii")
    except (OSError, UnicodeDecodeError):
        return None
    source = source.replace("\r\n", "\n").replace("\f", "").expandtabs().strip("\n")
    module = name.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    text = f"# module {module}\n{source}\n\n"
    fits = source.strip() and len(text) <= room
    return text if fits and _CHARACTERS.issuperset(text) else None
