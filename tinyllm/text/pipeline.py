"""What byte-pair encoding and WordPiece share: the stages of a Hugging Face tokenizer.json.

text -> added tokens found -> normalizer -> pre-tokenizer: words -> model: ids -> post-processor
"""

from __future__ import annotations

from abc import abstractmethod
from itertools import chain
from typing import Any, ClassVar

import numpy as np

from tinyllm.text.added import AddedTokens, read_added_tokens
from tinyllm.text.components import BYTE_CHARACTERS, PreTokenizer, normalizer, part
from tinyllm.text.tokenizer import Tokenizer
from tinyllm.text.utf8 import to_utf8

_CACHED_WORDS = 2**17
_LONGEST_CACHED = 64  # characters: longer words seldom come again


class PipelineTokenizer(Tokenizer):
    """A tokenizer whose settings are those of a Hugging Face tokenizer.json.

    A subclass names the `model_type`, reads the "model" in `set_up_model`, gives the ids of one
    word in `encode_word`, and in `model_token_bytes` what one token stands for.
    """

    decoders: ClassVar[tuple[str, ...]] = ("ByteLevel",)

    def __init__(self, settings: dict[str, Any]) -> None:
        name = type(self).__name__
        for unwanted in ("truncation", "padding"):
            if settings.get(unwanted) is not None:
                raise ValueError(f"{name}: {unwanted} is not supported: it must be null")
        model = settings.get("model")
        if not isinstance(model, dict):
            raise ValueError(f'{name}: "model" is missing')
        self.settings = settings
        self.vocabulary = _vocabulary(model.get("vocab"))
        added = read_added_tokens(settings.get("added_tokens") or [], self.vocabulary)
        self.special_tokens = {t["content"]: t["id"] for t in added if t["special"]}
        self._added_bytes = {t["id"]: to_utf8(t["content"]) for t in added}
        self.tokens = _tokens_by_id({**self.vocabulary, **{t["content"]: t["id"] for t in added}})
        self.normalizer = normalizer(settings.get("normalizer"))
        self.lossless = self.normalizer is None
        self.pre_tokenizer = PreTokenizer(settings.get("pre_tokenizer"))
        self._raw = AddedTokens([t for t in added if not t["normalized"]])
        self._normalized = AddedTokens([t for t in added if t["normalized"]], self.normalizer)
        self._before, self._after = _post_processor(settings.get("post_processor"), self.vocab_size)
        self.decoder = settings.get("decoder") or {"type": None}
        if self.decoder.get("type") not in self.decoders:
            raise ValueError(
                f"decoder {self.decoder.get('type')} is not supported (known: "
                f"{', '.join(self.decoders)})"
            )
        self.set_up_model(model)
        self._cache = _Cache(self)

    @abstractmethod
    def set_up_model(self, model: dict[str, Any]) -> None:
        """Read the "model" of the file; ValueError for what is not supported."""

    @abstractmethod
    def encode_word(self, word: str) -> tuple[int, ...]:
        """Give the ids of one word."""

    @abstractmethod
    def model_token_bytes(self, token: str) -> bytes:
        """Give the bytes that a token of the model stands for."""

    @property
    def vocab_size(self) -> int:
        """The tokens of the model and the added ones."""
        return len(self.tokens)

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        """Give the ids of a text, with those that the file's post-processor puts around it."""
        self.check_text(text)
        ids: list[int] = []
        for piece, token_id in self._raw.split(text) if self._raw else [(text, None)]:
            if token_id is not None:
                ids.append(token_id)
                continue
            plain = piece if self.normalizer is None else self.normalizer(piece)
            if not self._normalized:
                self._encode_plain(plain, ids)
                continue
            for smaller, token_id in self._normalized.split(plain):
                if token_id is None:
                    self._encode_plain(smaller, ids)
                else:
                    ids.append(token_id)
        return [*self._before, *ids, *self._after] if add_special_tokens else ids

    def _encode_plain(self, text: str, ids: list[int]) -> None:
        if text:
            words = self.pre_tokenizer(text)
            ids += chain.from_iterable(map(self._cache.__getitem__, words))

    def encode_to_array(self, text: str) -> np.ndarray:
        """Give the ids of a text; see `encode`."""
        return np.array(self.encode(text), dtype=self.dtype)

    def token_bytes(self, token_id: int) -> bytes:
        """Give the bytes of a token; those of an added one are its own text."""
        token_id = int(self.check_ids([token_id])[0])
        if token_id in self._added_bytes:
            return self._added_bytes[token_id]
        return self.model_token_bytes(self.tokens[token_id])

    def forget(self) -> None:
        """Forget the words met so far, whose ids are kept for the next time."""
        self._cache.clear()

    def id_of_unknown(self, token: Any) -> int | None:
        """Give the id of the unknown token, None if there is none."""
        if token is None:
            return None
        if not isinstance(token, str) or token not in self.vocabulary:
            raise ValueError(f"unk_token {ascii(token)[:40]} is not in the vocabulary")
        return self.vocabulary[token]

    def to_dict(self) -> dict[str, Any]:
        """Give the settings as Hugging Face writes them."""
        return self.settings

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> PipelineTokenizer:
        """Make one of the settings as Hugging Face writes them."""
        return cls(settings)


class _Cache(dict):
    """word -> ids, filled on the way."""

    def __init__(self, tokenizer: PipelineTokenizer) -> None:
        super().__init__()
        self._encode = tokenizer.encode_word
        self._byte_level = tokenizer.pre_tokenizer.byte_level

    def __missing__(self, word: str) -> tuple[int, ...]:
        plain = word
        if self._byte_level:
            plain = "".join([BYTE_CHARACTERS[byte] for byte in to_utf8(word)])
        ids = self._encode(plain)
        if len(word) <= _LONGEST_CACHED:
            if len(self) >= _CACHED_WORDS:
                self.clear()
            self[word] = ids
        return ids


def _vocabulary(vocab: Any) -> dict[str, int]:
    if not isinstance(vocab, dict) or not vocab:
        raise ValueError('the model\'s "vocab" is no object of tokens and ids')
    for token, token_id in vocab.items():
        if type(token_id) is not int or token_id < 0:
            raise ValueError(
                f"vocab: the id of {ascii(token)[:40]} is {ascii(token_id)[:40]}, "
                f"not an integer from 0 on"
            )
    return vocab


def _tokens_by_id(ids: dict[str, int]) -> list[str]:
    """The tokens in the order of their ids, which leave out no number and name none twice."""
    tokens: list[str | None] = [None] * len(ids)
    for token, token_id in ids.items():
        if not 0 <= token_id < len(ids):
            hole = min(set(range(len(ids))) - set(ids.values()))
            raise ValueError(f"the ids have a hole: {len(ids)} tokens, and none has id {hole}")
        if tokens[token_id] is not None:
            raise ValueError(
                f"id {token_id} stands for both {ascii(tokens[token_id])[:40]} and "
                f"{ascii(token)[:40]}"
            )
        tokens[token_id] = token
    return tokens


# Post-processors, as (ids before the text, ids after it)

Around = tuple[list[int], list[int]]


def _post_processor(settings: Any, vocab_size: int) -> Around:
    before, after = ([], []) if settings is None else part(settings, "post_processor", _AROUND)
    for token_id in [*before, *after]:
        if type(token_id) is not int or not 0 <= token_id < vocab_size:
            raise ValueError(f"post_processor: {ascii(token_id)[:40]} is no id of the vocabulary")
    return before, after


def _template(settings: dict[str, Any]) -> Around:
    around: Around = ([], [])
    seen = 0
    for item in settings["single"]:
        if "Sequence" in item:
            seen += 1
        else:
            around[min(seen, 1)].extend(
                settings["special_tokens"][item["SpecialToken"]["id"]]["ids"]
            )
    if seen != 1:
        raise ValueError("TemplateProcessing: the text stands once in a template")
    return around


def _in_sequence(settings: dict[str, Any]) -> Around:
    before: list[int] = []
    after: list[int] = []
    for inner in settings["processors"]:
        outer = part(inner, "post_processor", _AROUND)
        before, after = outer[0] + before, after + outer[1]
    return before, after


def _cls_sep(settings: dict[str, Any]) -> Around:
    return [settings["cls"][1]], [settings["sep"][1]]


_AROUND = {
    "ByteLevel": lambda _: ([], []),
    "TemplateProcessing": _template,
    "BertProcessing": _cls_sep,
    "RobertaProcessing": _cls_sep,
    "Sequence": _in_sequence,
}
