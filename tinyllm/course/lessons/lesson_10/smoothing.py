"""Exercise of lesson 10: cross-entropy with smoothed labels."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.lesson_10.cross_entropy import SHORTCUTS
from tinyllm.course.lessons.writing import changed, solution_of


def _smoothed(logits, targets, smoothing):
    largest = logits.max(axis=-1, keepdims=True)
    lse = largest + np.log(np.exp(logits - largest).sum(axis=-1, keepdims=True))
    logs = logits - lse  # (N, V)
    right = logs[np.arange(len(targets)), targets]
    return -np.mean((1 - smoothing) * right + smoothing * logs.mean(axis=-1))


def _smoothed_cases(rng: np.random.Generator) -> list[Case]:
    none, some, large = "a smoothing of 0", "a smoothing above 0", "large logits"
    e = float(rng.uniform(0.15, 0.35))
    return [
        Case((np.array([[0.0, np.log(3.0)]]), np.array([1]), 0.0), none),
        Case((rng.normal(size=(2, 3)), np.array([2, 0]), 0.0), none),
        Case((np.array([[0.0, np.log(3.0)]]), np.array([1]), 0.1), some),
        Case((rng.normal(size=(2, 3)), np.array([2, 0]), e), some),
        Case((rng.normal(size=(4, 5)), rng.integers(5, size=4), e), some),
        Case((np.array([[1000.0, 0.0]]), np.array([0]), 0.1), large),
    ]


_CODE = solution_of(_smoothed, "smoothed_cross_entropy")
_MIXED = "(1 - smoothing) * right + smoothing * logs.mean(axis=-1)"
_OTHERS = "(logs.sum(axis=-1) - right) / (logs.shape[1] - 1)"
_LSE = "largest + np.log(np.exp(logits - largest).sum(axis=-1, keepdims=True))"

SMOOTHED_CROSS_ENTROPY = Exercise(
    name="smoothed_cross_entropy",
    lesson="10",
    task="From logits (N, V), targets (N) and the smoothing e, give the mean loss against targets "
    "of 1 - e on the right word plus e / V on every word.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_CODE,
    why="Σ y log p with y = (1 - e) one-hot + e / V is (1 - e) log p[target] + e times the mean of "
    "all log p. With logits of any size the logarithms come from log-sum-exp: here every one of "
    "the V is needed, however small its share.",
    hints=(
        "Write the smoothed target of one row for V = 4 and e = 0.1. What does it sum to?",
        "Put y = (1 - e) one-hot + e / V into -Σ y log p and split the sum: the right word's "
        "logarithm, and the mean of all V logarithms.",
        "logs = logits - log-sum-exp of each row; -np.mean((1 - e) * right + e * "
        "logs.mean(axis=...))",
    ),
    reference=_smoothed,
    cases=_smoothed_cases,
    parts={"a smoothing of 0": 1, "a smoothing above 0": 2, "large logits": 1},
    refused=SHORTCUTS,
    needs=("log_sum_exp",),
    mistakes=(
        Mistake(
            "only the other words",
            "e is spread over the V - 1 wrong words alone. The usual form, PyTorch's too, gives "
            "e / V to every word, the right one among them.",
            changed(_CODE, ("logs.mean(axis=-1)", _OTHERS)),
        ),
        Mistake(
            "a sum in place of the mean",
            "each of the V words gets the whole of e: it should be e / V.",
            changed(_CODE, ("logs.mean(axis=-1)", "logs.sum(axis=-1)")),
        ),
        Mistake(
            "more than 1 in all",
            "the right word keeps the whole 1, so the target sums to 1 + e: it should give e away.",
            changed(_CODE, ("(1 - smoothing) * right", "right")),
        ),
        Mistake(
            "less than 1 in all",
            "the right word has only its 1 - e: e / V goes to every word, and so to the right one "
            "too, or the target does not sum to 1.",
            changed(_CODE, (_MIXED, f"{_MIXED} - smoothing / logs.shape[1] * right")),
        ),
        Mistake(
            "the mean over words",
            "the sum over the V words is divided by V: only the mean over the N rows was asked.",
            changed(_CODE, (f"-np.mean({_MIXED})", f"-np.mean({_MIXED}) / logs.shape[1]")),
        ),
        Mistake(
            "changed places",
            "e and 1 - e have changed places: most of the target should stay on the right word.",
            changed(_CODE, (_MIXED, "smoothing * right + (1 - smoothing) * logs.mean(axis=-1)")),
        ),
        Mistake(
            "the model's shares smoothed",
            "the model's shares are smoothed, not the target: mixing comes after the logarithm.",
            changed(
                _CODE,
                (_MIXED, "np.log((1 - smoothing) * np.exp(right) + smoothing / logs.shape[1])"),
            ),
        ),
        Mistake(
            "not smoothed",
            "the smoothing has no effect.",
            changed(_CODE, (_MIXED, "right")),
        ),
        Mistake(
            "the sum over tokens",
            "this is the sum over the rows; the mean was asked.",
            changed(_CODE, ("-np.mean(", "-np.sum(")),
        ),
        Mistake(
            "the logarithm of a softmax",
            "a small share is rounded to 0 before its logarithm is taken, and smoothing asks for "
            "every share: take log-sum-exp off the logits.",
            changed(
                _CODE,
                (f"    lse = {_LSE}\n", "    shares = np.exp(logits - largest)\n"),
                ("logits - lse", "np.log(shares / shares.sum(axis=-1, keepdims=True))"),
            ),
        ),
    ),
)
