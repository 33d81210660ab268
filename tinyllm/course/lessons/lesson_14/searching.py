"""Exercise of lesson 14: hypotheses of different lengths, ranked."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of


def _rank_hypotheses(log_probs, lengths, penalty):
    scores = log_probs / lengths**penalty
    return np.argsort(-scores)


def _cases(rng: np.random.Generator) -> list[Case]:
    def drawn(penalty: float, log_probs: list[float], lengths: list[int]) -> tuple:
        order = rng.permutation(len(lengths))
        noise = rng.uniform(-0.01, 0.01, len(lengths))
        return (np.array(log_probs) + noise)[order], np.array(lengths)[order], penalty

    none, one, between = "penalty 0", "penalty 1", "other penalties"
    noise = rng.uniform(-0.1, 0.1, 2)
    three = [-2.0, -3.0, -5.2], [2, 4, 16]  # by /√length the order is 2, 0, 1
    return [
        Case((np.array([-2.0, -3.0]) + noise, np.array([2, 4]), 0.0), none),
        Case((np.array([-3.0, -2.0]) + noise, np.array([4, 2]), 0.0), none),
        Case(drawn(1.0, [-2.0, -3.0], [2, 4]), one),
        Case(drawn(1.0, *three), one),
        Case((np.array([-2.0, -1.8]), np.array([2, 4]), 1.0), one),
        Case((np.array([-2.0, -3.0, -5.2]), np.array([2, 4, 16]), 0.5), between),
        Case(drawn(0.5, *three), between),
        Case(drawn(2.0, [-1.0, -5.0, -9.0], [2, 4, 5]), between),
    ]


_CODE = solution_of(_rank_hypotheses, "rank_hypotheses")

RANK_HYPOTHESES = Exercise(
    name="rank_hypotheses",
    lesson="14",
    task="Order hypotheses by log_prob / length^penalty, the best one first: give their places.",
    points=3,
    minutes=7,
    difficulty="easy",
    solution=_CODE,
    why="log p is negative and sinks with every word, so sums favour what is short. Dividing by a "
    "power of the length makes them comparable: power 0 leaves the sums, power 1 gives the mean "
    "per word. argsort sorts upwards, hence the minus.",
    hints=(
        "Take two hypotheses, -2 nats in 2 words and -3 in 4: which one wins by sum, which by "
        "mean?",
        "Compute all scores at once, then np.argsort; it begins with the smallest.",
        "np.argsort(-(log_probs / lengths ** ...))",
    ),
    reference=_rank_hypotheses,
    cases=_cases,
    parts={"penalty 0": 1, "penalty 1": 1, "other penalties": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the worst first",
            "the worst one comes first: argsort sorts upwards.",
            changed(_CODE, ("argsort(-scores)", "argsort(scores)")),
        ),
        Mistake(
            "multiplied",
            "the log-probability is multiplied by the length's power: that punishes length twice.",
            changed(_CODE, ("log_probs / lengths", "log_probs * lengths")),
        ),
        Mistake(
            "sums",
            "the length plays no part: these are the bare sums.",
            changed(_CODE, (" / lengths**penalty", "")),
        ),
        Mistake(
            "always the mean",
            "the penalty is not used: this is the mean per word whatever it is.",
            changed(_CODE, ("lengths**penalty", "lengths")),
        ),
        Mistake(
            "times the penalty",
            "the length is multiplied by the penalty; it should be raised to its power.",
            changed(_CODE, ("lengths**penalty", "(lengths * penalty)")),
        ),
        Mistake(
            "the scores",
            "these are the scores; the places of the hypotheses were asked, the best first.",
            changed(_CODE, ("np.argsort(-scores)", "scores")),
        ),
        Mistake(
            "the best alone",
            "this is the best one alone; all of them were asked, in order.",
            changed(_CODE, ("np.argsort(-scores)", "np.argmax(scores)")),
        ),
    ),
)
