"""A small world whose truth is known: stories, their Chinese, their labels, and what is so.

    world = World(seed=0, size="mini")
    grammar = Grammar(world)
    story = next(stories(grammar, 1))
    story.text, story.log_prob, story.tags, story.entities
    chinese(story), accepts(story, text), summary(story), is_true("Tom lived in Oakham.", grammar)

The files, in the order in which to read them: `lexicon.py` (words), `world.py` (facts), `kinds.py`
(what can happen), `pieces.py` (menus), `choices.py` (who chooses), `grammar.py`, `mentions.py` and
`english.py` (the grammar), `sampling.py` (probabilities), then the views: `chinese.py`,
`statements.py`, `truth.py`, `summaries.py`, `retelling.py`, `notes.py`, `questions.py`,
`dialogues.py`, `dial.py`; last `views.py` (examples to train on), `scoring.py`, and `surnames.py`
(names that are hard to tag).
"""

from tinyllm.data.tinyworld.chinese import accepts, accepts_sentence, chinese, references
from tinyllm.data.tinyworld.dial import DialReport, dial_report
from tinyllm.data.tinyworld.dialogues import (
    Dialogue,
    Mix,
    dialogue,
    questions_about,
    world_dialogue,
)
from tinyllm.data.tinyworld.drawing import draw_grammar
from tinyllm.data.tinyworld.grammar import Grammar
from tinyllm.data.tinyworld.notes import reading_notes
from tinyllm.data.tinyworld.questions import Question, is_right, score_answer
from tinyllm.data.tinyworld.retelling import retelling
from tinyllm.data.tinyworld.sampling import (
    Entropy,
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
from tinyllm.data.tinyworld.scoring import (
    AnswerScores,
    SummaryScores,
    TranslationScores,
    score_answers,
    score_summaries,
    score_translations,
)
from tinyllm.data.tinyworld.statements import NotAStatement, read_statement
from tinyllm.data.tinyworld.story import END, Event, Fact, Story
from tinyllm.data.tinyworld.summaries import lead, summary
from tinyllm.data.tinyworld.truth import is_true, judge
from tinyllm.data.tinyworld.views import (
    SentencePair,
    SummaryPair,
    conversations,
    sentence_pairs,
    summary_pairs,
)
from tinyllm.data.tinyworld.world import SIZES, Dial, Person, Size, World

__all__ = [
    "END",
    "SIZES",
    "AnswerScores",
    "Dial",
    "DialReport",
    "Dialogue",
    "Entropy",
    "Event",
    "Fact",
    "Grammar",
    "Mix",
    "NotAStatement",
    "Person",
    "Question",
    "SentencePair",
    "Size",
    "Story",
    "SummaryPair",
    "SummaryScores",
    "TranslationScores",
    "World",
    "accepts",
    "accepts_sentence",
    "all_stories",
    "chinese",
    "conversations",
    "dial_report",
    "dialogue",
    "draw_grammar",
    "entropies",
    "entropy",
    "is_novel",
    "is_right",
    "is_true",
    "judge",
    "lead",
    "log_prob",
    "next_character",
    "next_word",
    "novel_stories",
    "questions_about",
    "read_statement",
    "readings",
    "references",
    "reading_notes",
    "retelling",
    "score_answer",
    "score_answers",
    "score_summaries",
    "score_translations",
    "sentence_pairs",
    "stories",
    "summary",
    "summary_pairs",
    "world_dialogue",
]
