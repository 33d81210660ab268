"""Exercises of lesson 11: clipping all gradients together, and Muon's equal directions."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# clip_together: find the bug --------------------------------------------------------------------


def _clip_together(grads, most):
    norm = np.sqrt(sum((grad * grad).sum() for grad in grads.values()))
    scale = most / max(norm, most)
    return {name: scale * grad for name, grad in grads.items()}


def _clip_cases(rng: np.random.Generator) -> list[Case]:
    long, short = "a long gradient becomes shorter", "a short gradient stays"

    def named(*arrays: np.ndarray) -> dict[str, np.ndarray]:
        return dict(zip(("weight", "bias", "scale"), arrays, strict=False))

    def draw(*shapes: tuple[int, ...], size: float) -> dict[str, np.ndarray]:
        return named(
            *(size * rng.uniform(0.5, 1.5, size=s) * rng.choice([-1, 1], s) for s in shapes)
        )

    return [
        Case((named(np.array([5.0])), 1.0), long),
        Case((named(np.array([3.0]), np.array([4.0])), 1.0), long),
        Case((draw((3,), (2, 2), size=5.0), 2.0), long),
        Case((draw((2, 3), (3,), (1,), size=2.0), 1.5), long),
        Case((named(np.array([0.3]), np.array([0.4])), 1.0), short),
        Case((draw((3,), (2, 2), size=0.1), 2.0), short),
        Case((named(np.zeros(2), np.zeros(1)), 1.0), short),
    ]


_CLIP = solution_of(_clip_together, "clip_together")
_RETURN = "    return {name: scale * grad for name, grad in grads.items()}\n"
_NORM = "np.sqrt(sum((grad * grad).sum() for grad in grads.values()))"

CLIP_TOGETHER = Exercise(
    name="clip_together",
    lesson="11",
    task="Find the bug in clip_always and write it without: its run never comes to rest.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_CLIP,
    why="clip_always scales every gradient to the length `most`, the short ones up. Near the "
    "bottom gradients should become short, and the steps with them. The scale must never be more "
    "than 1: most / max(norm, most), which is safe for a gradient of 0 too.",
    hints=(
        "Print the norm of the gradients before and after, far from the bottom and near to it.",
        "The scale is right for a long gradient. What is it for a short one, and for one of 0?",
        "scale = most / max(norm, ...)",
    ),
    reference=_clip_together,
    cases=_clip_cases,
    parts={"a long gradient becomes shorter": 2, "a short gradient stays": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "as it was given",
            "short gradients are still made longer, as in clip_always; and a gradient of 0 gives "
            "0 / 0.",
            changed(_CLIP, ("max(norm, most)", "norm")),
        ),
        Mistake(
            "the other way round",
            "max where min is wanted: long gradients stay, and short ones grow.",
            changed(_CLIP, ("most / max(norm, most)", "max(1.0, most / max(norm, 1e-12))")),
        ),
        Mistake(
            "each array by itself",
            "each array is clipped by its own norm: together they can still be too long, and "
            "their direction is changed.",
            changed(
                _CLIP,
                (
                    _RETURN,
                    "    return {name: g * (most / max(np.sqrt((g * g).sum()), most))\n"
                    "            for name, g in grads.items()}\n",
                ),
            ),
        ),
        Mistake(
            "each number by itself",
            "each number is clipped by itself: that bends the gradient out of its direction.",
            changed(
                _CLIP,
                (_RETURN, "    return {n: np.clip(g, -most, most) for n, g in grads.items()}\n"),
            ),
        ),
        Mistake(
            "no root",
            "the norm lacks its root: gradients are cut to far less than `most`.",
            changed(_CLIP, (_NORM, "sum((grad * grad).sum() for grad in grads.values())")),
        ),
        Mistake(
            "a sum of norms",
            "the norms of the arrays are added: the common norm is the root of the sum of all "
            "squares.",
            changed(_CLIP, (_NORM, "sum(np.sqrt((grad * grad).sum()) for grad in grads.values())")),
        ),
        Mistake(
            "nothing is clipped",
            "nothing is clipped any more: long gradients stay as they are.",
            changed(_CLIP, ("most / max(norm, most)", "1.0")),
        ),
        Mistake(
            "in place",
            "the values are right, but the caller's gradients are changed: make new arrays.",
            changed(
                _CLIP,
                (
                    _RETURN,
                    "    for grad in grads.values():\n        grad *= scale\n    return grads\n",
                ),
            ),
        ),
    ),
)

# equal_directions -------------------------------------------------------------------------------


def _equal_directions(G):
    U, _, Vt = np.linalg.svd(G, full_matrices=False)
    return U @ Vt


def _direction_cases(rng: np.random.Generator) -> list[Case]:
    square, other = "square matrices", "other shapes"

    def matrix(A: int, B: int) -> np.ndarray:
        """Singular values far from 0 and from each other, so that U Vᵀ is well defined."""
        n = min(A, B)
        left, _ = np.linalg.qr(rng.normal(size=(A, n)))
        right, _ = np.linalg.qr(rng.normal(size=(B, n)))
        return left @ np.diag(3.0 ** np.arange(n) * rng.uniform(0.4, 0.6)) @ right.T

    return [
        Case((np.array([[-3.0]]),), square),
        Case((np.array([[2.0, 0.0], [0.0, 0.1]]),), square),
        Case((matrix(3, 3),), square),
        Case((matrix(3, 2),), other),
        Case((matrix(2, 4),), other),
    ]


_DIRECTIONS = solution_of(_equal_directions, "equal_directions")

EQUAL_DIRECTIONS = Exercise(
    name="equal_directions",
    lesson="11",
    task="From a gradient G (A, B) give the matrix with the same singular vectors, and all "
    "singular values 1.",
    points=3,
    minutes=8,
    difficulty="medium",
    solution=_DIRECTIONS,
    why="G = U S Vᵀ says how far each direction is stretched: S. Left out, all are stretched "
    "alike. np.linalg.svd gives Vᵀ already, and full_matrices=False fits U and Vᵀ to each other.",
    hints=(
        "np.linalg.svd gives three things. Which of them holds the lengths?",
        "Leave the singular values out and multiply the other two. For matrices that are not "
        "square look up full_matrices.",
        "U, _, Vt = np.linalg.svd(G, full_matrices=...); return U @ ...",
    ),
    reference=_equal_directions,
    cases=_direction_cases,
    parts={"square matrices": 1, "other shapes": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "divided by its norm",
            "the whole matrix is divided by one number: the directions differ in length as before.",
            changed(_DIRECTIONS, ("U @ Vt", "G / np.linalg.norm(G)")),
        ),
        Mistake(
            "transposed once too often",
            "NumPy's svd gives Vᵀ already: transposed once more it is V.",
            changed(_DIRECTIONS, ("U @ Vt", "U @ Vt.T")),
        ),
        Mistake(
            "the signs",
            "this is the sign of each number, which is nearly what Adam does in its first step: "
            "Muon looks at the matrix as a whole.",
            changed(_DIRECTIONS, ("U @ Vt", "np.sign(G)")),
        ),
        Mistake(
            "full matrices",
            "for a matrix that is not square U and Vᵀ do not fit each other: full_matrices=False.",
            changed(_DIRECTIONS, (", full_matrices=False", "")),
        ),
        Mistake(
            "the singular values are still there",
            "this is G again: leave the singular values out.",
            changed(_DIRECTIONS, ("U, _, Vt", "U, S, Vt"), ("U @ Vt", "U * S @ Vt")),
        ),
        Mistake(
            "divided by the singular values",
            "short directions are the longest now: 1 in the place of S, not 1 / S.",
            changed(_DIRECTIONS, ("U, _, Vt", "U, S, Vt"), ("U @ Vt", "U / S @ Vt")),
        ),
    ),
)

EXERCISES = (CLIP_TOGETHER, EQUAL_DIRECTIONS)
