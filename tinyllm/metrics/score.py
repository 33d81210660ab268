"""What every corpus metric returns: a number, how it was counted, and each sentence's share."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any, Self

import numpy as np

from tinyllm.metrics.resampling import DEFAULT_SEED, Interval, bootstrap_scores, percentile_interval

try:
    VERSION = f"tinyllm-{metadata.version('tinyllm')}"
except metadata.PackageNotFoundError:  # run from its source folder
    VERSION = "tinyllm"


@dataclass(frozen=True, kw_only=True)
class Score:
    """A corpus score.

    name:        of the metric, as sacrebleu writes it
    score:       the number
    settings:    how it was counted, for the signature
    statistics:  what each sentence adds to the sums the score is made of (N, K)
    from_sums:   from sums (K,) to a score; all resampling rests on it
    interval:    set by `with_interval`
    digits:      shown after the point
    """

    name: str
    score: float
    settings: dict[str, Any] = field(default_factory=dict, repr=False)
    statistics: np.ndarray = field(repr=False, compare=False)
    from_sums: Callable[[np.ndarray], float] = field(repr=False, compare=False)
    interval: Interval | None = None
    digits: int = field(default=2, repr=False)

    def with_interval(
        self, n_bootstrap: int = 1000, confidence: float = 0.95, seed: int = DEFAULT_SEED
    ) -> Self:
        """Give the same score with its bootstrap percentile interval.

        Sentences are drawn with replacement, n_bootstrap times as many as there are, and the score
        is counted anew each time: between which two numbers do `confidence` of them fall? The
        draws are sacrebleu's for the same seed.

        Source:  Koehn 2004, Statistical significance tests for machine translation evaluation
        """
        scores = bootstrap_scores(self.statistics, self.from_sums, n_bootstrap, seed)
        interval = percentile_interval(scores, confidence, seed)
        return dataclasses.replace(self, interval=interval)

    @property
    def signature(self) -> str:
        """How the number was counted, in sacrebleu's words, for a table's footnote."""
        drawn = self.interval
        return signature(self.settings, bs=drawn and drawn.resamples, seed=drawn and drawn.seed)

    def to_dict(self) -> dict[str, Any]:
        """Give what can be written as JSON."""
        shown = {"name": self.name, "score": self.score}
        if self.interval is not None:
            shown |= {"interval": dataclasses.asdict(self.interval)}
        return shown | self.details() | {"signature": self.signature}

    def details(self) -> dict[str, Any]:
        """Give the parts of which the score is made; none here."""
        return {}

    def __str__(self) -> str:
        within = "" if self.interval is None else f" ({self.interval:.{max(self.digits - 1, 1)}f})"
        return f"{self.name} {self.score:.{self.digits}f}{within}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("…" if cycle else str(self))


def signature(settings: dict[str, Any], **resampling: int | None) -> str:
    """Join settings as sacrebleu does: `nrefs:1|bs:1000|seed:12345|case:mixed|…|version:…`."""
    settings = dict(settings)
    first = {"nrefs": settings.pop("nrefs")} if "nrefs" in settings else {}
    given = {key: value for key, value in resampling.items() if value is not None}
    parts = {**first, **given, **settings, "version": VERSION}
    return "|".join(f"{key}:{value}" for key, value in parts.items())


def yes_no(flag: bool) -> str:
    """Write a flag as signatures do."""
    return "yes" if flag else "no"


def case(lowercase: bool) -> str:
    """Write the treatment of upper and lower case as signatures do."""
    return "lc" if lowercase else "mixed"
