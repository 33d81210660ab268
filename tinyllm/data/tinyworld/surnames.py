"""Names of several words: people get surnames, towns a North or a New, to make tagging hard.

tinyworld's own names are one word each, and each word is a name of one kind. Here a word may be a
person or a place («Oakham»), a person or a month («May»), and many surnames come once only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from tinyllm.data.tinyworld.spelling import written
from tinyllm.data.tinyworld.story import Story

STARTS = "Ash Black Brad Brook Cran Dal Fair Hart Hollo Kirk Lang Nor Pem Rad Stan Thorn Whit"
ENDS = "by den field ford ham land ley man mond more ton way wick win worth"
MONTHS = ("April", "May", "June", "August")
COMPASS = ("North", "South", "New", "Old")


class NamedSentence(NamedTuple):
    """A sentence with two labels for each word: parts of speech, and BIO tags of its names."""

    words: list[str]
    tags: list[str]
    entities: list[str]


def with_surnames(stories: Iterable[Story], seed: int = 0) -> Iterator[NamedSentence]:
    """Yield every sentence of the stories, its people and some of its towns renamed.

    In each story anew: a person has a surname, a town's name in two cases of five, else made of two
    parts; in one case of six a month is the first name. A person is spoken of by the first name, by
    both, or by the surname. Of the towns a third gets a second word.
    """
    generator = np.random.default_rng(seed)
    for story in stories:
        towns = [town.english for town in story.world.cities]
        people: dict[str, tuple[str, str]] = {}
        for sentence in story.sentences:
            pieces = story.pieces[sentence.begins : sentence.ends]
            labels = [label for said in pieces for label in said.entities]
            tags = [tag for said in pieces for tag in said.tags]
            found = NamedSentence([], [], [])
            for word, tag, label in zip(written(pieces), tags, labels, strict=True):
                name = [word]
                if label == "PER":
                    if word not in people:
                        people[word] = _named(word, towns, generator)
                    name = _spoken(people[word], generator)
                elif label == "LOC" and generator.random() < 1 / 3:
                    name = [str(generator.choice(COMPASS)), word]
                found.words.extend(name)
                found.tags.extend([tag] * len(name))
                inside = [f"I-{label}"] * (len(name) - 1)
                found.entities.extend([f"B-{label}", *inside] if label else ["O"])
            yield found


def _named(first: str, towns: list[str], generator: np.random.Generator) -> tuple[str, str]:
    """A person's first name and surname in one story."""
    if generator.random() < 1 / 6:
        first = str(generator.choice(MONTHS))
    if generator.random() < 2 / 5:
        return first, str(generator.choice(towns))
    return first, str(generator.choice(STARTS.split()) + generator.choice(ENDS.split()))


def _spoken(person: tuple[str, str], generator: np.random.Generator) -> list[str]:
    """How a person is spoken of this time."""
    first, surname = person
    return [[first], [first, surname], [surname]][int(generator.choice(3, p=(0.4, 0.4, 0.2)))]
