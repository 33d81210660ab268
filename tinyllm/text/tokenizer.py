"""The one interface of all tokenizers, streaming, and reading one from its tokenizer.json."""

from __future__ import annotations

import hashlib
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np

from tinyllm.files import read_json, write_json
from tinyllm.text.show import ShownTokens
from tinyllm.text.utf8 import from_utf8, incremental_decoder, printable

FILE_NAME = "tokenizer.json"
KINDS: dict[str, type[Tokenizer]] = {}
MODELS: dict[str, type[Tokenizer]] = {}  # the same for Hugging Face's files, by their "model"


class Tokenizer(ABC):
    """Text to token ids in [0, vocab_size) and back.

    A token stands for bytes of UTF-8, perhaps for a part of a character only: `token_bytes` says
    which. Decoding joins the bytes of all tokens and reads them as UTF-8, so that one decoder,
    whole or streaming, serves every tokenizer. A subclass sets `kind`, the "type" in
    tokenizer.json, by which `load_tokenizer` finds it.
    """

    kind: ClassVar[str]
    model_type: ClassVar[str] = ""
    """The "type" of the "model" in a Hugging Face tokenizer.json, for what is kept in such."""
    blanks: ClassVar[bool] = False
    """Whether a blank that begins `token_bytes` of a text's first token is no part of the text."""
    lossless: bool = True
    """Whether decoding gives back whatever was encoded."""
    special_tokens: Mapping[str, int] = MappingProxyType({})
    """Tokens that are no part of a text, and their ids: decoding can leave them out."""
    unknown_id: int | None = None
    """The id that stands for all that is not in the vocabulary; None if there is no such."""

    def __init_subclass__(cls, **params: Any) -> None:
        super().__init_subclass__(**params)
        if cls.model_type:
            MODELS[cls.model_type] = cls
        elif "kind" in cls.__dict__:
            KINDS[cls.kind] = cls

    @property
    @abstractmethod
    def vocab_size(self) -> int:
        """How many ids there are."""

    @abstractmethod
    def encode_to_array(self, text: str) -> np.ndarray:
        """Give the ids of a text as an array of `self.dtype`: for long texts."""

    @abstractmethod
    def token_bytes(self, token_id: int) -> bytes:
        """Give the UTF-8 bytes one token stands for."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Give the settings that tokenizer.json holds beside its "type"."""

    @classmethod
    @abstractmethod
    def from_dict(cls, settings: dict[str, Any]) -> Self:
        """Make a tokenizer of its settings; ValueError for wrong ones."""

    @property
    def dtype(self) -> np.dtype:
        """The smallest unsigned integer that holds every id."""
        return np.min_scalar_type(max(self.vocab_size - 1, 0))

    def encode(self, text: str) -> list[int]:
        """Give the ids of a text."""
        return self.encode_to_array(text).tolist()

    def decode(self, ids: Iterable[int], skip_special_tokens: bool = False) -> str:
        """Give the text of ids; `decode(encode(text)) == text` if the tokenizer is `lossless`.

        Bytes that are not UTF-8 become U+FFFD. Lone surrogates come back, as Python's str may hold
        them: pass what a model wrote through `printable` before printing or writing it.

        Args:
            skip_special_tokens: leave out the ids of `special_tokens`, the unknown one among them.

        Raises:
            IndexError: an id outside the vocabulary.
            ValueError, TypeError: not one sequence of integers.
        """
        array = self.check_ids(ids)
        if skip_special_tokens and self.special_tokens:
            array = array[~np.isin(array, list(self.special_tokens.values()))]
        return self._decode(array)

    def _decode(self, ids: np.ndarray) -> str:
        """Decode ids that were checked; a subclass may know a quicker way."""
        distinct, places = np.unique(ids, return_inverse=True)
        pieces = [self.token_bytes(token_id) for token_id in distinct]
        joined = b"".join([pieces[place] for place in places.tolist()])
        return from_utf8(joined.removeprefix(b" ") if self.blanks else joined)

    def show(self, text: str) -> ShownTokens:
        """Give the tokens of a text to look at: coloured in a notebook and in a terminal."""
        ids = self.encode(text)
        return ShownTokens(tuple(ids), tuple(map(self.token_bytes, ids)))

    def stream_decoder(self, skip_special_tokens: bool = False) -> StreamDecoder:
        """Give a decoder that takes one id at a time; see `decode`."""
        return StreamDecoder(self, skip_special_tokens)

    def save(self, folder: str | os.PathLike) -> Path:
        """Write tokenizer.json into `folder`, which is made if need be; give its path."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        kind = {} if self.model_type else {"type": self.kind}
        write_json(folder / FILE_NAME, kind | self.to_dict())
        return folder / FILE_NAME

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """Read a tokenizer of this class from its folder or file."""
        tokenizer = load_tokenizer(path)
        if not isinstance(tokenizer, cls):
            raise ValueError(
                f"{cls.__name__}.load: {path} holds a {type(tokenizer).__name__}: "
                f"use text.load_tokenizer, which takes any"
            )
        return tokenizer

    def fingerprint(self) -> str:
        """Give the SHA-256, in hex, of all that decides the ids: equal for equal tokenizers."""
        settings = json.dumps({"type": self.kind} | self.to_dict(), sort_keys=True)
        return hashlib.sha256(settings.encode("ascii")).hexdigest()

    def check_ids(self, ids: Iterable[int]) -> np.ndarray:
        """Give ids as a 1-d integer array, every one of which is in the vocabulary."""
        who = f"{type(self).__name__}.decode"
        array = np.asarray(list(ids) if isinstance(ids, Iterator) else ids)
        if array.ndim != 1:
            raise ValueError(
                f"{who}: one sequence of ids is wanted, got shape {array.shape}: "
                f"put one id in a list, decode the rows of a batch one by one"
            )
        if array.size == 0:
            return np.empty(0, dtype=np.int64)
        if array.dtype.kind not in "iu":
            raise TypeError(f"{who}: ids are integers, got dtype {array.dtype}")
        outside = np.flatnonzero((array < 0) | (array >= self.vocab_size))
        if outside.size:
            raise IndexError(
                f"{who}: token id {array[outside[0]]} at position {outside[0]} is outside "
                f"[0, {self.vocab_size}): was the model trained with another vocabulary?"
            )
        return array

    def check_text(self, text: str) -> str:
        """Give `text` back if it is one."""
        if not isinstance(text, str):
            raise TypeError(
                f"{type(self).__name__}.encode: a str is wanted, got {type(text).__name__}"
                + (': bytes become one by .decode("utf-8")' if isinstance(text, bytes) else "")
            )
        return text

    def __repr__(self) -> str:
        return f"{type(self).__name__}(vocab_size={self.vocab_size})"


class StreamDecoder:
    """Decode ids as a model writes them: `feed` each, print what it gives, `finish` at the end.

    A token may be a part of a character: its bytes are held back until the character is whole.
    What comes out can always be printed: it is `printable(tokenizer.decode(ids))`, in pieces.
    """

    def __init__(self, tokenizer: Tokenizer, skip_special_tokens: bool = False) -> None:
        self._token_bytes = tokenizer.token_bytes
        self._skipped = set(tokenizer.special_tokens.values() if skip_special_tokens else ())
        self._decoder = incremental_decoder()
        self._blanks = self._at_start = tokenizer.blanks

    def feed(self, token_id: int) -> str:
        """Take one id; give the characters that are now whole, often one, sometimes none."""
        if token_id in self._skipped:
            return ""
        data = self._token_bytes(token_id)
        if self._at_start:
            data, self._at_start = data.removeprefix(b" "), False
        return printable(self._decoder.decode(data))

    def finish(self) -> str:
        """Give what was held back, as U+FFFD if it is no character; ready for another text."""
        rest = printable(self._decoder.decode(b"", final=True))
        self._decoder.reset()
        self._at_start = self._blanks
        return rest


def load_tokenizer(path: str | os.PathLike) -> Tokenizer:
    """Read a tokenizer from its tokenizer.json, or from the folder where that lies.

    Files of Hugging Face's `tokenizers` are read too, if their model is byte-level BPE or WordPiece
    and each of their parts is known: `components.py` and `pipeline.py` hold the list.

    Raises:
        FileNotFoundError: there is none.
        ValueError: the file is damaged, of an unknown type, or has wrong settings; says where.
    """
    path = Path(path)
    if path.is_dir():
        path = path / FILE_NAME
    settings = read_json(path)
    model = settings.get("model")
    if isinstance(model, dict) and "type" not in settings:
        kind, classes = model.get("type", "BPE" if "merges" in model else None), MODELS
    else:
        kind, classes = settings.pop("type", None), KINDS
    known = ", ".join(sorted(classes))
    if kind is None:
        raise ValueError(f'{path}: has no "type" (known: {known}): is it a tokenizer of tinyllm?')
    if not isinstance(kind, str) or kind not in classes:
        raise ValueError(f"{path}: unknown tokenizer type {_shown(kind)} (known: {known})")
    try:
        return classes[kind].from_dict(settings)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise ValueError(f"{path}: {error}") from None


def check_settings(who: str, settings: dict[str, Any], **types: type) -> None:
    """Hold settings against the names and types they must have; ValueError says what differs."""
    missing = sorted(types.keys() - settings.keys())
    unknown = sorted(settings.keys() - types.keys())
    if missing or unknown:
        raise ValueError(f"{who}: settings missing: {missing}; unknown: {_shown(unknown)}")
    for name, kind in types.items():
        if type(settings[name]) is not kind:  # True would pass for an int
            raise ValueError(
                f"{who}: {name!r} is {_shown(settings[name])}, which is a "
                f"{type(settings[name]).__name__}, not a {kind.__name__}"
            )


def _shown(value: object) -> str:
    """Show a foreign value, cut to a line and safe to print."""
    text = ascii(value)
    return text if len(text) <= 80 else text[:77] + "..."
