"""Exercises of lesson 15: the longest common subsequence, and a ROUGE-L that is too low."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.lesson_15.patterns import texts
from tinyllm.course.lessons.writing import REFUSED, changed

# longest_common_length --------------------------------------------------------------------------


def _length(one, other):
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            if one[i - 1] == other[j - 1]:
                table[i][j] = table[i - 1][j - 1] + 1
            else:
                table[i][j] = max(table[i - 1][j], table[i][j - 1])
    return table[-1][-1]


def _length_cases(rng: np.random.Generator) -> list[Case]:
    same, gaps, once = "words side by side", "words with gaps", "each word once"
    drawn = [
        ("a", "a", same),
        ("ab", "cab", same),
        ("abc", "dab", same),
        ("abc", "cab", gaps),
        ("abcd", "aebfd", gaps),
        ("abcdef", "bacfde", gaps),
        ("hadbecfg", "dabecfgh", gaps),
        ("aa", "a", once),
        ("a", "aa", once),
        ("abab", "baab", once),
        ("abcbdab" * 6, "bdcaba" * 6, "long texts"),
    ]
    return [Case(tuple(texts(rng, one, other)), part) for one, other, part in drawn]


_LENGTH = code_of(_length, "longest_common_length")
_MATCH = "table[i][j] = table[i - 1][j - 1] + 1"
_BEST = "table[i][j] = max(table[i - 1][j], table[i][j - 1])"
_SORTED = """\
from collections import Counter

def longest_common_length(one, other):
    return (Counter(one) & Counter(other)).total()
"""
_GREEDY = """\
def longest_common_length(one, other):
    found, start = 0, 0
    for word in one:
        if word in other[start:]:
            start = other.index(word, start) + 1
            found += 1
    return found
"""

LONGEST_COMMON_LENGTH = Exercise(
    name="longest_common_length",
    lesson="15",
    task="Give the length of the longest common subsequence of two lists of words.",
    points=5,
    minutes=18,
    difficulty="hard",
    solution=_LENGTH,
    why="The last words are equal, and then they may as well be the last pair; or they are not, "
    "and then one of them is not needed. Each case rests on shorter beginnings, of which there are "
    "only (N + 1)(M + 1), so a table holds them all and no answer is worked out twice.",
    hints=(
        "Let t[i][j] be the answer for the first i words of one and the first j of the other. "
        "What is t[0][j]?",
        "If the last words are equal, t[i][j] is one more than t[i-1][j-1]; if not, the better "
        "of t[i-1][j] and t[i][j-1].",
        "A table of (len(one) + 1) rows of zeros; two loops from 1 on, in which one[i - 1] meets "
        "other[j - 1]; return the last number of the last row",
    ),
    reference=_length,
    cases=_length_cases,
    parts={
        "words side by side": 1,
        "words with gaps": 2,
        "each word once": 1,
        "long texts": 1,
    },
    refused=(*REFUSED, "difflib"),
    mistakes=(
        Mistake(
            "a common substring",
            "this is the longest run of words that stand side by side in both: a subsequence may "
            "leave words out.",
            changed(_LENGTH, (_BEST, "table[i][j] = 0"), ("table[-1][-1]", "max(map(max, table))")),
        ),
        Mistake(
            "the order is lost",
            "this counts the words that both have, in any order.",
            _SORTED,
        ),
        Mistake(
            "the next one that fits",
            "each word takes the next place that fits, and a word that is taken late bars all "
            "before it: sometimes a word had better be left out.",
            _GREEDY,
        ),
        Mistake(
            "a word used twice",
            "one word meets two of the other text: a pair uses up both, so it rests on "
            "t[i - 1][j - 1].",
            changed(_LENGTH, (_MATCH, "table[i][j] = max(table[i - 1][j], table[i][j - 1]) + 1")),
        ),
        Mistake(
            "one way alone",
            "where the words differ, only a word of `one` may be left out: it may as well be one "
            "of `other`.",
            changed(_LENGTH, (_BEST, "table[i][j] = table[i - 1][j]")),
        ),
        Mistake(
            "the last word is missing",
            "the last word of each text is never looked at: the loops end one too early.",
            changed(
                _LENGTH,
                ("range(1, len(one) + 1)", "range(1, len(one))"),
                ("range(1, len(other) + 1)", "range(1, len(other))"),
                ("table[-1][-1]", "table[len(one) - 1][len(other) - 1]"),
            ),
        ),
        Mistake(
            "place by place",
            "only words at the same place in both texts are compared.",
            "def longest_common_length(one, other):\n"
            "    return sum(a == b for a, b in zip(one, other))\n",
        ),
    ),
)

# rouge_l_f1: find the bug -----------------------------------------------------------------------


def _rouge_l(candidate, reference):
    row = [0] * (len(reference) + 1)
    for word in candidate:
        before, row = row, [0]
        for j, other in enumerate(reference):
            row.append(before[j] + 1 if word == other else max(before[j + 1], row[j]))
    common = row[-1]
    return 2 * common / (len(candidate) + len(reference))


def _rouge_l_cases(rng: np.random.Generator) -> list[Case]:
    easy, late = "where greed does no harm", "where a word is better left out"
    drawn = [
        ("a", "a", easy),
        ("abcd", "aebfd", easy),
        ("abc", "def", easy),
        ("abcdefg", "abc", easy),
        ("dabc", "abcd", late),
        ("hadbecfg", "dabecfgh", late),
        ("cabdcab", "abdabec", late),
        ("abcd", "dabc", late),
        ("aabc", "bcadea", late),
        ("dabcf", "fabcd", late),
    ]
    return [Case(tuple(texts(rng, one, other)), part) for one, other, part in drawn]


_ROUGE_L = code_of(_rouge_l, "rouge_l_f1")
_RATIO = "2 * common / (len(candidate) + len(reference))"
_GREEDY_L = """\
def rouge_l_f1(candidate, reference):
    common, start = 0, 0
    for word in candidate:
        if word in reference[start:]:
            start = reference.index(word, start) + 1
            common += 1
    return 2 * common / (len(candidate) + len(reference))
"""

ROUGE_L_F1 = Exercise(
    name="rouge_l_f1",
    lesson="15",
    task="Find the bug in greedy_rouge_l, whose score changes when the two texts are exchanged, "
    "and write ROUGE-L's F without it.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_ROUGE_L,
    why="Each word took the first place that was left, so one word with a late place barred all "
    "places before it. The longest common subsequence weighs both: take the word, or leave it out. "
    "F of c / n and c / m is 2 c / (n + m), which is the same for exchanged texts.",
    hints=(
        "Follow the greedy loop by hand for d a b c and a b c d. What does it do with d?",
        "Use the table of the longest common subsequence in place of the loop. Then precision is "
        "common / len(candidate), and recall common / len(reference).",
        "common = longest_common_length(candidate, reference); F = 2 common / (... + ...)",
    ),
    reference=_rouge_l,
    cases=_rouge_l_cases,
    parts={"where greed does no harm": 1, "where a word is better left out": 3},
    refused=(*REFUSED, "difflib"),
    needs=("longest_common_length",),
    mistakes=(
        Mistake(
            "as it was given",
            "each word still takes the next place that fits, as in greedy_rouge_l.",
            _GREEDY_L,
        ),
        Mistake(
            "greedy from the other side",
            "now the reference's words take the next place that fits: exchanged, and still greedy.",
            changed(
                _GREEDY_L,
                ("for word in candidate", "for word in reference"),
                ("in reference[start:]", "in candidate[start:]"),
                ("reference.index", "candidate.index"),
            ),
        ),
        Mistake(
            "greedy both ways",
            "the better of two greedy runs is exchangeable, but it is still not the longest.",
            _GREEDY_L.replace("rouge_l_f1", "greedy") + "\ndef rouge_l_f1(candidate, reference):\n"
            "    return max(greedy(candidate, reference), greedy(reference, candidate))\n",
        ),
        Mistake(
            "the order is lost",
            "words count in any order: that is ROUGE-1, not ROUGE-L.",
            changed(
                _ROUGE_L,
                ("    common = row[-1]\n", "    common = (C(candidate) & C(reference)).total()\n"),
            ).replace("def ", "from collections import Counter as C\n\ndef ", 1),
        ),
        Mistake(
            "recall alone",
            "this is the recall: F has the candidate's length below the line too.",
            changed(_ROUGE_L, (_RATIO, "common / len(reference)")),
        ),
        Mistake(
            "precision alone",
            "this is the precision: F has the reference's length below the line too.",
            changed(_ROUGE_L, (_RATIO, "common / len(candidate)")),
        ),
        Mistake(
            "the 2 is missing",
            "equal texts get 0.5: the harmonic mean has a 2 above the line.",
            changed(_ROUGE_L, ("2 * common", "common")),
        ),
    ),
)

EXERCISES = (LONGEST_COMMON_LENGTH, ROUGE_L_F1)
