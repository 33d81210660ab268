"""What a reader keeps in mind at each word of a story: whom a pronoun means, which day it is."""

from __future__ import annotations

from collections.abc import Iterator

from tinyllm.data.tinyworld.grammar import HE, HIM
from tinyllm.data.tinyworld.story import Event, Sentence, Story

PRONOUNS = {word for said in (HE, HIM) for piece in said.values() for word in piece.words}


def reading_notes(story: Story) -> list[str | None]:
    """Return a note for each word of `story.words`, without the end.

    At a pronoun it is the name that is meant; at any other word of a sentence in which something
    happens, the day on which it does; None where there is nothing to note.
    """
    notes: list[str | None] = []
    for sentence in story.sentences:
        names, day = _names(sentence), _day(sentence)
        for word in story.sentence_words(sentence):
            notes.append(next(names) if word.lower() in PRONOUNS else day)
    return notes


def _names(sentence: Sentence) -> Iterator[str]:
    """The people whom the pronouns of a sentence mean, in their order."""
    for clause in sentence.clauses:
        for mention in (clause.subject, clause.whom):
            if mention is not None and mention.pronoun:
                yield mention.person.name.english


def _day(sentence: Sentence) -> str | None:
    """The day on which a sentence happens; what "had happened" before has none of its own."""
    events = (clause.says for clause in sentence.clauses if isinstance(clause.says, Event))
    return next((event.day.english for event in events if event.day is not None), None)
