"""Texts to train on: the standard library's source, a named one, a file, a folder; in two parts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from tinyllm.data.downloads import fetch
from tinyllm.data.reading import missing_path, read_text_file, text_files
from tinyllm.data.standard_library import standard_library

NAMED_CORPORA = ("stdlib", "tinyworld", "tinyshakespeare")
TINYWORLD_STORIES = 10_000  # 1.8 MB


@dataclass(frozen=True)
class Corpus:
    """A text in two parts: what is trained on, and what is held back to measure."""

    name: str
    train: str
    validation: str

    def __repr__(self) -> str:
        sizes = f"train={len(self.train):,} validation={len(self.validation):,} characters"
        return f"Corpus({self.name!r}, {sizes})"


def load_text(
    source: str | os.PathLike = "stdlib",
    *,
    validation_fraction: float = 0.1,
    stdlib_bytes: int = 8_000_000,
) -> Corpus:
    r"""Load a text and hold back its last part for validation.

    "stdlib" is the source of this Python's standard library, whole modules in a fixed shuffled
    order, split between two modules. "tinyworld" is 10,000 stories of World(seed=0, size="mini"),
    an empty line after each, the last part drawn apart. "tinyshakespeare" is downloaded the first
    time. Any other string is the path of a UTF-8 file, or of a folder whose text files (by suffix;
    not the hidden ones) are joined in the order of their names. Their text of n characters is split
    at character int(0.9 * n), as nanoGPT does. Line ends "\r\n" and "\r" become "\n"; a byte order
    mark is dropped.

    Args:
        source: "stdlib", "tinyworld", "tinyshakespeare", or a path (a file called stdlib is
            "./stdlib").
        validation_fraction: the part held back, above 0, below 1.
        stdlib_bytes: the most of the standard library to take, in bytes.

    Raises:
        FileNotFoundError, PermissionError: nothing there to read.
        ValueError: empty, binary, not UTF-8, or not to be split; says which file and where.
    """
    if not 0 < validation_fraction < 1:
        raise ValueError(f"load_text: validation_fraction {validation_fraction} is not in (0, 1)")
    if source == "tinyshakespeare":
        (path,) = fetch("tinyshakespeare", progress=True)
        return _split_at_character(path, read_text_file(path), validation_fraction)
    if source == "stdlib":
        return _split_between(source, standard_library(stdlib_bytes), validation_fraction)
    if source == "tinyworld":
        return _tinyworld(validation_fraction)
    if not isinstance(source, str | os.PathLike) or not os.fspath(source):
        raise TypeError(f'load_text: source is "stdlib" or a path, got {source!r}')
    path = Path(source).expanduser()
    try:
        text = _read_path(path)
    except FileNotFoundError:
        raise missing_path(path, NAMED_CORPORA) from None
    return _split_at_character(path, text, validation_fraction)


def _tinyworld(validation_fraction: float) -> Corpus:
    from tinyllm.data.tinyworld import Grammar, World, stories

    grammar = Grammar(World(seed=0, size="mini"))
    aside = min(max(round(validation_fraction * TINYWORLD_STORIES), 1), TINYWORLD_STORIES - 1)
    parts = {"train": TINYWORLD_STORIES - aside, "validation": aside}
    told = {
        part: "".join([f"{story.text}\n\n" for story in stories(grammar, count, split=part)])
        for part, count in parts.items()
    }
    return Corpus("tinyworld", **told)


def _read_path(path: Path) -> str:
    if path.is_dir():
        texts = [read_text_file(file) for file in text_files(path)]
        return "\n".join(_with_line_end(text) for text in texts if text.strip())
    if path.exists() and not path.is_file():
        raise ValueError(f"load_text: {path} is a device or a pipe: save its text to a file first")
    return read_text_file(path)


def _with_line_end(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"


def _split_at_character(path: Path, text: str, validation_fraction: float) -> Corpus:
    if not text.strip():
        raise ValueError(f"load_text: {path} is empty: there is nothing to learn from")
    cut = int((1 - validation_fraction) * len(text))
    if not 0 < cut < len(text):
        raise ValueError(
            f"load_text: {path} has {len(text)} character(s), too few to hold back "
            f"{validation_fraction:.0%} of them for validation"
        )
    return Corpus(path.resolve().name, text[:cut], text[cut:])


def _split_between(name: str, texts: list[str], validation_fraction: float) -> Corpus:
    """Split where the part held back comes nearest to what was asked for."""
    if len(texts) < 2:
        raise ValueError(f"load_text: {name}: {len(texts)} file cannot be split: allow more bytes")
    before = list(accumulate(map(len, texts)))[:-1]  # characters before each place to split
    wanted = (1 - validation_fraction) * sum(map(len, texts))
    cut = 1 + min(range(len(before)), key=lambda i: abs(before[i] - wanted))
    return Corpus(name, "".join(texts[:cut]), "".join(texts[cut:]))
