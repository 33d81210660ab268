"""Exercise of lesson 14: the interval of a corpus's BLEU, by the bootstrap."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.lesson_14.counting import SHORTCUTS
from tinyllm.course.lessons.writing import changed


def bleu_of_sums(sums):
    """Words written and expected, four matches, four totals (10,) -> BLEU, 0 to 100."""
    written, expected, matches, totals = sums[0], sums[1], sums[2:6], sums[6:]
    if matches.min() == 0:
        return 0.0
    brevity = min(1.0, np.exp(1 - expected / written))
    return float(100 * brevity * np.exp(np.mean(np.log(matches / totals))))


def _bootstrap_interval(statistics, draws):
    scores = [bleu_of_sums(statistics[rows].sum(axis=0)) for rows in draws]
    low, high = np.percentile(scores, [2.5, 97.5])
    return low, high


def _cases(rng: np.random.Generator) -> list[Case]:
    def drawn(N: int, R: int) -> tuple:
        expected = rng.integers(7, 20, N)
        written = expected + rng.integers(-2, 2, N)
        totals = written[:, None] - np.arange(4)  # (N, 4)
        rate = rng.choice([0.4, 0.7, 0.95], (N, 1)) ** np.arange(1, 5)
        matches = np.maximum(np.floor(totals * rate), [2, 1, 1, 0])
        statistics = np.column_stack([written, expected, matches, totals]).astype(int)
        statistics[0, 5] = 0  # one sentence has no match of four words
        statistics[1, 5] = max(statistics[1, 5], 1)
        draws = rng.integers(0, N, (R, N))
        draws[:, 0] = 1  # no resample is without one
        return statistics, draws

    few, many = "a few resamples", "many resamples"
    return [Case(drawn(4, 5), few), Case(drawn(8, 9), few), Case(drawn(12, 60), many)]


_CODE = (
    f"import numpy as np\n\n{code_of(bleu_of_sums, 'bleu_of_sums')}\n\n"
    f"{code_of(_bootstrap_interval, 'bootstrap_interval')}"
)
_SCORE = "bleu_of_sums(statistics[rows].sum(axis=0))"
_PERCENTILES = "np.percentile(scores, [2.5, 97.5])"

BOOTSTRAP_INTERVAL = Exercise(
    name="bootstrap_interval",
    lesson="14",
    task="From what each sentence adds, statistics (N, 10), and the sentences of each resample, "
    "draws (R, N), give the 2.5 and the 97.5 percentile of the resamples' BLEU: (low, high).",
    points=5,
    minutes=12,
    difficulty="medium",
    solution=_CODE,
    why="A resample is a corpus in which some sentences stand twice and others not at all. Its "
    "BLEU is that of its sums, as for any corpus. Where the middle 95 % of such scores lie says "
    "how far the score hangs on which sentences happened to be in the test.",
    hints=(
        "What is the BLEU of a single resample? Which rows of statistics belong to it?",
        "statistics[rows] takes the rows, repeated ones too; their sum goes into bleu_of_sums. "
        "Percentiles are given in per cent.",
        "scores = [bleu_of_sums(statistics[rows].sum(axis=...)) for rows in draws]",
    ),
    reference=_bootstrap_interval,
    cases=_cases,
    parts={"a few resamples": 2, "many resamples": 3},
    refused=SHORTCUTS,
    mistakes=(
        Mistake(
            "the mean of sentences",
            "a resample's score is taken as the mean of its sentences' scores; it is the BLEU of "
            "their sums.",
            changed(_CODE, (_SCORE, "np.mean([bleu_of_sums(statistics[row]) for row in rows])")),
        ),
        Mistake(
            "each sentence once",
            "a sentence that was drawn twice counts once: a resample keeps repetitions.",
            changed(_CODE, ("statistics[rows]", "statistics[np.unique(rows)]")),
        ),
        Mistake(
            "smallest and largest",
            "these are the smallest and the largest score: they move apart with every resample "
            "more.",
            changed(_CODE, (_PERCENTILES, "np.percentile(scores, [0, 100])")),
        ),
        Mistake(
            "a share for a percentage",
            "percentiles are given in per cent: 0.025 is a fortieth of one per cent.",
            changed(_CODE, ("[2.5, 97.5]", "[0.025, 0.975]")),
        ),
        Mistake(
            "90 per cent",
            "between the 5th and the 95th percentile lie 90 % of the scores; 95 % was asked.",
            changed(_CODE, ("[2.5, 97.5]", "[5, 95]")),
        ),
        Mistake(
            "standard deviations",
            "this is the mean and 1.96 standard deviations on both sides, which takes the scores "
            "to be normal: take their percentiles.",
            changed(
                _CODE, (_PERCENTILES, "np.mean(scores) + np.array([-1.96, 1.96]) * np.std(scores)")
            ),
        ),
        Mistake(
            "the wrong way round",
            "the high end comes first.",
            changed(_CODE, ("return low, high", "return high, low")),
        ),
        Mistake(
            "nothing drawn",
            "the draws are not used: each score is that of the whole corpus.",
            changed(_CODE, ("statistics[rows]", "statistics")),
        ),
    ),
)
