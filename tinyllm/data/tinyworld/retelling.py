"""A story told again in plain statements: names for pronouns, of each event its day and its cause.

What a reader must work out of the story (who "she" is, which day it still was, what came of what)
stands in the words here, so that to predict them is to learn to read.
"""

from __future__ import annotations

from tinyllm.data.tinyworld.grammar import Grammar
from tinyllm.data.tinyworld.statements import say_cause, say_event, say_fact
from tinyllm.data.tinyworld.story import Event, Fact, Story
from tinyllm.random import Generator


def retelling(story: Story, grammar: Grammar, generator: Generator | int = 0) -> str:
    """Return all that the story tells, one statement for each fact and event, in any order.

    The order is drawn: each statement has to be looked up in the story, not read on.
    """
    source = generator if isinstance(generator, Generator) else Generator(generator)
    claims = [*story.facts, *story.events]
    return " ".join(_said(claims[i], grammar) for i in source.numpy.permutation(len(claims)))


def _said(claim: Fact | Event, grammar: Grammar) -> str:
    if isinstance(claim, Fact):
        return say_fact(claim, grammar)
    if claim.cause is None:
        return say_event(claim)
    return f"{say_event(claim)[:-1]} because {say_cause(claim)}"
