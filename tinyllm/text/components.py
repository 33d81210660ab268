"""The parts of a Hugging Face tokenizer.json that change or cut a text, by their names there.

A normalizer is a function str -> str, a pre-tokenizer one from pieces of text to smaller pieces.
What is not in NORMALIZERS and PRE_TOKENIZERS is refused by name.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import partial
from typing import Any

import regex

from tinyllm.text.unicode_age import (
    CONTROLS,
    MARKS,
    NONSPACING_MARKS,
    NUMERIC,
    PUNCTUATION,
    as_of_16,
    lower,
    normalize_except_new,
)

GPT2_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"

Normalizer = Callable[[str], str]
Cut = Callable[[str], list[str]]
_SPACE = regex.compile(r"\s")
_CONTROLS = regex.compile(CONTROLS)


def found(pattern: regex.Pattern) -> Cut:
    """A cut that keeps what a pattern finds, reading the text with the Unicode of `tokenizers`."""

    def cut(text: str) -> list[str]:
        known = as_of_16(text)
        if known is text and not pattern.groups:
            return pattern.findall(text)
        return [text[match.start() : match.end()] for match in pattern.finditer(known)]

    return cut


GPT2 = found(regex.compile(GPT2_PATTERN))


def _byte_characters() -> list[str]:
    """The character that stands for each byte: itself if it prints, else one from U+0100 on."""
    printing = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(byte if byte in printing else next(others)) for byte in range(256)]


BYTE_CHARACTERS = _byte_characters()
_BYTE_OF_CHARACTER = {character: byte for byte, character in enumerate(BYTE_CHARACTERS)}


def bytes_of_characters(token: str) -> bytes | None:
    """Give the bytes that the characters of a token stand for, None if one stands for none."""
    try:
        return bytes(map(_BYTE_OF_CHARACTER.__getitem__, token))
    except KeyError:
        return None


def part(settings: Any, what: str, known: dict[str, Callable]) -> Any:
    """Make the part that a JSON object of tokenizer.json describes; refuse unknown ones by name."""
    if not isinstance(settings, dict) or not isinstance(settings.get("type"), str):
        raise ValueError(f'{what} is {ascii(settings)[:60]}, not an object with a "type"')
    kind = settings["type"]
    if kind not in known:
        raise ValueError(f"{what} {kind[:40]} is not supported (known: {', '.join(sorted(known))})")
    try:
        return known[kind](settings)
    except KeyError as missing:
        raise ValueError(f"{what} {kind} has no {missing}") from None


# Normalizers


def normalizer(settings: Any) -> Normalizer | None:
    """Give the function that a "normalizer" describes; None for none."""
    return None if settings is None else part(settings, "normalizer", NORMALIZERS)


def _bert_normalizer(settings: dict[str, Any]) -> Normalizer:
    lowers = settings.get("lowercase", True)
    accents = settings.get("strip_accents")
    steps = [
        _clean if settings.get("clean_text", True) else None,
        _CHINESE if settings.get("handle_chinese_chars", True) else None,
        _without_accents if (lowers if accents is None else accents) else None,
        lower if lowers else None,
    ]
    return partial(_chain, [step for step in steps if step is not None])


def _chain(steps: list[Normalizer], text: str) -> str:
    for step in steps:
        text = step(text)
    return text


def _clean(text: str) -> str:
    """Drop control characters, make every white space a blank."""
    if text.isascii() and text.isprintable():
        return text
    return _SPACE.sub(" ", _CONTROLS.sub("", text))


def _strip_accents(marks: regex.Pattern, text: str) -> str:
    return text if text.isascii() else marks.sub("", text)


def _normalize(form: str, text: str) -> str:
    """Compatibility forms that are too new for `tokenizers` stay as they are."""
    return normalize_except_new(text, partial(unicodedata.normalize, form))


_without_marks = partial(_strip_accents, regex.compile(MARKS))
_without_nonspacing = partial(_strip_accents, regex.compile(NONSPACING_MARKS))


def _without_accents(text: str) -> str:
    return _without_nonspacing(_normalize("NFD", text))


_CHINESE_CHARACTERS = regex.compile(
    "([\u4e00-\u9fff\u3400-\u4dbf\U00020000-\U0002a6df\U0002a700-\U0002b73f\U0002b740-\U0002b81f"
    "\U0002b920-\U0002ceaf\uf900-\ufaff\U0002f800-\U0002fa1f])"
)
_CHINESE: Normalizer = partial(_CHINESE_CHARACTERS.sub, r" \1 ")


def _sequence(settings: dict[str, Any]) -> Normalizer:
    return partial(_chain, [part(s, "normalizer", NORMALIZERS) for s in settings["normalizers"]])


NORMALIZERS: dict[str, Callable[[dict[str, Any]], Normalizer]] = {
    **{
        form: lambda _, form=form: partial(_normalize, form)
        for form in ("NFC", "NFD", "NFKC", "NFKD")
    },
    "Lowercase": lambda _: lower,
    "StripAccents": lambda _: _without_marks,
    "BertNormalizer": _bert_normalizer,
    "Sequence": _sequence,
}


# Pre-tokenizers


class PreTokenizer:
    """Cuts a text into words by one cut after another; `byte_level` if words then become bytes."""

    def __init__(self, settings: Any) -> None:
        self.byte_level = False
        self.cuts: list[Cut] = []
        if settings is not None:
            self._add(settings)

    def _add(self, settings: Any) -> None:
        if self.byte_level:
            raise ValueError("a pre_tokenizer after ByteLevel is not supported")
        if isinstance(settings, dict) and settings.get("type") == "Sequence":
            for inner in settings["pretokenizers"]:
                self._add(inner)
            return
        self.cuts += part(settings, "pre_tokenizer", PRE_TOKENIZERS)
        self.byte_level = settings["type"] == "ByteLevel"

    def __call__(self, text: str) -> list[str]:
        """Give the words of a text."""
        pieces = [text]
        for cut in self.cuts:
            if len(pieces) == 1:
                pieces = cut(pieces[0])
            else:
                pieces = [smaller for piece in pieces if piece for smaller in cut(piece)]
        return pieces


def _byte_level(settings: dict[str, Any]) -> list[Cut]:
    cuts: list[Cut] = []
    if settings["add_prefix_space"]:
        cuts.append(lambda text: [text if text.startswith(" ") else " " + text])
    return [*cuts, GPT2] if settings.get("use_regex", True) else cuts


# What Oniguruma, which `tokenizers` uses, reads otherwise than Python's regex module
_READ_OTHERWISE = regex.compile(
    r"\\[hHRXGKgkyYOAzZ]|&&|\[:|\[[^\]]*\[|(?<![\\\[])[\^$]|\(\?[^:!=<i]"
)


def _split(settings: dict[str, Any]) -> list[Cut]:
    pattern = settings["pattern"]
    if isinstance(pattern, dict) and isinstance(pattern.get("String"), str):
        source = regex.escape(pattern["String"])
    elif isinstance(pattern, dict) and isinstance(pattern.get("Regex"), str):
        source = pattern["Regex"]
        if strange := _READ_OTHERWISE.search(source):
            raise ValueError(f"Split with {strange.group()!r} in its pattern is not supported")
    else:
        raise ValueError(f"Split: pattern is {ascii(pattern)[:60]}, neither Regex nor String")
    try:
        compiled = regex.compile(source)
    except (regex.error, RecursionError, OverflowError) as error:
        raise ValueError(f"Split: pattern {ascii(source)[:60]} is wrong: {error}") from None
    if compiled.match(""):
        raise ValueError("Split with a pattern that matches nothing at all is not supported")
    return [_cut(compiled, settings["behavior"], bool(settings.get("invert", False)))]


def _cut(
    pattern: regex.Pattern, behavior: str, invert: bool = False, reads: Normalizer = as_of_16
) -> Cut:
    """A cut at the matches of a pattern (invert: between them), which go where `behavior` says."""
    if behavior not in BEHAVIORS:
        raise ValueError(f"Split with behavior {ascii(behavior)[:40]} is not supported")
    join = BEHAVIORS[behavior]
    if behavior == "Removed" and invert:
        return found(pattern)

    def cut(text: str) -> list[str]:
        pieces, end = [], 0
        for match in pattern.finditer(reads(text)):
            if match.start() > end:
                pieces.append((text[end : match.start()], invert))
            pieces.append((text[match.start() : match.end()], not invert))
            end = match.end()
        if end < len(text):
            pieces.append((text[end:], invert))
        return join(pieces)

    return cut


def _removed(pieces: list[tuple[str, bool]]) -> list[str]:
    return [piece for piece, matched in pieces if not matched]


def _isolated(pieces: list[tuple[str, bool]]) -> list[str]:
    return [piece for piece, _ in pieces]


def _contiguous(pieces: list[tuple[str, bool]]) -> list[str]:
    out: list[str] = []
    before = None
    for piece, matched in pieces:
        if matched == before:
            out[-1] += piece
        else:
            out.append(piece)
        before = matched
    return out


def _merged_with_previous(pieces: list[tuple[str, bool]]) -> list[str]:
    out: list[str] = []
    before = False
    for piece, matched in pieces:
        if matched and not before and out:
            out[-1] += piece
        else:
            out.append(piece)
        before = matched
    return out


def _merged_with_next(pieces: list[tuple[str, bool]]) -> list[str]:
    out: list[str] = []
    after = False
    for piece, matched in reversed(pieces):
        if matched and not after and out:
            out[-1] = piece + out[-1]
        else:
            out.append(piece)
        after = matched
    return out[::-1]


BEHAVIORS = {
    "Removed": _removed,
    "Isolated": _isolated,
    "Contiguous": _contiguous,
    "MergedWithPrevious": _merged_with_previous,
    "MergedWithNext": _merged_with_next,
}
_NUMERIC = regex.compile(NUMERIC)
_PUNCTUATION = regex.compile(PUNCTUATION)
_WORDS = regex.compile(r"\w+|[^\w\s]+")

PRE_TOKENIZERS: dict[str, Callable[[dict[str, Any]], list[Cut]]] = {
    "ByteLevel": _byte_level,
    "Split": _split,
    "Whitespace": lambda _: [found(_WORDS)],
    "WhitespaceSplit": lambda _: [_cut(_SPACE, "Removed")],
    "Punctuation": lambda s: [_cut(_PUNCTUATION, s.get("behavior", "Isolated"))],
    "Digits": lambda s: [
        _cut(_NUMERIC, "Isolated" if s["individual_digits"] else "Contiguous", reads=str)
    ],
    "BertPreTokenizer": lambda _: [_cut(_SPACE, "Removed"), _cut(_PUNCTUATION, "Isolated")],
}
