"""Poems about the people of a world: four lines of iambic tetrameter, rhymed ABAB or AABB.

    When Anna wandered by the sea,
    The moon was bright, the wind was low.
    She met a fox beside a tree,
    And lay and listened to the snow.

A poem is two sentences of two lines, and tells the time at most once. Each line follows a pattern
of words and slots; which words may fill a slot is a question of their stress, and of the last one's
rhyme.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from tinyllm.data.tinyworld.choices import Uniforms, capital
from tinyllm.data.tinyworld.metre import METRE, Sound, fits, groups, sounds
from tinyllm.data.tinyworld.pieces import a_or_an
from tinyllm.data.tinyworld.world import Person, World
from tinyllm.random import Generator

SCHEMES = ("ABAB", "AABB")
_TRIES = 200  # drawing anew where a rhyme or a fresh word is wanting

# What {at} and {away} stand for
_MACROS = {
    "{at}": (
        "{by} the {spot}", "{by} the {look} {spot}", "{along} the {path}",
        "{along} the {look} {path}", "{through} the {area}", "{through} the {look} {area}",
        "{across} the {open}", "{across} the {look} {open}",
    ),
    "{away}": ("{alone}", "{hour}"),
    "{sky_was}": ("{sky} was {high}", "{weather} was {chill}"),
}  # fmt: skip
# Kinds of line: a poem takes one of each pair, in the order of _SENTENCES.
_LINES = {
    "when": (
        "when {name} {going} {at}", "as {name} {person} {at}", "while {name} {person} {at}",
        "when {epithet} {name} {going} {at}", "while {name} {sadly} {person} {away}",
        "one {time} when {name} {going} {at}", "in {month} while {name} {person} {at}",
        "when {name} {person} and {person} {at}", "when {name} {going} {off}",
    ),
    "meanwhile": (
        "the {quality} {creature} {animal} {at}", "a {quality} {creature} {animal} {at}",
        "the {quality} {creature} {softly} {animal}", "a {creature} {softly} {animal} {at}",
        "the {creature} and {creature} {animal} {at}", "the {sky} {shining} {at}",
        "the {sky} was {high}, the {weather} was {chill}", "the {sky_was} {at}",
        "the {weather} was {chill}, the {sky} was {high}", "the {breeze} {blowing} {at}",
        "the {creature} {animal}, the {creature} {animal}", "the {sky} {softly} {shining} {away}",
        "the {creature} {animal} and {animal} {away}",
    ),
    "one": (
        "one {time} {epithet} {name} {person} {alone}", "in {month} {name} {person} {alone}",
        "one {time} in {month} {name} {going} {at}", "{epithet} {name} {sadly} {person} {at}",
        "{epithet} {name} {saw} a {creature} {at}", "so {epithet} {name} {going} {at}",
        "{epithet} {name} {took} a {kindof} {thing}", "{epithet} {name} {took} a {thing} {at}",
        "one {time} {epithet} {name} {going} {off}", "in {month} {epithet} {name} {person} {alone}",
    ),
    "and": (
        "and {person} {at}", "and {sadly} {going} {at}", "and {took} a {thing} {at}",
        "and {saw} a {quality} {creature} {at}", "and {took} a {kindof} {thing} {at}",
        "and {saw} a {creature} {at}", "and {person} with a {creature} {at}",
        "and {she} was {good} all the {time}", "and {she} was {bad} {at}",
        "for {she} was {good} {at}",
    ),
    "then": (
        "{she} {saw} a {quality} {creature} {at}", "{she} {saw} the {creature} {at}",
        "{she} {took} {her} {kindof} {thing} {at}", "{she} {took} {her} {thing} {at}",
        "{she} {sadly} {person} {at}", "then {she} {going} {at}", "there {she} {person} {at}",
        "{she} {saw} a {creature} and a {creature}", "then {she} {going} {off}",
    ),
    "last": (
        "and {sadly} {person} {at}", "for {she} was {good} {at}", "while all the {sky_was}",
        "and {person} till the {sky_was}", "and {person} like a {creature} {at}",
        "where no one {person} {at}", "and {person} and {person} {away}",
        "for {she} had {done} {away}", "till all the {path} was {bright} and {bright}",
        "and {she} was {good} and {good} {away}", "and {person} where the {path} was {bright}",
        "and {she} was {bad} and {bad} {away}", "while all the {open} was {bright}",
    ),
}  # fmt: skip
_SENTENCES = ((("when", "meanwhile"), ("one", "and")), (("then", "last"),))
_MALE = {"she": "he", "her": "his"}
_TIMES = {"time", "month", "hour"}  # a poem tells one of them
_FREE = {
    "by",
    "along",
    "through",
    "across",
    "softly",
    "sadly",
}  # groups whose words may come twice in a poem


class Part(NamedTuple):
    """A fixed word or a slot of a line, with the stress that it has there."""

    word: str
    group: str
    stress: str
    comma: bool


class Verse:
    """Draws poems about a world's people.

    Args:    world: whose people, animals, things, moods and months the poems are about
    Raises:  ValueError if the world has none of a kind whose sound is known.
    """

    def __init__(self, world: World) -> None:
        self.words = _known_words(world)
        self.people = [p for p in world.people if p.name.english in _by_word("name")]
        if not self.people:
            raise ValueError("Verse: nobody here has a name of known stress: take a larger world")
        names = {_by_word("name")[p.name.english].stress for p in self.people}
        # (kind of line, stress of the name) -> a list of shapes for each pattern
        self.shapes: dict[tuple[str, str], list[list[tuple[Part, ...]]]] = {}
        for kind, patterns in _LINES.items():
            for name in names:
                found = (self._shapes(p, name) for p in patterns)
                self.shapes[kind, name] = [shapes for shapes in found if shapes]
        self._by_rhyme: dict[tuple[str, str, str], list[list[tuple[Part, ...]]]] = {}

    def poem(self, draw: Uniforms) -> str:
        """Draw a poem: four lines."""
        for _ in range(_TRIES):
            lines = _Poem(self, draw).lines()
            if lines is not None:
                return "\n".join(lines)
        raise ValueError("Verse: this world has too few words that rhyme: take a larger one")

    def _shapes(self, pattern: str, name: str) -> list[tuple[Part, ...]]:
        """Return every way in which a pattern keeps the metre."""
        found: list[tuple[Part, ...]] = []
        for written in _written_out(pattern):
            self._extend(written.split(), name, (), 0, found)
        return found

    def _extend(
        self, tokens: list[str], name: str, shape: tuple[Part, ...], at: int, found: list
    ) -> None:
        if not tokens:
            if at == len(METRE):
                found.append(shape)
            return
        token = tokens[0].strip(",")
        group, word = (token[1:-1], "") if token.startswith("{") else ("", token)
        if group == "name":
            stresses = {name}
        elif group in _MALE or not group:
            stresses = {sounds()[word or group].stress}
        else:
            last = len(tokens) == 1
            stresses = {s.stress for s in self.words[group] if not last or _may_end(s)}
        for stress in sorted(stresses):
            if fits(stress, at):
                part = Part(word, group, stress, tokens[0].endswith(","))
                self._extend(tokens[1:], name, (*shape, part), at + len(stress), found)

    def rhyming(self, kind: str, name: str, rhyme: str) -> list[list[tuple[Part, ...]]]:
        """Return the shapes of that kind of line, by pattern, that may end in the rhyme."""
        key = (kind, name, rhyme)
        if key not in self._by_rhyme:
            patterns = self.shapes[kind, name]
            kept = ([s for s in shapes if self.endings(s[-1], rhyme)] for shapes in patterns)
            self._by_rhyme[key] = [shapes for shapes in kept if shapes]
        return self._by_rhyme[key]

    def endings(self, part: Part, rhyme: str) -> list[Sound]:
        """Return the words for a line's last slot; any rhyme will do if none is named."""
        return [
            s
            for s in self.words[part.group]
            if s.stress == part.stress and _may_end(s) and (not rhyme or s.rhyme == rhyme)
        ]


class _Poem:
    """One poem as it is drawn."""

    def __init__(self, verse: Verse, draw: Uniforms) -> None:
        self.verse, self.draw = verse, draw
        self.person: Person = self._one(verse.people)
        self.name = _by_word("name")[self.person.name.english].stress
        self.used: set[str] = set()
        self.told = False  # whether a time was told

    def lines(self) -> list[str] | None:
        """Draw the lines; None if a rhyme was not to be had."""
        kinds = [kind for sentence in _SENTENCES for kind in self._one(sentence)]
        rhymes: dict[str, str] = {}
        written = []
        for kind, letter, stop in zip(kinds, self._one(SCHEMES), ",.,.", strict=True):
            line = self._line(kind, rhymes.get(letter, ""))
            if line is None:
                return None
            text, rhymes[letter] = line
            written.append(capital(text) + stop)
        return written

    def _line(self, kind: str, rhyme: str) -> tuple[str, str] | None:
        patterns = self.verse.rhyming(kind, self.name, rhyme)
        if not patterns:
            return None
        *parts, last = self._one(self._one(patterns))
        if not self._tells_time_once([*parts, last]):
            return None
        end = self._fresh(self.verse.endings(last, rhyme))
        words = [(self._word(part), part.comma) for part in parts] + [(end and end.word, False)]
        if any(word is None for word, _ in words):
            return None
        return _spelled(words), end.rhyme

    def _word(self, part: Part) -> str | None:
        if part.group == "name":
            return self.person.name.english
        if part.group in _MALE:
            return part.group if self.person.gender == "f" else _MALE[part.group]
        if not part.group:
            return part.word
        words = [s for s in self.verse.words[part.group] if s.stress == part.stress]
        sound = self._one(words) if part.group in _FREE else self._fresh(words)
        return sound and sound.word

    def _tells_time_once(self, parts: list[Part]) -> bool:
        told = [part.group for part in parts if part.group in _TIMES]
        if not told:
            return True
        first, self.told = not self.told, True
        return first and (len(told) == 1 or told == ["time", "month"])

    def _fresh(self, words: list[Sound]) -> Sound | None:
        """Draw a word that the poem has not yet used; None if there is none."""
        words = [s for s in words if s.word.split()[-1] not in self.used]
        if not words:
            return None
        sound = self._one(words)
        self.used.add(sound.word.split()[-1])
        return sound

    def _one(self, choices: Any) -> Any:
        return choices[int(self.draw.next() * len(choices))]


def poems(world: World, count: int, seed: int = 0) -> Iterator[str]:
    """Draw poems about a world's people; the same world and seed give the same ones."""
    verse, draw = Verse(world), Uniforms(Generator(seed))
    for _ in range(count):
        yield verse.poem(draw)


def _written_out(pattern: str) -> list[str]:
    """Return the pattern with each of its macros written out, in every way."""
    for macro, meanings in _MACROS.items():
        if macro in pattern:
            return [p for m in meanings for p in _written_out(pattern.replace(macro, m, 1))]
    return [pattern]


def _may_end(sound: Sound) -> bool:
    return bool(sound.rhyme) and sound.stress.endswith("1")


def _by_word(group: str) -> dict[str, Sound]:
    return {sound.word: sound for sound in groups()[group]}


def _known_words(world: World) -> dict[str, list[Sound]]:
    """Return the words of each group, the world's own where it has such words."""
    of_world = {
        "creature": world.animals,
        "thing": (*world.things, *world.readings, *world.instruments, *world.plants),
        "good": world.moods["good"],
        "bad": world.moods["bad"],
        "month": world.months,
    }
    words = {group: list(entries) for group, entries in groups().items()}
    for group, known in of_world.items():
        names = {word.english for word in known}
        words[group] = [sound for sound in words[group] if sound.word in names]
        if not words[group]:
            raise ValueError(f"Verse: the world has no {group} of known stress: take a larger one")
    return words


def _spelled(words: list[tuple[str, bool]]) -> str:
    """Join the words of a line, with its commas and with "an" where the sound asks for it."""
    spelled = []
    for number, (word, comma) in enumerate(words):
        if word == "a":
            word = a_or_an(words[number + 1][0])
        spelled.append(word + "," * comma)
    return " ".join(spelled)
