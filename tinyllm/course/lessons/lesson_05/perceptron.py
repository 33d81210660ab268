"""Exercise of lesson 05: the averaged perceptron."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of


def _averaged_perceptron(X, y, K, epochs):
    W = np.zeros((K, X.shape[1]))
    total = np.zeros_like(W)
    for _ in range(epochs):
        for x, truth in zip(X, y, strict=True):
            guess = (W @ x).argmax()
            if guess != truth:
                W[truth] += x
                W[guess] -= x
            total += W
    return total / (epochs * len(X))


def _perceptron_cases(rng: np.random.Generator) -> list[Case]:
    one, several, epochs = "one example", "several examples", "several epochs"

    def drawn(N: int, F: int, K: int, epochs: int) -> tuple:
        X = (rng.random((N, F)) < 0.5).astype(float)
        X[:, 0] = 1.0
        return X, np.append(K - 1, rng.integers(K, size=N - 1)), K, epochs

    X = np.eye(2)[[0, 1, 0]]
    return [
        Case((np.array([[1.0]]), np.array([1]), 2, 1), one),
        Case((np.array([[1.0, 2.0]]), np.array([0]), 2, 1), one),
        Case((X, np.array([1, 1, 1]), 2, 1), several),
        Case(drawn(8, 4, 3, 1), several),
        Case((np.array([[1.0]]), np.array([2]), 3, 2), epochs),
        Case(drawn(10, 4, 3, 3), epochs),
    ]


_PERCEPTRON = solution_of(_averaged_perceptron, "averaged_perceptron")
_MEAN = "total / (epochs * len(X))"

AVERAGED_PERCEPTRON = Exercise(
    name="averaged_perceptron",
    lesson="05",
    task="Train a perceptron on examples X (N, F) with classes y (N), and give the mean of its "
    "weights (K, F) after every example of every epoch.",
    points=5,
    minutes=20,
    difficulty="hard",
    solution=_PERCEPTRON,
    why="A wrong guess moves two rows: the true class's up by x, the guessed class's down by x, so "
    "that next time the two are nearer to the right order. A right guess moves nothing, but its "
    "weights count in the mean: weights that stay right for long count for much.",
    hints=(
        "When nothing is wrong, nothing changes. When something is, how many rows of the weights "
        "change?",
        "For each example: guess by the largest of W @ x; if it is wrong, add x to the row of the "
        "truth and take it off the row of the guess. Then, wrong or not, add W to a running total.",
        "total += W after each example; return total / (number of examples seen in all epochs)",
    ),
    reference=_averaged_perceptron,
    cases=_perceptron_cases,
    parts={"one example": 1, "several examples": 2, "several epochs": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "the last weights",
            "these are the weights after the last example: their mean over all was asked.",
            changed(_PERCEPTRON, (_MEAN, "W")),
        ),
        Mistake(
            "the guess is not punished",
            "the row of the truth moves up, but that of the wrong guess does not move down.",
            changed(_PERCEPTRON, ("                W[guess] -= x\n", "")),
        ),
        Mistake(
            "the truth is not rewarded",
            "the row of the wrong guess moves down, but that of the truth does not move up.",
            changed(_PERCEPTRON, ("                W[truth] += x\n", "")),
        ),
        Mistake(
            "the wrong way",
            "the signs are the wrong way round: the weights move away from the truth.",
            changed(
                _PERCEPTRON, ("W[truth] += x", "W[truth] -= x"), ("W[guess] -=", "W[guess] +=")
            ),
        ),
        Mistake(
            "only mistakes count",
            "the mean is taken over the mistakes alone: weights that stay right for a hundred "
            "examples should count a hundred times.",
            changed(
                _PERCEPTRON,
                ("    total = np", "    seen = 0\n    total = np"),
                (
                    "            total += W\n",
                    "                total += W\n                seen += 1\n",
                ),
                (_MEAN, "total / max(seen, 1)"),
            ),
        ),
        Mistake(
            "added too early",
            "the weights are added up before the example has changed them: after was asked.",
            changed(
                _PERCEPTRON,
                ("            total += W\n", ""),
                ("            guess = (", "            total += W\n            guess = ("),
            ),
        ),
        Mistake(
            "once an epoch",
            "the mean is over the ends of the epochs: it should be over every example.",
            changed(
                _PERCEPTRON,
                ("            total += W\n", "        total += W\n"),
                (_MEAN, "total / epochs"),
            ),
        ),
        Mistake(
            "one epoch's number",
            "the total of all epochs is divided by the examples of one.",
            changed(_PERCEPTRON, (_MEAN, "total / len(X)")),
        ),
        Mistake(
            "begun anew",
            "what comes after the first epoch teaches nothing new: are the weights made anew "
            "in each, or are the examples seen once only?",
            changed(
                _PERCEPTRON,
                ("(epochs):\n", "(epochs):\n        W = np.zeros_like(total)\n"),
            ),
        ),
    ),
)
