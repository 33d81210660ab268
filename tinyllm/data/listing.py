"""A corpus as a list of documents, whatever its form: for samples and statistics."""

from __future__ import annotations

import os
from pathlib import Path

from tinyllm.data.corpora import load_text
from tinyllm.data.downloads import CORPORA, fetch, path_of
from tinyllm.data.tagged import read_conll, read_conllu
from tinyllm.lines import read_lines


def documents_of(source: str | os.PathLike, progress: bool = False) -> list[str]:
    """List the documents of a corpus: its sentences, or the paragraphs of a text.

    Args:    source: "stdlib", "tinyworld", the name of a corpus or of one part of it, such as
             "multi30k/train.en.gz", or the path of a file or folder. Files that end in .conllu or
             .conll are read as such.
    """
    if isinstance(source, str) and source in CORPORA and source != "tinyshakespeare":
        return [d for path in fetch(source, progress) for d in _sentences(path)]
    name, _, part = str(source).partition("/")
    if name in CORPORA and part and not Path(source).exists():
        return _sentences(path_of(name, part))
    if Path(source).suffix in (".conllu", ".conll"):
        return _sentences(Path(source))
    if source == "tinyshakespeare":
        fetch("tinyshakespeare", progress)
    corpus = load_text(source)
    parts = (corpus.train + corpus.validation).split("\n\n")
    return [part.strip("\n") for part in parts if part.strip()]


def _sentences(path: Path) -> list[str]:
    if path.suffix == ".conllu":
        return [" ".join(sentence.tokens) for sentence in read_conllu(path)]
    if path.suffix == ".conll":
        return [" ".join(sentence.tokens) for sentence in read_conll(path)]
    return [line for _, line in read_lines(path) if line.strip()]
