"""One token per word: the plainest vocabulary, and why one wants a better."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import regex

from tinyllm.text.tokenizer import Tokenizer, check_settings
from tinyllm.text.utf8 import to_utf8

_WORDS = regex.compile(r"\w+|[^\w\s]")


class WordTokenizer(Tokenizer):
    """The id of a word is its place in the vocabulary; other words are the unknown token, id 0.

    A word is a run of letters, digits and marks, or one other sign; white space is not kept, so
    `decode` joins words by one blank and cannot know more. What a vocabulary leaves out is lost:
    byte-pair encoding loses nothing.

    >>> tokenizer = WordTokenizer.train(["the cat sat on the mat"], vocab_size=3)
    >>> tokenizer.words, tokenizer.encode("the dog sat")
    (['<unk>', 'the', 'cat'], [1, 0, 0])
    """

    kind = "word"
    blanks = True
    lossless = False
    unknown_id = 0

    def __init__(self, words: Iterable[str]) -> None:
        self.words = list(words)
        self._ids: dict[str, int] = {}
        for token_id, word in enumerate(self.words):
            if not isinstance(word, str) or not word:
                raise ValueError(f"WordTokenizer: words[{token_id}] is {ascii(word)[:60]}, no word")
            if self._ids.setdefault(word, token_id) != token_id:
                raise ValueError(f"WordTokenizer: {word!r} stands twice, the second at {token_id}")
        if not self.words:
            raise ValueError("WordTokenizer: no words: the first is the unknown token")
        self.special_tokens = {self.words[0]: self.unknown_id}

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocab_size: int | None = None,
        min_frequency: int = 1,
        unk_token: str = "<unk>",
    ) -> WordTokenizer:
        """Keep the most frequent words of `texts` (or of one str), by code point among equals.

        Args:    vocab_size: ids in all, the unknown token among them. (default: every word)
                 min_frequency: a word that stands less often is left out.
        """
        if vocab_size is not None and vocab_size < 1:
            raise ValueError(f"WordTokenizer.train: vocab_size {vocab_size} holds no unknown token")
        counts: Counter[str] = Counter()
        for text in [texts] if isinstance(texts, str) else texts:
            if not isinstance(text, str):
                raise TypeError(f"WordTokenizer.train: a text is a {type(text).__name__}, no str")
            counts.update(cls.split(text))
        counts.pop(unk_token, None)
        kept = sorted((-n, word) for word, n in counts.items() if n >= min_frequency)
        words = [unk_token, *(word for _, word in kept)]
        return cls(words[:vocab_size])

    @staticmethod
    def split(text: str) -> list[str]:
        """Cut a text into words, known ones or not."""
        return _WORDS.findall(text)

    @property
    def vocab_size(self) -> int:
        """The unknown token and the words."""
        return len(self.words)

    def encode_to_array(self, text: str) -> np.ndarray:
        """Give the ids of the words of a text; `unknown_id` for those never seen."""
        find = self._ids.get
        ids = [find(word, self.unknown_id) for word in self.split(self.check_text(text))]
        return np.array(ids, dtype=self.dtype)

    def token_bytes(self, token_id: int) -> bytes:
        """Give a blank and the word."""
        return b" " + to_utf8(self.words[int(self.check_ids([token_id])[0])])

    def to_dict(self) -> dict[str, Any]:
        """Give the words in the order of their ids."""
        return {"words": self.words}

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> WordTokenizer:
        """Make one of `words`."""
        check_settings("WordTokenizer", settings, words=list)
        return cls(**settings)
