"""Exercises of lesson 14: BLEU by hand, from clipped n-grams to a whole corpus."""

from __future__ import annotations

from collections import Counter

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

SHORTCUTS = (*REFUSED, "sacrebleu", "nltk", "evaluate")

# clipped_matches --------------------------------------------------------------------------------


def _clipped_matches(hypothesis, reference, n):
    mine = Counter(tuple(hypothesis[i : i + n]) for i in range(len(hypothesis) - n + 1))
    theirs = Counter(tuple(reference[i : i + n]) for i in range(len(reference) - n + 1))
    matches = sum(min(count, theirs[ngram]) for ngram, count in mine.items())
    return matches, sum(mine.values())


def _matches_cases(rng: np.random.Generator) -> list[Case]:
    a, b, c, d, e = (str(word) for word in rng.permutation(["cat", "dog", "owl", "hen", "fox"]))
    words, pairs, clipped, short = "single words", "pairs and more", "clipping", "nothing to count"
    return [
        Case(([a], [a, b], 1), words),
        Case(([a, b, c], [c, a, d, e, b], 1), words),
        Case(([a, b, c, d], [b, c, a, b], 2), pairs),
        Case(([a, b, a, b, c], [e, a, b, c, b, a], 2), pairs),
        Case(([a, b, c], [b, a, c, b], 2), pairs),
        Case(([a, b, c, d, e], [a, b, c, d, a, e], 3), pairs),
        Case(([a, a, a, b], [a, c, a, d, e], 1), clipped),
        Case(([a, b, a, b, a, b], [c, a, b, d, a, b], 2), clipped),
        Case(([a, b], [a, b, c], 3), short),
    ]


_MATCHES = f"from collections import Counter\n\n{code_of(_clipped_matches, 'clipped_matches')}"
_MINE = "for i in range(len(hypothesis) - n + 1)"
_SUM = "sum(min(count, theirs[ngram]) for ngram, count in mine.items())"
_PLAIN = "sum(count for ngram, count in mine.items() if ngram in theirs)"

CLIPPED_MATCHES = Exercise(
    name="clipped_matches",
    lesson="14",
    task="Count the n-grams of a hypothesis that its reference has too, each at most as often as "
    "there, and all n-grams of the hypothesis: (matches, total), of lists of words.",
    points=5,
    minutes=12,
    difficulty="medium",
    solution=_MATCHES,
    why="Counters of both sides say how often each n-gram occurs. The smaller of the two counts is "
    "what the hypothesis may claim: without that clip, «the the the» would be perfect. The total "
    "is the hypothesis's, since precision asks how much of what was written is good.",
    hints=(
        "Do it by hand for «a a a b» against «a c a», n = 1: which «a» may be claimed?",
        "Count the n-grams of both as tuples with a Counter. For each of the hypothesis's take "
        "the smaller of the two counts; a Counter says 0 for what it has not.",
        "matches = sum(min(count, theirs[ngram]) for ngram, count in ...)",
    ),
    reference=_clipped_matches,
    cases=_matches_cases,
    parts={"single words": 1, "pairs and more": 2, "clipping": 1, "nothing to count": 1},
    refused=SHORTCUTS,
    mistakes=(
        Mistake(
            "not clipped",
            "each n-gram counts as often as the hypothesis writes it. It may count at most as "
            "often as the reference has it.",
            changed(_MATCHES, (_SUM, _PLAIN)),
        ),
        Mistake(
            "kinds",
            "each kind of n-gram is counted once, however often it occurs on both sides.",
            changed(_MATCHES, (_SUM, "len(mine.keys() & theirs.keys())")),
        ),
        Mistake(
            "the reference's total",
            "the total is that of the reference's n-grams: that would be recall. BLEU asks how "
            "much of what was written is good.",
            changed(_MATCHES, ("sum(mine.values())", "sum(theirs.values())")),
        ),
        Mistake(
            "kinds in the total",
            "the total counts kinds of n-grams; it should count all of them, repeated ones too.",
            changed(_MATCHES, ("sum(mine.values())", "len(mine)")),
        ),
        Mistake(
            "the last one is missing",
            "the last n-gram of each sentence is missing: there are len - n + 1 of them.",
            changed(_MATCHES, (" - n + 1", " - n")),
        ),
        Mistake(
            "without order",
            "the order within an n-gram is lost: «dog bites» is not «bites dog».",
            changed(
                _MATCHES,
                ("tuple(hypothesis[i : i + n])", "tuple(sorted(hypothesis[i : i + n]))"),
                ("tuple(reference[i : i + n])", "tuple(sorted(reference[i : i + n]))"),
            ),
        ),
        Mistake(
            "side by side",
            "the n-grams do not overlap: each begins where the one before ended. One begins at "
            "every word.",
            changed(
                _MATCHES,
                ("range(len(hypothesis) - n + 1)", "range(0, len(hypothesis) - n + 1, n)"),
                ("range(len(reference) - n + 1)", "range(0, len(reference) - n + 1, n)"),
            ),
        ),
        Mistake(
            "at the same place",
            "an n-gram counts only where it stands at the same place in both: one word too many "
            "at the beginning would then spoil everything.",
            changed(
                _MATCHES,
                (
                    _SUM,
                    f"sum(hypothesis[i : i + n] == reference[i : i + n] {_MINE})",
                ),
            ),
        ),
        Mistake(
            "single words",
            "n is not used: these are single words.",
            changed(_MATCHES, ("i + n]", "i + 1]"), (" - n + 1", "")),
        ),
    ),
)

# brevity_penalty --------------------------------------------------------------------------------


def _brevity_penalty(written, expected):
    if written == 0:
        return 0.0
    return float(min(1.0, np.exp(1 - expected / written)))


def _brevity_cases(rng: np.random.Generator) -> list[Case]:
    short, long, none = "too short", "long enough", "nothing written"
    r = int(rng.integers(20, 90))
    return [
        Case((4, 5), short),
        Case((r - 9, r), short),
        Case((r // 2, r), short),
        Case((5, 5), long),
        Case((r + 11, r), long),
        Case((0, 7), none),
    ]


_BREVITY = solution_of(_brevity_penalty, "brevity_penalty")
_BRIEF = "min(1.0, np.exp(1 - expected / written))"

BREVITY_PENALTY = Exercise(
    name="brevity_penalty",
    lesson="14",
    task="From the numbers of words written and expected give min(1, exp(1 - expected / written)), "
    "and 0 where nothing was written.",
    points=3,
    minutes=6,
    difficulty="easy",
    solution=_BREVITY,
    why="Precision alone rewards saying little: one sure word, and all that was written is right. "
    "The penalty is 1 from the reference's length on, and falls ever faster below it. Too long "
    "needs no penalty of its own: superfluous words lower the precision already.",
    hints=(
        "What should come out for a translation that is exactly as long as its reference?",
        "Nothing written is a case of its own. Else the exponential, but never more than 1.",
        "min(1.0, np.exp(1 - ... / ...))",
    ),
    reference=_brevity_penalty,
    cases=_brevity_cases,
    parts={"too short": 1, "long enough": 1, "nothing written": 1},
    refused=SHORTCUTS,
    mistakes=(
        Mistake(
            "a reward for length",
            "what is longer than the reference gets more than 1: the penalty only takes away.",
            changed(_BREVITY, (_BRIEF, "np.exp(1 - expected / written)")),
        ),
        Mistake(
            "upside down",
            "the ratio is upside down: here the long ones are punished.",
            changed(_BREVITY, ("expected / written", "written / expected")),
        ),
        Mistake(
            "the bare ratio",
            "this is written / expected itself; the penalty is exp(1 - expected / written).",
            changed(_BREVITY, ("np.exp(1 - expected / written)", "written / expected")),
        ),
        Mistake(
            "long ones too",
            "what is too long is punished too; its superfluous words have lowered the precision "
            "already.",
            changed(_BREVITY, (_BRIEF, "np.exp(-abs(1 - expected / written))")),
        ),
        Mistake(
            "divided by nothing",
            "where nothing was written there is a division by 0; the penalty is 0 then.",
            changed(_BREVITY, ("    if written == 0:\n        return 0.0\n", "")),
        ),
    ),
)

# bleu_by_hand -----------------------------------------------------------------------------------


def _bleu_by_hand(hypotheses, references):
    matches, totals = np.zeros(4), np.zeros(4)
    written = expected = 0
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        mine, theirs = hypothesis.split(), reference.split()
        written, expected = written + len(mine), expected + len(theirs)
        for n in range(1, 5):
            matches[n - 1] += _clipped_matches(mine, theirs, n)[0]
            totals[n - 1] += _clipped_matches(mine, theirs, n)[1]
    if matches.min() == 0:
        return 0.0
    brevity = min(1.0, np.exp(1 - expected / written))
    return float(100 * brevity * np.exp(np.mean(np.log(matches / totals))))


def _bleu_cases(rng: np.random.Generator) -> list[Case]:
    def words(count: int) -> list[str]:
        return [f"w{i}" for i in rng.permutation(80)[:count]]

    def pair(count: int, *wrong: int, cut: int = 0, again: int = 0) -> tuple[str, str]:
        """A reference, and a hypothesis with words wrong, cut off, or said again at the end."""
        reference = words(count)
        hypothesis = ["x" if i in wrong else word for i, word in enumerate(reference)]
        hypothesis = hypothesis[: count - cut] + hypothesis[-1:] * again
        return " ".join(hypothesis), " ".join(reference)

    def corpus(*pairs: tuple[str, str]) -> tuple[list[str], list[str]]:
        return [h for h, _ in pairs], [r for _, r in pairs]

    size = int(rng.integers(8, 11))
    one, many, short, none = "one sentence", "a corpus", "too short", "an n with no match"
    return [
        Case(corpus(pair(5)), one),
        Case(corpus(pair(size, 1)), one),
        Case(corpus(pair(size, 2, again=3)), one),
        Case(corpus(pair(size + 3, 1), pair(5, 2)), many),
        Case(corpus(pair(size + 6, 0, 7), pair(6), pair(7, 3, again=2)), many),
        Case(corpus(pair(size, cut=3)), short),
        Case(corpus(pair(size + 2, 4, cut=2), pair(6, again=1), pair(9, 1, cut=3)), short),
        Case(corpus(pair(6, 2, 4)), none),
        Case(corpus(pair(3), pair(2)), none),
    ]


_BLEU = (
    f"from collections import Counter\n\nimport numpy as np\n\n"
    f"{code_of(_clipped_matches, 'clipped_matches')}\n\n"
    + code_of(_bleu_by_hand, "bleu_by_hand").replace("_clipped", "clipped")
)
_MEAN = "np.exp(np.mean(np.log(matches / totals)))"
_RETURN = f"return float(100 * brevity * {_MEAN})"


def _of_sentences(code: str) -> str:
    """The mean of the sentences' own scores, by the right function."""
    return (
        code.replace("def bleu_by_hand(", "def of_one(")
        + "\n\ndef bleu_by_hand(hypotheses, references):\n"
        "    pairs = zip(hypotheses, references, strict=True)\n"
        "    return float(np.mean([of_one([h], [r]) for h, r in pairs]))\n"
    )


BLEU_BY_HAND = Exercise(
    name="bleu_by_hand",
    lesson="14",
    task="Give the BLEU (0 to 100) of a corpus: two lists of strings whose words stand between "
    "blanks, n = 1 to 4, no smoothing: 0 if some n has no match at all.",
    points=7,
    minutes=20,
    difficulty="hard",
    solution=_BLEU,
    why="Matches, totals and both lengths are summed over all sentences before anything is "
    "divided: that makes long sentences count more than short ones, and a single sentence without "
    "a match of four words does no harm. The geometric mean is 0 as soon as one n has no match.",
    hints=(
        "Which numbers do you need in all? Sum them over the sentences, and divide at the end.",
        "Four matches, four totals, two lengths. Then four precisions, the mean of their "
        "logarithms, its exponential, the brevity penalty, times 100. Return 0 before log meets 0.",
        "100 * brevity * np.exp(np.mean(np.log(matches / totals)))",
    ),
    reference=_bleu_by_hand,
    cases=_bleu_cases,
    parts={"one sentence": 2, "a corpus": 2, "too short": 2, "an n with no match": 1},
    refused=SHORTCUTS,
    mistakes=(
        Mistake(
            "the mean of the sentences",
            "this is the mean of the sentences' own scores. A corpus's BLEU sums the counts of all "
            "sentences first, and divides once.",
            _of_sentences(_BLEU),
        ),
        Mistake(
            "the plain mean",
            "the four precisions are averaged; their geometric mean was asked, the exponential of "
            "the mean of their logarithms.",
            changed(_BLEU, (_MEAN, "np.mean(matches / totals)")),
        ),
        Mistake(
            "no brevity penalty",
            "the brevity penalty is missing: a translation that breaks off early is not punished.",
            changed(_BLEU, ("100 * brevity * ", "100 * ")),
        ),
        Mistake(
            "a reward for length",
            "the brevity penalty goes above 1 for long translations.",
            changed(
                _BLEU,
                ("min(1.0, np.exp(1 - expected / written))", "np.exp(1 - expected / written)"),
            ),
        ),
        Mistake(
            "not clipped",
            "the matches are not clipped: a word said three times counts three times.",
            changed(_BLEU, (_SUM, _PLAIN)),
        ),
        Mistake(
            "up to three",
            "n runs to 3; range(1, 5) runs to 4.",
            changed(
                _BLEU,
                ("range(1, 5)", "range(1, 4)"),
                ("np.zeros(4), np.zeros(4)", "np.zeros(3), np.zeros(3)"),
            ),
        ),
        Mistake(
            "words alone",
            "only single words are counted: order plays no part.",
            changed(
                _BLEU,
                ("range(1, 5)", "range(1, 2)"),
                ("np.zeros(4), np.zeros(4)", "np.zeros(1), np.zeros(1)"),
            ),
        ),
        Mistake(
            "a share",
            "this lies between 0 and 1; BLEU is told between 0 and 100.",
            changed(_BLEU, ("100 * brevity", "brevity")),
        ),
        Mistake(
            "the product",
            "the four precisions are multiplied; the fourth root of the product is missing.",
            changed(_BLEU, (_MEAN, "np.prod(matches / totals)")),
        ),
        Mistake(
            "nothing divided by nothing",
            "sentences of three words have no n-gram of four: 0 / 0 is NaN. BLEU is 0 then.",
            changed(_BLEU, ("    if matches.min() == 0:\n        return 0.0\n", "")),
        ),
    ),
)

EXERCISES = (CLIPPED_MATCHES, BREVITY_PENALTY, BLEU_BY_HAND)
