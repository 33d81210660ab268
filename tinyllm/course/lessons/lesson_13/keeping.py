"""Exercises of lesson 13: which tokens may be drawn, and what a text has said already."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# nucleus_shares ---------------------------------------------------------------------------------


def _nucleus_shares(shares, p):
    order = np.argsort(-shares, kind="stable")
    reached = np.cumsum(shares[order])
    kept = order[: np.searchsorted(reached, p) + 1]
    result = np.zeros_like(shares)
    result[kept] = shares[kept]
    return result / result.sum()


def _nucleus_cases(rng: np.random.Generator) -> list[Case]:
    sorted_, any_, edge = "shares in falling order", "shares in any order", "p reached exactly"
    some = rng.dirichlet(np.full(8, 0.7))
    middle = float(np.sort(some)[::-1][:4].sum() - np.sort(some)[4] / 2)  # inside the fourth
    return [
        Case((np.array([0.75, 0.25]), 0.5), sorted_),
        Case((np.array([0.5, 0.3, 0.15, 0.05]), 0.9), sorted_),
        Case((np.array([0.5, 0.3, 0.15, 0.05]), 0.6), sorted_),
        Case((np.array([0.15, 0.5, 0.05, 0.3]), 0.9), any_),
        Case((rng.permutation(np.array([0.4, 0.3, 0.2, 0.1])), 0.6), any_),
        Case((rng.permutation(some), middle), any_),
        Case((np.array([0.5, 0.25, 0.25]), 0.75), edge),
        Case((np.array([0.125, 0.125, 0.5, 0.25]), 0.75), edge),
    ]


_NUCLEUS = solution_of(_nucleus_shares, "nucleus_shares")
_PUT_BACK = """\
    result = np.zeros_like(shares)
    result[kept] = shares[kept]
    return result / result.sum()
"""

NUCLEUS_SHARES = Exercise(
    name="nucleus_shares",
    lesson="13",
    task="Top p: keep the fewest likeliest tokens whose shares reach p together, the others get 0, "
    "and what is left sums to 1 again.",
    points=5,
    minutes=14,
    difficulty="medium",
    solution=_NUCLEUS,
    why="In falling order the running sum says how much the first so many have together. The first "
    "place that reaches p is the last one that is kept. Then the shares go back to where their "
    "tokens stand, since a place in the sorted row is no token.",
    hints=(
        "Sort 0.15, 0.5, 0.05, 0.3 on paper, add up until you reach 0.9, and write the answer.",
        "np.argsort(-shares, kind='stable') gives the order, np.cumsum the running sum, "
        "np.searchsorted the first place that reaches p. That token is kept too.",
        "kept = order[: np.searchsorted(reached, p) + ...]; put shares[kept] into an array of "
        "zeros at kept; divide by its sum",
    ),
    reference=_nucleus_shares,
    cases=_nucleus_cases,
    parts={"shares in falling order": 2, "shares in any order": 2, "p reached exactly": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the one that reaches p is dropped",
            "the token with which the sum reaches p is dropped: what is kept stays below p.",
            changed(_NUCLEUS, (" + 1]", "]")),
        ),
        Mistake(
            "one too many",
            "one token too many is kept: the sum had reached p before it.",
            changed(_NUCLEUS, (" + 1]", " + 2]")),
        ),
        Mistake(
            "p must be passed",
            "where the sum is exactly p, one more token is kept: reaching p is enough.",
            changed(
                _NUCLEUS, ("np.searchsorted(reached, p)", "np.searchsorted(reached, p, 'right')")
            ),
        ),
        Mistake(
            "not made to sum to 1",
            "the right tokens are kept, but their shares no longer sum to 1.",
            changed(_NUCLEUS, ("result / result.sum()", "result")),
        ),
        Mistake(
            "left in the sorted order",
            "the shares stand in their sorted order: each must go back to its own token.",
            changed(
                _NUCLEUS, ("result[kept] = shares[kept]", "result[: len(kept)] = shares[kept]")
            ),
        ),
        Mistake(
            "from the least likely on",
            "the sum begins with the least likely tokens: begin with the likeliest.",
            changed(_NUCLEUS, ("np.argsort(-shares", "np.argsort(shares")),
        ),
        Mistake(
            "not sorted",
            "the sum runs in the order of the vocabulary: sort by share first.",
            changed(_NUCLEUS, ('np.argsort(-shares, kind="stable")', "np.arange(len(shares))")),
        ),
    ),
)

# min_p_shares -----------------------------------------------------------------------------------


def _min_p_shares(shares, p):
    kept = shares * (shares >= p * shares.max())
    return kept / kept.sum()


def _min_p_cases(rng: np.random.Generator) -> list[Case]:
    sure, unsure = "a sure model", "an unsure model"
    return [
        Case((np.array([0.75, 0.25]), 0.5), sure),
        Case((np.array([0.02, 0.9, 0.05, 0.03]), 0.05), sure),
        Case((rng.permutation(np.array([0.7, 0.12, 0.1, 0.08])), 0.15), sure),
        Case((rng.permutation(np.array([0.28, 0.25, 0.22, 0.17, 0.08])), 0.5), unsure),
        Case((np.array([0.25, 0.5, 0.25]), 0.5), unsure),
        Case((np.array([0.25, 0.5, 0.25]), 1.0), unsure),
    ]


_MIN_P = code_of(_min_p_shares, "min_p_shares")

MIN_P_SHARES = Exercise(
    name="min_p_shares",
    lesson="13",
    task="Min p: keep the tokens that have at least p times the largest share; the others get 0, "
    "and what is left sums to 1 again.",
    points=2,
    minutes=5,
    difficulty="easy",
    solution=_MIN_P,
    why="The bar moves with the model. Where one token has 0.9, a p of 0.1 asks for 0.09; where "
    "the largest has 0.02, it asks for 0.002, and many may pass.",
    hints=(
        "The bar is no fixed number. What is it for shares 0.5, 0.3, 0.2 and p = 0.5?",
        "Compare shares with p times shares.max(): that gives True and False, which multiply.",
        "kept = shares * (shares >= ...); then divide by the sum",
    ),
    reference=_min_p_shares,
    cases=_min_p_cases,
    parts={"a sure model": 1, "an unsure model": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "a fixed bar",
            "the bar is p itself: it should be p times the largest share.",
            changed(_MIN_P, ("p * shares.max()", "p")),
        ),
        Mistake(
            "not made to sum to 1",
            "the right tokens are kept, but their shares no longer sum to 1.",
            changed(_MIN_P, ("kept / kept.sum()", "kept")),
        ),
        Mistake(
            "the wrong side",
            "this keeps what lies below the bar.",
            changed(_MIN_P, (">=", "<")),
        ),
        Mistake(
            "a distance",
            "the bar is the largest share less p: it should be a part of it, p times.",
            changed(_MIN_P, ("p * shares.max()", "shares.max() - p")),
        ),
        Mistake(
            "a part of the mean",
            "the bar is p times the mean share: it should be p times the largest.",
            changed(_MIN_P, ("shares.max()", "shares.mean()")),
        ),
        Mistake(
            "what is on the bar",
            "a share of just p times the largest is kept too: at p = 1 the likeliest remains.",
            changed(_MIN_P, (">=", ">")),
        ),
    ),
)

# penalized_logits: find the bug -----------------------------------------------------------------


def _penalized_logits(logits, text, penalty):
    result = logits.copy()
    seen = np.unique(text)
    values = logits[seen]
    result[seen] = np.where(values > 0, values / penalty, values * penalty)
    return result


def _penalized_cases(rng: np.random.Generator) -> list[Case]:
    above, below, twice = "logits above 0", "logits below 0", "a token that came twice"
    some = rng.normal(size=6) * 2
    some[:2] = [1.5, -2.5]
    return [
        Case((np.array([2.0, 1.0]), np.array([0]), 2.0), above),
        Case((np.abs(some), np.array([4, 1]), 1.5), above),
        Case((np.array([-2.0, 1.0]), np.array([0]), 2.0), below),
        Case((some, np.array([1, 0, 4]), 1.2), below),
        Case((np.array([2.0, 1.0, 3.0]), np.array([0, 2, 0]), 2.0), twice),
        Case((some, np.array([0, 0, 1, 3, 1]), 1.3), twice),
    ]


_PENALIZED = solution_of(_penalized_logits, "penalized_logits")

PENALIZED_LOGITS = Exercise(
    name="penalized_logits",
    lesson="13",
    task="Find the bugs in divided_logits and write it without: words that it should punish get "
    "likelier.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_PENALIZED,
    why="To divide by 2 moves a number towards 0: down from above, up from below. So a logit below "
    "0 is multiplied instead. And the penalty is for having been said, not for how often: each "
    "token is punished once.",
    hints=(
        "Which words got likelier in the picture? What do their logits have in common?",
        "-2 / 1.5 is larger than -2. What would make it smaller? And how often is the loop's line "
        "run for a word that came twice?",
        "seen = np.unique(text); np.where(logits[seen] > 0, ..., ...)",
    ),
    reference=_penalized_logits,
    cases=_penalized_cases,
    parts={"logits above 0": 1, "logits below 0": 2, "a token that came twice": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "as it was given",
            "a logit below 0 is still divided, and so grows; and a token that came twice is still "
            "punished twice.",
            "import numpy as np\ndef penalized_logits(logits, text, penalty):\n"
            "    result = logits.copy()\n    for token in text:\n"
            "        result[token] = result[token] / penalty\n    return result\n",
        ),
        Mistake(
            "divided, once",
            "each token is punished once now, but a logit below 0 is still divided, and so grows.",
            changed(_PENALIZED, ("values * penalty", "values / penalty")),
        ),
        Mistake(
            "punished for each time",
            "the sign is minded now, but a token that came twice is punished twice.",
            "import numpy as np\ndef penalized_logits(logits, text, penalty):\n"
            "    result = logits.copy()\n    for token in text:\n"
            "        x = result[token]\n"
            "        result[token] = x / penalty if x > 0 else x * penalty\n    return result\n",
        ),
        Mistake(
            "multiplied",
            "all are multiplied: that punishes below 0, and rewards above it.",
            changed(_PENALIZED, ("values / penalty", "values * penalty")),
        ),
        Mistake(
            "subtracted",
            "the penalty is subtracted; it should divide, or multiply below 0.",
            changed(
                _PENALIZED,
                ("np.where(values > 0, values / penalty, values * penalty)", "values - penalty"),
            ),
        ),
        Mistake(
            "all tokens",
            "every token is punished: only those that are in the text should be.",
            changed(_PENALIZED, ("np.unique(text)", "np.arange(len(logits))")),
        ),
        Mistake(
            "changed in place",
            "the values are right, but the caller's logits are changed: work on a copy.",
            changed(_PENALIZED, ("logits.copy()", "logits")),
        ),
        Mistake(
            "the wrong way round",
            "above 0 it multiplies and below it divides: both make the word likelier.",
            changed(
                _PENALIZED,
                ("values / penalty, values * penalty", "values * penalty, values / penalty"),
            ),
        ),
    ),
)

EXERCISES = (NUCLEUS_SHARES, MIN_P_SHARES, PENALIZED_LOGITS)
