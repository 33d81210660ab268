import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyllm.metrics import TextSize, perplexity


def test_definitions():
    text = "two wörter 你好"
    score = perplexity(12.0, 6, text)
    assert score.score == score.per_token == pytest.approx(math.exp(2))
    assert score.per_word == pytest.approx(math.exp(12 / 3))
    assert score.bits_per_token == pytest.approx(2 / math.log(2))
    assert score.bits_per_character == pytest.approx(12 / math.log(2) / 13)
    assert score.bits_per_byte == pytest.approx(12 / math.log(2) / len(text.encode()))
    assert str(score) == "perplexity 7.39 per token, 54.60 per word, 0.962 bits per byte"
    assert perplexity(12.0, 6).per_word is None
    assert perplexity(12.0, 6, text, words=4).per_word == pytest.approx(math.exp(3))


def test_a_uniform_model_is_as_unsure_as_its_vocabulary():
    assert perplexity([math.log(256)] * 7, [1] * 7).score == pytest.approx(256)


def test_only_per_token_depends_on_the_tokenizer():
    """The same text, the same probability, cut into 10 tokens or into 5."""
    fine, coarse = (perplexity(20.0, tokens, "some text") for tokens in (10, 5))
    assert fine.per_token != coarse.per_token
    assert fine.per_word == coarse.per_word
    assert fine.bits_per_byte == coarse.bits_per_byte


@given(st.lists(st.tuples(st.floats(0, 1e4), st.integers(1, 50)), min_size=1, max_size=20))
def test_sums_over_sentences(rows):
    nats, tokens = map(list, zip(*rows, strict=True))
    whole = perplexity(sum(nats), sum(tokens))
    assert perplexity(nats, tokens).score == pytest.approx(whole.score)
    assert perplexity(np.array(nats), np.array(tokens)).tokens == sum(tokens)


@given(st.text())
def test_sizes_of_any_text(text):
    size = TextSize.of(text)
    assert size.characters <= size.bytes <= 4 * size.characters
    assert size.words <= size.characters


def test_without_end():
    assert perplexity(math.inf, 3).score == math.inf
    assert perplexity(1e6, 3).score == math.inf
    assert TextSize.of("\ud800").bytes == 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: perplexity(-1.0, 3), "nats below 0 or NaN"),
        (lambda: perplexity(math.nan, 3), "nats below 0 or NaN"),
        (lambda: perplexity(1.0, 0), "tokens must be whole numbers, 1 or more"),
        (lambda: perplexity(1.0, 1.5), "tokens must be whole numbers"),
        (lambda: perplexity([1.0, 2.0], [3]), r"nats \(2,\) and tokens \(1,\)"),
        (lambda: perplexity(1.0, 3, ""), "words = 0 is not 1 or more"),
        (lambda: perplexity(1.0, 3, bytes=-1), "bytes = -1 is not 1 or more"),
    ],
)
def test_wrong_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
