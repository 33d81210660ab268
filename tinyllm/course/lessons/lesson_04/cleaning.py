"""Exercises of lesson 04: one way to write a line, and where a sentence ends."""

from __future__ import annotations

import unicodedata

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.lesson_01.counting import words_for
from tinyllm.course.lessons.writing import REFUSED, changed

# normalized_line --------------------------------------------------------------------------------


def _normalized_line(line):
    return " ".join(unicodedata.normalize("NFC", line).split())


def _line_cases(rng: np.random.Generator) -> list[Case]:
    a, b, c = words_for(rng, 3)
    spaces, ends, letters = "runs of spaces", "the ends of the line", "letters in two parts"
    return [
        Case((f"{a}  {b}",), spaces),
        Case((f"{a}\t {b}\u00a0\u00a0{c}",), spaces),
        Case((f"  {a} {b} \n",), ends),
        Case((f"cafe\u0301 {c}",), letters),
        Case((f"na\u00efve {b}",), letters),
        Case((f"{a} \ufb01 x\u00b2 nai\u0308ve U\u0308ber",), letters),
    ]


_LINE = """\
import unicodedata

def normalized_line(line):
    return " ".join(unicodedata.normalize("NFC", line).split())
"""
_NFC = 'unicodedata.normalize("NFC", line)'

NORMALIZED_LINE = Exercise(
    name="normalized_line",
    lesson="04",
    task="Write a line in Unicode's form NFC, each run of white space as one blank, and none at "
    "its ends.",
    points=3,
    minutes=6,
    difficulty="easy",
    solution=_LINE,
    why="str.split() without an argument cuts at every run of white space that Unicode knows, tabs "
    "and no-break spaces too, and leaves nothing at the ends. NFC joins a letter and its accent "
    "where one character exists for both, and changes nothing that a reader sees.",
    hints=(
        "What does 'a \\t b'.split() give? And split(' ')?",
        "unicodedata.normalize(form, text) for the letters; then cut at white space, and join.",
        '" ".join(unicodedata.normalize("NFC", line)....)',
    ),
    reference=_normalized_line,
    cases=_line_cases,
    parts={"runs of spaces": 1, "the ends of the line": 1, "letters in two parts": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "not NFC",
            "a letter and its accent are still two characters: unicodedata.normalize joins them.",
            changed(_LINE, (_NFC, "line")),
        ),
        Mistake(
            "NFD",
            "NFD takes letters and accents apart; NFC joins them.",
            changed(_LINE, ('"NFC"', '"NFD"')),
        ),
        Mistake(
            "NFKC",
            "NFKC goes further than asked: it makes two letters of a ligature, and 2 of a small "
            "raised ².",
            changed(_LINE, ('"NFC"', '"NFKC"')),
        ),
        Mistake(
            "cut at single blanks",
            "split(' ') cuts at each single blank: runs of blanks stay, as do tabs and line ends.",
            changed(_LINE, (".split()", '.split(" ")')),
        ),
        Mistake(
            "only the ends",
            "only the ends are stripped: runs of white space inside stay.",
            changed(_LINE, (f'" ".join({_NFC}.split())', f"{_NFC}.strip()")),
        ),
        Mistake(
            "only two blanks",
            "two blanks become one, once: longer runs, tabs and no-break spaces stay.",
            changed(_LINE, (f'" ".join({_NFC}.split())', f'{_NFC}.replace("  ", " ").strip()')),
        ),
        Mistake(
            "no blank left",
            "the blanks between words are gone: join the words with one blank.",
            changed(_LINE, ('" ".join', '"".join')),
        ),
        Mistake(
            "accents thrown away",
            "the accents are gone: they are part of the word, and were to be joined to their "
            "letters.",
            changed(
                _LINE,
                (_NFC, 'unicodedata.normalize("NFD", line).encode("ascii", "ignore").decode()'),
            ),
        ),
    ),
)

# split_sentences --------------------------------------------------------------------------------


def _split_sentences(text, abbreviations):
    sentences, begun = [], []
    words = text.split()
    for word, following in zip(words, [*words[1:], "A"], strict=True):
        begun.append(word)
        if word[-1] in ".!?" and word not in abbreviations and following[0].isupper():
            sentences.append(" ".join(begun))
            begun = []
    if begun:
        sentences.append(" ".join(begun))
    return sentences


def _sentence_cases(rng: np.random.Generator) -> list[Case]:
    x, y, z = (str(w) for w in rng.permutation(["Fay", "Tom", "Nina", "Lewis", "Heidi"])[:3])
    place = str(rng.choice(["park", "garden", "market"]))
    short = ["Mr.", "Dr.", "e.g."]
    ends, names, small, rest = (
        "full stops, questions, exclamations", "abbreviations", "a small letter follows",
        "no mark at the end",
    )  # fmt: skip
    return [
        Case((f"{x} ran.", short), ends),
        Case((f"{x} saw {y}. {y} smiled.", short), ends),
        Case((f"Did {x} run? No! {z} ran.", short), ends),
        Case((f"Dr. {x} met Mr. {y}. {z} smiled.", short), names),
        Case((f"{x} paid 3.50 or so. {y} paid more.", short), ends),
        Case((f"{x} said no. but {y} went on. {z} slept.", short), small),
        Case((f"{x} went home. {y} is in the {place}", short), rest),
    ]


_SENTENCES = code_of(_split_sentences, "split_sentences")
_ENDS = 'word[-1] in ".!?" and word not in abbreviations and following[0].isupper()'

SPLIT_SENTENCES = Exercise(
    name="split_sentences",
    lesson="04",
    task="Cut a text into sentences: at a word that ends in . ! or ?, is no abbreviation, and is "
    "followed by a capital or by nothing.",
    points=5,
    minutes=14,
    difficulty="medium",
    solution=_SENTENCES,
    why="A full stop is not the end of a sentence: it may belong to «Dr.» or to 3.50. What stands "
    "before it and what stands after it decide, and neither decides alone. Text that ends without "
    "a mark is a sentence as well, and must not be lost.",
    hints=(
        "Find three full stops in a newspaper that end no sentence. What tells you so?",
        "Cut at white space, go through the words, and look at each word's last character and at "
        "the next word's first. What is left at the end is a sentence too.",
        'word[-1] in ".!?" and word not in abbreviations and following[0].isupper()',
    ),
    reference=_split_sentences,
    cases=_sentence_cases,
    parts={
        "full stops, questions, exclamations": 2,
        "abbreviations": 1,
        "a small letter follows": 1,
        "no mark at the end": 1,
    },
    refused=REFUSED,
    mistakes=(
        Mistake(
            "at every full stop",
            "the text is cut at every full stop followed by a blank, also after abbreviations and "
            "before small letters.",
            changed(_SENTENCES, (_ENDS, 'word[-1] in ".!?"')),
        ),
        Mistake(
            "abbreviations forgotten",
            "the text is cut after an abbreviation: «Dr.» ends no sentence.",
            changed(_SENTENCES, (" and word not in abbreviations", "")),
        ),
        Mistake(
            "what follows forgotten",
            "the text is cut before a small letter: sentences begin with a capital.",
            changed(_SENTENCES, (" and following[0].isupper()", "")),
        ),
        Mistake(
            "only full stops",
            "questions and exclamations end sentences too: ? and !.",
            changed(_SENTENCES, ('in ".!?"', '== "."')),
        ),
        Mistake(
            "the rest is lost",
            "what stands after the last mark is lost: a text may end without one.",
            changed(
                _SENTENCES,
                ('    if begun:\n        sentences.append(" ".join(begun))\n', ""),
            ),
        ),
        Mistake(
            "the mark is lost",
            "the mark at the end is cut off: it is part of the sentence.",
            changed(
                _SENTENCES,
                (
                    'sentences.append(" ".join(begun))\n            begun',
                    'sentences.append(" ".join(begun)[:-1])\n            begun',
                ),
            ),
        ),
        Mistake(
            "grows on",
            "each sentence holds all those before it: begin anew after each.",
            changed(_SENTENCES, ("            begun = []\n", "")),
        ),
        Mistake(
            "a mark inside a word",
            "a mark anywhere in a word cuts, so 3.50 ends a sentence before a capital and an "
            "abbreviation may: look at the last character.",
            changed(
                _SENTENCES,
                (_ENDS, 'any(mark in word for mark in ".!?") and word not in abbreviations'),
            ),
        ),
    ),
)

EXERCISES = (NORMALIZED_LINE, SPLIT_SENTENCES)
