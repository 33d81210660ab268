"""Exercises of lesson 01: the n-grams of a text, and the shares that their counts give."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.writing import REFUSED, changed

WORDS = tuple("Fay Tom the a cat map park lost saw found was happy sad red big and".split())  # noqa: SIM905


def words_for(rng: np.random.Generator, count: int) -> list[str]:
    """Different words."""
    return [WORDS[i] for i in rng.choice(len(WORDS), size=count, replace=False)]


# ngrams_of_story --------------------------------------------------------------------------------


def _ngrams_of_story(words, n):
    padded = ["<s>"] * (n - 1) + words + ["</s>"]
    return [tuple(padded[i : i + n]) for i in range(len(words) + 1)]


def _ngrams_cases(rng: np.random.Generator) -> list[Case]:
    def some(count: int) -> list[str]:
        return words_for(rng, count)

    one, other = some(2)
    return [
        Case((some(1), 2), "pairs"),
        Case((some(3), 2), "pairs"),
        Case(([one, other, one, other], 2), "pairs"),
        Case((some(2), 1), "other lengths"),
        Case((some(1), 3), "other lengths"),
        Case((some(4), 3), "other lengths"),
        Case((some(3), 5), "other lengths"),
    ]


_NGRAMS = code_of(_ngrams_of_story, "ngrams_of_story")
_STARTS, _PLACES = '["<s>"] * (n - 1) + ', "range(len(words) + 1)"

NGRAMS_OF_STORY = Exercise(
    name="ngrams_of_story",
    lesson="01",
    task="List the n-grams of a story as tuples: n - 1 times <s> before it, one </s> after it.",
    points=3,
    minutes=7,
    difficulty="easy",
    solution=_NGRAMS,
    why="Each n-gram asks one question: what comes after these n - 1 words? A story of T words "
    "asks T + 1 of them, the last being whether it ends here. The n - 1 starts let the first word "
    "be asked like any other.",
    hints=(
        "Write the pairs of «Fay saw» on paper. There are three: which, and why not two?",
        "Put the marks around a copy of the words, then cut a window of n out of it at each place. "
        "How many places are there?",
        'padded = ["<s>"] * (n - 1) + words + ["</s>"]; [tuple(padded[i : i + n]) for i in ...]',
    ),
    reference=_ngrams_of_story,
    cases=_ngrams_cases,
    parts={"pairs": 1, "other lengths": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "no end",
            "the end is missing: </s> is a word that the model must predict, or no story would "
            "ever stop.",
            changed(_NGRAMS, (_PLACES, "range(len(words))")),
        ),
        Mistake(
            "no start",
            "the starts are missing, so that nobody asks how a story begins.",
            changed(_NGRAMS, (_STARTS, ""), (_PLACES, "range(len(words) + 2 - n)")),
        ),
        Mistake(
            "one start whatever n is",
            "there is one <s> for every n; the first word has n - 1 places before it to be filled.",
            changed(_NGRAMS, ("(n - 1)", "1"), (_PLACES, "range(len(words) + 3 - n)")),
        ),
        Mistake(
            "one start too many",
            "there is one <s> too many, and so one n-gram in which nothing is asked but <s>.",
            changed(_NGRAMS, ("(n - 1)", "n"), (_PLACES, "range(len(words) + 2)")),
        ),
        Mistake(
            "as many ends as starts",
            "there are n - 1 ends: a story ends once, and after its end nothing is asked.",
            changed(
                _NGRAMS,
                ('["</s>"]', '["</s>"] * (n - 1)'),
                (_PLACES, "range(len(words) + n - 1)"),
            ),
        ),
        Mistake(
            "no overlap",
            "the windows lie side by side: they should overlap, one beginning at each word.",
            changed(_NGRAMS, (_PLACES, "range(0, len(padded), n)")),
        ),
        Mistake(
            "joined",
            "each n-gram is one string: keep its words apart, as a tuple.",
            changed(_NGRAMS, ("tuple(padded[i : i + n])", '" ".join(padded[i : i + n])')),
        ),
        Mistake(
            "each only once",
            "an n-gram that comes again is listed once: it should be there each time, or nothing "
            "can be counted.",
            changed(
                _NGRAMS,
                ("return [", "return list(dict.fromkeys(["),
                (f"{_PLACES}]", f"{_PLACES}]))"),
            ),
        ),
        Mistake(
            "changed in place",
            "the n-grams are right, but the caller's list has grown: append works on it. Build a "
            "new list.",
            changed(
                _NGRAMS,
                ("    padded = ", '    words.append("</s>")\n    padded = '),
                (' + ["</s>"]', ""),
                (_PLACES, "range(len(words))"),
            ),
        ),
    ),
)

# shares_after -----------------------------------------------------------------------------------


def _shares_after(counts, history):
    after = {ngram[-1]: count for ngram, count in counts.items() if ngram[:-1] == history}
    total = sum(after.values())
    return {word: count / total for word, count in after.items()}


def _shares_cases(rng: np.random.Generator) -> list[Case]:
    a, b, c, d = words_for(rng, 4)
    n = [int(x) for x in rng.permutation(np.arange(2, 10))]  # all different, none of them 1
    alone, known, never = "no word before", "words before", "a history never seen"
    pairs = {(a, b): n[0], (a, c): n[1], (b, a): n[2], (c, d): n[3], (b, d): n[4]}
    triples = {(a, b, c): n[0], (a, b, d): n[1], (c, b, d): n[2], (a, c, d): n[3], (b, c, a): n[4]}
    return [
        Case(({(a,): n[0], (b,): n[1], (c,): n[2]}, ()), alone),
        Case((pairs, (a,)), known),
        Case((pairs, (c,)), known),
        Case((triples, (a, b)), known),
        Case((pairs, (d,)), never),
        Case((triples, (b, d)), never),
    ]


_SHARES = code_of(_shares_after, "shares_after")
_IS = "ngram[:-1] == history"

SHARES_AFTER = Exercise(
    name="shares_after",
    lesson="01",
    task="From counts, a dict of n-grams, give the likeliest shares of the words after history.",
    points=4,
    minutes=10,
    difficulty="medium",
    solution=_SHARES,
    why="p(word | history) = count(history word) / count(history): among the times that the "
    "history stood there, how often did the word follow? A history never seen says nothing, and "
    "the honest answer is an empty dict.",
    hints=(
        "Which of the n-grams have anything to say about this history?",
        "Keep the n-grams whose words but the last are the history, and divide their counts by "
        "their own sum.",
        "after = {ngram[-1]: count for ngram, count in counts.items() if ngram[:-1] == ...}",
    ),
    reference=_shares_after,
    cases=_shares_cases,
    parts={"no word before": 1, "words before": 2, "a history never seen": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "divided by everything",
            "the counts are divided by the sum of all counts: this is how often history and word "
            "come together. Divide by the count of the history alone.",
            changed(_SHARES, ("sum(after.values())", "sum(counts.values())")),
        ),
        Mistake(
            "not divided",
            "these are counts; shares sum to 1.",
            changed(_SHARES, ("count / total for", "count for")),
        ),
        Mistake(
            "what comes before",
            "these are the words before the history: the n-gram begins with the history, and its "
            "last word is the one that follows.",
            changed(
                _SHARES, ("ngram[-1]: count", "ngram[0]: count"), (_IS, "ngram[1:] == history")
            ),
        ),
        Mistake(
            "the last word of the history alone",
            "only the last word of the history is compared: all of its words must be the same.",
            changed(_SHARES, (_IS, "ngram[:-1][-1:] == history[-1:]")),
        ),
        Mistake(
            "the first word of the history alone",
            "only the first word of the history is compared: all of its words must be the same.",
            changed(_SHARES, (_IS, "ngram[:-1][:1] == history[:1]")),
        ),
        Mistake(
            "divided by the kinds",
            "the counts are divided by the number of different words; divide by how often the "
            "history stood there.",
            changed(_SHARES, ("sum(after.values())", "len(after)")),
        ),
        Mistake(
            "one added",
            "1 is added to each count. That is a smoothing, and it comes later; here the likeliest "
            "shares were asked.",
            changed(
                _SHARES,
                ("sum(after.values())", "sum(after.values()) + len(after)"),
                ("count / total", "(count + 1) / total"),
            ),
        ),
        Mistake(
            "0 / 0",
            "a history that was never seen has the count 0, and 0 divides nothing: give {}.",
            changed(
                _SHARES,
                ("sum(after.values())", "1 / sum(after.values())"),
                ("count / total", "count * total"),
            ),
        ),
        Mistake(
            "the likeliest word alone",
            "this is the likeliest word with the whole share: each word has its part.",
            changed(
                _SHARES,
                (
                    "return {word: count / total for word, count in after.items()}",
                    "return {max(after, key=after.get): 1.0} if total else {}",
                ),
            ),
        ),
    ),
)

EXERCISES = (NGRAMS_OF_STORY, SHARES_AFTER)
