"""A story told again: every claim once, true, with names, in an order that is drawn."""

import re
from collections import Counter

import pytest

from tests.data.tinyworld.worlds import drawn, grammar_of
from tinyllm.data.tinyworld import is_true, read_statement, retelling
from tinyllm.data.tinyworld.statements import say_event, say_fact
from tinyllm.data.tinyworld.story import Fact


def sentences(text):
    return [f"{part}." for part in text.removesuffix(".").split(". ")]


@pytest.mark.parametrize("size", ["mini", "full"])
def test_it_says_every_fact_and_event_once_and_truly(size):
    grammar = grammar_of(size)
    for number, story in enumerate(drawn(size, 200)):
        said = sentences(retelling(story, grammar, number))
        plain = [re.sub(r" because .*", ".", sentence) for sentence in said]
        claims = [
            say_fact(claim, grammar) if isinstance(claim, Fact) else say_event(claim)
            for claim in (*story.facts, *story.events)
        ]
        assert Counter(plain) == Counter(claims)
        for sentence in plain:
            assert is_true(sentence, grammar, story) is True, (sentence, story.text)


def test_because_names_the_event_that_led_to_it():
    grammar, weather, people = grammar_of("full"), 0, 0
    for story in drawn("full", 200):
        causes = {say_event(e)[:-1]: e.cause for e in story.events if e.cause is not None}
        for sentence in sentences(retelling(story, grammar)):
            effect, because, cause = sentence.partition(" because ")
            assert bool(because) == (effect in causes), sentence
            if because:
                claim = read_statement(cause[0].upper() + cause[1:], grammar)
                assert claim.kind is causes[effect].kind
                assert claim.who is causes[effect].who
                assert cause.startswith("it ") == (claim.who is None)
                weather, people = weather + (claim.who is None), people + (claim.who is not None)
    assert weather > 20
    assert people > 100


def test_there_are_no_pronouns_but_the_weather_s():
    for story in drawn("full", 100):
        words = retelling(story, grammar_of("full")).split()
        assert not {"he", "she", "him", "her", "He", "She"} & set(words)


def test_the_order_is_drawn_and_comes_again():
    grammar, story = grammar_of("mini"), drawn("mini", 1)[0]
    told = [retelling(story, grammar, seed) for seed in range(20)]
    assert told == [retelling(story, grammar, seed) for seed in range(20)]
    assert len(set(told)) > 5
    assert len({"".join(sorted(sentences(text))) for text in told}) == 1
