"""What a reader keeps in mind: whom a pronoun means, which day it is."""

import pytest

from tests.data.tinyworld.worlds import drawn, grammar_of
from tinyllm.data.tinyworld import is_true, reading_notes
from tinyllm.data.tinyworld.story import Event

PRONOUNS = {"he", "she", "him", "her"}


def notes_of(story):
    return list(zip(story.words[:-1], reading_notes(story), strict=True))


@pytest.mark.parametrize("size", ["mini", "full"])
def test_a_pronoun_is_noted_as_somebody_of_its_gender_in_the_story(size):
    seen = 0
    for story in drawn(size, 300):
        genders = {person.name.english: person.gender for person in story.people}
        for word, note in notes_of(story):
            if word.lower() in PRONOUNS:
                assert genders[note] == ("f" if word.lower() in {"she", "her"} else "m")
                seen += 1
    assert seen > 300


def test_with_names_for_pronouns_the_facts_of_a_story_are_true():
    grammar, checked = grammar_of("mini"), 0
    for story in drawn("mini", 1000):
        words, notes = story.words[:-1], reading_notes(story)
        for sentence in story.sentences:
            if isinstance(sentence.clauses[0].says, Event):
                continue
            place = sentence.begins
            ends = place + len(story.sentence_words(sentence))
            if words[place].lower() in PRONOUNS:
                said = [notes[place], *words[place + 1 : ends - 1]]
                assert is_true(f"{' '.join(said)}.", grammar, story), story.text
                checked += 1
    assert checked > 50


def test_a_day_is_noted_until_another_one_begins():
    days = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}
    several = 0
    for story in drawn("full", 300):
        said = None  # the last day in the text so far: "on Thursday" opens its sentence
        named = set()
        for sentence in story.sentences:
            words = story.sentence_words(sentence)
            said = next((word for word in words if word in days), said)
            named |= {said} - {None}
        notes = {note for _, note in notes_of(story) if note in days}
        assert notes == {event.day.english for event in story.events if event.day is not None}
        assert notes == named
        several += len(notes) > 1
    assert several > 60


def test_of_facts_nothing_is_noted():
    for story in drawn("mini", 100):
        by_word = iter(notes_of(story))
        for sentence in story.sentences:
            told = [next(by_word) for _ in story.sentence_words(sentence)]
            if not any(isinstance(clause.says, Event) for clause in sentence.clauses):
                plain = [note for word, note in told if word.lower() not in PRONOUNS]
                assert set(plain) == {None}
