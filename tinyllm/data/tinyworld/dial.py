"""The dial read back: an association as planted, as it came out in this world, and in its text."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from tinyllm.data.tinyworld.story import Story
from tinyllm.data.tinyworld.world import World


@dataclass(frozen=True)
class DialReport:
    """The strength of an association three times, each from -1 to 1, nan where nothing was seen.

    planted:  what the dial says
    world:    in the facts of the world's own people (places: the weights, which are exact)
    text:     in what the stories tell
    seen:     how many tellings that rests on
    """

    name: str
    planted: float
    world: float
    text: float
    seen: int


def dial_report(world: World, stories: Iterable[Story]) -> list[DialReport]:
    """Hold the planted associations against the world and against stories told of it.

    A strength is twice the share of cases that fit the association, minus 1.
    """
    own = {"f": "a", "m": "b"}
    of_cast = [
        p.facts["occupation"].kind == own[p.gender] for p in world.cast if "occupation" in p.facts
    ]
    bright = set(world.places[::2])
    jobs: list[bool] = []
    places: list[bool] = []
    for story in stories:
        for fact in story.facts:
            if fact.relation == "occupation":
                jobs.append(fact.object.kind == own[fact.subject.gender])
        for event in story.events:
            if event.place is not None and event.kind.mood:
                places.append((event.place in bright) == (event.kind.mood == "good"))
    good = world.place_weights("good")
    exact = (sum(good[::2]) - sum(good[1::2])) / sum(good)
    return [
        DialReport(
            "occupation_gender", world.dial.occupation_gender, strength(of_cast), strength(jobs),
            len(jobs),
        ),
        DialReport(
            "place_sentiment", world.dial.place_sentiment, exact, strength(places), len(places)
        ),
    ]  # fmt: skip


def strength(fits: list[bool]) -> float:
    """Return twice the share that fits, minus 1."""
    return 2 * sum(fits) / len(fits) - 1 if fits else math.nan
