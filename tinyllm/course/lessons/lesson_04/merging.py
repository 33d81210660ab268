"""Exercises of lesson 04: byte-pair encoding, trained by hand."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.writing import REFUSED, changed

Words = dict[tuple[str, ...], int]


def _letters(rng: np.random.Generator) -> tuple[str, ...]:
    """Six different letters, in the order of the alphabet."""
    return tuple(sorted(str(x) for x in rng.choice(list("abcdefghijkmnoprstu"), 6, replace=False)))


# most_frequent_pair -----------------------------------------------------------------------------


def _most_frequent_pair(words):
    counts = {}
    for symbols, count in words.items():
        for pair in zip(symbols, symbols[1:], strict=False):
            counts[pair] = counts.get(pair, 0) + count
    return min(counts, key=lambda pair: (-counts[pair], pair)) if counts else None


def _pair_cases(rng: np.random.Generator) -> list[Case]:
    a, b, c, d, e, f = _letters(rng)
    n = int(rng.integers(4, 9))
    counted, inside, ties, none = (
        "words count as often as they come", "a pair twice in a word", "pairs equally frequent",
        "no pair is left",
    )  # fmt: skip
    return [
        Case(({(a, b): n, (a, c): 1},), counted),
        Case(({(d, e, f): n + 9, (a, b): 2, (a, b, c): 2, (a, b, d): 2, (e, f): 1},), counted),
        Case(({(c, d): n, (a, b, e, a, b): n - 1, (f, c, d): n - 3},), inside),
        Case(({(d, e): n, (a, b): n, (f, c): n},), ties),
        Case(({(b, a): n, (b, c): n, (a, f): 1},), ties),
        Case(({(a + b,): n, (c,): 2},), none),
    ]


_PAIR = code_of(_most_frequent_pair, "most_frequent_pair")
_LAST = "max(counts, key=lambda pair: (counts[pair], pair)) if counts else None"
_BEST = "min(counts, key=lambda pair: (-counts[pair], pair)) if counts else None"

MOST_FREQUENT_PAIR = Exercise(
    name="most_frequent_pair",
    lesson="04",
    task="Among the neighbours in all words, a dict from tuples of symbols to counts, give the "
    "most frequent pair; None if there is none.",
    points=4,
    minutes=10,
    difficulty="medium",
    solution=_PAIR,
    why="Each word is looked at once and counted as often as it comes: that is what makes training "
    "quick. Among equals somebody must decide, always in the same way, or two trainings on the "
    "same text would give two vocabularies; here it is the alphabet.",
    hints=(
        "Count the pairs of «a b c» that comes 5 times and of «a b» that comes 2 times. What has "
        "(a, b)?",
        "For each word and each two neighbours in it, add the word's count. Then the largest "
        "count; among equals the pair that comes first in the order of tuples.",
        "min(counts, key=lambda pair: (-counts[pair], pair))",
    ),
    reference=_most_frequent_pair,
    cases=_pair_cases,
    parts={
        "words count as often as they come": 1,
        "a pair twice in a word": 1,
        "pairs equally frequent": 1,
        "no pair is left": 1,
    },
    refused=REFUSED,
    mistakes=(
        Mistake(
            "each word once",
            "each word counts once, however often it comes: add its count.",
            changed(
                _PAIR,
                ("get(pair, 0) + count", "get(pair, 0) + 1"),
                ("symbols, count in words.items()", "symbols in words"),
            ),
        ),
        Mistake(
            "a pair once per word",
            "a pair that stands twice in a word is counted once there: every place counts.",
            changed(
                _PAIR, ("zip(symbols, symbols[1:], strict=False)", "set(zip(symbols, symbols[1:]))")
            ),
        ),
        Mistake(
            "the last among equals",
            "among equally frequent pairs the last of the alphabet is taken: the first was asked.",
            changed(_PAIR, (_BEST, _LAST)),
        ),
        Mistake(
            "the first that was met",
            "among equally frequent pairs the first that was met is taken, so the order of the "
            "words decides: take the first by the alphabet.",
            changed(_PAIR, (_BEST, "max(counts, key=counts.get) if counts else None")),
        ),
        Mistake(
            "nothing to choose from",
            "where every word is one symbol there is no pair, and the smallest of nothing is an "
            "error: give None.",
            changed(_PAIR, (" if counts else None", "")),
        ),
        Mistake(
            "the rarest",
            "this is the rarest pair: the most frequent was asked.",
            changed(_PAIR, ("(-counts[pair], pair)", "(counts[pair], pair)")),
        ),
        Mistake(
            "only the first pair",
            "only the first two symbols of each word are looked at: every two neighbours are a "
            "pair.",
            changed(
                _PAIR, ("zip(symbols, symbols[1:], strict=False)", "zip(symbols[:1], symbols[1:2])")
            ),
        ),
    ),
)

# merge_pair -------------------------------------------------------------------------------------


def _merge_pair(symbols, pair):
    merged, i = [], 0
    while i < len(symbols):
        if tuple(symbols[i : i + 2]) == pair:
            merged.append(pair[0] + pair[1])
            i += 2
        else:
            merged.append(symbols[i])
            i += 1
    return tuple(merged)


def _merge_cases(rng: np.random.Generator) -> list[Case]:
    a, b, c, d, e, _ = _letters(rng)
    places, overlap, longer = "every place", "places that overlap", "symbols that are long"
    return [
        Case(((a, b), (a, b)), places),
        Case(((c, a, b, d, a, b), (a, b)), places),
        Case(((a, b, c, b, a), (b, c)), places),
        Case(((b, a, c), (a, b)), places),
        Case(((a, a, a), (a, a)), overlap),
        Case(((b, a, a, a, a, a, c), (a, a)), overlap),
        Case(((a + b, c, a, b, c, a + b, c), (a + b, c)), longer),
        Case(((d, e + a, b, e, a + b), (e + a, b)), longer),
    ]


_MERGE = code_of(_merge_pair, "merge_pair")

MERGE_PAIR = Exercise(
    name="merge_pair",
    lesson="04",
    task="Put one symbol in the place of each pair in a tuple of symbols, from the left.",
    points=4,
    minutes=10,
    difficulty="medium",
    solution=_MERGE,
    why="After a merge the next place to look at is two further on: the symbol on the right is "
    "used up. So «a a a» becomes «aa a». Comparing symbols, not text, keeps «ab c» apart from "
    "«a b c».",
    hints=(
        "What should become of «a a a», when (a, a) is merged? There are two places where it fits.",
        "Walk with an index: where the pair stands, take its joined symbol and go on by 2; "
        "otherwise take the symbol and go on by 1.",
        "if tuple(symbols[i : i + 2]) == pair: merged.append(pair[0] + pair[1]); i += ...",
    ),
    reference=_merge_pair,
    cases=_merge_cases,
    parts={"every place": 2, "places that overlap": 1, "symbols that are long": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the right one stays",
            "after a merge the right symbol is looked at again, and so it stays: go on by two.",
            changed(_MERGE, ("            i += 2\n", "            i += 1\n")),
        ),
        Mistake(
            "only the first",
            "only the first place is merged: every place should be.",
            changed(
                _MERGE,
                ("            i += 2\n", "            return (*merged, *symbols[i + 2 :])\n"),
            ),
        ),
        Mistake(
            "from the right",
            "the merges are made from the right: with «a a a» it matters.",
            changed(
                _MERGE,
                (
                    "merged, i = [], 0",
                    "symbols, pair = symbols[::-1], pair[::-1]\n    merged, i = [], 0",
                ),
                ("pair[0] + pair[1]", "pair[1] + pair[0]"),
                ("tuple(merged)", "tuple(merged[::-1])"),
            ),
        ),
        Mistake(
            "in the text",
            "the pair is looked for in the joined text, across the borders of symbols: «ab» «c» is "
            "not «a» «b» «c».",
            "def merge_pair(symbols, pair):\n"
            "    text, both, merged = ''.join(symbols), ''.join(pair), []\n"
            "    while text:\n"
            "        step = len(both) if text.startswith(both) else 1\n"
            "        merged.append(text[:step])\n"
            "        text = text[step:]\n"
            "    return tuple(merged)\n",
        ),
        Mistake(
            "either order",
            "the pair is merged in either order: left and right are not the same.",
            changed(
                _MERGE,
                ("tuple(symbols[i : i + 2]) == pair", "sorted(symbols[i : i + 2]) == sorted(pair)"),
                ("merged.append(pair[0] + pair[1])", 'merged.append("".join(symbols[i : i + 2]))'),
            ),
        ),
        Mistake(
            "the last one lost",
            "the last symbol is lost where it is not part of a pair.",
            changed(_MERGE, ("while i < len(symbols):", "while i + 1 < len(symbols):")),
        ),
        Mistake(
            "left symbol alone",
            "only the left symbol is compared: both must be those of the pair.",
            changed(
                _MERGE,
                (
                    "tuple(symbols[i : i + 2]) == pair",
                    "symbols[i] == pair[0] and i + 1 < len(symbols)",
                ),
            ),
        ),
    ),
)

# learn_merges_by_hand ---------------------------------------------------------------------------


def _learn(words, count):
    merges = []
    for _ in range(count):
        pair = _most_frequent_pair(words)
        if pair is None:
            break
        merges.append(pair)
        merged = {}
        for symbols, times in words.items():
            new = _merge_pair(symbols, pair)
            merged[new] = merged.get(new, 0) + times
        words = merged
    return merges


def _learn_cases(rng: np.random.Generator) -> list[Case]:
    a, b, c, d, e, f = _letters(rng)
    n = int(rng.integers(3, 7))
    few, more, less = "the first merges", "merges of merges", "fewer pairs than asked"
    low: Words = {
        (a, b, c): 5 * n, (a, b, c, d): 2 * n, (e, d, c, d): 3 * n, (f, b, d): n,
    }  # fmt: skip
    return [
        Case(({(a, b): n, (c,): 1}, 1), few),
        Case((low, 2), few),
        Case((low, 4), more),
        Case(({(a, b, c, a, b, c): n, (b, c, d): 1, (d, e): n}, 4), more),
        Case(({(a, b): n, (a, b, c): 1}, 9), less),
    ]


_LEARN = "\n\n".join(
    [
        _PAIR,
        _MERGE,
        code_of(_learn, "learn_merges_by_hand")
        .replace("_most_frequent_pair(", "most_frequent_pair(")
        .replace("_merge_pair(", "merge_pair("),
    ]
)
_AGAIN = "        words = merged\n"

LEARN_MERGES_BY_HAND = Exercise(
    name="learn_merges_by_hand",
    lesson="04",
    task="Learn so many merges: count the pairs, merge the most frequent one in every word, and "
    "again; stop early where no pair is left.",
    points=4,
    minutes=12,
    difficulty="hard",
    solution=_LEARN,
    why="The counts must be taken anew after each merge: the merge has made new pairs and "
    "destroyed old ones. That is why a pair can be learnt whose parts were merges themselves, and "
    "why the second most frequent pair of the beginning is often not the second merge.",
    hints=(
        "After merging (l, o), which pairs have gone, and which are new?",
        "Repeat: the most frequent pair; note it; put every word with the pair merged into a new "
        "dict. The caller's dict stays as it is.",
        "merged[new] = merged.get(new, 0) + times; ... words = merged",
    ),
    reference=_learn,
    cases=_learn_cases,
    parts={"the first merges": 1, "merges of merges": 2, "fewer pairs than asked": 1},
    refused=REFUSED,
    needs=("most_frequent_pair", "merge_pair"),
    mistakes=(
        Mistake(
            "never merged",
            "the same pair comes again and again: the words must be replaced by the merged ones.",
            changed(_LEARN, (_AGAIN, "")),
        ),
        Mistake(
            "counted once",
            "the pairs are counted once, at the beginning, and the most frequent of these taken: "
            "count anew after each merge.",
            changed(
                _LEARN,
                (
                    "    merges = []\n    for _ in range(count):\n"
                    "        pair = most_frequent_pair(words)\n",
                    "    merges, left = [], dict(words)\n    first = {}\n"
                    "    for symbols, times in words.items():\n"
                    "        for one in zip(symbols, symbols[1:]):\n"
                    "            first[one] = first.get(one, 0) + times\n"
                    "    order = sorted(first, key=lambda pair: (-first[pair], pair))\n"
                    "    for pair in order[:count]:\n",
                ),
            ),
        ),
        Mistake(
            "an error at the end",
            "where every word is one symbol there is no pair any more: stop there.",
            changed(_LEARN, ("        if pair is None:\n            break\n", "")),
        ),
        Mistake(
            "the joined symbols",
            "these are the new symbols: the pairs were asked, since encoding needs to know what "
            "to join.",
            changed(_LEARN, ("merges.append(pair)", "merges.append(pair[0] + pair[1])")),
        ),
        Mistake(
            "one merge too many",
            "there is one merge too many.",
            changed(_LEARN, ("range(count)", "range(count + 1)")),
        ),
        Mistake(
            "counts forgotten",
            "after the first merge every word counts once: carry the counts over.",
            changed(_LEARN, ("merged.get(new, 0) + times", "1")),
        ),
    ),
)

EXERCISES = (MOST_FREQUENT_PAIR, MERGE_PAIR, LEARN_MERGES_BY_HAND)
