"""UTF-8 for every `str` Python can hold, and for the bytes a model may invent.

A Python str may hold a lone surrogate (U+D800 to U+DFFF), which strict UTF-8 refuses; a file name
or a badly cut emoji brings them in. They are written as the three bytes UTF-8 would give them, and
read back, so that encode and decode are inverse for any str. Other bad bytes become U+FFFD.
"""

from __future__ import annotations

import codecs
import re

REPLACEMENT = "\ufffd"
_ERRORS = "tinyllm.surrogate_or_replacement"
_SURROGATE = re.compile("[\ud800-\udfff]")


def to_utf8(text: str) -> bytes:
    """Give the UTF-8 bytes of any str."""
    return text.encode("utf-8", "surrogatepass")


def from_utf8(data: bytes) -> str:
    """Give the str of any bytes; `from_utf8(to_utf8(text)) == text`."""
    return data.decode("utf-8", _ERRORS)


def incremental_decoder() -> codecs.IncrementalDecoder:
    """Give a decoder that holds back the bytes of an unfinished character."""
    return codecs.getincrementaldecoder("utf-8")(_ERRORS)


def printable(text: str) -> str:
    """Put U+FFFD for lone surrogates, which neither a terminal nor a UTF-8 file accepts."""
    return _SURROGATE.sub(REPLACEMENT, text)


def _surrogate_or_replacement(error: UnicodeError) -> tuple[str, int]:
    """Read on after bytes that are not strict UTF-8: (what they stand for, where to go on)."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    three = error.object[error.start : error.start + 3]
    if three[0] == 0xED:  # where the surrogates would be
        try:
            return three.decode("utf-8", "surrogatepass"), error.start + 3
        except UnicodeDecodeError:
            pass
    return REPLACEMENT, error.end


codecs.register_error(_ERRORS, _surrogate_or_replacement)
