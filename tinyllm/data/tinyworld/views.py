"""Stories as training examples: sentences with their Chinese, summaries, conversations.

Each takes stories of any stream, so that what is held out is the stream's affair:

    sentence_pairs(stories(grammar, 10_000))                        # to train on
    sentence_pairs(stories(grammar, 500, split="test"))             # a fifth of the stories novel
    conversations(stories(grammar, 500, split="validation"), grammar)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tinyllm.data.tinyworld.chinese import draw_from, sentence_lattice, usual
from tinyllm.data.tinyworld.dialogues import EVEN, Dialogue, Mix, dialogue, world_dialogue
from tinyllm.data.tinyworld.grammar import Grammar
from tinyllm.data.tinyworld.sampling import is_novel
from tinyllm.data.tinyworld.spelling import text_of
from tinyllm.data.tinyworld.story import Sentence, Story
from tinyllm.data.tinyworld.summaries import summary
from tinyllm.random import Generator


class SentencePair(NamedTuple):
    """A sentence and its translation; `novel` as `is_novel` says of the sentence."""

    english: str
    chinese: str
    sentence: Sentence
    novel: bool


def sentence_pairs(
    told: Iterable[Story], generator: Generator | int | None = None
) -> Iterator[SentencePair]:
    """Yield every sentence of the stories with its Chinese.

    A sentence is enough to translate it: gender shows in the pronouns and in nothing else, so two
    sentences that read alike have the same accepted translations wherever they stand.

    Args:    generator: draws one of the accepted translations; without it comes the usual one, from
                 which a translator learns soonest
    """
    numpy = None if generator is None else _generator(generator).numpy
    for story in told:
        for sentence in story.sentences:
            lattice = sentence_lattice(sentence)
            chinese = usual(lattice) if numpy is None else draw_from(lattice, numpy)
            english = text_of(story.sentence_words(sentence))
            yield SentencePair(english, chinese, sentence, is_novel(sentence))


class SummaryPair(NamedTuple):
    """A story's text and its summary."""

    text: str
    summary: str
    story: Story


def summary_pairs(told: Iterable[Story]) -> Iterator[SummaryPair]:
    """Yield every story with its summary."""
    for story in told:
        yield SummaryPair(story.text, summary(story), story)


def conversations(
    told: Iterable[Story],
    grammar: Grammar,
    turns: int = 3,
    generator: Generator | int = 0,
    world: float = 0.25,
    mix: Mix = EVEN,
) -> Iterator[Dialogue]:
    """Yield a conversation about each story, and between them conversations about the world.

    What is held out of the first kind is the stories. The second asks for facts of the world, which
    do not change: a model answers what it has seen told or asked in training, or not at all.

    Args:    turns: questions in each
             world: the share of conversations that are about the world, 0 to less than 1
             mix: how often what is asked
    """
    if not 0 <= world < 1:
        raise ValueError(f"conversations: world = {world} is not a share from 0 to less than 1")
    generator = _generator(generator)
    for story in told:
        while generator.numpy.random() < world:
            yield world_dialogue(grammar, turns, generator, mix)
        yield dialogue(story, grammar, turns, generator, mix)


def _generator(generator: Generator | int) -> Generator:
    return generator if isinstance(generator, Generator) else Generator(generator)
