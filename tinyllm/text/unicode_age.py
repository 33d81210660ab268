"""The Unicode that `tokenizers` knows, where it is another than the one of Python's libraries.

Its patterns stand at Unicode 16, its lists of punctuation and marks at about Unicode 9, while
Python's `unicodedata` and the `regex` library go on with every release. Ids are equal on any text
only if a character that is younger than a list is taken for none.

Each table names the characters that the library `regex` counts to a class and `tokenizers` does
not, in hexadecimal; they were found by asking `tokenizers` about every character.
"""

from __future__ import annotations

import string
from collections.abc import Callable

import numpy as np
import regex


def _ranges(table: str) -> str:
    """A table as the inside of a character class."""
    return "".join(
        "-".join(rf"\U{int(end, 16):08x}" for end in entry.split("-")) for entry in table.split()
    )


_YOUNGER_THAN_16 = """
    558 58B-58C 5C8-5C9 88F B53-B54 C5C CDC 1ACF-1AF0 208F 209D-209F 20C1-20C4 2B96 2E60-2E63
    A7CE-A7CF A7D2 A7D4 A7DD-A7F1 AB6C-AB6D FBC3-FBD2 FD90-FD91 FDC8-FDCE 107BB-107BF 10940-10959
    10EC5-10EFB 11B0A-11B67 11DB0-11DF1 1246F 12475-1247F 12550-12686 16EA0-16ED3 16FF2-16FF6
    187F8-187FF 18CD6-18CDA 18D09-191D2 1B123-1B128 1B168 1CCFA-1CCFC 1CEBA-1CEFD 1D127-1D128
    1D1EB-1D1FF 1D250-1D281 1D6A6 1DB00-1DB1C 1DF1F-1DF24 1DF2B-1DFFF 1E6C0-1E6FF 1F1AE
    1F6D8-1F6D9 1F777-1F77A 1F7DA-1F7DB 1F7F1-1F7FF 1F8D0-1F8D8 1FA54-1FA57 1FA8A-1FA8E
    1FAC8-1FACD 1FADD 1FAEA-1FAEF 1FAF9-1FAFA 1FBFA 2B73A-2B73F 2B81E 2CEA2-2CEAD 323B0-33479
    3D000-3FC3F
"""
_NEW_PUNCTUATION = """
    61D 9FD A76 C77 C84 1B4E-1B4F 1B7D-1B7F 2E43-2E4F 2E52-2E63 10D6E 10EAD 10ED0 10F55-10F59
    10F86-10F89 113D4-113D8 1144B-1144F 1145A-1145D 11660-1166C 116B9 1183B 11944-11946 119E2
    11A3F-11A46 11A9A-11A9C 11A9E-11AA2 11B00-11B09 11BE1 11C41-11C45 11C70-11C71 11EF7-11EF8
    11F43-11F4F 11FFF 12FF1-12FF2 16D6D-16D6F 16E97-16E9A 16FE2 1E5FF 1E95E-1E95F
"""
_NEW_MARKS = """
    5C8-5C9 7FD 897-89F 8CA-8D3 9FE AFA-AFF B53-B55 C04 C3C CF3-D00 D3B-D3C D81 EBA ECE 1715 180F
    1ABF-1AF0 1CF7 1DF6-1DFA A82C A8FF 10D24-10D27 10D69-10D6D 10EAB-10EAC 10ECB-10ECF 10EF0-10EFF
    10F46-10F50 10F82-10F85 11070 11073-11074 110C2 11145-11146 111C9 111CE-111CF 11241 1133B
    113B8-113D0 113D2 113E1-113E2 1145E 1182C-1183A 11930-1193E 11940 11942-11943 119D1-119E0
    119E4 11A01-11A0A 11A33-11A39 11A3B-11A3E 11A47 11A51-11A5B 11A8A-11A99 11B60-11B67
    11D31-11D45 11D47 11D8A-11D97 11DF0 11EF3-11EF6 11F00-11F01 11F03 11F34-11F42 11F5A 13440
    13447-13455 1611E-1612F 16F4F 16F7F-16F87 16FE4-16FF1 1CF00-1CF46 1D127-1D128 1D250-1D252
    1D25B-1D25C 1D25F 1D280-1D281 1E08F 1E130-1E136 1E2AE 1E2EC-1E2EF 1E4EC-1E4EF 1E5EE-1E5EF
    1E6E3 1E6E6 1E6EE-1E6EF 1E6F5
"""
_NEW_NONSPACING = """
    5C8-5C9 7FD 897-89F 8CA-8E1 9FE AFA-AFF B53-B55 C04 C3C D00 D3B-D3C D81 EBA ECE 180F 1885-1886
    1ABF-1AF0 1DF6-1DFB A82C A8C5 A8FF A9BD 10D24-10D27 10D69-10D6D 10EAB-10EAC 10ECB-10ECF
    10EF0-10EFF 10F46-10F50 10F82-10F85 11070 11073-11074 110C2 111C9 111CF 1123E 11241 1133B
    113BB-113C0 113CE 113D0 113D2 113E1-113E2 11438-1143F 11442-11444 11446 1145E 1182F-11837
    11839-1183A 1193B-1193C 1193E 11943 119D4-119DB 119E0 11A01-11A0A 11A33-11A38 11A3B-11A3E
    11A47 11A51-11A56 11A59-11A5B 11A8A-11A96 11A98-11A99 11B60 11B62-11B64 11B66 11C30-11C3D
    11C3F 11C92-11CA7 11CAA-11CB0 11CB2-11CB3 11CB5-11CB6 11D31-11D45 11D47 11D90-11D91 11D95
    11D97 11DF0 11EF3-11EF4 11F00-11F01 11F36-11F3A 11F40 11F42 11F5A 13440 13447-13455
    1611E-16129 1612D-1612F 16F4F 16FE4 1CF00-1CF46 1D127-1D128 1D25B-1D25C 1E000-1E02A 1E08F
    1E130-1E136 1E2AE 1E2EC-1E2EF 1E4EC-1E4EF 1E5EE-1E5EF 1E6E3 1E6E6 1E6EE-1E6EF 1E6F5
    1E944-1E94A
"""
_NEW_CONTROLS = """
    9-A D 890-891 8E2 110CD 13430-1343F
"""
# Compatibility forms that came after its tables: normalization leaves them alone.
_NOT_NORMALIZED = "32FF A7F2-A7F4 AB69 10781-10785 10787-107B0 107B2-107BA 11938 1F16C 1FBF0-1FBF9"
# Capital letters that came after Python 3.11's tables -> small ones, in runs: first, last, first
_NEW_CAPITALS = [
    (0x1C89, 0x1C89, 0x1C8A),
    (0xA7CB, 0xA7CB, 0x264),
    (0xA7CC, 0xA7CC, 0xA7CD),
    (0xA7CE, 0xA7CE, 0xA7CF),
    (0xA7D2, 0xA7D2, 0xA7D3),
    (0xA7D4, 0xA7D4, 0xA7D5),
    (0xA7DA, 0xA7DA, 0xA7DB),
    (0xA7DC, 0xA7DC, 0x19B),
    (0x10D50, 0x10D65, 0x10D70),
    (0x16EA0, 0x16EB8, 0x16EBB),
]

Change = Callable[[str], str]
_IS_YOUNG = np.zeros(0x110000, bool)
for _entry in _YOUNGER_THAN_16.split():
    _first, _, _last = _entry.partition("-")
    _IS_YOUNG[int(_first, 16) : int(_last or _first, 16) + 1] = True
_SMALL = {a + i: small + i for a, b, small in _NEW_CAPITALS for i in range(b - a + 1)}
_CAPITALS = regex.compile(f"[{''.join(map(chr, _SMALL))}]")
_KEPT = regex.compile(f"([{_ranges(_NOT_NORMALIZED)}])")


def _without(base: str, table: str, more: str = "") -> str:
    """A pattern: the class `base` without a table, with the characters of `more`."""
    return rf"(?V1)[[{base}--[{_ranges(table)}]]{more}]"


PUNCTUATION = _without(
    r"\p{P}", _NEW_PUNCTUATION, "\u166d\U000111c9" + regex.escape(string.punctuation)
)
MARKS = _without(r"\p{M}", _NEW_MARKS, "\u1cf2\u1cf3")
NONSPACING_MARKS = _without(r"\p{Mn}", _NEW_NONSPACING, "\u1734\U0001171e")
NUMERIC = _without(r"\p{N}", "1246F 12475-1247F 12550-12686")  # younger than Unicode 17
CONTROLS = _without(r"[\p{Cc}\p{Cf}\p{Co}--[\t\n\r]]", _NEW_CONTROLS, "\ufffd")


def as_of_16(text: str) -> str:
    """Put a character that never was assigned for each that is younger than Unicode 16."""
    if text.isascii():
        return text
    code_points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    young = _IS_YOUNG[code_points]
    if not young.any():
        return text
    known = np.where(young, np.uint32(0x378), code_points)
    return known.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


def lower(text: str) -> str:
    """Lower every character for itself: a final sigma is a sigma, as in `tokenizers`."""
    if text.isascii():
        return text.lower()
    text = text.lower() if "Σ" not in text else "".join([c.lower() for c in text])
    return text.translate(_SMALL) if _CAPITALS.search(text) else text


def normalize_except_new(text: str, normalize: Change) -> str:
    """Normalize the text between the characters that are left alone."""
    if text.isascii() or not _KEPT.search(text):
        return normalize(text)
    pieces = _KEPT.split(text)
    return "".join([p if i % 2 else normalize(p) for i, p in enumerate(pieces)])
