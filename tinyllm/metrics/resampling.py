"""Draw sentences again and again: how far would a score move on another sample of them?

A corpus score is a function of sums over sentences, so a resample is a vector of counts, how often
each sentence was drawn, times the matrix of what each adds. No sentence is measured twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

DEFAULT_SEED = 12345  # sacrebleu's
ENTRIES_AT_ONCE = 2**21

FromSums = Callable[[np.ndarray], float]


@dataclass(frozen=True)
class Interval:
    """A percentile interval of a score: `confidence` of the resamples fall in [low, high]."""

    low: float
    high: float
    mean: float
    confidence: float
    resamples: int
    seed: int

    def __format__(self, form: str) -> str:
        form = form or ".2f"
        return f"{self.low:{form}}-{self.high:{form}}, {100 * self.confidence:.4g} %"

    def __str__(self) -> str:
        return format(self, "")


def check_resampling(who: str, resamples: int, seed: int) -> None:
    """Refuse numbers that no resampling can be made with."""
    if isinstance(resamples, bool) or not isinstance(resamples, int) or resamples < 1:
        raise ValueError(f"{who}: {resamples!r} resamples is not a whole number, 1 or more")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError(f"{who}: seed {seed!r} is not a whole number, 0 or more")


def check_statistics(who: str, statistics: np.ndarray) -> None:
    """Refuse what tells nothing of other samples: one sentence, or an infinite loss."""
    if len(statistics) < 2:
        raise ValueError(f"{who}: {len(statistics)} sentence cannot be resampled: give 2 or more")
    if not np.isfinite(statistics).all():
        raise ValueError(f"{who}: a sentence's statistics are not finite")


def row_blocks(rows: int, columns: int) -> Iterator[int]:
    """Cut rows into blocks of a size that fits into memory, whole multiples of 32 rows."""
    block = max(32, ENTRIES_AT_ONCE // max(columns, 1) // 32 * 32)
    for start in range(0, rows, block):
        yield min(block, rows - start)


def drawn_sums(statistics: list[np.ndarray], resamples: int, seed: int) -> Iterator[list]:
    """Yield for each bootstrap resample the sums (K,) of every matrix, drawn alike from all."""
    generator = np.random.default_rng(seed)
    N = len(statistics[0])
    matrices = [matrix.astype(np.float64) for matrix in statistics]
    for rows in row_blocks(resamples, N):
        drawn = generator.choice(N, size=(rows, N), replace=True)
        drawn += N * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * N).reshape(rows, N)
        yield from zip(*(counts.astype(np.float64) @ matrix for matrix in matrices), strict=True)


def bootstrap_scores(
    statistics: np.ndarray, from_sums: FromSums, n_bootstrap: int = 1000, seed: int = DEFAULT_SEED
) -> np.ndarray:
    """Give the scores (R,) of R resamples of N sentences, drawn with replacement.

    Args:    statistics: what each sentence adds to the sums (N, K).
             from_sums: from sums (K,) to the score.
    """
    check_resampling("bootstrap", n_bootstrap, seed)
    check_statistics("bootstrap", statistics)
    return np.array([from_sums(sums) for (sums,) in drawn_sums([statistics], n_bootstrap, seed)])


def percentile_interval(
    scores: np.ndarray, confidence: float = 0.95, seed: int = DEFAULT_SEED
) -> Interval:
    """Give the interval between the (1 - confidence) / 2 percentiles from below and from above."""
    if not 0 < confidence < 1 or math.isnan(confidence):
        raise ValueError(f"bootstrap: confidence = {confidence} is not between 0 and 1")
    tail = 50 * (1 - confidence)
    low, high = np.percentile(scores, [tail, 100 - tail])
    mean = float(np.mean(scores))
    return Interval(float(low), float(high), mean, confidence, len(scores), seed)
