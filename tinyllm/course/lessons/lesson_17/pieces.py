"""Exercises of lesson 17: words cut into pieces, and which word each piece belongs to."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.writing import REFUSED, changed

# line_up_pieces ---------------------------------------------------------------------------------


def _line_up_pieces(words, pieces, unknown):
    ids, word_of = [], []
    for i, word in enumerate(words):
        own = pieces.get(word, [unknown])
        ids.extend(own)
        word_of.extend([i] * len(own))
    return ids, word_of


def _line_cases(rng: np.random.Generator) -> list[Case]:
    one, several, strange = "words of one piece", "words of several pieces", "unknown words"
    numbers = [int(n) for n in rng.permutation(np.arange(5, 40))]
    known = {
        "met": numbers[:1], "in": numbers[1:2], ".": numbers[2:3], "May": numbers[3:4],
        "Cranwick": numbers[4:7], "Oakham": numbers[7:9], "Harwick": [numbers[10], numbers[6]],
    }  # fmt: skip
    return [
        Case((["met"], known, 1), one),
        Case((["in", "May", "."], known, 1), one),
        Case((["Oakham", "."], known, 1), several),
        Case((["May", "Cranwick", "met", "Harwick", "."], known, 1), several),
        Case((["Oakham", "met", "Oakham", "in", "Oakham", "."], known, 1), several),
        Case((["Zzyzx", "met", "May"], known, 1), strange),
        Case((["May", "Qrst", "met", "Qrst", "Oakham"], known, 1), strange),
    ]


_LINE = code_of(_line_up_pieces, "line_up_pieces")
_OWN = "        own = pieces.get(word, [unknown])\n"
_OF = "word_of.extend([i] * len(own))"

LINE_UP_PIECES = Exercise(
    name="line_up_pieces",
    lesson="17",
    task="Cut words into pieces by a dictionary, word to ids: give the ids of the whole sentence, "
    "and for each the number of its word. A word that is not there is the one piece `unknown`.",
    points=4,
    minutes=10,
    difficulty="easy",
    solution=_LINE,
    why="The two lists grow together: as many copies of the word's number as it has pieces. An "
    "unknown word still has a piece, or all words after it would be numbered wrongly.",
    hints=(
        "How many copies of the number i does word i need in the second list?",
        "Walk through the words with enumerate; extend both lists by the same length. get() with a "
        "second argument serves words that are not there.",
        "own = pieces.get(word, [unknown]); ids.extend(own); word_of.extend([i] * ...)",
    ),
    reference=_line_up_pieces,
    cases=_line_cases,
    parts={"words of one piece": 1, "words of several pieces": 2, "unknown words": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the piece's own number",
            "the second list numbers the pieces: it should say which word each belongs to.",
            changed(_LINE, (_OF, "word_of.extend(range(len(word_of), len(ids)))")),
        ),
        Mistake(
            "the first of equal words",
            "a word that comes again has the number of the first one: words.index finds that. "
            "enumerate counts places.",
            changed(_LINE, (_OF, "word_of.extend([words.index(word)] * len(own))")),
        ),
        Mistake(
            "one number a word",
            "there is one number for each word: there should be one for each piece.",
            changed(_LINE, (_OF, "word_of.append(i)")),
        ),
        Mistake(
            "the first piece alone",
            "only the first piece of each word is there: all of them go into the sentence.",
            changed(_LINE, (_OWN, "        own = pieces.get(word, [unknown])[:1]\n")),
        ),
        Mistake(
            "unknown words left out",
            "a word that is not in the dictionary has no piece: it should be the one `unknown`.",
            changed(_LINE, (_OWN, "        own = pieces.get(word, [])\n")),
        ),
        Mistake(
            "KeyError",
            "a word that is not in the dictionary stops it: pieces.get(word, ...) does not.",
            changed(_LINE, (_OWN, "        own = pieces[word]\n")),
        ),
        Mistake(
            "lists inside the list",
            "the ids are a list of lists: extend adds the items, append the list itself.",
            changed(_LINE, ("ids.extend(own)", "ids.append(own)")),
        ),
        Mistake(
            "counted from 1",
            "the first word has number 0.",
            changed(_LINE, ("[i] * len(own)", "[i + 1] * len(own)")),
        ),
        Mistake(
            "unknown letter by letter",
            "an unknown word has one piece here for each letter: one in all was asked.",
            changed(_LINE, ("[unknown])", "[unknown] * len(word))")),
        ),
    ),
)

# tags_of_words: find the bug --------------------------------------------------------------------


def _tags_of_words(logits, word_of):
    tags = []
    for p, word in enumerate(word_of):
        if word >= 0 and (p == 0 or word != word_of[p - 1]):
            tags.append(int(logits[p].argmax()))
    return tags


def _words_cases(rng: np.random.Generator) -> list[Case]:
    one, several, special = "words of one piece", "words of several pieces", "pieces of no word"

    def drawn(*word_of: int) -> tuple:
        """Each piece says another tag than its neighbours, so that no two choices agree."""
        word_of, K = np.array(word_of), 7
        logits = rng.uniform(0, 0.2, size=(len(word_of), K))
        order = rng.permutation(K)
        logits[np.arange(len(word_of)), order[np.arange(len(word_of)) % K]] += 3.0
        for word in set(word_of.tolist()) - {-1}:
            own = np.flatnonzero(word_of == word)
            if len(own) > 1:  # summed up they would choose a tag that none of them chooses
                logits[own, order[(own[-1] + 2) % K]] += 2.0
        return logits, word_of

    return [
        Case(drawn(0), one),
        Case(drawn(0, 1, 2), one),
        Case(drawn(0, 0, 1), several),
        Case(drawn(0, 1, 1, 1, 2), several),
        Case(drawn(0, 0, 1, 1, 2, 2, 2, 3, 4), several),
        Case(drawn(-1, 0, 1, -1, -1), special),
        Case(drawn(-1, 0, 0, 1, 2, 2, -1, -1), special),
    ]


_WORDS = code_of(_tags_of_words, "tags_of_words")
_IF = "if word >= 0 and (p == 0 or word != word_of[p - 1]):"
_LOOP = _WORDS.split("tags = []\n")[1]

TAGS_OF_WORDS = Exercise(
    name="tags_of_words",
    lesson="17",
    task="Find the bug in tags_by_place and write tags_of_words without it: from logits (P, K) of "
    "pieces and the number of each piece's word (P), -1 for none, the tag of each word.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_WORDS,
    why="Row p of the logits belongs to piece p. It is the piece of word p only as long as no word "
    "before has two. A word's tag is read where it was learned, at its first piece: where word_of "
    "changes, and is not -1.",
    hints=(
        "In which sentences is tags_by_place right? What have they in common?",
        "Print word_of beside the rows that tags_by_place reads. Which rows should it read?",
        "A piece is the first of its word if p == 0 or word_of[p] != word_of[p - 1]; and those of "
        "-1 belong to no word.",
    ),
    reference=_tags_of_words,
    cases=_words_cases,
    parts={"words of one piece": 1, "words of several pieces": 2, "pieces of no word": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "as it was given",
            "word i is still read at piece i, as in tags_by_place.",
            changed(
                _WORDS,
                (
                    _LOOP,
                    "    W = max(word_of) + 1\n    return logits[:W].argmax(axis=-1).tolist()\n",
                ),
            ),
        ),
        Mistake(
            "the last piece",
            "a word's tag is read at its last piece: it was learned at the first, and the others "
            "have had no target.",
            changed(
                _WORDS,
                (
                    "(p == 0 or word != word_of[p - 1])",
                    "(p + 1 == len(word_of) or word != word_of[p + 1])",
                ),
            ),
        ),
        Mistake(
            "the sum of the pieces",
            "the logits of all of a word's pieces are added: only the first has learned its tag.",
            changed(
                _WORDS,
                (
                    _LOOP,
                    "    for word in range(max(word_of) + 1):\n"
                    "        tags.append(int(logits[word_of == word].sum(axis=0).argmax()))\n"
                    "    return tags\n",
                ),
            ),
        ),
        Mistake(
            "a tag for each piece",
            "there is a tag for each piece: one for each word was asked.",
            changed(_WORDS, (_IF, "if word >= 0:")),
        ),
        Mistake(
            "padding has a tag",
            "pieces of no word, -1, are tagged too: special pieces and padding belong to none.",
            changed(_WORDS, (_IF, "if p == 0 or word != word_of[p - 1]:")),
        ),
        Mistake(
            "the first word is lost",
            "the first piece of the sentence begins a word too, though no piece stands before it.",
            changed(
                _WORDS, ("(p == 0 or word != word_of[p - 1])", "p > 0 and word != word_of[p - 1]")
            ),
        ),
    ),
)

EXERCISES = (LINE_UP_PIECES, TAGS_OF_WORDS)
