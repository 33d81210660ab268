import math

import numpy as np
import pytest

import tinyllm
from tinyllm.models import Decoder, DecoderConfig
from tinyllm.text import ByteTokenizer, CharTokenizer
from tinyllm.training import evaluate
from tinyllm.training.evaluate import spread_windows

T = 7


@pytest.fixture
def model():
    config = DecoderConfig(vocab_size=256, context_length=T, layers=2, heads=2, width=16)
    model = Decoder(config)
    for parameter in model.parameters():
        parameter.array *= 8  # far from uniform
    return model.double()


def loss_of(model, tokens, start, position):
    """-log p(tokens[position] | tokens[start:position]), one by one."""
    with tinyllm.no_grad():
        logits = model(tinyllm.tensor([tokens[start:position].tolist()])).array[0, -1]
    logits = logits - logits.max()
    return float(np.log(np.exp(logits).sum()) - logits[tokens[position]])


@pytest.mark.parametrize("count", [2, T, T + 1, T + 2, 3 * T + 1, 47])
@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_each_token_once(model, count, batch_size):
    tokens = np.random.default_rng(0).integers(0, 256, count)
    expected = [loss_of(model, tokens, (p - 1) // T * T, p) for p in range(1, count)]
    result = evaluate(model, tokens, batch_size=batch_size)
    assert result.tokens == result.of_tokens == count - 1
    assert result.loss == pytest.approx(np.mean(expected), rel=1e-9)
    assert result.perplexity == pytest.approx(math.exp(np.mean(expected)), rel=1e-9)


@pytest.mark.parametrize("stride", [1, 2, 3, 5, T])
@pytest.mark.parametrize("count", [2, 5, T + 1, 20, 22])
def test_overlapping_windows_still_predict_each_token_once(model, stride, count):
    tokens = np.random.default_rng(1).integers(0, 256, count)
    expected = []
    for position in range(1, count):  # predicted by the first window that reaches it
        start = 0
        while start + T < position:
            start += stride
        expected.append(loss_of(model, tokens, start, position))
    for batch_size in (1, 3):
        result = evaluate(model, tokens, T, stride, batch_size)
        assert result.tokens == count - 1
        assert result.loss == pytest.approx(np.mean(expected), rel=1e-9)


def test_a_sample_is_spread_evenly(model):
    tokens = np.random.default_rng(2).integers(0, 256, 1000)
    result = evaluate(model, tokens, max_tokens=10 * T)
    assert result.tokens == 10 * T
    assert result.of_tokens == 999
    places = np.linspace(0, 999 // T - 1, 10).round().astype(int) * T
    expected = [loss_of(model, tokens, s, p) for s in places for p in range(s + 1, s + T + 1)]
    assert result.loss == pytest.approx(np.mean(expected), rel=1e-9)
    assert evaluate(model, tokens, max_tokens=10**9) == evaluate(model, tokens)


def test_spread_windows():
    tokens = np.arange(100)
    rows = spread_windows(tokens, 9, 3)
    assert rows[:, 0].tolist() == [0, 45, 90]
    assert rows.shape == (3, 10)
    assert len(spread_windows(tokens, 9, 50)) == 11  # all there are
    assert spread_windows(np.arange(4), 9, 5).tolist() == [[0, 1, 2, 3]]


def test_bits_per_byte_counts_bytes_of_what_was_predicted(model):
    text = "aé漢😀" * 20
    bytes_ = ByteTokenizer()
    result = evaluate(model, bytes_.encode_to_array(text), tokenizer=bytes_)
    assert result.bytes == result.tokens
    assert result.bits_per_byte == pytest.approx(result.loss / math.log(2))
    characters = CharTokenizer.train([text])
    with pytest.raises(ValueError, match=r"the tokenizer has 4 tokens and the model 256"):
        evaluate(model, characters.encode_to_array(text), tokenizer=characters)
    model = Decoder(DecoderConfig(vocab_size=4, context_length=T, layers=1, heads=1, width=8))
    result = evaluate(model, characters.encode_to_array(text), tokenizer=characters)
    assert result.bytes == len(text[1:].encode())  # all characters but the first
    expected = result.loss * result.tokens / math.log(2) / result.bytes
    assert result.bits_per_byte == pytest.approx(expected)
    assert evaluate(model, characters.encode_to_array(text)).bits_per_byte is None
    lossy = CharTokenizer("aé漢", unk_token="<unk>")
    assert evaluate(model, lossy.encode_to_array(text), tokenizer=lossy).bits_per_byte is None


def test_leaves_the_model_as_it_was(model):
    model.train()
    model.blocks[0].eval()
    evaluate(model, np.arange(20))
    assert model.training
    assert not model.blocks[0].training
    assert all(parameter.grad is None for parameter in model.parameters())
    assert tinyllm.is_grad_enabled()


def test_dropout_is_off():
    config = DecoderConfig(vocab_size=20, context_length=T, layers=1, heads=1, width=8, dropout=0.5)
    model = Decoder(config)
    tokens = np.arange(20)
    assert evaluate(model, tokens) == evaluate(model, tokens)


def test_errors(model):
    with pytest.raises(ValueError, match=r"the text to evaluate has 1 tokens, too few"):
        evaluate(model, np.array([3]))
    for stride in (0, T + 1):
        with pytest.raises(ValueError, match=rf"stride = {stride} is not in \[1, .*7\]"):
            evaluate(model, np.arange(20), stride=stride)


def test_perplexity_of_a_huge_loss_is_infinite(model):
    model.token_embedding.weight.array *= 1e6
    result = evaluate(model, np.arange(50))
    assert result.loss > 709
    assert result.perplexity == math.inf
