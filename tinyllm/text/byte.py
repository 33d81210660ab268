"""One token per byte of UTF-8: 256 ids, nothing to train, any text."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinyllm.text.tokenizer import Tokenizer, check_settings
from tinyllm.text.utf8 import from_utf8, to_utf8


class ByteTokenizer(Tokenizer):
    """The id of a token is the value of its byte.

    >>> ByteTokenizer().encode("né")
    [110, 195, 169]
    """

    kind = "byte"

    @property
    def vocab_size(self) -> int:
        """256."""
        return 256

    def encode_to_array(self, text: str) -> np.ndarray:
        """Give the UTF-8 bytes of a text, uint8."""
        return np.frombuffer(to_utf8(self.check_text(text)), dtype=np.uint8).copy()

    def _decode(self, ids: np.ndarray) -> str:
        return from_utf8(ids.astype(np.uint8).tobytes())

    def token_bytes(self, token_id: int) -> bytes:
        """Give the one byte."""
        return self.check_ids([token_id]).astype(np.uint8).tobytes()

    def to_dict(self) -> dict[str, Any]:
        """There is nothing to set."""
        return {}

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> ByteTokenizer:
        """Make one of no settings."""
        check_settings("ByteTokenizer", settings)
        return cls()
