"""Added tokens: those of a tokenizer.json that are found in a text before anything is cut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import regex

from tinyllm.text.components import Normalizer
from tinyllm.text.unicode_age import as_of_16

_WORD = regex.compile(r"\w")
_SPACE = regex.compile(r"\s")
_LEADING = regex.compile(r"\s*")
_FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")


class AddedTokens:
    """Finds tokens in a text: the leftmost, and of those the longest."""

    def __init__(self, tokens: list[dict[str, Any]], normalizer: Normalizer | None = None) -> None:
        self._tokens: dict[str, dict[str, Any]] = {}
        for token in tokens:
            content = token["content"] if normalizer is None else normalizer(token["content"])
            if content:
                self._tokens.setdefault(content, token)
        longest_first = sorted(self._tokens, key=len, reverse=True)
        self._pattern = regex.compile("|".join(map(regex.escape, longest_first)))

    def __bool__(self) -> bool:
        return bool(self._tokens)

    def split(self, text: str) -> Iterator[tuple[str, int | None]]:
        """Give the pieces of a text, each with the id of the added token that it is, or None."""
        end = 0
        for match in self._pattern.finditer(text):
            start, stop = match.span()
            token = self._tokens[match.group()]
            if token["single_word"] and (
                (start > 0 and _is_word(text[start - 1]))
                or (stop < len(text) and _is_word(text[stop]))
            ):
                continue
            if token["lstrip"]:
                while start > end and _SPACE.match(text[start - 1]):
                    start -= 1
            if token["rstrip"]:
                stop = _LEADING.match(text, stop).end()
            if start > end:
                yield text[end:start], None
            yield text[start:stop], token["id"]
            end = stop
        if end < len(text):
            yield text[end:], None


def _is_word(character: str) -> bool:
    return _WORD.match(as_of_16(character)) is not None


def read_added_tokens(tokens: Any, vocabulary: dict[str, int]) -> list[dict[str, Any]]:
    """Check the "added_tokens" of a file against the vocabulary of its model."""
    if not isinstance(tokens, list):
        raise ValueError(f"added_tokens is a {type(tokens).__name__}, not a list")
    for place, token in enumerate(tokens):
        if not (
            isinstance(token, dict)
            and type(token.get("id")) is int
            and isinstance(token.get("content"), str)
            and all(type(token.get(flag)) is bool for flag in _FLAGS)
        ):
            raise ValueError(
                f"added_tokens[{place}] is {ascii(token)[:60]}: id, content and the flags "
                f"{', '.join(_FLAGS)} are wanted"
            )
        known = vocabulary.get(token["content"], token["id"])
        if known != token["id"]:
            raise ValueError(
                f"added_tokens[{place}], {ascii(token['content'])[:40]}, has id {token['id']}, "
                f"but the vocabulary says {known}"
            )
    return tokens


def special_token(token_id: int, content: str) -> dict[str, Any]:
    """Give an entry of "added_tokens" for a special token that is found only as it is written."""
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": token_id, "content": content, **flags, "special": True}
