"""Sentences with a tag for each word, from CoNLL and CoNLL-U files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from tinyllm.lines import read_lines
from tinyllm.metrics.schemes import (
    TAG_SCHEMES,
    MixedSchemes,
    convert_tags,
    find_scheme,
    marks_entities,
)

UPOS = frozenset(
    ("ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN")
    + ("PUNCT", "SCONJ", "SYM", "VERB", "X")
)
_COLUMNS = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
_ID = re.compile(r"(\d+)(?:([-.])(\d+))?")
_ENTITY = re.compile(r"O|[BIES]-\S+")


class TaggedSentence(NamedTuple):
    """The words of a sentence, and as many tags."""

    tokens: list[str]
    tags: list[str]


class TaggedFile(NamedTuple):
    """What `read_tagged` found.

    scheme: in which the tags mark entities, "BIO", "IOB1" or "BIOES"; None if they mark none.
    mixed:  "", or file, line and what was expected, where tags do not follow that scheme; the
            scheme is "" if a tag is none of any.
    """

    sentences: list[TaggedSentence]
    scheme: str | None = None
    mixed: str = ""

    def written_in(self, scheme: str) -> list[TaggedSentence]:
        """Give the sentences with their entities marked in another scheme."""
        return [TaggedSentence(words, convert_tags(tags, scheme)) for words, tags in self.sentences]


def read_tagged(path: str | os.PathLike) -> TaggedFile:
    """Read a tagged file by its name: .conllu as CoNLL-U, UPOS; any other as CoNLL, any tags."""
    if os.fspath(path).endswith(".conllu"):
        return TaggedFile(read_conllu(path))
    rows = list(_conll_sentences(path, entities=False))
    sentences = _not_empty(path, [sentence for _, sentence in rows])
    if not marks_entities(tag for _, tags in sentences for tag in tags):
        return TaggedFile(sentences)
    return TaggedFile(sentences, *_scheme_of(path, rows))


def read_conll(
    path: str | os.PathLike,
    *,
    token_column: int = 0,
    tag_column: int = -1,
    separator: str | None = None,
    entities: bool = True,
    scheme: str | None = None,
) -> list[TaggedSentence]:
    r"""Read a CoNLL file: a word and its tags on each line, an empty line after each sentence.

    Lines that start with "-DOCSTART-" are left out. All lines have as many columns as the first.

    Args:
        token_column, tag_column: which columns, from 0; -1 is the last.
        separator: "\t" or " "; None takes tabs where the first line has one, else spaces.
        entities: tags must be O, or B-, I-, E-, S- and a type (BIO, IOB1 and BIOES).
        scheme: "BIO", "IOB1" or "BIOES": the tags must all be written in one of the three, and are
            turned into this one. None leaves them as they are.

    Raises:
        ValueError: says file, line, and what was expected.
    """
    if scheme is not None and (scheme not in TAG_SCHEMES or not entities):
        raise ValueError(
            f"read_conll: scheme {scheme!r}: entities can be written in {', '.join(TAG_SCHEMES)}"
        )
    rows = list(_conll_sentences(path, token_column, tag_column, separator, entities))
    sentences = _not_empty(path, [sentence for _, sentence in rows])
    if scheme is None:
        return sentences
    _, mixed = _scheme_of(path, rows)
    if mixed:
        raise ValueError(mixed)
    return TaggedFile(sentences).written_in(scheme)


def _conll_sentences(
    path: str | os.PathLike,
    token_column: int = 0,
    tag_column: int = -1,
    separator: str | None = None,
    entities: bool = True,
) -> Iterator[tuple[int, TaggedSentence]]:
    """Give each sentence with the number of its first line; the others follow it one by one."""
    tokens, tags, columns = [], [], 0
    for number, line in read_lines(path):
        if not line.strip() or line.startswith("-DOCSTART-"):
            if tokens:
                yield number - len(tokens), TaggedSentence(tokens, tags)
                tokens, tags = [], []
            continue
        where = f"{path}, line {number}"
        if "\r" in line:
            raise ValueError(f"{where}: expected line ends \\n or \\r\\n, found a lone \\r")
        separator = separator or ("\t" if "\t" in line else " ")
        cells = line.split(separator)
        if separator == " ":
            cells = [cell for cell in cells if cell]
        columns = columns or len(cells)
        _check_columns(where, line, cells, columns, separator, token_column, tag_column)
        token, tag = cells[token_column], cells[tag_column].strip()
        if not token.strip():
            raise ValueError(f"{where}: expected a word in column {token_column + 1}, it is empty")
        if not tag or (entities and not _ENTITY.fullmatch(tag)):
            raise ValueError(
                f"{where}: expected a tag such as O, B-person or I-person, got {tag!r}: is it "
                f"another column, or (entities=False) another kind of tag?"
            )
        tokens.append(token)
        tags.append(tag)
    if tokens:
        yield number + 1 - len(tokens), TaggedSentence(tokens, tags)


def read_conllu(path: str | os.PathLike, column: str = "UPOS") -> list[TaggedSentence]:
    """Read words and one column of a CoNLL-U file, as Universal Dependencies has it.

    Lines of several words ("1-2") and of words that are not there ("1.1") are left out.

    Args:    column: the tags: "UPOS" (checked against the 17 of UD), "XPOS", "LEMMA", "DEPREL" …
    Raises:  ValueError: says file, line, and what was expected.
    Source:  universaldependencies.org/format.html
    """
    if column not in _COLUMNS:
        raise ValueError(f"read_conllu: column {column!r} is none of {', '.join(_COLUMNS)}")
    place = _COLUMNS.index(column)
    sentences: list[TaggedSentence] = []
    tokens, tags = [], []
    for number, line in read_lines(path):
        if not line.strip():
            if tokens:
                sentences.append(TaggedSentence(tokens, tags))
                tokens, tags = [], []
            continue
        if line.startswith("#"):
            continue
        where = f"{path}, line {number}"
        cells = line.split("\t")
        if len(cells) != len(_COLUMNS):
            raise ValueError(
                f"{where}: expected 10 columns with tabs between ({' '.join(_COLUMNS)}), got "
                f"{len(cells)}: {_shown(line)}"
            )
        if not _is_word(where, cells[0], len(tokens) + 1):
            continue
        _check_word(where, cells, column)
        tokens.append(cells[1])
        tags.append(cells[place])
    if tokens:
        sentences.append(TaggedSentence(tokens, tags))
    return _not_empty(path, sentences)


def _scheme_of(path: str | os.PathLike, rows: list[tuple[int, TaggedSentence]]) -> tuple[str, str]:
    """Give the scheme of the tags, and "" or where they do not follow it."""
    try:
        return find_scheme(tags for _, (_, tags) in rows), ""
    except MixedSchemes as error:
        line = rows[error.sentence][0] + error.word
        return error.scheme, f"{path}, line {line}: {error.reason}"


def _check_columns(
    where: str, line: str, cells: list[str], columns: int, separator: str, token: int, tag: int
) -> None:
    least = max(2, *(place + 1 if place >= 0 else -place for place in (token, tag)))
    if len(cells) == columns and columns >= least:
        return
    name = {"\t": "tabs", " ": "spaces"}.get(separator, repr(separator))
    wanted = f"at least {least}" if columns < least else f"{columns}, as in the lines before,"
    raise ValueError(
        f"{where}: expected {wanted} columns with {name} between (a word and its tag), got "
        f"{len(cells)}: {_shown(line)}"
    )


def _is_word(where: str, identifier: str, expected: int) -> bool:
    match = _ID.fullmatch(identifier)
    if match and match[2]:
        return False
    if match is None or int(match[1]) != expected:
        raise ValueError(
            f"{where}: expected word number {expected}, got {identifier[:20]!r}: is an empty line "
            f"between sentences missing?"
        )
    return True


def _check_word(where: str, cells: list[str], column: str) -> None:
    if not cells[1]:
        raise ValueError(f"{where}: expected a word in the second column, FORM, it is empty")
    if column == "UPOS" and cells[3] not in UPOS:
        raise ValueError(
            f"{where}: expected a universal part of speech such as NOUN, got {cells[3][:20]!r}"
        )


def _not_empty(path: str | os.PathLike, sentences: list[TaggedSentence]) -> list[TaggedSentence]:
    if not sentences:
        raise ValueError(f"{path}: expected at least one sentence, there is none: is it empty?")
    return sentences


def _shown(line: str) -> str:
    return repr(line if len(line) <= 60 else line[:60] + "…")
