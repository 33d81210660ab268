"""The excess over the exact entropy: it falls, and is never below zero but by chance."""

import math

import numpy as np
import pytest

from tests.data.tinyworld.worlds import drawn
from tinyllm.bench.truth import Settings, Words, losses_of, measure_excess
from tinyllm.models import Decoder, DecoderConfig
from tinyllm.viz import png
from tinyllm.viz.excess import excess_curve


def test_a_small_model_comes_nearer_to_the_truth_and_never_passes_it():
    settings = Settings(
        size="micro", steps=60, stories=24, held_out=300, measures=5, width=32, layers=1, heads=2,
        learning_rate=5e-3,
    )  # fmt: skip
    lines = []
    result = measure_excess(settings, lines.append)
    rows = result["rows"]
    assert len(lines) == len(rows) >= 4
    assert rows[-1]["excess"] < rows[0]["excess"] / 2
    for row in rows:
        assert row["excess"] > -3 * row["error"]
    assert result == {**measure_excess(settings, lines.append), "rows": result["rows"]}
    assert png(excess_curve(rows)).startswith(b"\x89PNG")


def test_a_story_s_loss_counts_every_word_and_the_end_and_no_padding():
    texts = [s.words for s in drawn("micro", 7)]
    words = Words(texts)
    V = len(words.words)
    model = Decoder(DecoderConfig(vocab_size=V, context_length=80, layers=1, heads=2, width=16))
    for parameter in model.parameters():
        parameter.data.fill_(0.0)  # every next word is as likely as any other
    losses = losses_of(model, words, texts, batch=3)
    assert losses == pytest.approx([len(text) * math.log(V) for text in texts], rel=1e-5)
    ids, targets = words.batch(texts)
    assert (ids[:, 0] == 0).all()
    assert np.array_equal(ids[:, 1:][targets[:, 1:] >= 0], targets[:, :-1][targets[:, 1:] >= 0])
