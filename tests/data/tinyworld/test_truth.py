"""Statements, summaries, questions and dialogues: all true of a world that can be asked."""

import pickle
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.tinyworld.worlds import drawn, grammar_of
from tinyllm.data.tinyworld import (
    Grammar,
    Mix,
    NotAStatement,
    World,
    dialogue,
    is_right,
    is_true,
    judge,
    lead,
    questions_about,
    read_statement,
    readings,
    score_answer,
    summary,
    world_dialogue,
)
from tinyllm.data.tinyworld.questions import KINDS_OF_QUESTION, yes_no_question
from tinyllm.data.tinyworld.statements import say_event, say_fact
from tinyllm.data.tinyworld.story import Fact
from tinyllm.data.tinyworld.summaries import consequences, main_event

TOM = (
    "Tom lived in Lakeville. One Tuesday in March, he lost a basket in the garden, so he was "
    "unhappy. He scolded Dmitri. On Wednesday, Tom helped Winifred in the garden, so she thanked "
    "Tom."
)


@pytest.fixture(scope="module")
def tom():
    grammar = grammar_of("mini")
    (story,) = readings(TOM, grammar)
    return story, grammar


@pytest.mark.parametrize(
    ("statement", "so"),
    [
        ("Tom lost a basket.", True),
        ("Tom lost the basket in the garden on Tuesday.", True),
        ("Tom lost a basket at the market.", False),
        ("Tom lost a basket on Wednesday.", False),
        ("Tom lost a red basket.", None),  # the story does not say what colour it had
        ("Tom lost an umbrella.", False),
        ("Tom found a basket.", False),
        ("Tom felt unhappy.", True),
        ("Tom was happy.", False),
        ("Winifred thanked Tom.", True),
        ("Tom thanked Winifred.", False),
        ("Tom scolded Dmitri at the market.", None),
        ("Tom lived in Lakeville.", True),
        ("Tom lived in Oakham.", False),
        ("Heidi lost a basket.", None),  # she is not in the story
        ("It rained.", False),
    ],
)
def test_what_is_true_of_a_story(tom, statement, so):
    story, grammar = tom
    assert is_true(statement, grammar, story) is so


@pytest.mark.parametrize(
    "statement", ["", "Tom", "Tom lost.", "Nobody lost a basket.", "tom lost a basket.",
                  "Tom lost a basket", "Tom lost a basket. Tom lost a basket.", "Tom was was."],
)  # fmt: skip
def test_what_is_no_statement(tom, statement):
    story, grammar = tom
    assert judge(statement, grammar, story) == "unparseable"
    with pytest.raises(NotAStatement, match="is not"):
        is_true(statement, grammar, story)


@given(st.text())
def test_any_text_can_be_judged(text):
    assert judge(text, grammar_of("mini")) == "unparseable"


def test_the_world_is_asked_without_a_story():
    grammar = grammar_of("full")
    for person in grammar.world.cast:
        for relation, value in person.facts.items():
            fact = Fact(person, relation, value)
            assert is_true(say_fact(fact, grammar), grammar) is True
            other = grammar.world.cast[0].facts[relation]
            if other != value and relation != "kin":
                assert is_true(say_fact(fact._replace(object=other), grammar), grammar) is False
    for person in grammar.world.strangers[:20]:
        fact = Fact(person, "home", grammar.world.cities[0])
        assert is_true(say_fact(fact, grammar), grammar) is None
    for city, facts in grammar.world.city_facts.items():
        for relation, value in facts.items():
            assert is_true(say_fact(Fact(city, relation, value), grammar), grammar) is True


@pytest.mark.parametrize("size", ["mini", "full"])
def test_all_that_a_story_tells_can_be_stated_and_is_true(size):
    grammar = grammar_of(size)
    for story in drawn(size, 400):
        for event in story.events:
            text = say_event(event)
            claim = read_statement(text, grammar)
            for part in ("kind", "who", "what", "adjective", "whom", "place", "day"):
                assert getattr(claim, part) is getattr(event, part), text
            assert is_true(text, grammar, story) is True
        for fact in story.facts:
            text = say_fact(fact, grammar)
            assert read_statement(text, grammar) == fact
            assert is_true(text, grammar, story) is True, (text, story.text)


# Summaries


@pytest.mark.parametrize("size", ["mini", "full"])
def test_a_summary_is_true_and_tells_what_causes_most(size):
    grammar = grammar_of(size)
    for story in drawn(size, 500):
        assert is_true(summary(story), grammar, story) is True
        most = consequences(story, main_event(story))
        assert all(consequences(story, event) <= most for event in story.events)
        assert story.text.startswith(lead(story))
        assert lead(story) != summary(story)


# Questions


@pytest.mark.parametrize("size", ["mini", "full"])
def test_the_usual_answer_is_right_and_another_question_s_is_not(size):
    grammar, seen, wrong = grammar_of(size), Counter(), Counter()
    for number, story in enumerate(drawn(size, 200)):
        pool = questions_about(story, grammar, number)
        everything = [q for questions in pool.values() for q in questions]
        for question in everything:
            right = is_right(question, score_answer(question, question.answer, grammar, story))
            assert right, (question, story.text)
            seen[question.kind, question.about] += 1
            if question.kind != "unanswerable":  # to abstain is wrong where an answer was to be had
                score = score_answer(question, "I do not know.", grammar, story)
                assert score == "abstained"
                assert not is_right(question, score)
            else:
                score = score_answer(question, "In Oakham.", grammar, story)
                assert not is_right(question, score)
            other = everything[number % len(everything)]
            if other.answer != question.answer and other.kind != "unanswerable":
                score = score_answer(question, other.answer, grammar, story)
                wrong[is_right(question, score)] += 1
    assert {kind for kind, _ in seen} == set(KINDS_OF_QUESTION)
    assert wrong[True] < 0.02 * wrong[False]  # two events may share a place and a day


def test_answers_are_scored_by_what_they_claim(tom):
    story, grammar = tom
    questions = [q for qs in questions_about(story, grammar).values() for q in qs]
    asked = {q.text: q for q in questions}
    lost, why = asked["What did Tom lose?"], asked["Why was Tom unhappy?"]
    where = asked["Where did Tom lose a basket?"]
    for question, answer, score in [
        (lost, "A basket.", "true"),
        (lost, "The basket.", "true"),
        (lost, "Tom lost a basket.", "true"),
        (lost, "An umbrella.", "false"),
        (lost, "Tom lived in Lakeville.", "unparseable"),
        (lost, "Basket.", "unparseable"),
        (lost, "A basket", "unparseable"),
        (lost, "", "unparseable"),
        (lost, "I do not know.", "abstained"),
        (where, "In the garden.", "true"),
        (where, "At the market.", "false"),
        (where, "On Tuesday.", "false"),  # true, but no answer to where
        (why, "Because Tom lost a basket.", "true"),
        (why, "Because Tom lost a basket in the garden.", "true"),
        (why, "Because Tom scolded Dmitri.", "false"),
        (why, "Because.", "unparseable"),
    ]:
        assert score_answer(question, answer, grammar, story) == score, (question.text, answer)


def test_yes_or_no_is_said_with_what_is_so(tom):
    story, grammar = tom
    lost = next(e for e in story.events if e.kind.name == "lose")
    umbrella = next(w for w in grammar.world.things if w.english == "umbrella")
    no = yes_no_question(replace(lost, what=umbrella), "context", grammar, told=lost)
    yes = yes_no_question(lost, "context", grammar)
    lived = yes_no_question(story.facts[0], "context", grammar)
    assert (no.text, no.answer) == ("Did Tom lose an umbrella?", "A basket, so no.")
    assert (yes.text, yes.answer) == ("Did Tom lose a basket?", "A basket, so yes.")
    assert lived.answer == "In Lakeville, so yes."
    for question, answer, score in [
        (no, "No.", "true"),
        (no, "Yes.", "false"),
        (no, "Tom lost a basket, so no.", "true"),
        (no, "A basket, so yes.", "false"),
        (no, "A hat, so no.", "false"),  # the verdict is right, what is said to be so is not
        (no, "Tom scolded Dmitri, so no.", "unparseable"),
        (no, "A basket, so perhaps.", "unparseable"),
        (no, ", so no.", "unparseable"),
        (no, "No, a basket.", "unparseable"),
        (yes, "Yes.", "true"),
        (yes, "An umbrella, so no.", "false"),
        (lived, "In Oakham, so yes.", "false"),
    ]:
        assert score_answer(question, answer, grammar, story) == score, (question.text, answer)


def test_where_somebody_went_is_asked_for_as_a_place(tom):
    text = "Tom lived in Lakeville. One Monday in May, Tom went to the park."
    grammar = grammar_of("mini")
    (story,) = readings(text, grammar)
    asked = {q.text: q for qs in questions_about(story, grammar).values() for q in qs}
    where = asked["Where did Tom go?"]
    assert (where.kind, where.answer) == ("where", "To the park.")
    for answer, score in [
        ("To the park.", "true"),
        ("Tom went to the park.", "true"),
        ("To the garden.", "false"),
        ("On Monday.", "unparseable"),
    ]:
        assert score_answer(where, answer, grammar, story) == score, answer


def test_what_had_happened_before_has_no_day():
    text = "Tom lived in Lakeville. One Monday in May, he was sad because he had lost a basket."
    grammar = grammar_of("mini")
    (story,) = readings(text, grammar)
    assert summary(story) == "Tom lost a basket."
    assert is_true("Tom lost a basket.", grammar, story) is True
    assert is_true("Tom lost a basket on Monday.", grammar, story) is None
    assert is_true("Tom was sad on Monday.", grammar, story) is True
    asked = [q.text for qs in questions_about(story, grammar).values() for q in qs]
    assert "When was Tom sad?" in asked
    assert "When did Tom lose a basket?" not in asked


@settings(deadline=None)  # the first call draws the story
@given(st.text())
def test_any_answer_can_be_scored(text):
    grammar, story = grammar_of("mini"), drawn("mini", 1)[0]
    for questions in questions_about(story, grammar).values():
        for question in questions:
            score = score_answer(question, text + "~", grammar, story)
            assert score == "unparseable"


# Dialogues


def test_dialogues_have_turns_of_all_kinds_and_a_fifth_without_an_answer():
    grammar, kinds = grammar_of("full"), Counter()
    for number, story in enumerate(drawn("full", 1500)):
        talk = dialogue(story, grammar, 4, number)
        assert talk.turns[0]["content"].startswith(story.text)
        assert [t["role"] for t in talk.turns] == ["user", "assistant"] * len(talk.questions)
        assert len({q.text for q in talk.questions}) == len(talk.questions)
        kinds.update(q.kind for q in talk.questions)
    assert set(kinds) == set(KINDS_OF_QUESTION)
    assert 0.15 < kinds["unanswerable"] / kinds.total() < 0.25


def test_a_mix_says_how_often_what_is_asked():
    grammar, shares = grammar_of("full"), {}
    told = drawn("full", 400)
    wanted = Mix(unanswerable=0.05, kinds={"why": 6, "what": 0.1}, of_the_world=0.01)
    for mix in (Mix(), wanted):
        talks = [dialogue(story, grammar, 3, i, mix) for i, story in enumerate(told)]
        asked = [q for talk in talks for q in talk.questions]
        shares[mix.unanswerable] = {
            "without": np.mean([q.kind == "unanswerable" for q in asked]),
            "why": np.mean([q.kind == "why" for q in asked]),
            "what": np.mean([q.kind == "what" for q in asked]),
            "world": np.mean([q.about == "world" for q in asked]),
        }
    even, chosen = shares[0.2], shares[0.05]
    assert chosen["without"] < 0.1 < even["without"]
    assert chosen["why"] > 2 * even["why"]
    assert chosen["what"] < even["what"] / 2
    assert chosen["world"] < even["world"] / 2


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"unanswerable": 1.5}, "unanswerable = 1.5 is not a share"),
        ({"kinds": {"whose": 1}}, r"unknown kinds of question \['whose'\]; known: who, where"),
        ({"kinds": {"why": 0}}, "the weight of why, 0, must be above 0"),
        ({"of_the_world": float("nan")}, "the weight of of_the_world, nan"),
    ],
)
def test_a_mix_that_cannot_be(settings, problem):
    with pytest.raises(ValueError, match=problem):
        Mix(**settings)


def test_the_world_can_be_talked_about():
    grammar, right, kinds = grammar_of("full"), [], Counter()
    for number in range(500):
        talk = world_dialogue(grammar, 3, number)
        assert talk == world_dialogue(grammar, 3, number)
        for question in talk.questions:
            assert question.about == "world"
            kinds[question.kind] += 1
            right.append(is_right(question, score_answer(question, question.answer, grammar)))
    assert all(right)
    assert len(kinds) >= 6
    assert np.isclose(kinds["unanswerable"] / kinds.total(), 0.2, atol=0.05)


def test_a_false_cause_is_not_a_reason(tom):
    story, grammar = tom
    why = questions_about(story, grammar)["why"][0]
    other = replace(why, cause=story.events[-1])
    assert score_answer(other, why.answer, grammar, story) == "false"


def test_what_was_pickled_is_still_true():
    grammar = grammar_of("mini")
    told = [(story, questions_about(story, grammar, 0)) for story in drawn("mini", 20)]
    told, grammar = pickle.loads(pickle.dumps((told, grammar)))
    asked = [(q, story) for story, pool in told for questions in pool.values() for q in questions]
    assert {question.kind for question, _ in asked} == set(KINDS_OF_QUESTION)
    for question, story in asked:
        score = score_answer(question, question.answer, grammar, story)
        assert is_right(question, score), (question.text, question.answer)


def test_a_story_is_not_held_against_another_world(tom):
    story, _ = tom
    other = Grammar(World(0, "mini"))
    with pytest.raises(ValueError, match="another world than the one it is held against"):
        is_true("Tom lost a basket.", other, story)
