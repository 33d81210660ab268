"""Exercises of lesson 16: when to answer, and when to say «I do not know.»"""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# coverage_and_risk ------------------------------------------------------------------------------


def _coverage_and_risk(sure, right, bar):
    answered = sure >= bar
    if not answered.any():
        return 0.0, 0.0
    return answered.mean(), 1 - right[answered].mean()


def _some_answers(rng: np.random.Generator, N: int) -> tuple[np.ndarray, np.ndarray]:
    """How sure, and whether right: more often where surer, but too sure on the whole."""
    sure = np.sort(rng.uniform(0.3, 1, N))
    right = rng.random(N) < (sure - 0.3) / 0.9
    right[: N // 4], right[-1], right[-3] = False, True, False
    right[N // 2] = True
    order = rng.permutation(N)
    return sure[order], right[order]


def _risk_cases(rng: np.random.Generator) -> list[Case]:
    some, nothing = "some are answered", "none is answered"
    sure, right = _some_answers(rng, 20)
    return [
        Case((np.array([0.5]), np.array([True]), 0.9), nothing),
        Case((np.array([0.9, 0.4]), np.array([True, False]), 0.5), some),
        Case((np.array([0.9, 0.5, 0.4]), np.array([True, False, False]), 0.5), some),
        Case((np.array([0.9, 0.5, 0.4, 0.2]), np.array([False, True, True, False]), 0.3), some),
        Case((sure, right, float(np.median(sure))), some),
        Case((sure, right, float(np.sort(sure)[4])), some),
        Case((sure, right, 1.5), nothing),
    ]


_RISK = solution_of(_coverage_and_risk, "coverage_and_risk")

COVERAGE_AND_RISK = Exercise(
    name="coverage_and_risk",
    lesson="16",
    task="Answer only where the model is at least so sure: give the share of questions that are "
    "answered, and the share of wrong ones among the answered.",
    points=4,
    minutes=10,
    difficulty="easy",
    solution=_RISK,
    why="A higher bar buys fewer mistakes with fewer answers. The risk is a share of what was "
    "said, not of what was asked; where nothing is said nothing is wrong.",
    hints=(
        "Three answers, sure 0.9, 0.5, 0.4; the first is right; a bar of 0.5. Which are given?",
        "answered = sure >= bar is a mask: its mean is the coverage; look at right[answered]. Mind "
        "the case in which there is none.",
        "return answered.mean(), 1 - right[answered].mean(), and (0.0, 0.0) if not answered.any()",
    ),
    reference=_coverage_and_risk,
    cases=_risk_cases,
    parts={"some are answered": 3, "none is answered": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the risk of all",
            "the risk is a share of all questions: it should be of the answered ones.",
            changed(_RISK, ("1 - right[answered].mean()", "(answered & ~right).mean()")),
        ),
        Mistake(
            "what is on the bar",
            "an answer that is just as sure as the bar is given too.",
            changed(_RISK, (">=", ">")),
        ),
        Mistake(
            "the unsure ones",
            "this answers where the model is less sure than the bar.",
            changed(_RISK, (">=", "<")),
        ),
        Mistake(
            "right ones",
            "the second number is the share of right answers: the risk is that of wrong ones.",
            changed(_RISK, ("1 - right", "right")),
        ),
        Mistake(
            "NaN for none",
            "where nothing is answered the mean of nothing is NaN: the risk is 0 there.",
            changed(_RISK, ("return 0.0, 0.0", "return 0.0, np.nan")),
        ),
        Mistake(
            "a count",
            "the coverage is a count: it should be a share of all questions.",
            changed(_RISK, ("answered.mean(),", "answered.sum(),")),
        ),
        Mistake(
            "wrong everywhere",
            "the risk is that of answering everything: look at the answered ones alone.",
            changed(_RISK, ("right[answered].mean()", "right.mean()")),
        ),
    ),
)

# best_bar ---------------------------------------------------------------------------------------


def _best_bar(sure, right, cost):
    bars = np.append(np.unique(sure), np.inf)
    worth = np.where(right, 1.0, -cost)
    rewards = [worth[sure >= bar].sum() for bar in bars]
    return float(bars[np.argmax(rewards)])


def _settled(rng: np.random.Generator, N: int, cost: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Answers on which every wrong way to choose a bar comes to a bar of its own."""
    while True:
        sure, right = _some_answers(rng, N)
        bars, worth = np.append(np.unique(sure), np.inf), np.where(right, 1.0, -cost)
        ways = [
            _best_bar(sure, right, cost),
            _best_bar(sure, right, 0.0),
            float(cost / (1 + cost)),
            float(bars[np.argmax([worth[sure > bar].sum() for bar in bars])]),
            float(bars[np.argmax([worth[sure >= bar].mean() for bar in bars[:-1]])]),
            float(bars[np.argmax([(right == (sure >= bar)).mean() for bar in bars])]),
        ]
        if len(set(ways)) == len(ways) and np.inf not in ways:
            return sure, right, cost


def _bar_cases(rng: np.random.Generator) -> list[Case]:
    answers, silence = "some are worth answering", "silence is best"
    wrong = np.sort(rng.uniform(0.3, 1, 6))
    return [
        Case((np.array([0.75]), np.array([False]), 1.0), silence),
        Case((np.array([0.9, 0.6]), np.array([True, False]), 1.0), answers),
        Case((np.array([0.9, 0.6, 0.5]), np.array([True, False, True]), 2.5), answers),
        Case(_settled(rng, 24, 1.3), answers),
        Case(_settled(rng, 30, 2.1), answers),
        Case((wrong, np.array([True, False, False, True, False, False]), 5.3), silence),
    ]


_BAR = solution_of(_best_bar, "best_bar")

BEST_BAR = Exercise(
    name="best_bar",
    lesson="16",
    task="Find the bar with the greatest reward: 1 for a right answer, -cost for a wrong one, 0 "
    "for silence; among the values of sure, and infinity.",
    points=5,
    minutes=18,
    difficulty="hard",
    solution=_BAR,
    why="Between two neighbouring values of sure nothing changes, so it is enough to try each "
    "value once, and infinity for saying nothing at all. A model that knew exactly how sure it "
    "may be would need no search: cost / (1 + cost) would do. Few do.",
    hints=(
        "Sure 0.9, 0.6, 0.5; right, wrong, right; cost 2.5. What is each of the four bars worth?",
        "np.where(right, 1.0, -cost) is what each answer is worth; for each bar sum it over the "
        "answered ones, and take the bar with the largest sum.",
        "bars = np.append(np.unique(sure), np.inf); rewards = [worth[sure >= bar].sum() for ...]",
    ),
    reference=_best_bar,
    cases=_bar_cases,
    parts={"some are worth answering": 3, "silence is best": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "never silent",
            "infinity is missing among the bars: to say nothing at all may be best.",
            changed(_BAR, ("np.append(np.unique(sure), np.inf)", "np.unique(sure)")),
        ),
        Mistake(
            "a mistake costs nothing",
            "a wrong answer costs nothing here, so that everything is answered.",
            changed(_BAR, ("-cost)", "0.0)")),
        ),
        Mistake(
            "the mean",
            "this takes the mean worth of what is answered, and so answers little; the sum was "
            "asked.",
            changed(
                _BAR,
                (
                    "worth[sure >= bar].sum() for",
                    "worth[sure >= bar].sum() / max(1, (sure >= bar).sum()) for",
                ),
            ),
        ),
        Mistake(
            "it believes the model",
            "cost / (1 + cost) is right for a model that knows how sure it may be: measure it on "
            "the answers instead.",
            "import numpy as np\ndef best_bar(sure, right, cost):\n    return cost / (1 + cost)\n",
        ),
        Mistake(
            "what is on the bar",
            "an answer that is just as sure as the bar is given too.",
            changed(_BAR, ("sure >= bar", "sure > bar")),
        ),
        Mistake(
            "the worst",
            "this is the bar with the smallest reward.",
            changed(_BAR, ("np.argmax", "np.argmin")),
        ),
        Mistake(
            "the reward itself",
            "this is the greatest reward: the bar that brings it was asked.",
            changed(_BAR, ("float(bars[np.argmax(rewards)])", "float(max(rewards))")),
        ),
    ),
)

EXERCISES = (COVERAGE_AND_RISK, BEST_BAR)
