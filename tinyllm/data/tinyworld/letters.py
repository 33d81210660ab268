"""E-mails that the people of a world write to each other: one subject, two to five sentences.

To: Grace
Subject: A lost umbrella

Dear Grace,

I lost a blue umbrella at the station on Monday. Have you seen it?

Best wishes,
Anna
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tinyllm.data.tinyworld.choices import Uniforms, capital
from tinyllm.data.tinyworld.kinds import Kind
from tinyllm.data.tinyworld.lexicon import DAYS
from tinyllm.data.tinyworld.pieces import a_or_an
from tinyllm.data.tinyworld.world import Person, World
from tinyllm.random import Generator

GREETINGS = ("Dear {to},", "Hello {to},", "Hi {to},")
CLOSINGS = (
    "Best wishes,", "Kind regards,", "Yours,", "With love,", "See you soon,", "Take care,",
    "All the best,", "Many thanks,",
)  # fmt: skip
SENTENCES = (2, 5)

_OPENINGS = (
    "How are you?", "I hope you are well.", "It was good to hear from you.",
    "Thank you for your last letter.", "It has been a long time since we talked.",
)  # fmt: skip
# Subject lines, then sentences: each must come, and is one of several. What stands in braces is
# drawn once for a letter: {thing} in the subject is {thing} in the body.
_TOPICS = (
    (
        ("A lost {thing}", "My {thing}", "Have you seen my {thing}?"),
        ("I lost {a_adj_thing} {place} on {day}.", "My {adj} {thing} is gone, and I am {bad}.",
         "I left {a_adj_thing} {place}, and now it is not there."),
        ("Have you seen it?", "Could you look for the {thing} too?",
         "If you find it, please write to me.", "{other} thinks that it was stolen."),
    ),
    (
        ("Thank you for the {thing}", "The {thing}", "Your present"),
        ("Thank you very much for the {adj} {thing}.", "The {adj} {thing} came on {day}.",
         "I found the {thing} when I came home, and I was {good}."),
        ("I will use it every day.", "I showed the {thing} to {other}, who wants one too.",
         "It is just what I needed.", "How did you know that I wanted one?"),
    ),
    (
        ("{day} {place}", "Will you come on {day}?", "An invitation"),
        ("Would you like to meet me {place} on {day}?", "Please come to see me on {day}.",
         "On {day} we are going to eat {food} {place}."),
        ("{other} will be there too.", "I will bring some {food}.", "We can talk about {topic}.",
         "You may bring {other} with you."),
    ),
    (
        ("A journey to {city}", "{city}", "I am going to {city}"),
        ("I am going to {city} on {day}.", "On {day} I will travel to {city} with {other}.",
         "In {month} I must go to {city} to see {other}."),
        ("May I bring you something from there?", "They have good {food} in {city}.",
         "Could you feed the {pet} while I am away?", "I want to see the old {site} there."),
    ),
    (
        ("News of {other}", "{other}", "Have you heard of {other}?"),
        ("{other} {event} on {day}.", "Have you heard that {other} {event}?",
         "Yesterday {other} {event}."),
        ("I was {good} to hear it.", "I was {bad} when I heard it.",
         "{other_she} told me about it {place}.", "Please do not tell {other2}."),
    ),
    (
        ("I am sorry", "The {day} that I missed", "An apology"),
        ("I am sorry that I did not come on {day}.", "Please forgive me that I was late on {day}."),
        ("I was {bad} all day.", "I was {place} with {other}, and it was late.",
         "It will not happen again.", "{other} told me that you waited {place}."),
    ),
    (
        ("Your {thing}", "I broke your {thing}", "The {thing} that you lent me"),
        ("I am sorry that I broke your {thing}.", "Your {adj} {thing} broke on {day}."),
        ("I will buy you a new {thing}.", "{other} will repair it on {day2}.",
         "I am {bad} about it.", "I fell down {place} with it."),
    ),
    (
        ("A {pet}", "My {pet}", "The new {pet}"),
        ("I have {a_adj_pet} now.", "{other} gave me {a_adj_pet} on {day}.",
         "Yesterday I found {a_adj_pet} {place}."),
        ("It likes {food} best.", "Would you like to see it?", "It sleeps on my {thing}.",
         "What shall I call it?"),
    ),
    (
        ("Books about {topic}", "{topic_capital}", "I am studying {topic}"),
        ("I am studying {topic} now.", "{other} and I read about {topic} every {day}.",
         "On {day} I heard somebody speak about {topic} {place}."),
        ("Do you have a book about {topic}?", "It is hard, but I am {good}.",
         "{other2} helps me with it.", "Would you like to study it with me?"),
    ),
)  # fmt: skip
_NEWS = (
    "{third} {event2} {place2}.", "Did you know that {third} {event2}?",
    "By the way, {third} {event2} {place2}.", "On {day2} {third} {event2}.",
)  # fmt: skip
_ENDINGS = (
    "I hope to see you soon.", "Please write soon.", "Give my love to {fourth}.",
    "Tell me all about it when we meet.", "I am looking forward to your answer.",
)  # fmt: skip
# What may happen to somebody in a letter, by what the verb takes
_TAKES = ("a_thing", "food", "an_animal", "person", "topic", "city", "")
_SLOT = re.compile(r"\{(\w+)\}")


class Letters:
    """Draws e-mails between a world's people.

    Raises:  ValueError if the world has fewer than seven people: a letter may name so many.
    """

    def __init__(self, world: World) -> None:
        if len(world.people) < 7:
            raise ValueError(
                f"Letters: a letter may tell of seven people, and this world has "
                f"{len(world.people)}: take a larger one"
            )
        self.world = world
        self.kinds = [k for k in world.roots if k.takes in _TAKES and k.name != "travel to"]
        self.pets = world.pets or world.animals

    def letter(self, draw: Uniforms) -> str:
        """Draw an e-mail."""
        return _Letter(self, draw).text()


class _Letter:
    """One e-mail as it is drawn: what a slot was filled with, it keeps."""

    def __init__(self, letters: Letters, draw: Uniforms) -> None:
        self.letters, self.world, self.draw = letters, letters.world, draw
        self.people: list[Person] = []
        self.filled: dict[str, str] = {}

    def text(self) -> str:
        to, sender = self._person("to"), self._person("sender")
        subjects, *sentences = self._one(_TOPICS)
        body = [self._one(choices) for choices in sentences]
        if self.draw.next() < 0.4:
            body.insert(0, self._one(_OPENINGS))
        if self.draw.next() < 0.4:
            body.append(self._one(_NEWS))
        if self.draw.next() < 0.4:
            body.append(self._one(_ENDINGS))
        told = " ".join(capital(self._fill(sentence)) for sentence in body)
        return (
            f"To: {to}\nSubject: {capital(self._fill(self._one(subjects)))}\n\n"
            f"{self._fill(self._one(GREETINGS))}\n\n{told}\n\n{self._one(CLOSINGS)}\n{sender}"
        )

    def _fill(self, sentence: str) -> str:
        return _SLOT.sub(lambda slot: self._slot(slot[1]), sentence)

    def _slot(self, name: str) -> str:
        if name not in self.filled:
            self.filled[name] = self._drawn(name)
        return self.filled[name]

    def _drawn(self, name: str) -> str:
        world, plain = self.world, name.rstrip("2")
        if name in ("other", "other2", "third", "fourth"):
            return self._person(name)
        if name == "other_she":
            self._slot("other")
            return {"f": "she", "m": "he"}[self.gender_of_other]
        if name == "topic_capital":
            return capital(self._slot("topic"))
        if name.startswith("a_adj_"):
            noun = name.removeprefix("a_adj_")
            adjective = self._slot("adj" if noun == "thing" else "pet_adj")
            return f"{a_or_an(adjective)} {adjective} {self._slot(noun)}"
        if plain == "event":
            return self._event()
        if plain == "place":
            return self._at_a_place()
        words = {
            "thing": world.things, "adj": world.adjectives, "pet_adj": world.animal_adjectives,
            "pet": self.letters.pets, "food": world.foods, "day": DAYS, "month": world.months,
            "topic": world.topics, "city": world.cities, "site": world.places,
            "good": world.moods["good"], "bad": world.moods["bad"],
        }  # fmt: skip
        return self._one(words[plain]).english

    def _event(self) -> str:
        """Draw what somebody did, after the world's kinds of event."""
        kind: Kind = self._one(self.letters.kinds)
        verb = " ".join(self._one(kind.past).words)
        return f"{verb} {self._object(kind.takes)}".strip()

    def _object(self, takes: str) -> str:
        world = self.world
        if takes == "person":
            return self._person("")
        if takes in ("food", "topic", "city"):
            words = {"food": world.foods, "topic": world.topics, "city": world.cities}
            return self._one(words[takes]).english
        if takes in ("a_thing", "an_animal"):
            noun = self._one(world.things if takes == "a_thing" else world.animals).english
            return f"{a_or_an(noun)} {noun}"
        return ""

    def _at_a_place(self) -> str:
        place = self._one(self.world.places)
        return f"{place.kind.split()[0]} the {place.english}"

    def _person(self, name: str) -> str:
        """Draw somebody whom the letter has not named yet."""
        while (person := self._one(self.world.people)) in self.people:
            pass
        self.people.append(person)
        if name == "other":
            self.gender_of_other = person.gender
        self.filled[name or person.name.english] = person.name.english
        return person.name.english

    def _one(self, choices: Any) -> Any:
        return choices[int(self.draw.next() * len(choices))]


def letters(world: World, count: int, seed: int = 0) -> Iterator[str]:
    """Draw e-mails between a world's people; the same world and seed give the same ones."""
    writing, draw = Letters(world), Uniforms(Generator(seed))
    for _ in range(count):
        yield writing.letter(draw)
