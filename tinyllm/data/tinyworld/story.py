"""A story and what it says: facts, events, and the sentences that tell them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tinyllm.data.tinyworld.kinds import Kind
from tinyllm.data.tinyworld.lexicon import Word
from tinyllm.data.tinyworld.pieces import Piece
from tinyllm.data.tinyworld.spelling import text_of, written
from tinyllm.data.tinyworld.world import Person, World

END = "</s>"  # the story's last token


class Mention(NamedTuple):
    """A person as spoken of: by name, or by pronoun."""

    person: Person
    pronoun: bool


class Fact(NamedTuple):
    """`subject` (a Person, or the Word of a town) has `relation` to `object`."""

    subject: Any
    relation: str
    object: Any


@dataclass(eq=False)
class Event:
    """Something that happened.

    what:  the thing, food, place, mood … that the kind takes; adjective may say how it looks
    whom:  the other person
    day:   when it happened; None where it "had happened" before something else
    cause: the event that led to this one
    """

    kind: Kind
    who: Person | None = None
    what: Word | None = None
    adjective: Word | None = None
    whom: Person | None = None
    place: Word | None = None
    day: Word | None = None
    cause: Event | None = None


class Clause(NamedTuple):
    """What one verb says: a Fact or an Event, and how the people in it were spoken of."""

    says: Fact | Event
    subject: Mention | None = None
    whom: Mention | None = None


@dataclass(eq=False)
class Sentence:
    """One sentence.

    day, month: of "on Monday", "one Monday in May"
    opener:     then, later, so, or ""
    link:       so or because, between the two clauses
    """

    clauses: list[Clause] = field(default_factory=list)
    day: Word | None = None
    month: Word | None = None
    opener: str = ""
    link: str = ""
    begins: int = 0  # the number of its first piece
    ends: int = 0


@dataclass(eq=False)
class Story:
    """A story, with all that its derivation tells.

    log_prob:  the natural logarithm of its probability in this world, the end included
    """

    world: World
    pieces: list[Piece]
    log_prob: float
    sentences: list[Sentence]
    people: list[Person]
    facts: list[Fact]
    events: list[Event]

    @property
    def words(self) -> list[str]:
        """Return the words as the text shows them, and the end."""
        return [*written(self.pieces[:-1]), END]

    @property
    def text(self) -> str:
        """Return the English text."""
        return text_of(self.words[:-1])

    def sentence_words(self, sentence: Sentence) -> list[str]:
        """Return the words of one sentence."""
        return written(self.pieces[sentence.begins : sentence.ends])

    @property
    def tags(self) -> list[str]:
        """Return the part of speech (UPOS) of each word, without the end."""
        return [tag for said in self.pieces[:-1] for tag in said.tags]

    @property
    def entities(self) -> list[str]:
        """Return the BIO label of each word, without the end: B-PER, B-LOC, B-DATE, O."""
        labels = [label for said in self.pieces[:-1] for label in said.entities]
        return [f"B-{label}" if label else "O" for label in labels]  # every name is one word

    def __repr__(self) -> str:
        return f"Story({self.text!r}, log_prob={self.log_prob:.3f})"
