"""How quick our BLEU and chrF are beside sacrebleu's, on the same made-up sentences."""

from __future__ import annotations

import importlib.util
import random
import time
from collections.abc import Callable
from typing import Any

from tinyllm.metrics import bleu, chrf

LETTERS = "etaoinshrdlucmfwygpbvk"
WORDS = 5000


def made_up_translations(sentences: int = 2000, seed: int = 0) -> tuple[list[str], list[str]]:
    """Give hypotheses and references: some 20 words each, a third of them different.

    Words are drawn by Zipf's law, with capitals, points, commas and numbers as in a newspaper.
    """
    rng = random.Random(seed)
    words = ["".join(rng.choices(LETTERS, k=rng.randrange(2, 10))) for _ in range(WORDS)]
    weights = [1 / rank for rank in range(1, WORDS + 1)]

    def spoiled(row: list[str]) -> list[str]:
        return [rng.choice(words) if rng.random() < 0.33 else word for word in row]

    def written(row: list[str]) -> str:
        marked = [word + "," if rng.random() < 0.08 else word for word in row]
        marked += [f"{rng.randrange(1, 99)},{rng.randrange(100, 999)}"] * (rng.random() < 0.3)
        return " ".join(marked).capitalize() + "."

    rows = [rng.choices(words, weights, k=rng.randrange(8, 33)) for _ in range(sentences)]
    return [written(spoiled(row)) for row in rows], [written(row) for row in rows]


def metric_speed(sentences: int = 2000, repeats: int = 5) -> dict[str, dict[str, Any]]:
    """Time BLEU, chrF and chrF++ on one core, ours and sacrebleu's in turn; the best of each.

    Returns: for each metric "seconds", "sacrebleu_seconds" and their "ratio" (below 1 we are
             quicker; None where sacrebleu is not installed), and both "score"s.
    Raises:  ArithmeticError if the two scores differ.
    """
    hypotheses, references = made_up_translations(sentences)
    ours: dict[str, Callable[[], Any]] = {
        "bleu": lambda: bleu(hypotheses, [references]),
        "chrf": lambda: chrf(hypotheses, [references]),
        "chrf++": lambda: chrf(hypotheses, [references], word_order=2),
    }
    theirs = _sacrebleu(hypotheses, references)
    results = {}
    for name, measure in ours.items():
        runs: list[tuple[float, float]] = []
        other: list[tuple[float, float]] = []
        for _ in range(repeats):
            runs.append(_timed(measure))
            if theirs:
                other.append(_timed(theirs[name]))
        seconds, score = min(runs)
        row = {"seconds": seconds, "score": score, "sacrebleu_seconds": None, "ratio": None}
        if other:
            if abs(score - other[0][1]) > 1e-6:
                raise ArithmeticError(f"{name}: {score} here, {other[0][1]} by sacrebleu")
            row |= {"sacrebleu_seconds": min(other)[0], "ratio": seconds / min(other)[0]}
        results[name] = row
    return results


def _timed(measure: Callable[[], Any]) -> tuple[float, float]:
    start = time.perf_counter()
    score = measure().score
    return time.perf_counter() - start, score


def _sacrebleu(hypotheses: list[str], references: list[str]) -> dict[str, Callable[[], Any]]:
    """The same by sacrebleu, each call with new tokenizers, which keep what they have cut."""
    if importlib.util.find_spec("sacrebleu") is None:
        return {}
    import sacrebleu

    given = (hypotheses, [references])
    return {
        "bleu": lambda: sacrebleu.BLEU().corpus_score(*given),
        "chrf": lambda: sacrebleu.CHRF().corpus_score(*given),
        "chrf++": lambda: sacrebleu.CHRF(word_order=2).corpus_score(*given),
    }
