"""Exercises of lesson 16: what answers are worth, by kind, and what is made up."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.writing import REFUSED, changed

SCORES = ("true", "false", "abstained", "unparseable")

# right_by_kind ----------------------------------------------------------------------------------


def _right_by_kind(kinds, scores):
    found = {}
    for kind, score in zip(kinds, scores, strict=True):
        wanted = "abstained" if kind == "unanswerable" else "true"
        found.setdefault(kind, []).append(score == wanted)
    return {kind: sum(right) / len(right) for kind, right in found.items()}


def _answers(rng: np.random.Generator, each: int) -> tuple[list[str], list[str]]:
    """Every kind with every score, each so many times or once more, in any order."""
    pairs = [
        (kind, score)
        for kind in ("who", "where", "what", "unanswerable")
        for score in SCORES
        for _ in range(each + int(rng.integers(0, 3)))
    ]
    order = rng.permutation(len(pairs))
    return [pairs[i][0] for i in order], [pairs[i][1] for i in order]


def _kind_cases(rng: np.random.Generator) -> list[Case]:
    known, unknown = "questions with an answer", "questions without one"
    return [
        Case((["who"], ["true"]), known),
        Case((["who", "where", "who"], ["true", "false", "abstained"]), known),
        Case((["who", "who", "what"], ["true", "unparseable", "true"]), known),
        Case((["unanswerable", "unanswerable"], ["abstained", "false"]), unknown),
        Case(
            (["unanswerable", "who", "unanswerable"], ["true", "abstained", "abstained"]), unknown
        ),
        Case(_answers(rng, 1), unknown),
        Case(_answers(rng, 2), unknown),
    ]


_KIND = code_of(_right_by_kind, "right_by_kind")

RIGHT_BY_KIND = Exercise(
    name="right_by_kind",
    lesson="16",
    task="Give for each kind of question the share of right answers; where there is no answer, to "
    "abstain is right.",
    points=4,
    minutes=10,
    difficulty="easy",
    solution=_KIND,
    why="One number for all kinds would hide what a model cannot do. And what is right depends on "
    "the question: «I do not know.» is the one right answer to what nobody has told, and a wrong "
    "one elsewhere.",
    hints=(
        "By hand: who true, who abstained, unanswerable abstained. What is the share of each kind?",
        "Collect for each kind a list of True and False. What counts as right depends on the kind.",
        "wanted = 'abstained' if kind == 'unanswerable' else 'true'",
    ),
    reference=_right_by_kind,
    cases=_kind_cases,
    parts={"questions with an answer": 2, "questions without one": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "to abstain is never right",
            "where there is no answer, to abstain is right.",
            changed(_KIND, ('"abstained" if kind == "unanswerable" else "true"', '"true"')),
        ),
        Mistake(
            "to abstain is always right",
            "to abstain counts as right everywhere: where there is an answer it is wrong.",
            changed(
                _KIND,
                ("score == wanted", 'score in (wanted, "abstained")'),
            ),
        ),
        Mistake(
            "what is not false is right",
            "all that is not false counts as right; what cannot be understood is wrong too.",
            changed(_KIND, ("score == wanted", 'score in (wanted, "unparseable")')),
        ),
        Mistake(
            "counts",
            "these are numbers of right answers: divide by how often the kind was asked.",
            changed(_KIND, ("sum(right) / len(right)", "sum(right)")),
        ),
        Mistake(
            "shares of all",
            "the shares are of all questions: divide by those of the kind.",
            changed(_KIND, ("/ len(right)", "/ len(kinds)")),
        ),
        Mistake(
            "kinds without a right answer",
            "a kind with no right answer is missing: its share is 0.",
            changed(
                _KIND,
                (
                    "for kind, right in found.items()}",
                    "for kind, right in found.items() if any(right)}",
                ),
            ),
        ),
        Mistake(
            "wrong ones",
            "these are the shares of wrong answers.",
            changed(_KIND, ("score == wanted", "score != wanted")),
        ),
    ),
)

# made_up_share ----------------------------------------------------------------------------------


def _made_up_share(kinds, scores):
    made_up = 0
    for kind, score in zip(kinds, scores, strict=True):
        nothing_known = kind == "unanswerable" and score != "abstained"
        made_up += score == "false" or nothing_known
    return made_up / len(kinds)


def _made_up_cases(rng: np.random.Generator) -> list[Case]:
    known, unknown = "questions with an answer", "questions without one"
    with_answer = [
        pair for pair in zip(*_answers(rng, 1), strict=True) if pair[0] != "unanswerable"
    ]
    return [
        Case((["who"], ["false"]), known),
        Case(
            (["who", "what", "who", "where"], ["true", "false", "abstained", "unparseable"]), known
        ),
        Case(tuple(map(list, zip(*with_answer, strict=True))), known),
        Case((["unanswerable", "unanswerable"], ["abstained", "false"]), unknown),
        Case((["unanswerable", "who", "who"], ["true", "true", "abstained"]), unknown),
        Case((["unanswerable", "who", "what"], ["unparseable", "false", "true"]), unknown),
        Case(_answers(rng, 1), unknown),
        Case(_answers(rng, 3), unknown),
    ]


_MADE_UP = code_of(_made_up_share, "made_up_share")

MADE_UP_SHARE = Exercise(
    name="made_up_share",
    lesson="16",
    task="Give the share of ALL answers that are made up: false claims, and anything but an "
    "abstention where nothing can be known.",
    points=4,
    minutes=10,
    difficulty="medium",
    solution=_MADE_UP,
    why="Made up is not the same as wrong. To abstain where there is an answer is wrong, and "
    "invents nothing; what cannot be understood claims nothing, unless nothing was to be said.",
    hints=(
        "Go through the four scores twice, for a question with an answer and for one without: "
        "which of the eight are made up?",
        "A false answer always; and for «unanswerable» all but «abstained». Each is counted once.",
        "score == 'false' or (kind == 'unanswerable' and score != ...), over len(kinds)",
    ),
    reference=_made_up_share,
    cases=_made_up_cases,
    parts={"questions with an answer": 2, "questions without one": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "false claims alone",
            "only false claims count: where nothing can be known, any claim is made up.",
            changed(_MADE_UP, (" or nothing_known", "")),
        ),
        Mistake(
            "the unanswerable alone",
            "only the questions without an answer count: a false claim is made up anywhere.",
            changed(_MADE_UP, ('score == "false" or nothing_known', "nothing_known")),
        ),
        Mistake(
            "all that is wrong",
            "every wrong answer counts: to abstain is wrong where there is an answer, but it makes "
            "nothing up.",
            changed(
                _MADE_UP,
                (
                    'score == "false" or nothing_known',
                    '(score != "true" and kind != "unanswerable") or nothing_known',
                ),
            ),
        ),
        Mistake(
            "counted twice",
            "a false claim where nothing can be known is counted twice.",
            changed(
                _MADE_UP,
                ('score == "false" or nothing_known', '(score == "false") + nothing_known'),
            ),
        ),
        Mistake(
            "what is not understood",
            "what cannot be understood counts everywhere: where there is an answer it claims "
            "nothing.",
            changed(_MADE_UP, ('score == "false"', 'score in ("false", "unparseable")')),
        ),
        Mistake(
            "of those that claim",
            "the share is of the answers that claim something: abstentions count below the line.",
            changed(_MADE_UP, ("/ len(kinds)", '/ max(1, sum(s != "abstained" for s in scores))')),
        ),
        Mistake(
            "true is never made up",
            "where nothing can be known, a claim that happens to be called true is made up, too.",
            changed(_MADE_UP, ('score != "abstained"', 'score not in ("abstained", "true")')),
        ),
    ),
)

EXERCISES = (RIGHT_BY_KIND, MADE_UP_SHARE)
