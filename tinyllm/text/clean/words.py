"""What the filters count: words, and each Chinese, Japanese or Korean character as one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from tinyllm.text.clean.characters import HAN

_CJK = f"{HAN}\u3040-\u30ff\uac00-\ud7af"
_WORDS = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+")


def words(text: str) -> list[str]:
    """List the words in lower case, without marks: "I'm 在家" is i, m, 在, 家."""
    return _WORDS.findall(text.lower())


def ngrams(tokens: list[str], n: int) -> Iterator[str]:
    """Give each run of n words, joined by spaces; nothing if there are fewer."""
    return (" ".join(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


def digest(text: str, size: int = 8) -> int:
    """Hash a text to `size` bytes, the same on every machine and in every run."""
    raw = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(raw, digest_size=size).digest(), "little")
