"""Exercises of lesson 11: gradient descent on a bowl, and the largest step that it bears."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of


def _bowl(rng: np.random.Generator, D: int) -> np.ndarray:
    """A symmetric matrix (D, D) with curvatures between 0.5 and 4 and axes of its own."""
    axes, _ = np.linalg.qr(rng.normal(size=(D, D)))
    return axes @ np.diag(rng.uniform(0.5, 4.0, size=D)) @ axes.T


# descent_path -----------------------------------------------------------------------------------


def _descent_path(A, w, lr, steps):
    path = [w]
    for _ in range(steps):
        w = w - lr * (A @ w)  # (D,)
        path.append(w)
    return np.stack(path)  # (steps + 1, D)


def _path_cases(rng: np.random.Generator) -> list[Case]:
    one, several = "one weight", "several weights"
    return [
        Case((np.array([[1.0]]), np.array([8.0]), 0.5, 3), one),
        Case((np.array([[2.0]]), rng.uniform(1, 3, size=1), 0.25, 4), one),
        Case((_bowl(rng, 2), rng.uniform(1, 3, size=2), 0.1, 0), several),
        Case((_bowl(rng, 2), rng.uniform(1, 3, size=2), 0.3, 3), several),
        Case((_bowl(rng, 3), rng.uniform(1, 3, size=3), 0.2, 6), several),
    ]


_PATH = solution_of(_descent_path, "descent_path")
_STEP = "        w = w - lr * (A @ w)  # (D,)\n"

DESCENT_PATH = Exercise(
    name="descent_path",
    lesson="11",
    task="Give all points (steps + 1, D) that gradient descent visits on the bowl ½ wᵀ A w.",
    points=3,
    minutes=8,
    difficulty="easy",
    solution=_PATH,
    why="The gradient of ½ wᵀ A w is A w, for a symmetric A. Each step subtracts lr times it. "
    "w = w - ... makes a new array at each step, so that the path keeps the earlier points.",
    hints=(
        "For one weight the bowl is ½ a w². What is its derivative? And how many points has a "
        "path of three steps?",
        "Begin a list with w itself. In each step take lr times A @ w off, into a new array, and "
        "append that. Stack the list at the end.",
        "path = [w]; for _ in range(steps): w = w - ...; path.append(w); return np.stack(path)",
    ),
    reference=_descent_path,
    cases=_path_cases,
    parts={"one weight": 1, "several weights": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "uphill",
            "the path climbs: the gradient points uphill, so it has to be subtracted.",
            changed(_PATH, ("w - lr", "w + lr")),
        ),
        Mistake(
            "no learning rate",
            "the whole gradient is subtracted, without the learning rate.",
            changed(_PATH, ("lr * (A @ w)", "A @ w")),
        ),
        Mistake(
            "half the gradient",
            "each step is half as long as it should be: the ½ of the bowl has gone against the 2 "
            "of the square already.",
            changed(_PATH, ("lr * (A @ w)", "0.5 * lr * (A @ w)")),
        ),
        Mistake(
            "twice the gradient",
            "each step is twice as long as it should be: the bowl is ½ wᵀ A w, and its gradient "
            "A w.",
            changed(_PATH, ("lr * (A @ w)", "2 * lr * (A @ w)")),
        ),
        Mistake(
            "no start",
            "the start is missing: a path of so many steps has one point more.",
            changed(_PATH, ("path = [w]", "path = []"), ("np.stack(path)", "np.array(path)")),
        ),
        Mistake(
            "one step too few",
            "the last step is missing.",
            changed(_PATH, ("range(steps)", "range(steps - 1)")),
        ),
        Mistake(
            "in place",
            "all points of the path are the last one: -= changes the very array that is in the "
            "list already, and the caller's too.",
            changed(_PATH, (_STEP, "        w -= lr * (A @ w)\n")),
        ),
        Mistake(
            "number by number",
            "A * w multiplies each column by a weight; the gradient is the product A @ w.",
            changed(_PATH, ("A @ w", "A * w")),
        ),
    ),
)

# largest_stable_rate ----------------------------------------------------------------------------


def _largest_stable_rate(A):
    return 2 / np.linalg.eigvalsh(A).max()


def _rate_cases(rng: np.random.Generator) -> list[Case]:
    straight, tilted = "a bowl along the axes", "a tilted bowl"
    diagonal = np.diag(rng.permutation([0.5, 3.0, 7.0]) * rng.uniform(0.9, 1.1))
    return [
        Case((np.array([[4.0]]),), straight),
        Case((np.diag(rng.permutation([1.0, 10.0])),), straight),
        Case((diagonal,), straight),
        Case((np.array([[2.0, 1.0], [1.0, 2.0]]),), tilted),
        Case((_bowl(rng, 3),), tilted),
        Case((_bowl(rng, 5),), tilted),
    ]


_RATE = solution_of(_largest_stable_rate, "largest_stable_rate")
_EXPRESSION = "2 / np.linalg.eigvalsh(A).max()"

LARGEST_STABLE_RATE = Exercise(
    name="largest_stable_rate",
    lesson="11",
    task="In one line: above which learning rate does gradient descent on ½ wᵀ A w diverge?",
    points=2,
    minutes=5,
    difficulty="easy",
    solution=_RATE,
    why="Along an axis of the bowl with curvature a each step multiplies the distance by 1 - lr a. "
    "That is -1 at lr = 2 / a. The steepest axis, the largest eigenvalue, reaches it first.",
    hints=(
        "Along one axis with curvature a: which lr makes 1 - lr a equal to -1?",
        "All axes take the same lr, and the steepest is the first to diverge. The curvatures of a "
        "tilted bowl are the eigenvalues of A.",
        "2 / np.linalg.eigvalsh(A)...",
    ),
    reference=_largest_stable_rate,
    cases=_rate_cases,
    parts={"a bowl along the axes": 1, "a tilted bowl": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "one step to the bottom",
            "1 / a reaches the bottom of the steepest axis in one step; it bears twice that "
            "before it diverges.",
            changed(_RATE, (_EXPRESSION, "1 / np.linalg.eigvalsh(A).max()")),
        ),
        Mistake(
            "the flattest axis",
            "this is the limit of the flattest axis: the steepest diverges long before.",
            changed(_RATE, (".max()", ".min()")),
        ),
        Mistake(
            "the diagonal",
            "the diagonal holds the curvatures only if the bowl lies along the axes: a tilted one "
            "is steeper somewhere between.",
            changed(_RATE, ("np.linalg.eigvalsh(A)", "np.diag(A)")),
        ),
        Mistake(
            "the sum of the curvatures",
            "this divides by the sum of all curvatures; each axis goes its own way, and the "
            "largest alone decides.",
            changed(_RATE, ("np.linalg.eigvalsh(A).max()", "np.trace(A)")),
        ),
        Mistake(
            "the fastest",
            "2 / (smallest + largest) is the rate that converges fastest: the limit lies above.",
            changed(
                _RATE,
                (
                    _EXPRESSION,
                    "2 / (np.linalg.eigvalsh(A).max() + np.linalg.eigvalsh(A).min())",
                ),
            ),
        ),
        Mistake(
            "upside down",
            "the fraction is upside down: a steeper bowl bears smaller steps.",
            changed(_RATE, (_EXPRESSION, "np.linalg.eigvalsh(A).max() / 2")),
        ),
    ),
)

EXERCISES = (DESCENT_PATH, LARGEST_STABLE_RATE)
