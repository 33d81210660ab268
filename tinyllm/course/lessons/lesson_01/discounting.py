"""Exercises of lesson 01: a discount that frees shares, and Kneser and Ney's counts."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.lesson_01.counting import words_for
from tinyllm.course.lessons.writing import REFUSED, changed

# discounted_shares: find the bug ----------------------------------------------------------------


def _discounted_shares(followers, below, discount):
    if not followers:
        return dict(below)
    total = sum(followers.values())
    freed = discount * len(followers) / total
    return {
        word: max(followers.get(word, 0) - discount, 0) / total + freed * share
        for word, share in below.items()
    }


def _discounted_cases(rng: np.random.Generator) -> list[Case]:
    discount = float(rng.uniform(0.55, 0.85))

    def below(words: list[str]) -> dict[str, float]:
        weights = rng.uniform(0.2, 1.0, size=len(words))
        return dict(zip(words, (weights / weights.sum()).tolist(), strict=True))

    once, often, never = "a word that came once", "words that came often", "a history never seen"
    a, b, c, d, e = words_for(rng, 5)
    n = [int(x) for x in rng.integers(2, 9, size=3)]
    return [
        Case(({a: 1}, {a: 0.5, b: 0.5}, 0.75), once),
        Case(({c: 1}, below([a, b, c]), discount), once),
        Case(({a: n[0]}, below([a, b]), discount), often),
        Case(({a: n[0], b: 1, c: n[1]}, below([a, b, c, d]), discount), often),
        Case(({d: n[2], e: 1}, below([a, b, c, d, e]), discount), often),
        Case(({}, below([a, b, c]), discount), never),
    ]


_CODE = code_of(_discounted_shares, "discounted_shares")
_GUARD = "    if not followers:\n        return dict(below)\n"
_FREED = "discount * len(followers) / total"

DISCOUNTED_SHARES = Exercise(
    name="discounted_shares",
    lesson="01",
    task="Find the bug in overflowing_shares and write it without: its shares sum to more than 1.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_CODE,
    why="Each of the t different words that followed gives up the discount, so t times the "
    "discount, of total counts, is free to be given out: as much as was taken, neither more nor "
    "less. Only when t is the total, every word having come once, is that the discount itself.",
    hints=(
        "Add up the shares of a history by hand, with counts 3 and 1. How much do the two "
        "discounts free, as a part of the total 4?",
        "What is taken away is discount / total for each different follower. That much, and no "
        "more, may be given to the lower order. A history with no followers gives all.",
        "freed = discount * len(...) / total",
    ),
    reference=_discounted_shares,
    cases=_discounted_cases,
    parts={
        "a word that came once": 1,
        "words that came often": 2,
        "a history never seen": 1,
    },
    refused=REFUSED,
    mistakes=(
        Mistake(
            "as it was given",
            "as in overflowing_shares, the whole discount goes to the lower order, however little "
            "of the total the discounts have freed.",
            changed(_CODE, (_FREED, "discount")),
        ),
        Mistake(
            "not divided",
            "the freed counts are not divided by the total: they are counts, and shares were "
            "wanted.",
            changed(_CODE, (_FREED, "discount * len(followers)")),
        ),
        Mistake(
            "freed by all words",
            "the discount is counted for every word of the vocabulary; only those that followed "
            "have anything to give.",
            changed(_CODE, (_FREED, "discount * len(below) / total")),
        ),
        Mistake(
            "one discount",
            "only one discount is handed on: each different word that followed has given one.",
            changed(_CODE, (_FREED, "discount / total")),
        ),
        Mistake(
            "negative shares",
            "a word that never followed has the count 0, and 0 less the discount is negative: stop "
            "at 0.",
            changed(
                _CODE,
                (
                    "max(followers.get(word, 0) - discount, 0)",
                    "(followers.get(word, 0) - discount)",
                ),
            ),
        ),
        Mistake(
            "nothing handed on",
            "what the discounts have freed is given to nobody: the shares sum to less than 1.",
            changed(_CODE, (" + freed * share", "")),
        ),
        Mistake(
            "only the unseen",
            "the freed share goes only to words that did not follow, in parts that sum to less "
            "than 1: here every word gets its part.",
            changed(_CODE, ("freed * share\n", "freed * share * (word not in followers)\n")),
        ),
        Mistake(
            "0 / 0",
            "a history without followers has the total 0: leave everything to the lower order "
            "there.",
            changed(_CODE, (_GUARD, "")),
        ),
        Mistake(
            "the discount taken off the share",
            "the discount is taken off the share: it belongs to the count, before the division.",
            changed(
                _CODE,
                (
                    "max(followers.get(word, 0) - discount, 0) / total",
                    "max(followers.get(word, 0) / total - discount, 0)",
                ),
            ),
        ),
    ),
)

# continuation_shares ----------------------------------------------------------------------------


def _continuation_shares(pairs):
    before = {}
    for _, word in pairs:
        before[word] = before.get(word, 0) + 1
    return {word: count / len(pairs) for word, count in before.items()}


def _continuation_cases(rng: np.random.Generator) -> list[Case]:
    a, b, c, d = words_for(rng, 4)
    n = [int(x) for x in rng.permutation(np.arange(2, 10))]
    once, often = "pairs that came once", "pairs that came often"
    return [
        Case(({(a, b): 1, (c, b): 1, (a, c): 1},), once),
        Case(({(a, b): 1, (c, b): 1, (d, b): 1, (b, c): 1, (b, a): 1},), once),
        Case(({(a, b): n[0], (c, b): n[1], (a, d): n[2]},), often),
        Case(({(a, b): 10 * n[3], (c, d): 1, (a, d): 1, (b, d): n[4], (d, c): 1},), often),
    ]


_CONTINUED = code_of(_continuation_shares, "continuation_shares")

CONTINUATION_SHARES = Exercise(
    name="continuation_shares",
    lesson="01",
    task="From pairs, a dict (word before, word) -> count, give each word's share of all different "
    "pairs.",
    points=3,
    minutes=8,
    difficulty="medium",
    solution=_CONTINUED,
    why="Kneser and Ney's question is not how often a word comes, but in how many places it is at "
    "home: after how many different words. Each different pair is one such place, so the shares "
    "have the number of different pairs below the line, and how often a pair came plays no part.",
    hints=(
        "The lower order is asked when the word before is new. What then speaks for a word: having "
        "come often after one word, or having come after many?",
        "Go through the keys of the dict alone: each key is one word before for its second word. "
        "Divide by the number of keys.",
        "for _, word in pairs: before[word] = before.get(word, 0) + 1",
    ),
    reference=_continuation_shares,
    cases=_continuation_cases,
    parts={"pairs that came once": 1, "pairs that came often": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "how often",
            "the counts of the pairs are added up: that is the plain share of a word. Each "
            "different pair counts once.",
            changed(
                _CONTINUED,
                ("for _, word in pairs:", "for (_, word), count in pairs.items():"),
                ("get(word, 0) + 1", "get(word, 0) + count"),
                ("/ len(pairs)", "/ sum(pairs.values())"),
            ),
        ),
        Mistake(
            "divided by all counts",
            "the different words before are divided by the sum of all counts: divide by the number "
            "of different pairs, so that the shares sum to 1.",
            changed(_CONTINUED, ("/ len(pairs)", "/ sum(pairs.values())")),
        ),
        Mistake(
            "words after",
            "this counts how many different words come after each: asked is how many come before.",
            changed(_CONTINUED, ("for _, word in", "for word, _ in")),
        ),
        Mistake(
            "not divided",
            "these are counts of different words before; divide them by the number of pairs.",
            changed(_CONTINUED, ("count / len(pairs) for", "count for")),
        ),
        Mistake(
            "divided by the words",
            "the counts are divided by the number of different words: the shares do not sum to 1.",
            changed(_CONTINUED, ("len(pairs)", "len(before)")),
        ),
        Mistake(
            "all alike",
            "each word gets the same share, however many different words it came after.",
            changed(_CONTINUED, ("count / len(pairs)", "1 / len(before)")),
        ),
    ),
)

EXERCISES = (DISCOUNTED_SHARES, CONTINUATION_SHARES)
