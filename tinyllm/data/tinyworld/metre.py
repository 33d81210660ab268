"""Stress and rhyme: the words whose sound is known, and whether a line keeps the metre.

The metre is the iambic tetrameter: eight syllables, weak and strong by turns.

    when AN na WALKED be SIDE the SEA
    0    1  0  1      0  1    0   1
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from tinyllm.data.tinyworld.lexicon import rows

METRE = "01010101"
EITHER = "x"
_WORDS = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


class Sound(NamedTuple):
    """How a word sounds.

    word:    as it stands in the middle of a line; one entry of the lexicon may be several words
    stress:  a sign per syllable: 1 strong, 0 weak, x either
    rhyme:   the name of its sound from the last strong vowel on; "" where none is known
    """

    word: str
    stress: str
    rhyme: str


@cache
def groups() -> dict[str, tuple[Sound, ...]]:
    """Return the words of each group of the lexicon of verse."""
    found: dict[str, dict[str, Sound]] = {}
    for group, entries in rows("verse"):
        for entry in entries:
            found.setdefault(group, {}).setdefault(_sound(entry).word, _sound(entry))
    return {group: tuple(sounds.values()) for group, sounds in found.items()}


def _sound(entry: str) -> Sound:
    """Read `sea 1 ee`, `along the shore 0101 ore` or `walked 1`."""
    parts = entry.split()
    at = next(i for i, part in enumerate(parts) if set(part) <= set("01x"))
    rhyme = parts[at + 1] if at + 1 < len(parts) else ""
    return Sound(" ".join(parts[:at]), parts[at], rhyme)


@cache
def sounds() -> dict[str, Sound]:
    """Return how each single word sounds, by its lower-case form."""
    found: dict[str, Sound] = {}
    for entries in groups().values():
        for sound in entries:
            if " " in sound.word:
                continue
            known = found.setdefault(sound.word.casefold(), sound)
            if known.stress != sound.stress and EITHER not in known.stress + sound.stress:
                raise ValueError(f"verse.txt: {sound.word!r}: {known.stress} or {sound.stress}?")
            stress = known.stress if EITHER in known.stress else sound.stress
            rhyme = known.rhyme or sound.rhyme
            found[sound.word.casefold()] = Sound(known.word, stress, rhyme)
    return found


def words_of_line(line: str) -> list[str]:
    """Return the words of a line, without its punctuation."""
    return _WORDS.findall(line)


def fits(stress: str, at: int) -> bool:
    """Tell whether syllables of that stress may stand from place `at` of the metre on."""
    wanted = METRE[at : at + len(stress)]
    return len(wanted) == len(stress) and all(
        s in (EITHER, w) for s, w in zip(stress, wanted, strict=True)
    )
