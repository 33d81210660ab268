"""From words to text and back: spaces, full stops and capital letters."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tinyllm.data.tinyworld.choices import capital
from tinyllm.data.tinyworld.pieces import Piece

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*|[,.]")


def written(pieces: Iterable[Piece]) -> list[str]:
    """Return the words of the pieces as a text shows them: a capital begins each sentence."""
    words: list[str] = []
    starts = True
    for said in pieces:
        for word in said.words:
            words.append(capital(word) if starts else word)
            starts = word == "."
    return words


def text_of(words: Iterable[str]) -> str:
    """Join words: a space before each but full stops and commas."""
    return " ".join(words).replace(" ,", ",").replace(" .", ".")


def words_of(text: str) -> list[str] | None:
    """Cut a text into words; None if it is not spelled as `text_of` spells."""
    words = _WORD.findall(text)
    return words if text_of(words) == text else None
