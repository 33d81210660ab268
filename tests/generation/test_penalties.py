"""The settings that reshape logits, against those of Hugging Face's transformers."""

import numpy as np
import pytest

from tinyllm.generation import (
    Choosing,
    add_bias,
    apply_temperature,
    ban_repeated_ngrams,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    penalize_repetition,
)

torch = pytest.importorskip("torch", reason="PyTorch is not here to compare with")
logits_process = pytest.importorskip(
    "transformers.generation.logits_process", reason="transformers is not here to compare with"
)
V = 29


def cases(count=200):
    rng = np.random.default_rng(0)
    for _ in range(count):
        text = rng.integers(0, V // 3, rng.integers(1, 40)).tolist()
        yield text, rng.normal(size=V).astype(np.float32) * 3


def theirs(processor, text, logits):
    return processor(torch.tensor([text]), torch.tensor(logits)[None])[0].numpy()


@pytest.mark.parametrize("penalty", [0.5, 1.3, 4.0])
def test_repetition(penalty):
    processor = logits_process.RepetitionPenaltyLogitsProcessor(penalty)
    for text, logits in cases():
        got = penalize_repetition(logits, text, penalty)
        np.testing.assert_allclose(got, theirs(processor, text, logits), 1e-6)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_repeated_ngrams(size):
    processor = logits_process.NoRepeatNGramLogitsProcessor(size)
    banned = 0
    for text, logits in cases():
        got = ban_repeated_ngrams(logits, text, size)
        np.testing.assert_array_equal(got, theirs(processor, text, logits))
        banned += int(np.isinf(got).any())
    assert banned > 20


@pytest.mark.parametrize("p", [0.02, 0.1, 0.7])
def test_min_p(p):
    processor = logits_process.MinPLogitsWarper(p)
    for text, logits in cases():
        np.testing.assert_array_equal(keep_min_p(logits, p), theirs(processor, text, logits))


def test_bias():
    processor = logits_process.SequenceBiasLogitsProcessor([[[3], 2.5], [[7], -1.0]])
    for text, logits in cases(20):
        got = add_bias(logits, {3: 2.5, 7: -1.0})
        np.testing.assert_allclose(got, theirs(processor, text, logits), 1e-6)


def test_the_order_is_theirs():
    """Temperature before top k, top p and min p, as transformers applies them."""
    processors = [
        logits_process.TemperatureLogitsWarper(0.6),
        logits_process.TopKLogitsWarper(11),
        logits_process.TopPLogitsWarper(0.9),
        logits_process.MinPLogitsWarper(0.05),
    ]
    settings = Choosing(temperature=0.6, top_k=11, top_p=0.9, min_p=0.05)
    for text, logits in cases():
        expected = logits
        for processor in processors:
            expected = theirs(processor, text, expected)
        got = keep_top_p(
            keep_top_k(apply_temperature(logits.astype(np.float64), settings.temperature), 11), 0.9
        )
        got = keep_min_p(got, 0.05)
        np.testing.assert_array_equal(np.isfinite(got), np.isfinite(expected))
        drawn = {
            settings.choose(logits, text, _Numbers(number)) for number in np.linspace(0, 0.999, 300)
        }
        assert drawn <= set(np.flatnonzero(np.isfinite(expected)).tolist())


class _Numbers:
    def __init__(self, number):
        self.numpy, self.number = self, number

    def random(self):
        return self.number


def test_what_has_not_been_said_stays():
    logits = np.arange(5.0) - 2
    assert penalize_repetition(logits, [0, 4], 2.0).tolist() == [-4.0, -1.0, 0.0, 1.0, 1.0]
    assert ban_repeated_ngrams(logits, [1], 3).tolist() == logits.tolist()
    assert ban_repeated_ngrams(logits, [1, 2, 1], 2).tolist() == [-2.0, -1.0, -np.inf, 1.0, 2.0]
    assert logits.tolist() == [-2.0, -1.0, 0.0, 1.0, 2.0], "the row given is not changed"
