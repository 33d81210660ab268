"""What a reader keeps in mind: whom a pronoun means, which day it is."""

from itertools import islice

import pytest

from tests.data.tinyworld.worlds import drawn, grammar_of
from tinyllm.data.tinyworld import is_true, reading_notes
from tinyllm.data.tinyworld.story import Event

PRONOUNS = {"he", "she", "him", "her"}


def notes_of(story):
    return list(zip(story.words[:-1], reading_notes(story), strict=True))


@pytest.mark.parametrize("size", ["mini", "full"])
def test_a_pronoun_is_the_only_one_of_its_gender_who_was_named_lately(size):
    seen = 0
    for story in drawn(size, 300):
        genders = {person.name.english: person.gender for person in story.people}
        by_word, before = iter(notes_of(story)), set()
        for sentence in story.sentences:
            now = set()
            for word, note in islice(by_word, len(story.sentence_words(sentence))):
                if word.lower() in PRONOUNS:
                    gender = "f" if word.lower() in {"she", "her"} else "m"
                    assert {p for p in before | now if genders[p] == gender} == {note}, story.text
                    now.add(note)
                    seen += 1
                elif word in genders:
                    now.add(word)
            before = now
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
        by_word, said, named = iter(notes_of(story)), None, set()  # said: the last day in the text
        for sentence in story.sentences:
            told = list(islice(by_word, len(story.sentence_words(sentence))))
            said = next((word for word, _ in told if word in days), said)
            if any(isinstance(clause.says, Event) for clause in sentence.clauses):
                assert {note for word, note in told if word.lower() not in PRONOUNS} == {said}
                named.add(said)
        assert named == {event.day.english for event in story.events if event.day is not None}
        several += len(named) > 1
    assert several > 60


def test_of_facts_nothing_is_noted():
    for story in drawn("mini", 100):
        by_word = iter(notes_of(story))
        for sentence in story.sentences:
            told = [next(by_word) for _ in story.sentence_words(sentence)]
            if not any(isinstance(clause.says, Event) for clause in sentence.clauses):
                plain = [note for word, note in told if word.lower() not in PRONOUNS]
                assert set(plain) == {None}
