import itertools

import numpy as np
import pytest

import tinyllm
from tinyllm.generation import apply_temperature, generate, keep_top_k, keep_top_p, sample
from tinyllm.models import Decoder, DecoderConfig

V, T = 23, 8


@pytest.fixture(params=["gpt2", "llama"])
def model(request):
    sizes = {"vocab_size": V, "context_length": T, "layers": 2, "heads": 4, "width": 16}
    if request.param == "llama":
        config = DecoderConfig.llama(kv_heads=2, **sizes)
    else:
        config = DecoderConfig.gpt2(**sizes)
    model = Decoder(config)
    for parameter in model.parameters():
        if parameter.ndim == 2:
            parameter.array *= 10  # so that the next token depends on all that stand before
    return model


def softmax(x):
    weights = np.exp(x - x.max())
    return weights / weights.sum()


def by_hand(model, prompt, count, generator=None, temperature=0.0):
    """Without a cache: the window that the cached generation sees, read anew for each token."""
    text, start = list(prompt), max(0, len(prompt) - T)
    for _ in range(count):
        if len(text) - start > T:
            start = len(text) - T // 2
        with tinyllm.no_grad():
            logits = model(tinyllm.tensor([text[start:]])).array[0, -1].astype(np.float64)
        if temperature:
            text.append(sample(logits / temperature, generator))
        else:
            text.append(int(np.argmax(logits)))
    return text[len(prompt) :]


@pytest.mark.parametrize("length", [1, 3, T - 1, T, T + 1, 3 * T])
def test_the_cache_changes_nothing_and_the_window_slides(model, length):
    prompt = np.random.default_rng(0).integers(0, V, length).tolist()
    before = list(prompt)
    greedy = list(generate(model, prompt, 4 * T, temperature=0))
    assert greedy == by_hand(model, prompt, 4 * T)
    assert len(set(greedy)) > 1
    drawn = list(generate(model, prompt, 4 * T, 0.7, generator=tinyllm.Generator(3)))
    assert drawn == by_hand(model, prompt, 4 * T, tinyllm.Generator(3), 0.7)
    assert prompt == before


def test_a_context_of_one_token():
    model = Decoder(DecoderConfig(vocab_size=V, context_length=1, layers=1, heads=1, width=8))
    assert len(list(generate(model, [1, 2, 3], 5))) == 5


def test_seeds(model):
    def text(**settings):
        return list(generate(model, [1], 30, **settings))

    assert text(generator=tinyllm.Generator(1)) == text(generator=tinyllm.Generator(1))
    assert text(generator=tinyllm.Generator(1)) != text(generator=tinyllm.Generator(2))
    tinyllm.manual_seed(5)
    one, two = text(), text()
    assert one != two  # the default generator moves on
    tinyllm.manual_seed(5)
    assert text() == one
    with_own = tinyllm.default_generator.get_state()
    text(generator=tinyllm.Generator(1))
    assert tinyllm.default_generator.get_state() == with_own


def test_streams_and_leaves_the_model_alone_in_between(model):
    model.train()
    model.blocks[1].eval()
    tokens = generate(model, [1, 2], 5)
    next(tokens)
    assert model.training  # also while the generation is suspended
    assert not model.blocks[1].training
    assert tinyllm.is_grad_enabled()
    calls = []
    model.register_forward_hook(lambda module, args, output: calls.append(args[0].shape))
    next(tokens), next(tokens)
    assert calls == [(1, 1), (1, 1)]  # one token's work each, and no work ahead
    assert len(list(tokens)) == 2


def test_dropout_is_off_while_generating():
    config = DecoderConfig(vocab_size=V, context_length=T, layers=1, heads=1, width=8, dropout=0.9)
    model = Decoder(config).train()
    first = list(generate(model, [1], 40, temperature=0))
    assert first == list(generate(model, [1], 40, temperature=0))


def test_stop_and_lengths(model):
    whole = list(generate(model, [1], 20, temperature=0))
    stop = whole[6]
    assert list(generate(model, [1], 20, temperature=0, stop=[stop])) == list(
        itertools.takewhile(lambda token: token != stop, whole)
    )
    assert list(generate(model, [1], 0)) == []


def test_prompts_of_other_kinds(model):
    expected = list(generate(model, [3, 4], 5, temperature=0))
    for prompt in ((3, 4), np.array([3, 4], np.uint8), tinyllm.tensor([3, 4])):
        assert list(generate(model, prompt, 5, temperature=0)) == expected


def test_top_k_against_sorting():
    rng = np.random.default_rng(0)
    for k in (1, 2, 7, 22, 23, 99):
        logits = rng.normal(size=V)
        kept = np.isfinite(keep_top_k(logits, k))
        assert set(np.flatnonzero(kept)) == set(np.argsort(logits)[::-1][:k])
        np.testing.assert_array_equal(keep_top_k(logits, k)[kept], logits[kept])
    ties = np.array([1.0, 3.0, 2.0, 2.0, 0.0])
    assert np.isfinite(keep_top_k(ties, 2)).tolist() == [False, True, True, True, False]


def test_top_p_against_brute_force():
    rng = np.random.default_rng(1)
    for p in (0.01, 0.3, 0.5, 0.9, 0.999, 1.0):
        logits = rng.normal(size=9) * 2
        probabilities = softmax(logits)
        fewest = next(
            size
            for size in range(1, 10)
            if max(sum(c) for c in itertools.combinations(probabilities, size)) >= p - 1e-12
        )
        kept = np.flatnonzero(np.isfinite(keep_top_p(logits, p)))
        assert set(kept) == set(np.argsort(logits)[::-1][:fewest])
        assert probabilities[kept].sum() >= p - 1e-12


def test_top_p_after_top_k():
    logits = np.log(np.array([0.4, 0.3, 0.2, 0.1]))
    # among the first two, 0.4 / 0.7 = 0.57 falls short of 0.6: both stay; of all four, two stay too
    assert np.isfinite(keep_top_p(keep_top_k(logits, 2), 0.57)).sum() == 1
    assert np.isfinite(keep_top_p(keep_top_k(logits, 2), 0.6)).sum() == 2
    assert np.isfinite(keep_top_p(logits, 0.57)).sum() == 2


def test_samples_have_the_right_frequencies():
    logits = np.log(np.array([0.5, 0.25, 0.2, 0.05]))
    generator = tinyllm.Generator(0)
    counts = np.bincount([sample(logits, generator) for _ in range(20_000)], minlength=4)
    np.testing.assert_allclose(counts / 20_000, [0.5, 0.25, 0.2, 0.05], atol=0.012)


def test_what_is_ruled_out_is_never_drawn():
    class AtTheEdge:
        """Draws the numbers at which rounding could go wrong."""

        def __init__(self, value):
            self.numpy = self
            self.value = value

        def random(self):
            return self.value

    logits = np.array([-np.inf, 0.0, -np.inf, 1.0, -np.inf])
    assert sample(logits, AtTheEdge(0.0)) == 1
    assert sample(logits, AtTheEdge(np.nextafter(1.0, 0.0))) == 3
    many = np.log(np.full(97, 1 / 97))
    assert sample(many, AtTheEdge(np.nextafter(1.0, 0.0))) == 96


def test_temperature():
    logits = np.array([1.0, 2.0, -5.0])
    np.testing.assert_allclose(softmax(apply_temperature(logits, 0.5)), softmax(logits * 2))
    assert apply_temperature(logits, 1e-320).tolist() == [-np.inf, 0.0, -np.inf]
    model = Decoder(DecoderConfig(vocab_size=V, context_length=T, layers=1, heads=1, width=8))
    greedy = list(generate(model, [1], 20, temperature=0))
    assert list(generate(model, [1], 20, temperature=1e-300)) == greedy
    assert list(generate(model, [1], 20, top_k=1)) == greedy
    assert list(generate(model, [1], 20, top_p=1e-9)) == greedy


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (ValueError, {"ids": []}, r"ids is empty.*give at least one token"),
        (ValueError, {"ids": [[1, 2]]}, r"ids must be one sequence.*\(1, 2\)"),
        (TypeError, {"ids": [1.5]}, r"ids must be integers, not float64"),
        (TypeError, {"ids": ["a"]}, r"ids must be integers.*encode text"),
        (IndexError, {"ids": [1, 23]}, r"token id 23 at \[1\] is outside \[0, 23\)"),
        (IndexError, {"ids": [-1]}, r"token id -1 at \[0\]"),
        (ValueError, {"max_new_tokens": -1}, r"max_new_tokens = -1 is not a number of tokens"),
        (TypeError, {"max_new_tokens": 1.5}, r"max_new_tokens must be a whole number, not 1.5"),
        (ValueError, {"temperature": -0.1}, r"temperature = -0.1 is not in \[0, inf\)"),
        (ValueError, {"temperature": float("nan")}, r"temperature = nan"),
        (ValueError, {"top_k": 0}, r"top_k = 0 is not a whole number of tokens, 1 or more"),
        (ValueError, {"top_k": 2.5}, r"top_k = 2.5"),
        (ValueError, {"top_p": 0.0}, r"top_p = 0.0 is not a probability in \(0, 1\]"),
        (ValueError, {"top_p": 1.1}, r"top_p = 1.1"),
    ],
)
def test_errors_come_at_the_call(model, kind, arguments, message):
    with pytest.raises(kind, match=message):
        generate(model, **{"ids": [1], "max_new_tokens": 5, **arguments})


def test_a_broken_model_is_an_error(model):
    model.norm.weight.array[0] = np.nan
    with pytest.raises(ValueError, match=r"highest logit is nan: its weights are not finite"):
        next(generate(model, [1], 1))
