"""Conversations of several turns about a story, or about the world itself."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import accumulate

import numpy as np

from tinyllm.data.tinyworld.grammar import Grammar
from tinyllm.data.tinyworld.lexicon import AGES
from tinyllm.data.tinyworld.questions import (
    ABSTAIN,
    KINDS_OF_QUESTION,
    Question,
    event_questions,
    fact_question,
    fact_questions,
    two_hop_questions,
    untold_questions,
    without_answer,
    yes_no_question,
)
from tinyllm.data.tinyworld.story import Event, Fact, Story
from tinyllm.data.tinyworld.truth import holds
from tinyllm.data.tinyworld.world import Person
from tinyllm.random import Generator


@dataclass(frozen=True)
class Mix:
    """How often what is asked; by default all kinds alike.

    unanswerable:  share of the questions that have no answer, where such can be asked
    kinds:         weights of the kinds that have one, 1 for those not named
    of_the_world:  in a conversation about a story, the weight of a question about the world beside
                   one of its kind about the story
    """

    unanswerable: float = 0.2
    kinds: Mapping[str, float] = field(default_factory=dict)
    of_the_world: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.unanswerable <= 1:
            raise ValueError(f"Mix: unanswerable = {self.unanswerable} is not a share, 0 to 1")
        if unknown := sorted(set(self.kinds) - set(KINDS_OF_QUESTION)):
            known = ", ".join(KINDS_OF_QUESTION)
            raise ValueError(f"Mix: unknown kinds of question {unknown}; known: {known}")
        for name, weight in {**self.kinds, "of_the_world": self.of_the_world}.items():
            if not 0 < weight < math.inf:
                raise ValueError(f"Mix: the weight of {name}, {weight}, must be above 0 and finite")


EVEN = Mix()


@dataclass(frozen=True)
class Dialogue:
    """Questions asked one after another, about a story or, where it is None, about the world."""

    story: Story | None
    questions: tuple[Question, ...]

    @property
    def turns(self) -> list[dict[str, str]]:
        """Return the messages as a chat template takes them: role and content."""
        messages = []
        for number, question in enumerate(self.questions):
            told = f"{self.story.text} " if self.story is not None and number == 0 else ""
            messages.append({"role": "user", "content": told + question.text})
            messages.append({"role": "assistant", "content": question.answer})
        return messages


def questions_about(
    story: Story, grammar: Grammar, generator: Generator | int = 0
) -> dict[str, list[Question]]:
    """Return every question that a story gives rise to, by kind; draws only what "no" is about."""
    numpy = _numpy(generator)
    facts = story.facts
    of_world = [f for f in world_facts(story.people) if f not in facts and f.relation != "kin"]
    pool = fact_questions(facts, "context", grammar) + event_questions(story, grammar)
    pool += [fact_question(f, "world", grammar) for f in of_world]
    pool += two_hop_questions(facts, "context", grammar)
    pool += _yes_no(story, grammar, numpy)
    pool += untold_questions(story, grammar)
    absent = [p for p in grammar.world.strangers if p not in story.people]
    relations = [r for r in grammar.world.size.relations if r != "kin"]
    for i in numpy.permutation(len(absent))[:4]:  # so that no story lacks what it does not say
        relation = relations[int(numpy.integers(len(relations)))]
        pool.append(without_answer(absent[i], relation))
    by_kind: dict[str, list[Question]] = {}
    for question in pool:
        by_kind.setdefault(question.kind, []).append(question)
    return by_kind


def dialogue(
    story: Story,
    grammar: Grammar,
    turns: int = 3,
    generator: Generator | int = 0,
    mix: Mix = EVEN,
) -> Dialogue:
    """Ask about a story."""
    numpy = _numpy(generator)
    by_kind = questions_about(story, grammar, _as_generator(numpy))
    return Dialogue(story, _drawn(by_kind, turns, mix, numpy))


def world_dialogue(
    grammar: Grammar, turns: int = 3, generator: Generator | int = 0, mix: Mix = EVEN
) -> Dialogue:
    """Ask about the world, with no story: of strangers nothing can be known."""
    numpy = _numpy(generator)
    world = grammar.world
    person = world.cast[int(numpy.integers(len(world.cast)))]
    kin = person.facts["kin"][1] if "kin" in person.facts else person
    facts = world_facts(list(dict.fromkeys([person, kin])))
    facts += [
        Fact(f.object, relation, value)
        for f in facts
        if f.relation == "home" and f.subject is person
        for relation, value in world.city_facts[f.object].items()
    ]
    pool = fact_questions(facts, "world", grammar) + two_hop_questions(facts, "world", grammar)
    claim = facts[int(numpy.integers(len(facts)))]
    pool.append(yes_no_question(claim, "world", grammar))
    other = _falsified(claim, grammar, numpy)
    if other is not None and holds(other, world) is False:
        pool.append(yes_no_question(other, "world", grammar, claim))
    stranger = world.strangers[int(numpy.integers(len(world.strangers)))]
    # Words of the person's own facts, asked of somebody of whom nothing is known.
    pool += [
        replace(
            fact_question(f._replace(subject=stranger), "world", grammar),
            answer=ABSTAIN, kind="unanswerable", claim=None,
        )
        for f in facts
        if f.subject is person and f.relation != "kin"
    ]  # fmt: skip
    by_kind: dict[str, list[Question]] = {}
    for question in pool:
        by_kind.setdefault(question.kind, []).append(question)
    return Dialogue(None, _drawn(by_kind, turns, mix, numpy))


def world_facts(people: list[Person]) -> list[Fact]:
    """Return what the world knows of people."""
    return [Fact(p, relation, value) for p in people for relation, value in p.facts.items()]


def _numpy(generator: Generator | int) -> np.random.Generator:
    return (generator if isinstance(generator, Generator) else Generator(generator)).numpy


def _as_generator(numpy: np.random.Generator) -> Generator:
    return Generator(int(numpy.integers(2**62)))


def _drawn(
    by_kind: dict[str, list[Question]], turns: int, mix: Mix, numpy: np.random.Generator
) -> tuple[Question, ...]:
    by_kind = {kind: list(questions) for kind, questions in by_kind.items()}
    drawn = []
    for _ in range(turns):
        kinds = [k for k in by_kind if k != "unanswerable" and by_kind[k]]
        if by_kind.get("unanswerable") and (not kinds or numpy.random() < mix.unanswerable):
            kinds = ["unanswerable"]
        if not kinds:
            break
        pool = by_kind[kinds[_place([mix.kinds.get(k, 1.0) for k in kinds], numpy)]]
        weights = [mix.of_the_world if q.about == "world" else 1.0 for q in pool]
        drawn.append(pool.pop(_place(weights, numpy)))
    return tuple(drawn)


def _place(weights: Sequence[float], numpy: np.random.Generator) -> int:
    """Draw a place, each as often as its weight says."""
    sums = list(accumulate(weights))
    return bisect(sums, numpy.random() * sums[-1])


def _yes_no(story: Story, grammar: Grammar, numpy: np.random.Generator) -> list[Question]:
    """Ask of each claim whether it is so, of every second one after making it false."""
    questions = []
    for claim in [*story.facts, *story.events]:
        if isinstance(claim, Event) and claim.who is None:
            continue
        yes = bool(numpy.random() < 0.5)
        asked = claim if yes else _falsified(claim, grammar, numpy)
        if asked is not None and holds(asked, grammar.world, story) is yes:
            told = None if yes else claim
            questions.append(yes_no_question(asked, "context", grammar, told))
    return questions


def _falsified(
    claim: Fact | Event, grammar: Grammar, numpy: np.random.Generator
) -> Fact | Event | None:
    """Put something else in the claim's place of the object; None where nothing fits."""
    world = grammar.world

    def pick(words):
        return words[int(numpy.integers(len(words)))]

    if isinstance(claim, Fact):
        others = {
            "home": partial(pick, world.cities),
            "occupation": partial(pick, world.occupations),
            "food": partial(pick, world.foods),
            "pet": lambda: (pick(world.animal_adjectives), pick(world.pets)),
            "month": partial(pick, world.months),
            "age": partial(pick, world.ages or AGES),
            "famous": partial(pick, world.foods),
        }
        if claim.relation not in others:
            return None
        return claim._replace(object=others[claim.relation]())
    if claim.what is None or claim.kind.takes == "mood":
        return None
    if (
        claim.kind.takes in {"the_thing", "the_thing_person", "a_thing"}
        and claim.what in world.things
    ):
        return replace(claim, what=pick(world.things), adjective=None)
    if claim.kind.takes in {"an_animal", "a_plant", "a_reading"}:
        return replace(claim, what=pick(grammar.described(claim.kind.takes)[1]), adjective=None)
    if claim.kind.takes in {"food", "dish", "topic", "city", "the_place", "the_instrument"}:
        menu = grammar.words(claim.kind.takes)
        return replace(claim, what=pick(menu.values))
    return None
