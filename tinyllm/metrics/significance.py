"""Is one system better than another, or were the sentences kind to it? Two paired tests.

Both systems were measured on the same sentences, against the same references. If they were equally
good, whose translation of a sentence is whose would not matter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinyllm.metrics.resampling import (
    DEFAULT_SEED,
    check_resampling,
    check_statistics,
    drawn_sums,
    row_blocks,
)
from tinyllm.metrics.score import Score, signature

ROUNDING = 1e-9  # differences closer than this are equal


@dataclass(frozen=True, kw_only=True)
class PairedTest:
    """What a paired test found.

    p_value:     how often chance alone makes a difference as large as the observed one, in either
                 direction
    samples:     the differences that chance made (R,)
    """

    name: str
    baseline: float
    system: float
    p_value: float
    method: str
    seed: int
    signature: str = field(repr=False)
    samples: np.ndarray = field(repr=False, compare=False)

    @property
    def difference(self) -> float:
        """The system's score less the baseline's."""
        return self.system - self.baseline

    def to_dict(self) -> dict[str, Any]:
        """Give what can be written as JSON."""
        names = ("name", "baseline", "system", "difference", "p_value", "method", "seed")
        shown = {name: getattr(self, name) for name in names}
        return shown | {"samples": len(self.samples), "signature": self.signature}

    def __str__(self) -> str:
        return (
            f"{self.name} {self.baseline:.2f} -> {self.system:.2f} ({self.difference:+.2f}, "
            f"p = {self.p_value:.4f}, {self.method}, {len(self.samples):,} samples)"
        )


def paired_bootstrap(
    baseline: Score, system: Score, n_samples: int = 1000, seed: int = DEFAULT_SEED
) -> PairedTest:
    """Test a difference by drawing the same sentences with replacement for both systems.

    p = (1 + #(|d_r| - mean |d| >= |d|)) / (1 + R), d_r the difference on resample r, R of them

    Args:    baseline, system: scores of one metric on the same sentences.
             n_samples: resamples R.
             seed: the draws are sacrebleu's (--paired-bs) for the same seed.
    Raises:  ValueError for scores that do not compare.
    Differs: sacrebleu counts > instead of >=, so that a system differs from itself with p = 0.001;
             where no two differences are equal, the two agree.
    Source:  Koehn 2004; Riezler and Maxwell 2005 for the shift by the mean
    """
    _check_pair("paired_bootstrap", baseline, system, n_samples, seed)
    pairs = drawn_sums([baseline.statistics, system.statistics], n_samples, seed)
    gaps = np.array([abs(system.from_sums(s) - baseline.from_sums(b)) for b, s in pairs])
    samples = gaps - gaps.mean()
    return _result("paired bootstrap", "bs", baseline, system, samples, seed)


def paired_randomization(
    baseline: Score, system: Score, n_samples: int = 10000, seed: int = DEFAULT_SEED
) -> PairedTest:
    """Test a difference by approximate randomization: swap the two systems' sentences by a coin.

    p = (1 + #(|d_r| >= |d|)) / (1 + R), d_r the difference after the swaps of trial r, R of them

    Args:    baseline, system: scores of one metric on the same sentences.
             n_samples: trials R.
             seed: the coins are sacrebleu's (--paired-ar) for the same seed.
    Raises:  ValueError for scores that do not compare.
    Differs: sacrebleu counts > instead of >=, so that with few sentences any difference passes for
             a sure one; where no two differences are equal, the two agree.
    Source:  Riezler and Maxwell 2005; Phipson and Smyth 2010, arXiv:1603.05766, on never saying 0
    """
    _check_pair("paired_randomization", baseline, system, n_samples, seed)
    ours, theirs = (s.statistics.astype(np.float64) for s in (baseline, system))
    both = ours.sum(axis=0) + theirs.sum(axis=0)
    generator = np.random.default_rng(seed)
    N = len(ours)
    gaps = []
    for rows in row_blocks(n_samples, N):
        keeps = generator.integers(2, size=(rows, N), dtype=bool)
        first = theirs.sum(axis=0) + keeps.astype(np.float64) @ (ours - theirs)
        gaps += [abs(baseline.from_sums(a) - baseline.from_sums(both - a)) for a in first]
    name = "approximate randomization"
    return _result(name, "ar", baseline, system, np.array(gaps), seed)


def _result(
    method: str, short: str, baseline: Score, system: Score, samples: np.ndarray, seed: int
) -> PairedTest:
    observed = abs(system.score - baseline.score)
    reached = int(np.sum(samples >= observed - ROUNDING))
    return PairedTest(
        name=system.name,
        baseline=baseline.score,
        system=system.score,
        p_value=(reached + 1) / (len(samples) + 1),
        method=method,
        seed=seed,
        signature=signature(system.settings, **{short: len(samples), "seed": seed}),
        samples=samples,
    )


def _check_pair(who: str, baseline: Score, system: Score, n_samples: int, seed: int) -> None:
    check_resampling(who, n_samples, seed)
    for score in (baseline, system):
        check_statistics(who, score.statistics)
    if (baseline.name, baseline.settings) != (system.name, system.settings):
        raise ValueError(
            f"{who}: {baseline.name} ({baseline.signature}) and {system.name} "
            f"({system.signature}) were counted differently"
        )
    if len(baseline.statistics) != len(system.statistics):
        raise ValueError(
            f"{who}: {len(baseline.statistics)} and {len(system.statistics)} sentences: both "
            "systems must be measured on the same ones"
        )
