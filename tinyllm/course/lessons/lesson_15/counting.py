"""Exercises of lesson 15: n-grams that two texts share, and ROUGE-N of them."""

from __future__ import annotations

from collections import Counter

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.lesson_15.patterns import texts
from tinyllm.course.lessons.writing import REFUSED, changed

COUNTER = "from collections import Counter\n\n"

# shared_ngrams ----------------------------------------------------------------------------------


def _shared(candidate, reference, n):
    def ngrams(words):
        return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))

    ours, theirs = ngrams(candidate), ngrams(reference)
    return sum(min(count, theirs[gram]) for gram, count in ours.items())


def _shared_cases(rng: np.random.Generator) -> list[Case]:
    words, twice, longer = "single words", "words that come twice", "pairs and triples"
    drawn = [
        ("a", "a", 1, words),
        ("abcd", "xbad".replace("x", "e"), 1, words),
        ("abcde", "edfgc", 1, words),
        ("aaa", "ab", 1, twice),
        ("ab", "aac", 1, twice),
        ("aabc", "aad", 1, twice),
        ("ab", "ab", 2, longer),
        ("abcd", "abed", 2, longer),
        ("abcabc", "abcdbc", 2, longer),
        ("abcde", "fabcd", 3, longer),
        ("abc", "cba", 2, longer),
        ("a", "ab", 2, longer),
    ]
    return [Case((*texts(rng, one, other), n), part) for one, other, n, part in drawn]


_SHARED = COUNTER + code_of(_shared, "shared_ngrams")
_MIN = "min(count, theirs[gram])"

SHARED_NGRAMS = Exercise(
    name="shared_ngrams",
    lesson="15",
    task="Count the n-grams that two lists of words share, each as often as both have it.",
    points=3,
    minutes=10,
    difficulty="easy",
    solution=_SHARED,
    why="An n-gram that stands three times here and twice there is shared twice: min(3, 2). A "
    "Counter answers 0 for what it has never seen, so n-grams of one text alone add nothing.",
    hints=(
        "Make a Counter of the n-grams of each text, as tuples. How many begin in N words?",
        "There are N - n + 1 places to begin. For each n-gram of the candidate take the smaller "
        "of the two counts, and add them up.",
        "Counter(tuple(words[i : i + n]) for i in range(...)); then sum(min(..., ...) for ...)",
    ),
    reference=_shared,
    cases=_shared_cases,
    parts={"single words": 1, "words that come twice": 1, "pairs and triples": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "not clipped",
            "an n-gram of the candidate counts as often as the candidate repeats it: it may count "
            "only as often as the reference has it too.",
            changed(_SHARED, (_MIN, "count * (gram in theirs)")),
        ),
        Mistake(
            "each n-gram once",
            "each n-gram counts once however often both texts have it: sets forget how often.",
            changed(_SHARED, (_MIN, "min(1, theirs[gram])")),
        ),
        Mistake(
            "as often as the reference has it",
            "an n-gram counts as often as the reference has it, even if the candidate has it once.",
            changed(_SHARED, (_MIN, "theirs[gram]")),
        ),
        Mistake(
            "the larger count",
            "the larger of the two counts is taken: what is shared is the smaller.",
            changed(_SHARED, (_MIN, "max(count, theirs[gram])")),
        ),
        Mistake(
            "the last n-gram is missing",
            "the last n-gram of each text is missing: N words have N - n + 1 of them.",
            changed(_SHARED, ("len(words) - n + 1", "len(words) - n")),
        ),
        Mistake(
            "ends that are too short",
            "at the end of a text slices get shorter than n, and they are counted too.",
            changed(_SHARED, ("len(words) - n + 1", "len(words)")),
        ),
        Mistake(
            "words alone",
            "these are the words that both share, whatever n is.",
            changed(
                _SHARED,
                ("words[i : i + n]", "words[i : i + 1]"),
                ("len(words) - n + 1", "len(words)"),
            ),
        ),
        Mistake(
            "n-grams that do not overlap",
            "the n-grams are cut one after the other; each word but the last ones begins one.",
            changed(_SHARED, ("len(words) - n + 1)", "0, len(words) - n + 1, n)")).replace(
                "range(0, 0,", "range(0,"
            ),
        ),
    ),
)

# rouge_n_triple ---------------------------------------------------------------------------------


def _triple(candidate, reference, n):
    def ngrams(words):
        return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))

    ours, theirs = ngrams(candidate), ngrams(reference)
    shared = sum(min(count, theirs[gram]) for gram, count in ours.items())
    precision = shared / max(sum(ours.values()), 1)
    recall = shared / max(sum(theirs.values()), 1)
    f = 2 * precision * recall / (precision + recall) if shared else 0.0
    return precision, recall, f


def _triple_cases(rng: np.random.Generator) -> list[Case]:
    words, longer, nothing = "ROUGE-1", "ROUGE-2", "nothing in common"
    drawn = [
        ("a", "b", 1, nothing),
        ("ab", "cd", 2, nothing),
        ("a", "ab", 2, nothing),
        ("ab", "acd", 1, words),
        ("abcde", "abf", 1, words),
        ("aab", "abcde", 1, words),
        ("abcd", "abce", 2, longer),
        ("abcdef", "xabcd".replace("x", "g"), 2, longer),
        ("ababc", "dabcefg", 2, longer),
    ]
    return [Case((*texts(rng, one, other), n), part) for one, other, n, part in drawn]


_TRIPLE = COUNTER + code_of(_triple, "rouge_n_triple")
_F = "2 * precision * recall / (precision + recall) if shared else 0.0"

ROUGE_N_TRIPLE = Exercise(
    name="rouge_n_triple",
    lesson="15",
    task="Give ROUGE-N's precision, recall and F of a candidate for a reference, lists of words.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_TRIPLE,
    why="Precision divides what is shared by what the candidate says, recall by what the reference "
    "says: both in n-grams, N - n + 1 of N words. F is their harmonic mean, which is near the "
    "smaller of the two, so neither a single safe word nor a whole novel gets a high one.",
    hints=(
        "Three counts are enough: n-grams shared, of the candidate, of the reference.",
        "Precision is over the candidate's n-grams, recall over the reference's. A text shorter "
        "than n has none: say 0, and divide by nothing.",
        "precision = shared / max(len(candidate) - n + 1, 1); the same for recall; then "
        "2 P R / (P + R), or 0.0 where nothing is shared",
    ),
    reference=_triple,
    cases=_triple_cases,
    parts={"ROUGE-1": 1, "ROUGE-2": 2, "nothing in common": 1},
    refused=REFUSED,
    needs=("shared_ngrams",),
    mistakes=(
        Mistake(
            "precision and recall exchanged",
            "precision and recall have changed places: precision is over the candidate's n-grams.",
            changed(_TRIPLE, ("return precision, recall, f", "return recall, precision, f")),
        ),
        Mistake(
            "the plain mean",
            "F is the plain mean of precision and recall; the harmonic mean was asked.",
            changed(_TRIPLE, (_F, "(precision + recall) / 2")),
        ),
        Mistake(
            "the 2 is missing",
            "F is half of what it should be: two equal texts must get 1.",
            changed(_TRIPLE, ("2 * precision", "precision")),
        ),
        Mistake(
            "divided by words",
            "they are divided by the number of words: N words have N - n + 1 n-grams.",
            changed(
                _TRIPLE,
                ("max(sum(ours.values()), 1)", "len(candidate)"),
                ("max(sum(theirs.values()), 1)", "len(reference)"),
            ),
        ),
        Mistake(
            "not clipped",
            "a repeated n-gram counts more often than the reference has it.",
            changed(_TRIPLE, ("min(count, theirs[gram])", "count * (gram in theirs)")),
        ),
        Mistake(
            "0 / 0",
            "where nothing is shared, or a text is shorter than n, there is a division by 0.",
            changed(
                _TRIPLE,
                ("max(sum(ours.values()), 1)", "sum(ours.values())"),
                ("max(sum(theirs.values()), 1)", "sum(theirs.values())"),
                (" if shared else 0.0", ""),
            ),
        ),
        Mistake(
            "ROUGE-1 whatever n is",
            "this is ROUGE-1, whatever n is.",
            changed(
                _TRIPLE,
                ("words[i : i + n]", "words[i : i + 1]"),
                ("len(words) - n + 1", "len(words)"),
            ),
        ),
        Mistake(
            "the geometric mean",
            "F is the root of precision times recall; the harmonic mean was asked.",
            changed(_TRIPLE, (_F, "(precision * recall) ** 0.5")),
        ),
    ),
)

EXERCISES = (SHARED_NGRAMS, ROUGE_N_TRIPLE)
