"""The grammar of statements: one sentence, with names and no pronouns, that is so or is not.

It shares the story's verbs and nouns, but says anything of anybody: summaries, full answers, and
what a model claims are statements.
"""

from __future__ import annotations

from typing import Any

from tinyllm.data.tinyworld.choices import Reader, derivations
from tinyllm.data.tinyworld.grammar import STOP, Choice, Grammar, each, name_piece, place_piece
from tinyllm.data.tinyworld.kinds import KINDS, WEATHER
from tinyllm.data.tinyworld.lexicon import AGES, DAYS, KIN, MONTHS, Word
from tinyllm.data.tinyworld.pieces import a_or_an, piece
from tinyllm.data.tinyworld.spelling import words_of
from tinyllm.data.tinyworld.story import Event, Fact
from tinyllm.data.tinyworld.world import REGIONS, Person


class NotAStatement(ValueError):
    """The text is no sentence of the statement grammar."""


class Stating:
    """One statement as it is being made; `choices.py` says who chooses."""

    def __init__(self, grammar: Grammar, chooser: Any) -> None:
        self.grammar, self.world = grammar, grammar.world
        self.choose, self.say = chooser.choose, chooser.say

    def menu(self, name: str, build) -> Any:
        """Choose from a menu that is built once."""
        return self.choose(self.grammar.kept(("statement", name), lambda: (name, build())))

    def statement(self) -> Fact | Event:
        """Make a statement, full stop included."""
        subject = self.menu("subject", self._subjects)
        if subject == "it":
            claim = self._when(Event(self.menu("weather", lambda: self.grammar.past_of(WEATHER))))
        elif isinstance(subject, Word):
            claim = Fact(subject, *self.menu("of a town", self._of_a_town))
            self.say(STOP)
        else:
            claim = self._of_a_person(subject)
        return claim

    def _subjects(self) -> list[Choice]:
        world = self.world
        return each(
            [(name_piece(p), p) for p in world.people]
            + [(self.grammar.city(c), c) for c in world.cities]
            + [(piece("it/PRON"), "it")]
        )

    def _of_a_town(self) -> list[Choice]:
        return each(
            [(piece(f"lay/VERB in/ADP the/DET {r.english}/NOUN"), ("region", r)) for r in REGIONS]
            + [
                (piece(f"was/AUX famous/ADJ for/ADP {f.english}/NOUN"), ("famous", f))
                for f in self.world.foods
            ]
        )

    def _of_a_person(self, person: Person) -> Fact | Event:
        verb = self.menu("verb", self._verbs)
        if verb == "was" or verb is KINDS["feel"]:
            said = self.menu(
                "was what" if verb == "was" else "felt what",
                self._was if verb == "was" else self._moods,
            )
            if said[0] == "feel":
                return self._when(Event(KINDS["feel"], person, said[1]))
            relation, value = said
            if relation == "kin":
                value = (value, self._name())
        elif verb == "lived":
            relation, value = "home", self.menu("lived in", lambda: self._facts("home"))
        elif verb == "liked":
            relation, value = "food", self.menu("liked", lambda: self._facts("food"))
        elif verb == "had":
            relation, value = "pet", self._thing("a_pet", definite=False)
        else:
            return self._does(Event(verb, person))
        self.say(STOP)
        return Fact(person, relation, value)

    def _verbs(self) -> list[Choice]:
        kinds = [k for k in KINDS.values() if k not in WEATHER and k is not KINDS["feel"]]
        return each(
            [(said, kind) for said, kind, _ in self.grammar.past_of(kinds)]
            + [
                (piece("was/AUX"), "was"),
                (piece("felt/VERB"), KINDS["feel"]),
                (piece("lived/VERB in/ADP"), "lived"),
                (piece("liked/VERB"), "liked"),
                (piece("loved/VERB"), "liked"),
                (piece("had/VERB"), "had"),
            ]
        )

    def _moods(self) -> list[Choice]:
        moods = [w for words in self.world.moods.values() for w in words]
        return each((piece(f"{w.english}/ADJ"), ("feel", w)) for w in moods)

    def _was(self) -> list[Choice]:
        fact_piece = self.grammar.fact_piece
        values = {
            "occupation": self.world.occupations,
            "age": AGES,
            "month": MONTHS,
            "kin": [k for words in KIN.values() for k in words],
        }
        return self._moods() + each(
            (fact_piece(relation, v), (relation, v))
            for relation in values
            for v in values[relation]
        )

    def _facts(self, relation: str) -> list[Choice]:
        words = {"home": self.world.cities, "food": self.world.foods}[relation]
        return each((self.grammar.fact_piece(relation, w), w) for w in words)

    def _name(self) -> Person:
        people = self.world.people
        return self.menu("name", lambda: each((name_piece(p), p) for p in people))

    def _thing(self, takes: str, definite: bool = True) -> tuple[Word | None, Word]:
        """Say `a red umbrella`, `an umbrella`, or `the umbrella`."""
        grammar = self.grammar

        def build() -> list[Choice]:
            choices = list(grammar.a_choices(takes))
            nouns = grammar.described(takes)[1] if definite else ()
            if nouns:
                choices += each((piece(f"the/DET {w.english}/NOUN"), (False, w)) for w in nouns)
            return choices

        described, word = self.menu(f"{takes} {definite}", build)
        return (word, self.choose(grammar.nouns(takes))) if described else (None, word)

    def _does(self, event: Event) -> Event:
        takes, grammar = event.kind.takes, self.grammar
        if takes in {"a_thing", "an_animal", "a_plant", "a_reading"}:
            event.adjective, event.what = self._thing(takes)
        elif takes in {"the_thing", "the_thing_person"}:
            event.what = self.menu("the thing", self._the_things)
        elif takes == "the_food_person":
            event.what = self.choose(grammar.words("food"))
        elif takes not in {"", "person", "person_topic"}:
            event.what = self.choose(grammar.words(takes))
        if takes in {"the_thing_person", "the_food_person"}:
            self.say(grammar.before_person(event.kind))
        if "person" in takes:
            event.whom = self._name()
        if takes == "person_topic":
            event.what = self.choose(grammar.words(takes))
        return self._when(event)

    def _the_things(self) -> list[Choice]:
        world = self.world
        words = dict.fromkeys(world.things + world.animals + world.plants + world.readings)
        return each((piece(f"the/DET {w.english}/NOUN"), w) for w in words)

    def _when(self, event: Event) -> Event:
        """Say where and when, or neither."""
        days = [(piece(f"on/ADP {d.english}/PROPN/DATE ."), ("day", d)) for d in DAYS]
        if event.who is not None:
            places = [(place_piece(p), ("place", p)) for p in self.world.places]
            said = self.menu("where", lambda: each([*places, *days, (STOP, ("", None))]))
            if said[0] == "place":
                event.place = said[1]
                said = self.menu("when", lambda: each([*days, (STOP, ("", None))]))
        else:
            said = self.menu("when", lambda: each([*days, (STOP, ("", None))]))
        if said[0] == "day":
            event.day = said[1]
        return event


def read_statement(text: str, grammar: Grammar) -> Fact | Event:
    """Return what a statement claims.

    Raises:  NotAStatement if it is not a sentence of the grammar.
    """
    words = words_of(text.strip())
    if not words:
        raise NotAStatement(f"{text!r} is not spelled as a statement is")
    found = [
        claim
        for chooser, claim in derivations(
            lambda script: Reader(words, script), lambda c: Stating(grammar, c).statement()
        )
        if chooser.at == len(words)
    ]
    if not found:
        raise NotAStatement(f"{text!r} is not a statement about this world")
    return found[0]


# Writing


def say_thing(event: Event) -> str:
    """Return the object as a statement says it: `a red umbrella`, `the umbrella`, `noodles`."""
    takes, what = event.kind.takes, event.what
    if what is None:
        return ""
    if takes in {"a_thing", "an_animal", "a_plant", "a_reading"}:
        described = f"{event.adjective.english} " if event.adjective else ""
        return f"{a_or_an(described or what.english)} {described}{what.english}"
    definite = {"the_thing", "the_thing_person", "the_place", "the_instrument"}
    return f"the {what.english}" if takes in definite else what.english


def say_rest(event: Event) -> str:
    """Return what follows the verb, without place and day."""
    takes, thing = event.kind.takes, say_thing(event)
    whom = event.whom.name.english if event.whom else ""
    if takes == "person_topic":
        return f"{whom} about {thing}"
    if takes in {"the_thing_person", "the_food_person"}:
        return f"{thing} {'with' if takes == 'the_food_person' else 'to'} {whom}"
    return thing or whom


def say_event(event: Event, where: bool = True, when: bool = True) -> str:
    """Write an event as a statement."""
    who = event.who.name.english if event.who else "It"
    parts = [who, " ".join(event.kind.past[0].words), say_rest(event)]
    if where and event.place:
        parts.append(" ".join(place_piece(event.place).words))
    if when and event.day:
        parts.append(f"on {event.day.english}")
    return " ".join(part for part in parts if part) + "."


def say_cause(event: Event) -> str:
    """Write what led to an event as it follows "because": `it rained.`, `Anna met Ben.`"""
    cause = say_event(event.cause, where=False, when=False)
    return f"it{cause[2:]}" if event.cause.who is None else cause


def say_fact(fact: Fact, grammar: Grammar) -> str:
    """Write a fact as a statement."""
    subject, relation, value = fact
    if isinstance(subject, Word):
        verb = "lay in the" if relation == "region" else "was famous for"
        return f"{subject.english} {verb} {value.english}."
    verb = {"home": "lived in", "food": "liked", "pet": "had"}.get(relation, "was")
    first = value[0] if relation in {"kin", "pet"} else value
    if relation == "pet" and first is None:
        return f"{subject.name.english} had {a_or_an(value[1].english)} {value[1].english}."
    words = list(grammar.fact_piece(relation, first).words)
    if relation == "kin":
        words.append(value[1].name.english)
    elif relation == "pet":
        words.append(value[1].english)
    return " ".join([subject.name.english, verb, *words]) + "."
