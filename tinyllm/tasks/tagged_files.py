"""Read tagged sentences: CoNLL-U, or one word and its tag per line."""

from __future__ import annotations

import os
from pathlib import Path

from tinyllm.text.taggers.tagger import Sentence

UPOS = 3  # the column of CoNLL-U that holds the universal part of speech
MOST_BYTES = 256 * 2**20


def read_tagged(path: str | os.PathLike) -> list[Sentence]:
    """Read (words, tags) of each sentence; an empty line ends one.

    A file whose name ends with .conllu has ten columns, of which FORM and UPOS are taken; in any
    other the first column is the word and the last the tag, apart by a tab or spaces.

    Raises:  FileNotFoundError; ValueError with file and line for what is not so.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path}: larger than {MOST_BYTES:,} bytes: is it a tagged text?")
    conllu = path.suffix == ".conllu"
    sentences, words, tags = [], [], []
    for number, raw in enumerate(path.read_bytes().split(b"\n"), 1):
        line = _decoded(raw, f"{path}, line {number}", first=number == 1)
        if not line.strip():
            if words:
                sentences.append((words, tags))
                words, tags = [], []
        elif not (conllu and line.startswith("#")):
            pair = _pair(line, conllu, f"{path}, line {number}")
            if pair is not None:
                words.append(pair[0])
                tags.append(pair[1])
    if words:
        sentences.append((words, tags))
    if not sentences:
        raise ValueError(f"{path}: there is no tagged word in it")
    return sentences


def _decoded(raw: bytes, where: str, first: bool) -> str:
    try:
        line = raw.removesuffix(b"\r").decode("utf-8-sig" if first else "utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{where}: not UTF-8: {error}") from None
    if "\0" in line:
        raise ValueError(f"{where}: holds a NUL byte: is it a text file?")
    return line


def _pair(line: str, conllu: bool, where: str) -> tuple[str, str] | None:
    """Return word and tag, or None for CoNLL-U's spans (3-4) and empty nodes (3.1)."""
    columns = line.split("\t") if conllu or "\t" in line else line.split()
    if conllu:
        if len(columns) != 10:
            raise ValueError(
                f"{where}: {len(columns)} columns, not the 10 of CoNLL-U, tabs between"
            )
        if not columns[0].isdigit():
            if set(columns[0]) <= set("0123456789.-"):
                return None
            raise ValueError(f"{where}: the ID is {columns[0]!r}, not a number")
        return columns[1], columns[UPOS]
    if len(columns) < 2 or not columns[0] or not columns[-1].strip():
        raise ValueError(
            f"{where}: expected a word and its tag, with a tab between, got {line!r:.60}"
        )
    return columns[0], columns[-1].strip()
