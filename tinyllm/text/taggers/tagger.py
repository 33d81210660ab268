"""The one interface of all taggers: fit, tag, save, load."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from typing import Any

from tinyllm.files import atomic_write, read_json

FORMAT = 1
Sentence = tuple[Sequence[str], Sequence[str]]  # its words, and a tag for each


class Tagger:
    """Give each word of a sentence a tag. A subclass writes `_fit`, `_tag`, `_state`, `_restore`.

    A sentence to learn from is a pair (words, tags) of equal length.
    """

    kind: str  # names the class in a file

    def __init__(self) -> None:
        self.tags: list[str] = []  # in alphabetical order: ties go to the first

    def fit(self, sentences: Iterable[Sentence]) -> Tagger:
        """Learn from tagged sentences, forgetting what was learned before; return the tagger.

        Raises:  ValueError with no word at all, or where words and tags differ in number;
                 TypeError for what is not a string.
        """
        checked = check_sentences(type(self).__name__, sentences)
        self.tags = sorted({tag for _, tags in checked for tag in tags})
        self._fit(checked)
        return self

    def tag(self, words: Sequence[str]) -> list[str]:
        """Return a tag for each word.

        Raises:  RuntimeError before `fit`; TypeError if `words` is a string, or holds other things.
        """
        who = type(self).__name__
        if not self.tags:
            raise RuntimeError(f"{who}: it has learned nothing yet: call fit(sentences) first")
        words = check_words(who, words)
        return self._tag(words) if words else []

    def save(self, path: str | os.PathLike) -> None:
        """Write the tagger as a JSON file, atomically."""
        if not self.tags:
            raise RuntimeError(f"{type(self).__name__}: nothing learned, so nothing to save")
        head = {"format": FORMAT, "kind": self.kind, "tags": self.tags}
        text = json.dumps({**head, **self._state()}, allow_nan=False, separators=(",", ":"))
        with atomic_write(path, "w") as file:
            file.write(text + "\n")

    @classmethod
    def load(cls, path: str | os.PathLike) -> Tagger:
        """Read a tagger of this class.

        Raises:  FileNotFoundError; ValueError if the file is damaged or of another kind.
        """
        return cls.from_state(read_json(path), path)

    @classmethod
    def from_state(cls, state: dict[str, Any], path: str | os.PathLike) -> Tagger:
        """Make a tagger from what stood in the file `path`."""
        found = (state.get("format"), state.get("kind"))
        if found != (FORMAT, cls.kind):
            raise ValueError(
                f"{path}: format and kind are {found[0]!r} and {found[1]!r}, not {FORMAT} and "
                f"{cls.kind!r}, which {cls.__name__} reads"
            )
        tags = state.get("tags")
        if not isinstance(tags, list) or not tags or not all(isinstance(t, str) for t in tags):
            raise ValueError(f"{path}: 'tags' is not a list of one or more strings")
        tagger = cls()
        tagger.tags = tags
        try:
            tagger._restore(state)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise ValueError(
                f"{path}: not a whole {cls.__name__}: {type(error).__name__} {error}"
            ) from None
        return tagger

    def _fit(self, sentences: list[Sentence]) -> None:
        raise NotImplementedError

    def _tag(self, words: list[str]) -> list[str]:
        raise NotImplementedError

    def _state(self) -> dict[str, Any]:
        raise NotImplementedError

    def _restore(self, state: dict[str, Any]) -> None:
        raise NotImplementedError


def check_words(who: str, words: Sequence[str]) -> list[str]:
    """Return the words as a list, or raise TypeError."""
    if isinstance(words, str | bytes):
        raise TypeError(f"{who}: words must be a list of words, not one string: split it first")
    words = list(words)
    for place, word in enumerate(words):
        if not isinstance(word, str):
            raise TypeError(f"{who}: word {place} is {word!r}, not a string")
    return words


def check_sentences(who: str, sentences: Iterable[Sentence]) -> list[Sentence]:
    """Return the sentences that have words, as a list of (words, tags); or raise."""
    checked = []
    for number, sentence in enumerate(sentences):
        if not isinstance(sentence, tuple | list) or len(sentence) != 2:
            raise TypeError(
                f"{who}: sentence {number} must be a pair (words, tags), not "
                f"{type(sentence).__name__}"
                + (f" of {len(sentence)}" if isinstance(sentence, tuple | list) else "")
            )
        name = f"{who}: sentence {number}"
        words, tags = (check_words(name, part) for part in sentence)
        if len(words) != len(tags):
            raise ValueError(f"{name} has {len(words)} words and {len(tags)} tags")
        if words:
            checked.append((words, tags))
    if not checked:
        raise ValueError(f"{who}: there is no word in the sentences to learn from")
    return checked
