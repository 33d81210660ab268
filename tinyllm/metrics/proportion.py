"""A share of yes among answers, with an interval that is honest at 0 and at 100 percent too."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist


@dataclass(frozen=True)
class Proportion:
    """How many of how many, and Wilson's interval of the share.

    A bootstrap of 200 yes in 200 would always draw 200 again, and claim to be certain; Wilson's
    interval is from 98.1 % to 100 %.

    Source:  Wilson 1927, Probable inference, JASA 22 (158)
    """

    count: int
    total: int
    low: float
    high: float
    confidence: float

    @property
    def value(self) -> float:
        """The share, between 0 and 1."""
        return self.count / self.total

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} % [{100 * self.low:.1f}, {100 * self.high:.1f}]"


def proportion(answers: Iterable[bool], confidence: float = 0.95) -> Proportion:
    """Count the yes among answers that are independent of each other.

    centre = (p + z^2 / 2n) / (1 + z^2 / n)
    half   = z / (1 + z^2 / n) * sqrt(p (1 - p) / n + z^2 / 4n^2)

    Raises:  ValueError for no answers, or a confidence outside (0, 1).
    """
    if not 0 < confidence < 1:
        raise ValueError(f"proportion: confidence = {confidence} is not between 0 and 1")
    answers = [bool(answer) for answer in answers]
    n, count = len(answers), sum(answers)
    if not n:
        raise ValueError("proportion: there are no answers to count")
    z, p = NormalDist().inv_cdf((1 + confidence) / 2), count / n
    scale = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / scale
    half = z / scale * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low = 0.0 if count == 0 else max(0.0, centre - half)
    high = 1.0 if count == n else min(1.0, centre + half)
    return Proportion(count, n, low, high, confidence)
