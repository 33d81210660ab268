"""The grammar tells each text in one way, and the probability it gives is the true one."""

import math
import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.tinyworld.worlds import drawn, grammar_of
from tinyllm.data.tinyworld import (
    END,
    all_stories,
    entropies,
    entropy,
    is_novel,
    log_prob,
    next_character,
    next_word,
    novel_stories,
    readings,
    stories,
)
from tinyllm.data.tinyworld.pieces import Menu, a_or_an, piece
from tinyllm.data.tinyworld.spelling import text_of, words_of
from tinyllm.random import Generator


@pytest.mark.parametrize(("size", "count"), [("mini", 6000), ("full", 4000)])
def test_an_exhaustive_parser_finds_one_derivation_with_the_same_probability(size, count):
    for story in drawn(size, count):
        found = readings(story.text, grammar_of(size))
        assert len(found) == 1, story
        assert abs(found[0].log_prob - story.log_prob) < 1e-9, story
        assert found[0].words == story.words


def test_all_stories_of_the_micro_world_differ_and_sum_to_one():
    told = [(s.text, s.log_prob) for s in all_stories(grammar_of("micro"))]
    assert 10_000 < len(told) <= 100_000
    assert len({text for text, _ in told}) == len(told)
    assert math.fsum(math.exp(log) for _, log in told) == pytest.approx(1.0, abs=1e-9)


def test_stories_come_as_often_as_their_probability_says():
    chances = {s.text: math.exp(s.log_prob) for s in all_stories(grammar_of("micro"))}
    count = 60_000
    seen = Counter(s.text for s in drawn("micro", count))
    common = sorted(chances, key=chances.get)[-200:]
    z = [
        (seen[t] - count * chances[t]) / math.sqrt(count * chances[t] * (1 - chances[t]))
        for t in common
    ]
    assert max(map(abs, z)) < 5
    assert 0.7 < np.mean(np.square(z)) < 1.4


@pytest.mark.parametrize("size", ["micro", "mini", "full"])
def test_next_words_and_characters_multiply_to_the_story(size):
    grammar = grammar_of(size)
    for story in drawn(size, 15, seed=5):
        words, text = story.words, story.text
        total = 0.0
        for i, word in enumerate(words):
            chances = next_word(words[:i], grammar)
            assert math.fsum(chances.values()) == pytest.approx(1.0)
            total += math.log(chances[word])
        assert total == pytest.approx(story.log_prob, abs=1e-9)
        total = sum(
            math.log(next_character(text[:i], grammar)[text[i : i + 1]])
            for i in range(len(text) + 1)
        )
        assert total == pytest.approx(story.log_prob, abs=1e-9)


def test_the_entropy_of_each_next_word_adds_up_to_that_of_stories():
    told = drawn("mini", 300, seed=3, split="validation")
    sums = [math.fsum(entropies(s, grammar_of("mini"))) for s in told]
    differences = np.array(sums) + np.array([s.log_prob for s in told])
    error = differences.std(ddof=1) / math.sqrt(len(told))
    assert abs(differences.mean()) < 4 * error


def test_the_estimate_of_the_entropy_agrees_with_the_sum_over_all_stories():
    exact = -math.fsum(math.exp(s.log_prob) * s.log_prob for s in all_stories(grammar_of("micro")))
    estimate = entropy(grammar_of("micro"), 20_000)
    assert abs(estimate.per_story - exact) < 4 * estimate.error
    assert estimate.per_word < 2
    assert estimate.per_character < estimate.per_word


@pytest.mark.parametrize(
    "text",
    ["", " ", "Anna", "Anna was a baker", "xyzzy.", "anna was a baker.", "A" * 5000, "Tom  lived.",
     "\0", "，。", "Tom was a baker. One Monday", "</s>"],
)  # fmt: skip
def test_what_is_no_story_has_no_probability(text):
    assert log_prob(text, grammar_of("mini")) == -math.inf


def test_a_changed_word_makes_another_story_or_none():
    grammar = grammar_of("mini")
    for story in drawn("mini", 200, seed=9):
        words = story.words[:-1]
        swapped = [*words[:1], *words[2:]]  # a word is missing
        assert log_prob(text_of(swapped), grammar) == -math.inf
        assert log_prob(story.text + " " + story.text, grammar) == -math.inf


@given(st.text())
def test_any_text_can_be_asked_about(text):
    assert log_prob(text, grammar_of("mini")) == -math.inf
    with pytest.raises(ValueError, match="next_"):
        next_character("~" + text, grammar_of("mini"))


@given(st.integers(0, 2**70))
def test_every_seed_makes_a_story_that_is_spelled_one_way(seed):
    story = next(stories(grammar_of("mini"), 1, seed))
    assert words_of(story.text) == story.words[:-1]
    assert story.words[-1] == END


def test_next_word_refuses_what_no_story_begins_with():
    with pytest.raises(ValueError, match="no story begins with"):
        next_word(["Banana"], grammar_of("mini"))


# Draws


def test_the_same_seed_gives_the_same_bytes_in_another_process():
    code = (
        "from tinyllm.data.tinyworld import *; import hashlib; h = hashlib.sha256();"
        "g = Grammar(World(3));"
        "[h.update(s.text.encode()) for s in stories(g, 200, 7, 'test')];"
        "[h.update(str(dialogue(s, g, 3, 1).turns).encode()) for s in stories(g, 50, 7)];"
        "print(h.hexdigest())"
    )
    prints = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": hashing},
        ).stdout
        for hashing in ("1", "2")
    }  # fmt: skip
    assert len(prints) == 1


def test_a_generator_goes_on_where_it_stands():
    generator = Generator(4)
    first = [s.text for s in stories(grammar_of("mini"), 3, generator)]
    second = [s.text for s in stories(grammar_of("mini"), 3, generator)]
    assert first != second
    assert first == [s.text for s in stories(grammar_of("mini"), 3, Generator(4))]


def test_splits_are_streams_of_their_own():
    texts = {split: {s.text for s in drawn("full", 3000, 0, split)} for split in
             ("train", "validation", "test")}  # fmt: skip
    for one in texts:
        for other in texts:
            assert one == other or len(texts[one] & texts[other]) <= 3
    with pytest.raises(ValueError, match="split must be one of train, validation, test"):
        next(stories(grammar_of("mini"), 1, 0, "dev"))


def test_a_fifth_of_the_test_stories_pairs_people_and_events_never_seen_in_training():
    assert not any(map(is_novel, drawn("full", 3000)))
    share = np.mean([is_novel(s) for s in drawn("full", 3000, 0, "test")])
    assert 0.16 < share < 0.21  # some begin with the weather, or with nobody in particular
    novel = list(novel_stories(grammar_of("full"), 200))
    assert np.mean([is_novel(s) for s in novel]) > 0.85
    for story in novel:
        found = readings(story.text, grammar_of("full"), novel=True)
        assert [round(s.log_prob, 9) for s in found] == [round(story.log_prob, 9)]


# Menus


def test_a_menu_refuses_what_a_reader_could_not_tell_apart():
    with pytest.raises(ValueError, match="could not tell the choices apart"):
        Menu("food", [(piece("ice/NOUN"), 1, 1.0), (piece("ice/NOUN cream/NOUN"), 2, 1.0)])
    with pytest.raises(ValueError, match="could not tell the choices apart"):
        Menu("food", [(piece("may/AUX"), 1, 1.0), (piece("May/PROPN"), 2, 1.0)])
    with pytest.raises(ValueError, match="a menu needs a choice"):
        Menu("food", [(piece("ice/NOUN"), 1, 0.0)])


@pytest.mark.parametrize(
    ("noun", "article"),
    [("umbrella", "an"), ("unicycle", "a"), ("uniform", "a"), ("unusual", "an"), ("useful", "a"),
     ("hourglass", "an"), ("ugly", "an"), ("yacht", "a"), ("unfinished", "an"), ("owl", "an")],
)  # fmt: skip
def test_articles(noun, article):
    assert a_or_an(noun) == article
