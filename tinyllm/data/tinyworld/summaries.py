"""The summary of a story: the event that leads to most others."""

from __future__ import annotations

from tinyllm.data.tinyworld.spelling import text_of
from tinyllm.data.tinyworld.statements import say_event
from tinyllm.data.tinyworld.story import Event, Story


def consequences(story: Story, event: Event) -> int:
    """Return how many events come of one, directly or by way of others."""
    return sum(1 + consequences(story, e) for e in story.events if e.cause is event)


def main_event(story: Story) -> Event:
    """Return the event with the most consequences, of equals the first."""
    return max(story.events, key=lambda event: consequences(story, event))


def summary(story: Story) -> str:
    """Return the story in one statement: who did what, where and when."""
    return say_event(main_event(story))


def lead(story: Story) -> str:
    """Return the first sentence: the summary of somebody who has not read on."""
    return text_of(story.sentence_words(story.sentences[0]))
