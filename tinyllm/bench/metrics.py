"""How quick our BLEU and chrF are beside sacrebleu's, on the same made-up sentences."""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Callable
from typing import Any

from tinyllm.bench.text_row import TextRow
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


def metric_rows(sentences: int = 2000) -> list[TextRow]:
    """BLEU, chrF and chrF++ of made-up translations, beside sacrebleu's."""
    hypotheses, references = made_up_translations(sentences)
    ours: dict[str, Callable[[], Any]] = {
        "BLEU": lambda: bleu(hypotheses, [references]),
        "chrF": lambda: chrf(hypotheses, [references]),
        "chrF++": lambda: chrf(hypotheses, [references], word_order=2),
    }
    theirs = _sacrebleu(hypotheses, references)
    return [
        TextRow(f"{name} of {sentences:,} sentences", score, theirs.get(name), "sacrebleu")
        for name, score in ours.items()
    ]


def _sacrebleu(hypotheses: list[str], references: list[str]) -> dict[str, Callable[[], Any]]:
    """The same by sacrebleu, each call with new tokenizers, which keep what they have cut."""
    if importlib.util.find_spec("sacrebleu") is None:
        return {}
    import sacrebleu

    given = (hypotheses, [references])
    return {
        "BLEU": lambda: sacrebleu.BLEU().corpus_score(*given),
        "chrF": lambda: sacrebleu.CHRF().corpus_score(*given),
        "chrF++": lambda: sacrebleu.CHRF(word_order=2).corpus_score(*given),
    }
