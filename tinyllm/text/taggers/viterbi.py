"""The best path through a chain of tags."""

from __future__ import annotations

import numpy as np


def viterbi(
    scores: np.ndarray,
    transitions: np.ndarray,
    start: np.ndarray | None = None,
    end: np.ndarray | None = None,
) -> list[int]:
    """Find the tags t_1 … t_T whose sum of scores is the largest, among all K^T sequences.

    start[t_1] + sum_i scores[i, t_i] + sum_i transitions[t_{i-1}, t_i] + end[t_T]

    The best path to tag t at place i is the best path to some tag before it, and one step: so that
    one number per tag and place is enough, T K^2 sums in all. Scores are logarithms, or a
    perceptron's sums; -inf forbids. Ties go to the tag of the lower number.

    Shapes:  scores (T, K), transitions (K, K) from row to column, start and end (K,)
    Raises:  ValueError for shapes that do not fit, NaN, or where every path is forbidden.
    Source:  Viterbi 1967; Jurafsky and Martin, Speech and Language Processing, chapter 17
    """
    scores, transitions = np.asarray(scores, np.float64), np.asarray(transitions, np.float64)
    T, K = _check(scores, transitions, start, end)
    best = scores[0] if start is None else scores[0] + start  # of paths that end in each tag (K,)
    came_from = np.empty((T, K), np.int64)
    for i in range(1, T):
        steps = best[:, None] + transitions  # (K before, K now)
        came_from[i] = steps.argmax(axis=0)
        best = steps.max(axis=0) + scores[i]
    if end is not None:
        best = best + end
    if not best.max() > -np.inf:
        raise ValueError("viterbi: every path is forbidden, its score being -inf")
    path = [int(best.argmax())]
    for i in range(T - 1, 0, -1):
        path.append(int(came_from[i, path[-1]]))
    return path[::-1]


def _check(
    scores: np.ndarray,
    transitions: np.ndarray,
    start: np.ndarray | None,
    end: np.ndarray | None,
) -> tuple[int, int]:
    if scores.ndim != 2 or not scores.size:
        raise ValueError(f"viterbi: scores must be (T, K), both above 0, not {scores.shape}")
    K = scores.shape[1]
    parts = {"scores": (scores, scores.shape), "transitions": (transitions, (K, K))}
    parts |= {"start": (start, (K,)), "end": (end, (K,))}
    for name, (array, shape) in parts.items():
        if array is None:
            continue
        if np.shape(array) != shape:
            raise ValueError(
                f"viterbi: {name} must be of shape {shape}, for scores of {K} tags, not "
                f"{np.shape(array)}"
            )
        if not np.all(np.asarray(array) < np.inf):  # false for NaN too
            raise ValueError(f"viterbi: {name} holds NaN or inf")
    return scores.shape
