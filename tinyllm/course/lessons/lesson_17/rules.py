"""Exercises of lesson 17's project: what may follow what in BIO, and whether a lead is luck."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# bio_rules --------------------------------------------------------------------------------------


def _bio_rules(tags):
    start = np.zeros(len(tags))
    steps = np.zeros((len(tags), len(tags)))
    for now, tag in enumerate(tags):
        if tag[0] == "I":
            start[now] = -np.inf
            for before, other in enumerate(tags):
                if other not in (f"B-{tag[2:]}", tag):
                    steps[before, now] = -np.inf
    return start, steps


def _rules_cases(rng: np.random.Generator) -> list[Case]:
    one, several = "one kind of name", "several kinds"
    kinds = [str(kind) for kind in rng.permutation(["PER", "LOC", "DATE"])]
    a, b, c = kinds
    mixed = ["O", *(f"{x}-{kind}" for kind in kinds for x in "BI")]
    return [
        Case((["O", f"B-{a}"],), one),
        Case(([f"B-{a}", f"I-{a}", "O"],), one),
        Case((["O", f"B-{a}", f"B-{b}", f"I-{b}"],), several),
        Case(([f"B-{a}", f"B-{b}", f"I-{a}", f"I-{b}", "O"],), several),
        Case(([str(tag) for tag in rng.permutation(mixed)],), several),
    ]


_RULES = solution_of(_bio_rules, "bio_rules")
_ALLOWED = 'other not in (f"B-{tag[2:]}", tag)'

BIO_RULES = Exercise(
    name="bio_rules",
    lesson="17",
    task="For a list of K BIO tags give the pair (start (K), steps (K, K)): 0 where BIO allows it, "
    "-inf where it does not.",
    points=4,
    minutes=15,
    difficulty="medium",
    solution=_RULES,
    why="Only I- is ever forbidden: it must have a B- or an I- of its own kind just before it. So "
    "a sentence cannot begin with I-, and in the column of an I- two rows at most are 0. -inf in a "
    "sum of logarithms is a probability of 0: Viterbi never goes there.",
    hints=(
        "Which tags may begin a sentence? Which may follow O? Write the table for B, I and O.",
        "All is 0 but for columns of I-: there only B- and I- of the same kind may stand before. "
        "The row is the tag before.",
        'if tag[0] == "I": start[now] = -np.inf; and steps[before, now] = -np.inf unless `before` '
        "is B- or I- of the same kind",
    ),
    reference=_bio_rules,
    cases=_rules_cases,
    parts={"one kind of name": 2, "several kinds": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "I- may begin",
            "a sentence may begin with I- here: nothing stands before it that it could go on with.",
            changed(_RULES, ("            start[now] = -np.inf\n", "")),
        ),
        Mistake(
            "any kind",
            "an I- may follow a name of another kind here: I-LOC goes on with B-LOC or I-LOC.",
            changed(_RULES, (_ALLOWED, 'other == "O"')),
        ),
        Mistake(
            "transposed",
            "row and column have changed places: the row is the tag before.",
            changed(_RULES, ("steps[before, now]", "steps[now, before]")),
        ),
        Mistake(
            "two words at most",
            "an I- may not follow an I- here, so that no name has more than two words.",
            changed(_RULES, (_ALLOWED, 'other != f"B-{tag[2:]}"')),
        ),
        Mistake(
            "I- without a B-",
            "an I- may follow O here: it needs a name of its kind to go on with.",
            changed(_RULES, (_ALLOWED, 'other not in ("O", f"B-{tag[2:]}", tag)')),
        ),
        Mistake(
            "shares",
            "these are shares, 1 and 0: Viterbi adds logarithms, so these are 0 and -inf.",
            changed(_RULES, ("np.zeros", "np.ones"), ("-np.inf", "0.0")),
        ),
        Mistake(
            "no names side by side",
            "a B- may not follow a name here: two names can stand side by side.",
            changed(
                _RULES,
                (
                    "    return",
                    '        if tag[0] == "B":\n            for before, other in enumerate(tags):\n'
                    '                if other != "O":\n'
                    "                    steps[before, now] = -np.inf\n    return",
                ),
            ),
        ),
    ),
)

# paired_f1_interval -----------------------------------------------------------------------------


def _paired_f1_interval(one, other, draws):
    def f1(counts):
        right, given, true = np.moveaxis(counts.sum(axis=-2), -1, 0)
        return 2 * right / (given + true)

    differences = f1(other[draws]) - f1(one[draws])
    low, high = np.percentile(differences, [2.5, 97.5])
    return f1(other) - f1(one), low, high


def _paired_cases(rng: np.random.Generator) -> list[Case]:
    def drawn(N: int, R: int) -> tuple:
        true = rng.integers(1, 5, size=N)
        systems = []
        for skill in (0.5, 0.8):
            right = np.maximum(rng.binomial(true, skill), 1)
            systems.append(np.stack([right, right + rng.integers(0, 3, size=N), true], axis=1))
        return *systems, rng.integers(N, size=(R, N))

    sure = np.array([[1, 2, 2]]), np.array([[2, 2, 2]]), np.array([[0]])
    return [
        Case(sure, "the difference itself"),
        Case(drawn(12, 1), "the difference itself"),
        Case(drawn(40, 200), "the interval"),
        Case(drawn(25, 400), "the interval"),
    ]


_PAIRED = solution_of(_paired_f1_interval, "paired_f1_interval")
_DIFFERENCES = "    differences = f1(other[draws]) - f1(one[draws])\n"
_POINT = "f1(other) - f1(one), low"

PAIRED_F1_INTERVAL = Exercise(
    name="paired_f1_interval",
    lesson="17",
    task="From two taggers' counts (N, 3) of right, given and true names in each sentence, and "
    "draws (R, N) of sentences, give (F1 of the other less F1 of the one, low, high): the 2.5 and "
    "97.5 percentiles of the difference over the draws.",
    points=5,
    minutes=20,
    difficulty="hard",
    solution=_PAIRED,
    why="Both taggers are measured on the same drawn sentences, so what makes a draw easy or hard "
    "for both falls out of the difference. F1 is made of the sums of a draw, not of the sentences' "
    "own F1, which for few names is noise.",
    hints=(
        "For one draw: which sentences are in it, and what are both taggers' three sums over them?",
        "one[draws] has the shape (R, N, 3). Sum over the sentences, make F1 of the sums, and "
        "subtract draw by draw before you take percentiles.",
        "differences = f1(other[draws]) - f1(one[draws]); np.percentile(differences, [2.5, 97.5])",
    ),
    reference=_paired_f1_interval,
    cases=_paired_cases,
    parts={"the difference itself": 2, "the interval": 3},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the sign",
            "this is the one less the other: the other way round was asked.",
            changed(
                _PAIRED,
                (_DIFFERENCES, "    one, other = other, one\n" + _DIFFERENCES),
            ),
        ),
        Mistake(
            "two intervals",
            "these are two intervals, one subtracted from the other: take the difference draw by "
            "draw, and then its percentiles.",
            changed(
                _PAIRED,
                (
                    "np.percentile(differences, [2.5, 97.5])",
                    "np.percentile(f1(other[draws]), [2.5, 97.5]) - "
                    "np.percentile(f1(one[draws]), [97.5, 2.5])",
                ),
            ),
        ),
        Mistake(
            "the mean of the sentences",
            "this is the mean of the sentences' own F1: sum the three counts over the sentences, "
            "then make one F1.",
            changed(
                _PAIRED,
                (
                    "right, given, true = np.moveaxis(counts.sum(axis=-2), -1, 0)\n"
                    "        return 2 * right / (given + true)",
                    "right, given, true = np.moveaxis(counts, -1, 0)\n"
                    "        return (2 * right / (given + true)).mean(axis=-1)",
                ),
            ),
        ),
        Mistake(
            "90 percent",
            "between the percentiles 5 and 95 lie 90 %: for 95 % they are 2.5 and 97.5.",
            changed(_PAIRED, ("[2.5, 97.5]", "[5, 95]")),
        ),
        Mistake(
            "the mean of the draws",
            "the first number is the mean over the draws: it should be the difference on the "
            "sentences themselves.",
            changed(_PAIRED, (_POINT, "differences.mean(), low")),
        ),
        Mistake(
            "accuracy for F1",
            "this divides by the true names alone, which is recall: F1 divides twice the right "
            "ones by given and true together.",
            changed(_PAIRED, ("2 * right / (given + true)", "right / true")),
        ),
        Mistake(
            "all draws together",
            "the sum runs over the draws as well: each draw has a difference of its own.",
            changed(
                _PAIRED,
                (
                    "f1(other[draws]) - f1(one[draws])",
                    "np.atleast_1d(f1(other[draws.ravel()]) - f1(one[draws.ravel()]))",
                ),
            ),
        ),
    ),
)

EXERCISES = (BIO_RULES, PAIRED_F1_INTERVAL)
