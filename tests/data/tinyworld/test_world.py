"""The world: its size, its facts, its dial, and the labels of its words."""

import math
from collections import Counter

import pytest

from tests.data.tinyworld.worlds import drawn, grammar_of
from tinyllm.data.tinyworld import (
    Dial,
    Grammar,
    Size,
    World,
    dial_report,
    draw_grammar,
    readings,
    stories,
)
from tinyllm.data.tinyworld.kinds import KINDS
from tinyllm.data.tinyworld.lexicon import inverse_kin, table
from tinyllm.data.tinyworld.spelling import text_of

UPOS = {
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "NOUN", "NUM", "PRON", "PROPN", "PUNCT", "SCONJ",
    "VERB",
}  # fmt: skip
TABLES = ("things", "foods", "animals", "adjectives", "occupations", "places", "names", "cities",
          "subjects", "moods")  # fmt: skip


def vocabulary(size, count):
    words, names = set(), set()
    for story in drawn(size, count):
        for said in story.pieces[:-1]:
            for word, label in zip(said.words, said.entities, strict=True):
                words.add(word)
                if label in {"PER", "LOC"}:
                    names.add(word)
    return words, names


def test_the_full_world_has_two_thousand_words_and_a_quarter_names_at_most():
    words, names = vocabulary("full", 60_000)
    assert len(words) >= 2000
    assert len(names) <= len(words) / 4


def test_the_mini_world_has_about_two_hundred_words():
    assert 150 < len(vocabulary("mini", 20_000)[0]) < 250


@pytest.mark.parametrize("name", TABLES)
def test_a_word_stands_once_in_its_table_and_has_chinese(name):
    words = table(name)
    headers = {} if name == "subjects" else None
    counts = Counter(w.english if headers is None else (w.kind, w.english) for w in words)
    assert [w for w, n in counts.items() if n > 1] == []
    for word in words:
        assert word.chinese, word
        assert all("一" <= c <= "鿿" for zh in word.chinese for c in zh), word


def test_people_and_towns_bear_names_of_their_own():
    people = [p.name.chinese[0] for p in World(0).people]
    assert len(set(people)) == len(people)
    towns = [c.chinese[0] for c in table("cities")]
    assert len(set(towns)) == len(towns)
    assert not set(towns) & set(people)


def test_kin_is_mutual():
    for person in World(1).cast:
        relation, other = person.facts["kin"]
        assert other.facts["kin"] == (inverse_kin(relation, other.gender), person)
        assert relation not in {"wife", "husband"} or other.gender != person.gender


def test_what_leads_to_what_is_known():
    for kind in KINDS.values():
        for name, who, weight in kind.leads_to:
            assert name in KINDS, (kind.name, name)
            assert who in {"self", "other"}, (kind.name, name)
            assert weight > 0, (kind.name, name)


def test_stories_tell_of_the_world_as_it_is():
    world = grammar_of("full").world
    for story in drawn("full", 2000):
        for subject, relation, value in story.facts:
            town = subject in world.city_facts
            known = world.city_facts[subject] if town else subject.facts
            assert relation not in known or known[relation] == value


@pytest.mark.parametrize("size", ["mini", "full"])
def test_labels_go_with_words(size):
    for story in drawn(size, 500):
        words = story.words[:-1]
        assert len(story.tags) == len(story.entities) == len(words)
        assert set(story.tags) <= UPOS
        for word, tag, entity in zip(words, story.tags, story.entities, strict=True):
            assert (entity != "O") == (tag == "PROPN")
            assert (tag == "PUNCT") == (word in {",", "."})
            assert entity in {"O", "B-PER", "B-LOC", "B-DATE"}
        sentences = [text_of(story.sentence_words(s)) for s in story.sentences]
        assert " ".join(sentences) == story.text


def test_a_word_has_the_label_of_its_use():
    seen = {}
    for story in drawn("full", 2000):
        words = ["", *story.words[:-1]]
        for before, word, tag in zip(words, words[1:], story.tags, strict=False):
            seen.setdefault((before.lower(), word.lower()), set()).add(tag)
    assert seen["at", "home"] == {"NOUN"}
    assert seen["went", "home"] == {"ADV"}
    assert {tag for (_, word), tags in seen.items() if word == "was" for tag in tags} == {"AUX"}


# The dial


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_the_dial_comes_out_in_the_text(strength):
    world = World(0, "full", Dial(strength, strength))
    jobs, places = dial_report(world, stories(Grammar(world), 8000))
    for report in (jobs, places):
        assert report.planted == strength
    assert places.world == pytest.approx(strength)
    assert abs(places.text - strength) < 4 / math.sqrt(places.seen)
    # The world is finite: 120 people carry the association as well as chance lets them.
    assert abs(jobs.world - strength) < 4 / math.sqrt(len(world.cast))
    assert min(jobs.world, strength) - 0.1 < jobs.text < max(jobs.world, strength) + 0.1


def test_the_dial_is_part_of_the_probability():
    grammar = grammar_of("mini", strength=0.8)
    for story in stories(grammar, 300):
        (found,) = readings(story.text, grammar)
        assert found.log_prob == pytest.approx(story.log_prob, abs=1e-9)


# Refusals


def test_refusals_say_what_is_wrong():
    with pytest.raises(ValueError, match="size must be one of full, mini, micro, got 'huge'"):
        World(0, "huge")
    with pytest.raises(ValueError, match="occupation_gender must be from 0 to 1, got 1.5"):
        Dial(1.5)
    with pytest.raises(ValueError, match="names wanted"):
        World(0, Size(cast=400, strangers=4, words=5, facts=2, events=2))


def test_the_drawing_shows_every_choice_and_where_it_leads():
    drawing = draw_grammar(grammar_of("mini"), 300)
    assert drawing.startswith("┌─[hero]")
    for point in ("[is]", "[another sentence, or the end]", "[does as a consequence]"):
        assert f"┌─{point}" in drawing
        assert f"─► {point}" in drawing
