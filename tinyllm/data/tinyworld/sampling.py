"""Stories drawn, read, counted: the truth that a language model is held against."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tinyllm.data.tinyworld.choices import (
    Enumerator,
    Frontier,
    Reader,
    Sampler,
    Uniforms,
    derivations,
)
from tinyllm.data.tinyworld.english import Telling
from tinyllm.data.tinyworld.grammar import Grammar
from tinyllm.data.tinyworld.spelling import text_of, words_of
from tinyllm.data.tinyworld.story import END, Event, Sentence, Story
from tinyllm.random import Generator

SPLITS = ("train", "validation", "test")
NOVEL = 0.2  # of test stories begin with a person and an event never seen together in training


def stories(
    grammar: Grammar, count: int, seed: int | Generator = 0, split: str = "train"
) -> Iterator[Story]:
    """Draw stories. The same world, seed and split give the same bytes.

    A split is a stream of draws of its own; nothing is filtered, so two streams may tell the same
    short story. "validation" follows the very distribution of "train". Of "test" a fifth begins
    with an event that training never tells of its person (`novel_stories`).

    Args:    seed: a number, or a Generator whose stream is then used as it stands
    """
    if split not in SPLITS:
        raise ValueError(f"stories: split must be one of {', '.join(SPLITS)}, got {split!r}")
    uniforms = _stream(seed, SPLITS.index(split))
    for _ in range(count):
        novel = split == "test" and uniforms.next() < NOVEL
        yield Telling(grammar, Sampler(uniforms), novel).story()


def novel_stories(grammar: Grammar, count: int, seed: int | Generator = 0) -> Iterator[Story]:
    """Draw stories whose first event training never tells of its person (where one has such)."""
    uniforms = _stream(seed, len(SPLITS))
    for _ in range(count):
        yield Telling(grammar, Sampler(uniforms), novel=True).story()


def _stream(seed: int | Generator, number: int) -> Uniforms:
    if isinstance(seed, Generator):
        return Uniforms(seed)
    mixed = np.random.SeedSequence([seed % 2**64, number]).generate_state(1, np.uint64)
    return Uniforms(Generator(int(mixed[0])))


def is_novel(told: Story | Sentence) -> bool:
    """Say whether a story or sentence tells an event that training never tells of its person."""
    said = told.events if isinstance(told, Story) else [c.says for c in told.clauses]
    events = [event for event in said if isinstance(event, Event) and event.who is not None]
    return any(event.kind in event.who.held_out for event in events)


# Reading


def readings(text: str, grammar: Grammar, novel: bool = False) -> list[Story]:
    """Find every derivation of a text: one for a story, none for anything else."""
    words = words_of(text)
    if not words:
        return []
    found = derivations(
        lambda script: Reader([*words, END], script), lambda c: Telling(grammar, c, novel).story()
    )
    return [story for chooser, story in found if chooser.at == len(words) + 1]


def log_prob(text: str, grammar: Grammar) -> float:
    """Return log p(text) in nats, the end included: the sum over all its derivations.

    -inf for a text that the grammar cannot tell.
    """
    logs = [story.log_prob for story in readings(text, grammar)]
    return float(np.logaddexp.reduce(logs)) if logs else -math.inf


def all_stories(grammar: Grammar) -> Iterator[Story]:
    """Tell every story there is. Only for a micro world: a mini one has more than atoms."""
    for _, story in derivations(Enumerator, lambda c: Telling(grammar, c).story()):
        yield story


# What may come next


def next_word(words: list[str], grammar: Grammar) -> dict[str, float]:
    """Return p(next word | the words so far), exactly; END is the word after the last full stop.

    Args:    words: as `spelling.words_of` cuts the beginning of a story
    Raises:  ValueError if no story begins so.
    """
    try:
        for _ in derivations(
            lambda script: Reader(words, script, wants_next=True),
            lambda c: Telling(grammar, c).story(),
        ):
            pass  # a whole story: nothing follows
    except Frontier as frontier:
        return frontier.following
    raise ValueError(f"next_word: no story begins with {' '.join(words)!r} and goes on")


def next_character(text: str, grammar: Grammar) -> dict[str, float]:
    """Return p(next character | the text so far), exactly; "" is the end of the story.

    Raises:  ValueError if no story begins so.
    """
    whole, space, part = text.rpartition(" ")
    if part and part[-1] in ",.":
        part, whole = "", text
    elif not space:
        whole = ""
    words = words_of(whole) if whole else []
    if words is None:
        raise ValueError(f"next_character: {text!r} is not spelled as a story is")
    after_space = bool(space) and not part
    chances: dict[str, float] = {}
    for word, p in next_word(words, grammar).items():
        _spread(word, p, part, words, grammar, chances, text, after_space)
    total = math.fsum(chances.values())
    if not total:
        raise ValueError(f"next_character: no story begins with {text!r}")
    return {c: p / total for c, p in chances.items()}


def _spread(word, p, part, words, grammar, chances, text, after_space) -> None:
    """Add the characters by which a word, begun with `part`, may go on."""

    def add(character: str, share: float) -> None:
        chances[character] = chances.get(character, 0.0) + share

    if not part:
        start = "" if word == END else word[0]
        spaced = bool(text) and not text.endswith(" ") and word not in {END, ",", "."}
        if text.endswith(" ") and word in {END, ",", "."}:
            return
        add(" " if spaced else start, p)
    elif word == part:
        for following, q in next_word([*words, word], grammar).items():
            add(following if following in {",", "."} else " ", p * q)
    elif word.startswith(part) and word != END:
        add(word[len(part)], p)


def entropies(story: Story, grammar: Grammar) -> list[float]:
    """Return the entropy in nats of each next word of a story, given those before it."""
    words = story.words
    result = []
    for i in range(len(words)):
        chances = next_word(words[:i], grammar).values()
        result.append(-math.fsum(p * math.log(p) for p in chances))
    return result


@dataclass(frozen=True)
class Entropy:
    """The entropy of a world's stories, from draws.

    per_story:  mean of -log p, in nats; `error` is its standard error
    per_word, per_character: the same over the mean number of words (END counted) or characters
    """

    stories: int
    per_story: float
    error: float
    per_word: float
    per_character: float


def entropy(grammar: Grammar, count: int = 10_000, seed: int = 0) -> Entropy:
    """Estimate the entropy of stories: no model can do better in the mean."""
    logs, words, characters = [], 0, 0
    for story in stories(grammar, count, seed, "validation"):
        logs.append(-story.log_prob)
        said = story.words
        words += len(said)
        characters += len(text_of(said[:-1])) + 1
    mean = float(np.mean(logs))
    error = float(np.std(logs, ddof=1) / math.sqrt(count)) if count > 1 else math.inf
    return Entropy(count, mean, error, mean * count / words, mean * count / characters)
