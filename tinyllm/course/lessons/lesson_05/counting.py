"""Exercises of lesson 05: each word's most frequent tag, and the tables of a Markov model."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# most_frequent_tags -----------------------------------------------------------------------------


def _most_frequent_tags(pairs):
    counts = {}
    for word, tag in pairs:
        own = counts.setdefault(word, {})
        own[tag] = own.get(tag, 0) + 1
    return {word: min(own, key=lambda tag: (-own[tag], tag)) for word, own in counts.items()}


def _frequent_cases(rng: np.random.Generator) -> list[Case]:
    values, ties = "the most frequent tag", "ties"
    tags = [str(tag) for tag in rng.permutation(("ADV", "AUX", "NOUN", "VERB"))]
    many = [(word, tags[k]) for word in ("May", "may") for k in (0, 0, 0, 0, 1, 1, 2)]
    many = [many[i] for i in rng.permutation(len(many))]
    shuffled = [("home", "NOUN")] * 3 + [("home", "ADV")] * 2 + [("had", "AUX"), ("May", "NOUN")]
    order = rng.permutation(len(shuffled))
    turn = [("had", "VERB"), ("had", "AUX"), ("had", "AUX"), ("had", "VERB"), ("may", "AUX")]
    return [
        Case(([("home", "NOUN")],), values),
        Case(([("had", "AUX"), ("had", "VERB"), ("had", "VERB"), ("had", "NOUN")],), values),
        Case(([shuffled[i] for i in order],), values),
        Case(([("May", "NOUN"), ("may", "AUX"), ("may", "AUX")],), values),
        Case((many,), values),
        Case(([("had", "VERB"), ("had", "AUX")],), ties),
        Case(([("home", "ADV"), ("home", "NOUN")],), ties),
        Case((turn,), ties),
    ]


_FREQUENT = code_of(_most_frequent_tags, "most_frequent_tags")
_LEAST = "min(own, key=lambda tag: (-own[tag], tag))"
_ADD = "own[tag] = own.get(tag, 0) + 1"

MOST_FREQUENT_TAGS = Exercise(
    name="most_frequent_tags",
    lesson="05",
    task="From a list of (word, tag) make the dictionary that gives each word its most frequent "
    "tag, and of two equally frequent ones the first in the alphabet.",
    points=3,
    minutes=10,
    difficulty="easy",
    solution=_FREQUENT,
    why="A dictionary for each word counts its tags. The smallest pair (-count, tag) is the most "
    "frequent tag, and among equals the first of the alphabet: the rule for ties makes the result "
    "the same in whatever order the text was read.",
    hints=(
        "You need a count for each word and each tag: a dictionary of dictionaries, or a Counter "
        "for each word.",
        "Count first, decide after. For the decision min() with a key that is a pair settles "
        "frequency and alphabet at once.",
        "min(own, key=lambda tag: (-own[tag], tag))",
    ),
    reference=_most_frequent_tags,
    cases=_frequent_cases,
    parts={"the most frequent tag": 2, "ties": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the last one",
            "each word has the tag that it had last: dict(pairs) overwrites, it does not count.",
            changed(_FREQUENT, (_ADD, "own.clear()\n        own[tag] = 1")),
        ),
        Mistake(
            "the first one",
            "each word has the tag that it had first: nothing is counted.",
            changed(_FREQUENT, (_ADD, "own.setdefault(tag, -len(own))")),
        ),
        Mistake(
            "ties by order",
            "of two equally frequent tags the one that came first in the text is taken, as max "
            "with a count alone does: the first in the alphabet was asked.",
            changed(_FREQUENT, (_LEAST, "max(own, key=own.get)")),
        ),
        Mistake(
            "ties from the end of the alphabet",
            "of two equally frequent tags the last in the alphabet is taken: max over (count, tag) "
            "does that.",
            changed(_FREQUENT, (_LEAST, "max(own, key=lambda tag: (own[tag], tag))")),
        ),
        Mistake(
            "the least frequent",
            "this is the least frequent tag: which way does the sign of the count go?",
            changed(_FREQUENT, ("(-own[tag], tag)", "(own[tag], tag)")),
        ),
        Mistake(
            "small letters",
            "words are counted in small letters: «May» and «may» are different words here.",
            changed(_FREQUENT, ("counts.setdefault(word,", "counts.setdefault(word.lower(),")),
        ),
        Mistake(
            "the counts themselves",
            "these are the counts: one tag for each word was asked.",
            changed(_FREQUENT, (_LEAST, "own")),
        ),
    ),
)

# hmm_tables -------------------------------------------------------------------------------------


def _hmm_tables(words, tags, V, K, strength):
    start = np.full(K, strength, float)
    steps = np.full((K, K), strength, float)
    emits = np.full((K, V), strength, float)
    np.add.at(start, tags[:, 0], 1)
    np.add.at(steps, (tags[:, :-1], tags[:, 1:]), 1)
    np.add.at(emits, (tags, words), 1)
    start = start / start.sum()
    steps = steps / steps.sum(axis=1, keepdims=True)
    emits = emits / emits.sum(axis=1, keepdims=True)
    return start, steps, emits


def _hmm_cases(rng: np.random.Generator) -> list[Case]:
    one, several = "one sentence", "several sentences"
    never = "tags and words that never came"

    def text(N: int, T: int, V: int, K: int, strength: float, seen: int = 0) -> tuple:
        words, tags = rng.integers(V - seen, size=(N, T)), rng.integers(K - bool(seen), size=(N, T))
        return words, tags, V, K, strength

    small = np.array([[0, 0, 1]]), np.array([[0, 0, 1]]), 2, 2, 1.0
    return [
        Case((np.array([[0]]), np.array([[0]]), 2, 2, 1.0), one),
        Case(small, one),
        Case(text(1, 12, 3, 2, 0.5), one),
        Case((np.array([[0, 1], [1, 0]]), np.array([[0, 1], [0, 1]]), 2, 2, 1.0), several),
        Case(text(8, 5, 4, 3, 0.25), several),
        Case(text(14, 6, 6, 4, 0.5, seen=2), never),
    ]


_HMM = solution_of(_hmm_tables, "hmm_tables")
_STEP = "np.add.at(steps, (tags[:, :-1], tags[:, 1:]), 1)"
_EMIT = "np.add.at(emits, (tags, words), 1)"
_TWO_SUMS = ".sum(axis=1, keepdims=True)"

HMM_TABLES = Exercise(
    name="hmm_tables",
    lesson="05",
    task="From words and tags (N, T) count the three smoothed tables of a hidden Markov model: "
    "start (K), steps (K, K), emits (K, V).",
    points=5,
    minutes=18,
    difficulty="medium",
    solution=_HMM,
    why="Each row is a die of its own: which tag begins, which follows tag s, which word tag t "
    "utters. Strength added to every count before the division keeps every row summing to 1 and "
    "nothing at 0. A sentence's last tag is followed by nothing, so the steps are counted along "
    "each row of the text and not round the corner.",
    hints=(
        "Three tables, three kinds of events to count. How many steps does a sentence of T words "
        "have?",
        "Fill each table with `strength`, add 1 for each event with np.add.at, and only then "
        "divide each row by its sum.",
        "np.add.at(steps, (tags[:, :-1], tags[:, 1:]), 1); steps / steps.sum(axis=1, ...)",
    ),
    reference=_hmm_tables,
    cases=_hmm_cases,
    parts={"one sentence": 2, "several sentences": 2, "tags and words that never came": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "round the corner",
            "the last tag of one sentence is counted as followed by the first of the next: steps "
            "stay inside a sentence.",
            changed(_HMM, (_STEP, "np.add.at(steps, (tags.ravel()[:-1], tags.ravel()[1:]), 1)")),
        ),
        Mistake(
            "events counted once",
            "an event that comes again is counted once: += with index arrays adds only one time "
            "for equal places.",
            changed(
                _HMM,
                ("np.add.at(start, tags[:, 0], 1)", "start[tags[:, 0]] += 1"),
                (_STEP, "steps[tags[:, :-1], tags[:, 1:]] += 1"),
                (_EMIT, "emits[tags, words] += 1"),
            ),
        ),
        Mistake(
            "no smoothing",
            "nothing is added to the counts: what never came has the share 0, and a tag that never "
            "came has a row of 0 / 0.",
            changed(_HMM, ("strength, float", "0.0, float")),
        ),
        Mistake(
            "smoothed too late",
            "the strength is added to shares, after the division: the rows no longer sum to 1. It "
            "belongs to the counts.",
            changed(
                _HMM,
                ("strength, float", "0.0, float"),
                ("start / start.sum()", "start / start.sum() + strength"),
                (
                    f"steps / steps{_TWO_SUMS}",
                    f"steps / np.maximum(steps{_TWO_SUMS}, 1) + strength",
                ),
                (
                    f"emits / emits{_TWO_SUMS}",
                    f"emits / np.maximum(emits{_TWO_SUMS}, 1) + strength",
                ),
            ),
        ),
        Mistake(
            "always one",
            "1 is added to every count: `strength` was asked.",
            changed(_HMM, ("strength, float", "1.0, float")),
        ),
        Mistake(
            "the tag of a word",
            "the columns of emits sum to 1: that is P(tag | word). A tag utters words here, so it "
            "is the rows.",
            changed(_HMM, (f"emits{_TWO_SUMS}", "emits.sum(axis=0, keepdims=True)")),
        ),
        Mistake(
            "all of it sums to 1",
            "the counts are divided by their sum over the whole table: each row should sum to 1.",
            changed(
                _HMM, (f"steps{_TWO_SUMS}", "steps.sum()"), (f"emits{_TWO_SUMS}", "emits.sum()")
            ),
        ),
        Mistake(
            "steps backward",
            "row and column of steps have changed places: the row is the tag before.",
            changed(_HMM, ("(tags[:, :-1], tags[:, 1:])", "(tags[:, 1:], tags[:, :-1])")),
        ),
        Mistake(
            "all tags begin",
            "start counts every tag: it should count only those that begin a sentence.",
            changed(_HMM, ("start, tags[:, 0]", "start, tags")),
        ),
    ),
)
