"""Steps that mend single characters: encodings, normal forms, control characters, spaces."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"

_ZERO_WIDTH = (
    "\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\ufeff"  # soft hyphen, zero-width space, marks, BOM
    "\u202a-\u202e\u2060-\u2064\u2066-\u206f"  # writing direction, invisible operators
)
_JOINERS = "\u200c\u200d"  # inside emoji, and letters of Persian and of Indian scripts
_CONTROL = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f"  # all but \t, \n, \r and \x85
_SURROGATES = re.compile("[\ud800-\udfff]")
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_SPACES = re.compile("[\t \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_SPACE_BETWEEN_HAN = re.compile(f"(?<=[{HAN}\u3000-\u303f\uff00-\uff60]) (?=[{HAN}])")
_WIDE = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F) if chr(wide - 0xFEE0).isalnum()}


@dataclass(frozen=True)
class FixEncoding:
    """Mend text that was decoded with the wrong encoding: "schÃ¶n" becomes "schön".

    Only the encoding is mended; quotes, widths and entities are for other steps.

    Raises:  ModuleNotFoundError: ftfy is not installed: pip install "tinyllm[clean]".
    Source:  Speer 2019, ftfy, doi:10.5281/zenodo.2591652
    """

    name = "encoding"
    _config: Any = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            import ftfy
        except ModuleNotFoundError:
            raise ModuleNotFoundError(
                'FixEncoding: it needs ftfy: pip install "tinyllm[clean]", or leave this step out'
            ) from None
        other = "remove_terminal_escapes fix_latin_ligatures fix_character_width uncurl_quotes"
        other += " fix_line_breaks remove_control_chars unescape_html"
        config = ftfy.TextFixerConfig(**dict.fromkeys(other.split(), False), normalization=None)
        object.__setattr__(self, "_config", config)

    def __call__(self, text: str) -> str:
        import ftfy

        return ftfy.fix_text(text, self._config)


@dataclass(frozen=True)
class NormalizeUnicode:
    """Write each character in one way: one Unicode normal form.

    Args:    form: NFC keeps what a reader sees. NFKC also turns "ﬁ" into "fi" and the full-width
             "，" into ",", which is seldom wanted in Chinese: see `NarrowLetters`.
    """

    form: str = "NFC"
    name = "unicode"

    def __post_init__(self) -> None:
        if self.form not in ("NFC", "NFD", "NFKC", "NFKD"):
            raise ValueError(
                f"NormalizeUnicode: form {self.form!r} is none of NFC, NFD, NFKC, NFKD"
            )

    def __call__(self, text: str) -> str:
        return unicodedata.normalize(self.form, text)


@dataclass(frozen=True)
class NarrowLetters:
    """Write full-width letters and digits narrow, "ＧＰＴ４" as "GPT4"; Chinese marks stay wide."""

    name = "narrow"

    def __call__(self, text: str) -> str:
        return text.translate(_WIDE)


@dataclass(frozen=True)
class RemoveControl:
    """Remove control characters and those that take no space; lone surrogates become "�".

    Tab and line ends stay for `NormalizeWhitespace`.

    Args:    joiners: remove U+200C and U+200D too, which tear emoji such as "👩‍🔬" apart.
    """

    joiners: bool = False
    name = "control"

    def __call__(self, text: str) -> str:
        pattern = _CONTROL + _ZERO_WIDTH + (_JOINERS if self.joiners else "")
        text = re.sub(f"[{pattern}]", _space_for_breaks, text)
        return _SURROGATES.sub("\ufffd", text)


def _space_for_breaks(match: re.Match) -> str:
    """Vertical tab and form feed part words: they become a line end."""
    return "\n" if match[0] in "\x0b\x0c" else ""


@dataclass(frozen=True)
class NormalizeWhitespace:
    r"""Make each run of spaces one space, each line end "\n", and strip lines.

    Args:
        keep_indent: leave the spaces at the start of lines as they are, as code needs.
        between_han: keep a space between two Chinese characters; False removes it.
        blank_lines: the most empty lines to leave in a row.
    """

    keep_indent: bool = False
    between_han: bool = True
    blank_lines: int = 1
    name = "whitespace"

    def __call__(self, text: str) -> str:
        lines, blank = [], 0
        for line in _LINE_ENDS.sub("\n", text).split("\n"):
            body = _SPACES.sub(" ", line).strip()
            if not self.between_han:
                body = _SPACE_BETWEEN_HAN.sub("", body)
            if body and self.keep_indent:
                body = line[: len(line) - len(line.lstrip())] + body
            blank = 0 if body else blank + 1
            if blank <= self.blank_lines:
                lines.append(body)
        return "\n".join(lines).strip("\n")
