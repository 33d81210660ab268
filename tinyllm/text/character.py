"""One token per character, with bytes to fall back on for characters never seen."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import numpy as np

from tinyllm.text.tokenizer import Tokenizer, check_settings
from tinyllm.text.utf8 import to_utf8

_PIECE = 2**20  # characters encoded at a time: bounds the memory for code points


class CharTokenizer(Tokenizer):
    """The id of a character is its place in the vocabulary.

    A character outside the vocabulary is an error, unless one of two ways to take it is chosen:

    Args:    byte_fallback: 256 ids follow, <0x00> to <0xFF>, and such a character becomes its UTF-8
             bytes: nothing is lost.
             unk_token: one id follows, "<unk>", say, and stands for all such characters.

    >>> tokenizer = CharTokenizer.train(["hello"])
    >>> tokenizer.characters, tokenizer.encode("hole")
    ('ehlo', [1, 3, 2, 0])
    """

    kind = "character"

    def __init__(
        self,
        characters: Iterable[str],
        byte_fallback: bool = False,
        unk_token: str | None = None,
    ) -> None:
        characters = list(characters)
        place: dict[str, int] = {}
        for token_id, character in enumerate(characters):
            if not isinstance(character, str) or len(character) != 1:
                raise ValueError(
                    f"CharTokenizer: characters[{token_id}] is {ascii(character)[:60]}, "
                    f"not one character"
                )
            if character in place:
                raise ValueError(
                    f"CharTokenizer: {character!r} stands twice, at ids {place[character]} "
                    f"and {token_id}"
                )
            place[character] = token_id
        if not characters and not byte_fallback:
            raise ValueError("CharTokenizer: no characters: was it trained on empty texts?")
        if unk_token is not None and (byte_fallback or not isinstance(unk_token, str)):
            raise ValueError(
                f"CharTokenizer: unk_token is a str, and with byte_fallback nothing is unknown: "
                f"unk_token={unk_token!r}, byte_fallback={byte_fallback}"
            )
        self.characters = "".join(characters)
        self.byte_fallback = bool(byte_fallback)
        self.unk_token = unk_token
        if unk_token is not None:
            self.unknown_id = len(characters)
            self.special_tokens = {unk_token: self.unknown_id}
            self.lossless = False

    @classmethod
    def train(
        cls, texts: Iterable[str], byte_fallback: bool = False, unk_token: str | None = None
    ) -> CharTokenizer:
        """Make a vocabulary of all characters in `texts` (or in one str), by code point."""
        seen: set[str] = set()
        for text in [texts] if isinstance(texts, str) else texts:
            if not isinstance(text, str):
                raise TypeError(f"CharTokenizer.train: a text is a {type(text).__name__}, no str")
            seen.update(text)
        return cls(sorted(seen), byte_fallback, unk_token)

    @property
    def vocab_size(self) -> int:
        """The characters, and 256 bytes if they are fallen back on, or the unknown token."""
        return len(self.characters) + 256 * self.byte_fallback + (self.unk_token is not None)

    def encode_to_array(self, text: str) -> np.ndarray:
        """Give the ids of a text.

        Raises:
            ValueError: a character is not in the vocabulary, and there is no way to take it.
        """
        self.check_text(text)
        pieces = [
            self._encode_piece(text[start : start + _PIECE], start)
            for start in range(0, len(text), _PIECE)
        ]
        return np.concatenate(pieces) if pieces else np.empty(0, dtype=self.dtype)

    def _decode(self, ids: np.ndarray) -> str:
        if ids.size and ids.max() >= len(self.characters):  # bytes or unknown ones among them
            return super()._decode(ids)
        return self._code_points[ids].tobytes().decode("utf-32-le", "surrogatepass")

    def token_bytes(self, token_id: int) -> bytes:
        """Give the UTF-8 of a character or of the unknown token, or the one byte of a fallback."""
        token_id = int(self.check_ids([token_id])[0])
        known = len(self.characters)
        if token_id < known:
            return to_utf8(self.characters[token_id])
        return bytes([token_id - known]) if self.byte_fallback else to_utf8(self.unk_token)

    def to_dict(self) -> dict[str, Any]:
        """Give the characters one by one: in one JSON string, two surrogates would merge."""
        unknown = {} if self.unk_token is None else {"unk_token": self.unk_token}
        return {"characters": list(self.characters), "byte_fallback": self.byte_fallback, **unknown}

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> CharTokenizer:
        """Make one of `characters`, `byte_fallback` and, if it has one, `unk_token`."""
        unknown = {"unk_token": str} if "unk_token" in settings else {}
        check_settings("CharTokenizer", settings, characters=list, byte_fallback=bool, **unknown)
        return cls(**settings)

    @functools.cached_property
    def _code_points(self) -> np.ndarray:
        """The code point of each id: (characters,)."""
        return _code_points(self.characters)

    @functools.cached_property
    def _ids(self) -> np.ndarray:
        """The id of each code point, -1 where there is none; the last entry is for all above."""
        highest = int(self._code_points.max(initial=0))
        ids = np.full(highest + 2, -1, dtype=np.int32)
        ids[self._code_points] = np.arange(len(self.characters), dtype=np.int32)
        return ids

    def _encode_piece(self, text: str, offset: int) -> np.ndarray:
        code_points = _code_points(text)
        ids = self._ids[np.minimum(code_points, len(self._ids) - 1)]
        unknown = ids < 0
        if not unknown.any():
            return ids.astype(self.dtype)
        if self.unknown_id is not None:
            return np.where(unknown, self.unknown_id, ids).astype(self.dtype)
        places = np.flatnonzero(unknown)
        if not self.byte_fallback:
            place = int(places[0])
            raise ValueError(
                f"CharTokenizer.encode: {text[place]!r} (U+{ord(text[place]):04X}) at position "
                f"{offset + place} is not among the {len(self.characters)} characters of the "
                f"vocabulary: leave it out, or train with byte_fallback=True or unk_token='<unk>'"
            )
        # Each unknown character takes as many places as it has bytes, each other one place.
        fallback = np.frombuffer(to_utf8("".join(text[place] for place in places)), dtype=np.uint8)
        widths = np.where(unknown, _utf8_lengths(code_points), 1)
        is_byte = np.repeat(unknown, widths)
        out = np.empty(len(is_byte), dtype=self.dtype)
        out[~is_byte] = ids[~unknown]
        out[is_byte] = fallback.astype(self.dtype) + len(self.characters)
        return out


def _code_points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def _utf8_lengths(code_points: np.ndarray) -> np.ndarray:
    """How many bytes each code point takes: up to U+007F 1, U+07FF 2, U+FFFF 3, above 4."""
    return 1 + np.searchsorted([0x80, 0x800, 0x10000], code_points, side="right")
