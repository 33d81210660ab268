"""Exercises of lesson 15: the best sentence to copy, and how many high scores are false."""

from __future__ import annotations

from collections import Counter

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.lesson_15.patterns import texts
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# oracle_extract ---------------------------------------------------------------------------------


def _oracle(sentences, reference):
    wanted = Counter(reference.split())

    def f1(sentence):
        words = sentence.split()
        shared = (Counter(words) & wanted).total()
        return 2 * shared / (len(words) + wanted.total())

    return max(range(len(sentences)), key=lambda i: f1(sentences[i]))


def _oracle_cases(rng: np.random.Generator) -> list[Case]:
    best, ties = "the best sentence", "the first of equals"
    drawn = [
        ("a", ["a"], best),
        ("abcd", ["efgh", "abce", "ijkl"], best),
        ("abcd", ["abefghijklm", "abc", "a", "ef"], best),
        ("abcd", ["abcdefghijklm", "ab", "abce", "n"], best),
        ("aabc", ["ade", "aab", "bcf", "abdef"], best),
        ("abcd", ["efgh", "abce", "abcf", "ijkl"], ties),
    ]
    cases = []
    for reference, sentences, part in drawn:
        wanted, *said = (" ".join(words) for words in texts(rng, reference, *sentences))
        cases.append(Case((said, wanted), part))
    return cases


_ORACLE = "from collections import Counter\n\n" + code_of(_oracle, "oracle_extract")
_F = "2 * shared / (len(words) + wanted.total())"

ORACLE_EXTRACT = Exercise(
    name="oracle_extract",
    lesson="15",
    task="Give the number of the sentence with the highest ROUGE-1 F for the reference.",
    points=3,
    minutes=10,
    difficulty="medium",
    solution=_ORACLE,
    why="The oracle knows the reference, which no summariser does: it is no system but a bound, "
    "the best that copying one sentence can reach. max over numbers with a key keeps the first "
    "of equals.",
    hints=(
        "Give each sentence its F, and then ask where the largest is.",
        "F of one sentence is 2 shared / (its words + the reference's words).",
        "max(range(len(sentences)), key=...): of equals it takes the first",
    ),
    reference=_oracle,
    cases=_oracle_cases,
    parts={"the best sentence": 2, "the first of equals": 1},
    refused=REFUSED,
    needs=("shared_ngrams", "rouge_n_triple"),
    mistakes=(
        Mistake(
            "recall",
            "the sentence with the highest recall is taken: a long one has it easily.",
            changed(_ORACLE, (_F, "shared / wanted.total()")),
        ),
        Mistake(
            "precision",
            "the sentence with the highest precision is taken: a short one has it easily.",
            changed(_ORACLE, (_F, "shared / len(words)")),
        ),
        Mistake(
            "the lead",
            "this is always the first sentence, the lead.",
            "def oracle_extract(sentences, reference):\n    return 0\n",
        ),
        Mistake(
            "the last of equals",
            "of sentences with the same F the last is taken: the first was asked.",
            changed(_ORACLE, ("max(range(len(sentences))", "max(reversed(range(len(sentences)))")),
        ),
        Mistake(
            "the sentence itself",
            "this is the sentence: its number was asked.",
            changed(
                _ORACLE,
                ("max(range(len(sentences)), key=lambda i: f1(sentences[i]))",
                 "max(sentences, key=f1)"),
            ),
        ),
        Mistake(
            "the score",
            "this is the best F: the number of the sentence that has it was asked.",
            changed(
                _ORACLE,
                ("max(range(len(sentences)), key=lambda i: f1(sentences[i]))",
                 "max(map(f1, sentences))"),
            ),
        ),
        Mistake(
            "the worst",
            "this is the sentence with the lowest F.",
            changed(_ORACLE, ("return max(", "return min(")),
        ),
    ),
)  # fmt: skip

# false_share_above ------------------------------------------------------------------------------


def _false_share(scores, is_false, threshold):
    return is_false[scores >= threshold].mean()


def _false_share_cases(rng: np.random.Generator) -> list[Case]:
    at, above = "scores at the threshold", "scores above it"
    cases = [
        Case((np.array([0.9]), np.array([True]), 0.5), above),
        Case((np.array([0.9, 0.6, 0.8, 0.2, 0.1]), np.array([1, 1, 0, 0, 0], bool), 0.5), above),
        Case((np.array([0.75, 1.0, 0.5, 0.25]), np.array([1, 0, 0, 0], bool), 0.75), at),
    ]
    for threshold in (0.5, 0.8):
        scores = np.concatenate([rng.uniform(0.81, 1, 5), rng.uniform(0, 0.49, 4)])
        order = rng.permutation(9)
        false = np.array([1, 0, 1, 0, 0, 1, 1, 1, 1], bool)
        cases.append(Case((scores[order], false[order], threshold), above))
    return cases


_FALSE_SHARE = solution_of(_false_share, "false_share_above")
_ONE = "is_false[scores >= threshold].mean()"

FALSE_SHARE_ABOVE = Exercise(
    name="false_share_above",
    lesson="15",
    task="Of the summaries whose score is at least the threshold, give the share that are false.",
    points=2,
    minutes=4,
    difficulty="easy",
    solution=_FALSE_SHARE,
    why="The mask chooses the summaries with a high score, and the mean of their truth values is "
    "the share of True. The question is which part of the high ones is false, so the high ones "
    "stand below the line.",
    hints=(
        "First choose the summaries, then count among those alone.",
        "A mask, scores >= threshold, chooses; the mean of True and False is a share.",
        "is_false[...].mean()",
    ),
    reference=_false_share,
    cases=_false_share_cases,
    parts={"scores above it": 1, "scores at the threshold": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "of all",
            "the false ones with a high score are divided by all summaries: the high ones alone "
            "stand below the line.",
            changed(_FALSE_SHARE, (_ONE, "(is_false & (scores >= threshold)).mean()")),
        ),
        Mistake(
            "the other way round",
            "this is the share of the false ones that have a high score: the share of the high "
            "ones that are false was asked.",
            changed(_FALSE_SHARE, (_ONE, "(scores >= threshold)[is_false].mean()")),
        ),
        Mistake(
            "above alone",
            "a score just at the threshold counts too.",
            changed(_FALSE_SHARE, ("scores >= threshold", "scores > threshold")),
        ),
        Mistake(
            "the true ones",
            "this is the share of those that are not false.",
            changed(_FALSE_SHARE, (_ONE, "1 - is_false[scores >= threshold].mean()")),
        ),
        Mistake(
            "the number of them",
            "this is how many are false: their share was asked.",
            changed(_FALSE_SHARE, (".mean()", ".sum()")),
        ),
    ),
)
