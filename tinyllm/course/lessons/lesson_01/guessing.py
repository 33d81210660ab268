"""Exercises of lesson 01: drawing a word by its share, and Shannon's bounds on entropy."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.lesson_01.counting import words_for
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# draw_word --------------------------------------------------------------------------------------


def _draw_word(shares, u):
    reached = 0.0
    for word, share in shares.items():
        reached += share
        if u < reached:
            return word
    return word


def _draw_cases(rng: np.random.Generator) -> list[Case]:
    a, b, c, d = words_for(rng, 4)
    shares, ends = {a: 0.1, b: 0.6, c: 0.1, d: 0.2}, {a: 0.0, b: 0.25, c: 0.75}
    tenths = {f"{word} {i}": 0.1 for i in range(5) for word in (a, b)}
    right, zero, rest = "the right word", "a share of 0", "what rounding leaves over"
    x = float(rng.uniform(0.02, 0.08))
    return [
        Case(({a: 0.5, b: 0.5}, 0.25), right),
        *(Case((shares, at + x), right) for at in (0.0, 0.1, 0.7, 0.8)),
        Case((ends, 0.0), zero),
        Case((ends, 0.25), zero),
        Case((tenths, 0.9999999999999999), rest),
    ]


_DRAW = code_of(_draw_word, "draw_word")
_LOOP = _DRAW.split("    reached = 0.0\n")[1]

DRAW_WORD = Exercise(
    name="draw_word",
    lesson="01",
    task="Lay the shares of the words end to end in the dict's order, and give the word on whose "
    "stretch u lies, 0 <= u < 1.",
    points=4,
    minutes=8,
    difficulty="medium",
    solution=_DRAW,
    why="A word's stretch is as long as its share, so a u that is equally likely everywhere falls "
    "on it with just that probability. A stretch holds its left end and not its right, so that a "
    "word with share 0 is never drawn. In 64 bits ten times 0.1 is a hair less than 1: the last "
    "word takes what is left over.",
    hints=(
        "Draw a line from 0 to 1 and lay the shares 0.1, 0.6, 0.3 on it. Where does u = 0.5 lie?",
        "Walk along the words, adding up shares, and stop at the first sum that is larger than u. "
        "Mind the case in which rounding lets none be larger.",
        "for word, share in shares.items(): reached += share; if u < reached: ...",
    ),
    reference=_draw_word,
    cases=_draw_cases,
    parts={"the right word": 2, "a share of 0": 1, "what rounding leaves over": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the likeliest",
            "this is the likeliest word whatever u is: then a model says the same thing for ever.",
            changed(_DRAW, (_LOOP, "    return max(shares, key=shares.get)\n")),
        ),
        Mistake(
            "not added up",
            "u is compared with each share by itself: compare it with the sum up to there.",
            changed(_DRAW, ("reached += share", "reached = share")),
        ),
        Mistake(
            "all alike",
            "each word has a stretch of the same length: it should be as long as its share.",
            changed(
                _DRAW,
                (_LOOP, "    words = list(shares)\n    return words[int(u * len(words))]\n"),
            ),
        ),
        Mistake(
            "a share of 0 drawn",
            "u <= reached: at u = 0 a word with share 0 is drawn. A stretch holds its left end, "
            "not its right.",
            changed(_DRAW, ("u < reached", "u <= reached")),
        ),
        Mistake(
            "None at the end",
            "after the last word there is nothing: rounding can leave a hair between the sum of "
            "the shares and 1, and the last word should take it.",
            changed(_DRAW, ("            return word\n    return word", "            return word")),
        ),
        Mistake(
            "from the other end",
            "the stretches are laid from the last word to the first: keep the dict's order.",
            changed(_DRAW, ("shares.items()", "reversed(list(shares.items()))")),
        ),
        Mistake(
            "the largest first",
            "the words are sorted by their shares. That draws as well, but the dict's order was "
            "asked.",
            changed(_DRAW, ("shares.items()", "sorted(shares.items(), key=lambda pair: -pair[1])")),
        ),
        Mistake(
            "the share in place of the word",
            "this is the share of the word; the word was asked.",
            changed(_DRAW, ("return word", "return share")),
        ),
    ),
)

# shannon_bounds ---------------------------------------------------------------------------------


def _shannon_bounds(guesses):
    q = np.bincount(guesses)[1:] / len(guesses)  # (R,): q[0] is the share of first guesses
    r = np.arange(1, len(q) + 1)
    came = q[q > 0]
    lower = (r * (q - np.append(q[1:], 0.0)) * np.log2(r)).sum()
    upper = -(came * np.log2(came)).sum()
    return lower, upper


def _shannon_cases(rng: np.random.Generator) -> list[Case]:
    def some(counts: list[int]) -> np.ndarray:
        """So many of each number of guesses, in a random order."""
        return rng.permutation(np.repeat(np.arange(1, len(counts) + 1), counts))

    first, more, hole = "always the first guess", "the two bounds", "a number that never came"
    n = int(rng.integers(5, 12))
    return [
        Case((np.array([1]),), first),
        Case((np.ones(n, dtype=np.int64),), first),
        Case((np.array([1, 1, 2]),), more),
        Case((some([n, 3, 1]),), more),
        Case((some([n + 9, n, 4, 2, 1]),), more),
        Case((np.array([1, 1, 3]),), hole),
        Case((some([n, 3, 0, 2, 0, 1]),), hole),
    ]


_BOUNDS = solution_of(_shannon_bounds, "shannon_bounds")
_CAME = "    came = q[q > 0]\n"

SHANNON_BOUNDS = Exercise(
    name="shannon_bounds",
    lesson="01",
    task="From the numbers of guesses that each letter took (N), give Shannon's lower and upper "
    "bound on the entropy in bits.",
    points=5,
    minutes=15,
    difficulty="hard",
    solution=_BOUNDS,
    why="Who knows the numbers of guesses and guesses alike can write the text again, so the text "
    "is no more surprising than the numbers: their entropy is the upper bound. The lower bound is "
    "the entropy of the most even shares that would give the same numbers.",
    hints=(
        "How many different numbers of guesses are there, and how often did each come?",
        "np.bincount counts 0, 1, 2, ...; nobody needs 0 guesses. q[1:] with a 0 at its end is the "
        "q of one guess more. 0 log 0 counts as 0.",
        "lower = (r * (q - np.append(q[1:], 0.0)) * np.log2(r)).sum(); upper is an entropy",
    ),
    reference=_shannon_bounds,
    cases=_shannon_cases,
    parts={"always the first guess": 1, "the two bounds": 3, "a number that never came": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "changed places",
            "lower and upper have changed places: the lower bound comes first.",
            changed(_BOUNDS, ("return lower, upper", "return upper, lower")),
        ),
        Mistake(
            "nats",
            "these are nats: bits were asked.",
            changed(_BOUNDS, ("np.log2", "np.log")),
        ),
        Mistake(
            "no r before the difference",
            "in the lower bound the factor r is missing: r (q_r - q_(r+1)) log r.",
            changed(_BOUNDS, ("(r * (q", "((q")),
        ),
        Mistake(
            "the last one lost",
            "the last q has no neighbour, and is left out of the lower bound: beyond it q is 0.",
            changed(
                _BOUNDS,
                (
                    "(r * (q - np.append(q[1:], 0.0)) * np.log2(r))",
                    "(r[:-1] * (q[:-1] - q[1:]) * np.log2(r[:-1]))",
                ),
            ),
        ),
        Mistake(
            "NaN where nothing came",
            "a number of guesses that never came gives 0 log 0, which comes out as NaN: leave it "
            "out of the upper bound.",
            changed(_BOUNDS, (_CAME, "    came = q\n")),
        ),
        Mistake(
            "the mean of the logarithms",
            "the upper bound is the entropy of the shares q, not the mean of log r.",
            changed(_BOUNDS, ("-(came * np.log2(came)).sum()", "np.log2(guesses).mean()")),
        ),
        Mistake(
            "counts in place of shares",
            "the counts are not divided by the number of letters.",
            changed(_BOUNDS, (" / len(guesses)", "")),
        ),
        Mistake(
            "begins at 0",
            "np.bincount begins at 0, which no letter took, so every number is off by one.",
            changed(_BOUNDS, ("np.bincount(guesses)[1:]", "np.bincount(guesses)")),
        ),
    ),
)
