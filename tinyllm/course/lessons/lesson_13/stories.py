"""Exercises of lesson 13's project: the loop of a writer, and what its stories are worth."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.writing import REFUSED, changed

# write_tokens -----------------------------------------------------------------------------------


def _write_tokens(step, choose, start, end, most):
    text, cache = [start], None
    while len(text) <= most:
        logits, cache = step(text[-1], cache)
        token = choose(logits, text)
        if token == end:
            break
        text.append(token)
    return text[1:]


def _toy(write):
    """Call it with a toy: logits depend on all tokens read, the choice on the text too."""

    def called(table, start, end, most):
        def step(token, read):
            read = (*(read or ()), token)
            return table[(sum(read) + 3 * len(read)) % len(table)], read

        def choose(logits, text):
            return int((logits.argmax() + len(text) + text[0]) % len(logits))

        return write(step, choose, start, end, most)

    return called


_TOY = """\
lambda table, start, end, most: write_tokens(
    lambda token, read: (
        table[(sum(read or ()) + token + 3 * len(read or ()) + 3) % len(table)],
        (*(read or ()), token),
    ),
    lambda logits, text: int((logits.argmax() + len(text) + text[0]) % len(logits)),
    start, end, most,
)"""


def _going_on(step, choose, start, end, most):
    """A writer that leaves the end token out and goes on."""
    text, cache = [start], None
    for _ in range(most):
        logits, cache = step(text[-1], cache)
        token = choose(logits, text)
        text += [token] if token != end else []
    return text[1:]


def _toy_table(rng: np.random.Generator, start: int, end: int, most: int, ends: bool) -> np.ndarray:
    """A table with which the toy ends where it should, and does not show the end elsewhere."""
    while True:
        table = rng.normal(size=(7, 7))
        written = _toy(_write_tokens)(table, start, end, 20)
        goes_on = _toy(_going_on)(table, start, end, most)
        if (
            (4 <= len(written) < most - 2 and goes_on != written)
            if ends
            else len(written) > most + 2
        ):
            return table


def _write_cases(rng: np.random.Generator) -> list[Case]:
    cut, ended = "cut at the most", "an end of its own"
    return [
        Case((rng.normal(size=(7, 7)), 1, 7, 1), cut),
        Case((_toy_table(rng, 2, 0, 3, ends=False), 2, 0, 3), cut),
        Case((_toy_table(rng, 3, 6, 5, ends=False), 3, 6, 5), cut),
        Case((_toy_table(rng, 1, 2, 12, ends=True), 1, 2, 12), ended),
        Case((_toy_table(rng, 4, 5, 12, ends=True), 4, 5, 12), ended),
    ]


_WRITE = code_of(_write_tokens, "write_tokens")

WRITE_TOKENS = Exercise(
    name="write_tokens",
    lesson="13",
    task="The loop of a writer: read the newest token, choose the next, until the end token or "
    "`most` tokens; return what was written, without start and end.",
    points=4,
    minutes=14,
    difficulty="medium",
    solution=_WRITE,
    why="The cache holds what was read, so each step is given the newest token alone, and the "
    "cache that the step before gave back. The text itself is kept too: a penalty wants to see it.",
    hints=(
        "What does the step have to be told in the third round that it does not know yet?",
        "Two things go round the loop: the text, which begins with start, and the cache, which "
        "begins with None. Leave the loop at the end token, before it gets into the text.",
        "logits, cache = step(text[-1], cache); token = choose(logits, text); text.append(token); "
        "return text[1:]",
    ),
    reference=_toy(_write_tokens),
    cases=_write_cases,
    parts={"cut at the most": 2, "an end of its own": 2},
    refused=REFUSED,
    call=_TOY,
    mistakes=(
        Mistake(
            "the start again and again",
            "the step reads the start token in every round: it should read the newest one.",
            changed(_WRITE, ("step(text[-1], cache)", "step(start, cache)")),
        ),
        Mistake(
            "the cache is thrown away",
            "every step gets an empty cache: it knows the newest token and nothing before it.",
            changed(
                _WRITE,
                ("logits, cache = step(text[-1], cache)", "logits, _ = step(text[-1], None)"),
            ),
        ),
        Mistake(
            "the end is written",
            "the end token stands in the text: leave the loop before it gets there.",
            changed(
                _WRITE,
                (
                    "        if token == end:\n            break\n        text.append(token)\n",
                    "        text.append(token)\n        if token == end:\n            break\n",
                ),
            ),
        ),
        Mistake(
            "the start is returned",
            "the start token is returned too: it was given, not written.",
            changed(_WRITE, ("return text[1:]", "return text")),
        ),
        Mistake(
            "one too few",
            "one token too few is written: the start does not count.",
            changed(_WRITE, ("<= most", "< most")),
        ),
        Mistake(
            "one too many",
            "one token too many is written.",
            changed(_WRITE, ("<= most", "<= most + 1")),
        ),
        Mistake(
            "it never ends",
            "the end token does not end the text.",
            changed(_WRITE, ("        if token == end:\n            break\n", "")),
        ),
        Mistake(
            "the end is skipped",
            "at the end token it only leaves that token out and goes on.",
            changed(
                _WRITE,
                ("    while len(text) <= most:\n", "    for _ in range(most):\n"),
                ("            break\n", "            continue\n"),
            ),
        ),
    ),
)

# story_scores -----------------------------------------------------------------------------------


def _story_scores(texts, tellable):
    good = {text for text, can in zip(texts, tellable, strict=True) if can}
    n = len(texts)
    return sum(tellable) / n, len(set(texts)) / n, len(good) / n


def _score_cases(rng: np.random.Generator) -> list[Case]:
    once, again = "no text comes twice", "texts that come again"

    def drawn(n: int, kinds: int) -> tuple:
        """Texts of which several come again, tellable ones and others."""
        own = [f"story {i}" for i in rng.permutation(kinds)]
        chosen = [0, 0, 0, 1, 1, *range(2, kinds), *rng.integers(0, kinds, n - kinds - 3)]
        can = [i % 2 == 0 for i in range(kinds)]
        pairs = [(own[i], can[i]) for i in rng.permutation(chosen)]
        return [text for text, _ in pairs], [ok for _, ok in pairs]

    return [
        Case((["a"], [True]), once),
        Case((["a", "b", "c", "d"], [True, False, True, True]), once),
        Case((["a", "b", "a", "a"], [True, False, True, True]), again),
        Case((["a", "b", "b", "a", "c"], [True, False, False, True, True]), again),
        Case(drawn(10, 5), again),
        Case(drawn(16, 7), again),
    ]


_SCORES = code_of(_story_scores, "story_scores")

STORY_SCORES = Exercise(
    name="story_scores",
    lesson="13",
    task="Three shares of all texts: those that are tellable, those that are different, and those "
    "that are different and tellable.",
    points=3,
    minutes=8,
    difficulty="easy",
    solution=_SCORES,
    why="Each of the first two shares is cheap to have alone: one story told a hundred times, or a "
    "hundred rows of nonsense. The third counts what a reader wants: good stories, each once.",
    hints=(
        "What are the three numbers for the texts a, b, a with tellable True, False, True?",
        "sum() counts True; a set holds each text once; a set of the tellable ones does both.",
        "good = {text for text, can in zip(...) if can}; all three are divided by len(texts)",
    ),
    reference=_story_scores,
    cases=_score_cases,
    parts={"no text comes twice": 1, "texts that come again": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "good ones counted again",
            "the third share counts a good story each time it comes: count it once.",
            changed(_SCORES, ("len(good) / n", "sum(tellable) / n")),
        ),
        Mistake(
            "a product",
            "the third share is the product of the other two: which texts are both must be "
            "counted.",
            changed(_SCORES, ("len(good) / n", "sum(tellable) / n * len(set(texts)) / n")),
        ),
        Mistake(
            "of the tellable ones",
            "the third share is of the tellable texts: divide by the number of all texts.",
            changed(_SCORES, ("len(good) / n", "len(good) / sum(tellable)")),
        ),
        Mistake(
            "of the different ones",
            "the third share is of the different texts: divide by the number of all texts.",
            changed(_SCORES, ("len(good) / n", "len(good) / len(set(texts))")),
        ),
        Mistake(
            "the repeated ones",
            "the second share is of texts that are repeats: the different ones were asked.",
            changed(_SCORES, ("len(set(texts)) / n", "1 - len(set(texts)) / n")),
        ),
        Mistake(
            "counts",
            "these are counts: divide by the number of texts.",
            changed(_SCORES, (" / n", "")),
        ),
        Mistake(
            "another order",
            "the three are right, but different texts come before tellable ones here.",
            changed(
                _SCORES,
                (
                    "sum(tellable) / n, len(set(texts)) / n",
                    "len(set(texts)) / n, sum(tellable) / n",
                ),
            ),
        ),
    ),
)

EXERCISES = (WRITE_TOKENS, STORY_SCORES)
