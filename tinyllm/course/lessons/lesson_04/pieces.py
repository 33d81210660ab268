"""Exercises of lesson 04: encoding by merges, and WordPiece's longest pieces."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.lesson_04.merging import MERGE_PAIR, _letters, _merge_pair
from tinyllm.course.lessons.writing import REFUSED, changed

# encode_by_merges: find the bug -----------------------------------------------------------------


def _encode_by_merges(word, merges):
    symbols = tuple(word)
    for pair in merges:
        symbols = _merge_pair(symbols, pair)
    return symbols


def _encode_cases(rng: np.random.Generator) -> list[Case]:
    a, b, c, d, e, _ = _letters(rng)
    one, order, none = "one merge", "the order of learning", "nothing to merge"
    learnt = [(b, c), (a, b), (a, b + c), (d, e), (a + b + c, d + e), (c, a)]
    return [
        Case((a + b, [(a, b)]), one),
        Case((c + a + b + a + b, [(a, b)]), one),
        Case((a + b + c, learnt[:2]), order),
        Case((a + b + c + d + e, learnt), order),
        Case((d + a + b + c + a + b + e, learnt), order),
        Case((a + b + d, learnt), order),
        Case((b + c + a, learnt), order),
        Case((e + d + c, learnt), none),
        Case((a, learnt), none),
    ]


_ENCODE = "\n\n".join(
    [
        MERGE_PAIR.solution,
        code_of(_encode_by_merges, "encode_by_merges").replace("_merge_pair(", "merge_pair("),
    ]
)
_LOOP = "    for pair in merges:\n        symbols = merge_pair(symbols, pair)\n"

ENCODE_BY_MERGES = Exercise(
    name="encode_by_merges",
    lesson="04",
    task="Find the bug in greedy_pieces and encode a word without it: as the merges were learnt.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_ENCODE,
    why="A merge was learnt on words in which all earlier merges had been made already. Only the "
    "same order gives the same pieces as in training. The longest known piece from the left is "
    "WordPiece's rule, not that of byte-pair encoding, and it gives other pieces.",
    hints=(
        "Take the merges (b, c) and (a, b), in this order, and the word abc. In training, what "
        "became of it?",
        "Go through the merges in the order in which they were learnt, and make each one wherever "
        "it fits. merge_pair does one.",
        "symbols = tuple(word); for pair in merges: symbols = ...",
    ),
    reference=_encode_by_merges,
    cases=_encode_cases,
    parts={"one merge": 1, "the order of learning": 2, "nothing to merge": 1},
    refused=REFUSED,
    needs=("merge_pair",),
    mistakes=(
        Mistake(
            "as it was given",
            "the longest known piece is taken from the left, as in greedy_pieces: merges must be "
            "made in the order in which they were learnt.",
            changed(
                _ENCODE,
                (
                    "    symbols = tuple(word)\n" + _LOOP + "    return symbols\n",
                    "    known = {*word, *(left + right for left, right in merges)}\n"
                    "    pieces = []\n"
                    "    while word:\n"
                    "        length = len(word)\n"
                    "        while word[:length] not in known:\n"
                    "            length -= 1\n"
                    "        pieces.append(word[:length])\n"
                    "        word = word[length:]\n"
                    "    return tuple(pieces)\n",
                ),
            ),
        ),
        Mistake(
            "the last merge first",
            "the merges are made from the last to the first: the earliest was learnt first.",
            changed(_ENCODE, ("for pair in merges:", "for pair in merges[::-1]:")),
        ),
        Mistake(
            "the leftmost pair first",
            "the leftmost pair that is known is merged first, whenever it was learnt: the order "
            "of learning decides.",
            changed(
                _ENCODE,
                (
                    _LOOP,
                    "    while True:\n"
                    "        pairs = [p for p in zip(symbols, symbols[1:]) if p in merges]\n"
                    "        if not pairs:\n"
                    "            break\n"
                    "        symbols = merge_pair(symbols, pairs[0])\n",
                ),
            ),
        ),
        Mistake(
            "the first merge alone",
            "only the first merge that fits is made: go on to the others.",
            changed(
                _ENCODE,
                (
                    "        symbols = merge_pair(symbols, pair)\n",
                    "        if merge_pair(symbols, pair) != symbols:\n"
                    "            return merge_pair(symbols, pair)\n",
                ),
            ),
        ),
        Mistake(
            "not merged at all",
            "the word is cut into letters and stays so.",
            changed(_ENCODE, (_LOOP, "")),
        ),
        Mistake(
            "always begun anew",
            "each merge begins from the letters again, so the merges of merges never fit.",
            changed(
                _ENCODE,
                ("symbols = merge_pair(symbols, pair)", "symbols = merge_pair(tuple(word), pair)"),
            ),
        ),
    ),
)

# longest_pieces ---------------------------------------------------------------------------------


def _longest_pieces(word, vocabulary):
    pieces, start = [], 0
    while start < len(word):
        mark = "##" if start else ""
        end = len(word)
        while end > start and mark + word[start:end] not in vocabulary:
            end -= 1
        if end == start:
            return ["[UNK]"]
        pieces.append(mark + word[start:end])
        start = end
    return pieces


def _pieces_cases(rng: np.random.Generator) -> list[Case]:
    a, b, c, d, e, f = _letters(rng)
    whole, marks, unknown = "known words", "pieces that go on", "unknown words"
    known = {a, a + b, a + b + c, b, "##" + b, "##" + c, "##" + c + d, "##" + d, "##" + d + e, c}
    return [
        Case((a, {a, b}), whole),
        Case((a + b + c, known), whole),
        Case((a + b + c + d, known), marks),
        Case((a + c + d + e, known | {"##" + e}), marks),
        Case((b + b + c + d, known), marks),
        Case((a + b + f, known), unknown),
        Case((e + a, known), unknown),
        Case((a + a, known), unknown),
    ]


_PIECES = code_of(_longest_pieces, "longest_pieces")
_GIVE_UP = '            return ["[UNK]"]\n'

LONGEST_PIECES = Exercise(
    name="longest_pieces",
    lesson="04",
    task="Cut a word into WordPiece's pieces: the longest in the vocabulary from the left, those "
    "after the first with ##; ['[UNK]'] where none fits.",
    points=5,
    minutes=12,
    difficulty="medium",
    solution=_PIECES,
    why="WordPiece knows no merges when it encodes, only a set of pieces: it takes the longest "
    "that fits, and goes on behind it. It never comes back on a choice, so a word may become "
    "unknown although another cut would have done.",
    hints=(
        "Cut «unaffable» by hand with the pieces un, ##aff, ##able, ##a, ##f.",
        "From a start, try the ends from the last to the first. What stands after the first piece "
        "needs ## before it is looked up. If no end fits, the whole word is unknown.",
        "while end > start and mark + word[start:end] not in vocabulary: end -= 1",
    ),
    reference=_longest_pieces,
    cases=_pieces_cases,
    parts={"known words": 1, "pieces that go on": 2, "unknown words": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the shortest",
            "the shortest piece is taken: begin with the longest.",
            changed(
                _PIECES,
                ("end = len(word)", "end = start + 1"),
                ("end > start and mark", "end <= len(word) and mark"),
                ("end -= 1", "end += 1"),
                ("if end == start:", "if end > len(word):"),
            ),
        ),
        Mistake(
            "no marks",
            "pieces after the first are looked up without ##: «able» at the start of a word is not "
            "the «##able» inside one.",
            changed(_PIECES, ('"##" if start else ""', '""')),
        ),
        Mistake(
            "marks looked up, not given",
            "the pieces are right but have lost their ##: it belongs to the piece.",
            changed(
                _PIECES, ("pieces.append(mark + word[start:end])", "pieces.append(word[start:end])")
            ),
        ),
        Mistake(
            "the first is marked too",
            "the first piece is looked up with ## as well: it stands at the start of a word.",
            changed(_PIECES, ('"##" if start else ""', '"##"')),
        ),
        Mistake(
            "only the rest is unknown",
            "only what is left over becomes [UNK]: the whole word does.",
            changed(_PIECES, ('return ["[UNK]"]', 'return [*pieces, "[UNK]"]')),
        ),
        Mistake(
            "unknown letters passed over",
            "where no piece fits, a letter is passed over: the whole word is unknown.",
            changed(
                _PIECES,
                (_GIVE_UP, "            start += 1\n            continue\n"),
            ),
        ),
        Mistake(
            "a word is known or not",
            "only whole words are looked up: a word that is not known is cut into pieces.",
            changed(
                _PIECES,
                (
                    _PIECES.split("\n", 1)[1],
                    '    return [word] if word in vocabulary else ["[UNK]"]\n',
                ),
            ),
        ),
    ),
)

EXERCISES = (ENCODE_BY_MERGES, LONGEST_PIECES)
