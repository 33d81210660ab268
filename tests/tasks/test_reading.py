"""Rows to learn reading from: the retelling, and a note under each word of the story."""

import numpy as np
import pytest

from tinyllm.data.rows import IGNORE, RowBatches, shifted_targets
from tinyllm.tasks.chat_template import ChatTemplate
from tinyllm.tasks.dialogue import load_corpus
from tinyllm.tasks.reading import Reading, reading_rows
from tinyllm.text import BPETokenizer

STORY = "Ann ran. On Friday, she sang."
TOKENIZER = BPETokenizer.train([" Ann Ann Friday Friday Ann ran. On Friday, she sang."], 280)
TEMPLATE = ChatTemplate(TOKENIZER)
MESSAGES = [
    {"role": "user", "content": STORY},
    {"role": "assistant", "content": "Ann sang on Friday."},
]
READING = Reading(
    ["Ann", "ran", ".", "On", "Friday", ",", "she", "sang", "."],
    [None, None, None, "Friday", "Friday", "Friday", "Ann", "Friday", "Friday"],
    MESSAGES,
)


def test_a_note_stands_under_the_last_token_of_its_word():
    (row,), (target,) = reading_rows(TEMPLATE, [READING], 100)
    ids, learned = TEMPLATE.training_row(MESSAGES)
    np.testing.assert_array_equal(row, ids)
    end = list(ids).index(TEMPLATE.end_id)
    np.testing.assert_array_equal(target[end:], np.where(learned, ids, IGNORE)[1:][end:])
    noted = [(TOKENIZER.decode(row[1 : i + 1]), target[i]) for i in range(1, end)]
    said = {
        text.split()[-1]: TOKENIZER.decode([note]) for text, note in noted if note != IGNORE
    }  # by the last word so far
    assert said == {
        "On": " Friday", "Friday": " Friday", "Friday,": " Friday", "she": " Ann",
        "sang": " Friday", "sang.": " Friday",
    }  # fmt: skip
    assert target[0] == IGNORE


def test_what_does_not_fit_is_left_out():
    length = len(TEMPLATE.training_row(MESSAGES)[0])
    assert reading_rows(TEMPLATE, [READING], length - 1) == ([], [])
    assert len(reading_rows(TEMPLATE, [READING, READING], length)[0]) == 2


def test_words_of_another_story():
    other = READING._replace(words=[*READING.words[:-2], "danced", "."])
    with pytest.raises(ValueError, match="she danced .' come to .* tokens, the message 'Ann ran"):
        reading_rows(TEMPLATE, [other], 100)
    with pytest.raises(ValueError, match="shorter than argument 1"):
        reading_rows(TEMPLATE, [READING._replace(notes=READING.notes[:-1])], 100)


def test_words_of_stories_are_tokens_of_the_message():
    corpus = load_corpus("mini", count=40, test=1, turns=1)
    texts = [f" {message['content']}" for read in corpus.read for message in read.messages]
    template = ChatTemplate(BPETokenizer.train(texts, 600))
    rows, targets = reading_rows(template, corpus.read, 500)
    for reading, row, target in zip(corpus.read, rows, targets, strict=True):
        end = list(row).index(template.end_id)
        places = [i for i in range(end) if target[i] != IGNORE]
        noted = [(w, n) for w, n in zip(reading.words, reading.notes, strict=True) if n is not None]
        for i, (word, note) in zip(places, noted, strict=True):
            assert word.endswith(template.decode([row[i]])), (word, note)
            assert template.show([row[i + 1]])[0] in " ,.<"  # the word ends there
            assert target[i] == template.encode(note)[0]


def test_targets_that_do_not_fit_their_rows():
    rows = [[1, 2, 3]]
    batch = next(iter(RowBatches(rows, 1, targets=[[7, IGNORE]])))
    np.testing.assert_array_equal(batch.targets, [[7, IGNORE]])
    np.testing.assert_array_equal(batch.ids, [[1, 2]])
    with pytest.raises(ValueError, match="row 0 has 3 tokens, so 2 targets, .* shape \\(3,\\)"):
        RowBatches(rows, 1, targets=[[1, 2, 3]])
    with pytest.raises(ValueError, match="row 0 has no token to be predicted"):
        RowBatches(rows, 1, targets=[[IGNORE, IGNORE]])
    with pytest.raises(ValueError, match="shorter than"):
        RowBatches([*rows, *rows], 1, targets=[[1, 2]])


def test_a_mask_becomes_targets():
    np.testing.assert_array_equal(shifted_targets([5, 6, 7], [True, False, True]), [IGNORE, 7])
    for learned in ([True], [True] * 4):  # one alone would otherwise count for all
        with pytest.raises(ValueError, match="row has 3 tokens, learned says of [14]"):
            shifted_targets([5, 6, 7], learned)
