"""Text from a model as it is written: whole characters, up to a stop string."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tinyllm.generation.writing import generate
from tinyllm.nn import Module
from tinyllm.text import Tokenizer


def stream_text(
    model: Module,
    tokenizer: Tokenizer,
    prompt: str,
    max_new_tokens: int,
    stop_strings: Sequence[str] = (),
    target_tokenizer: Tokenizer | None = None,
    **settings: Any,
) -> Iterator[str]:
    """Continue a text, giving out each piece as soon as it is sure.

    A character of several tokens waits until it is whole, and what may be the beginning of a stop
    string until it is not.

    Args:    stop_strings: the text ends before the first of them that appears in it.
             target_tokenizer: of what a Seq2Seq writes, where it differs from its source's.
             settings: as for `generate`.
    Raises:  as `generate`, at the call; ValueError for an empty stop string.
    """
    if isinstance(stop_strings, str) or not all(stop_strings):
        raise ValueError(
            f"stream_text: stop_strings must be a list of strings that are not empty, not "
            f"{stop_strings!r}"
        )
    tokens = generate(model, tokenizer.encode(prompt), max_new_tokens, **settings)
    return until(in_pieces(tokens, target_tokenizer or tokenizer), stop_strings)


def in_pieces(tokens: Iterable[int], tokenizer: Tokenizer, strip: bool = False) -> Iterator[str]:
    """Turn tokens into text as they come, "" where a character is not whole yet.

    Args:    strip: leave out the white space before the first word.
    """
    decoder, begun = tokenizer.stream_decoder(), not strip
    for token in tokens:
        piece = decoder.feed(token)
        if not begun:
            piece = piece.lstrip()
            begun = bool(piece)
        yield piece
    yield decoder.finish()


def until(pieces: Iterator[str], stop_strings: Sequence[str]) -> Iterator[str]:
    """Pass on a text up to the first stop string in it, and no further."""
    waiting = ""
    for piece in pieces:
        waiting += piece
        places = [place for stop in stop_strings if (place := waiting.find(stop)) >= 0]
        if places:
            if min(places):
                yield waiting[: min(places)]
            return
        sure = len(waiting) - _possible_beginning(waiting, stop_strings)
        if sure:
            yield waiting[:sure]
        waiting = waiting[sure:]
    if waiting:
        yield waiting


def _possible_beginning(text: str, stop_strings: Sequence[str]) -> int:
    """How many of the last characters may be the beginning of a stop string."""
    longest = max(map(len, stop_strings), default=1) - 1
    for size in range(min(longest, len(text)), 0, -1):
        if any(stop.startswith(text[-size:]) for stop in stop_strings):
            return size
    return 0
