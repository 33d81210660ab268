"""A block in one call, where a text is written token by token."""

import numpy as np
import pytest

import tinyllm
from tinyllm import kernels, nn
from tinyllm.models import Decoder, DecoderConfig, decoder_block, decoder_step

SIZES = {"vocab_size": 37, "context_length": 13, "layers": 2, "heads": 4, "width": 24}


def ids(*shape):
    return tinyllm.tensor(np.random.default_rng(0).integers(0, 37, shape))


def logits(model, tokens, cache):
    with tinyllm.no_grad():
        return model(tokens, cache).numpy()


SETTINGS = [
    {"norm": "layer", "positions": "learned", "activation": "gelu"},
    {"norm": "layer", "positions": "learned", "activation": "gelu_tanh", "bias": False},
    {"norm": "layer", "positions": "rotary", "activation": "swiglu", "kv_heads": 2},
    {"norm": "rms", "positions": "rotary", "activation": "swiglu", "bias": False},
    {"norm": "rms", "positions": "rotary", "activation": "relu2", "qk_norm": True, "qk_gain": 1.4},
    {"norm": "rms", "positions": "learned", "activation": "gelu", "qk_norm": True, "kv_heads": 1},
]


def lively(**settings):
    """A model whose every weight and bias is drawn, so that none can be left out unseen."""
    model = Decoder(DecoderConfig(**{**SIZES, **settings})).eval()
    rng = np.random.default_rng(0)
    for parameter in model.parameters():
        parameter.array += rng.normal(0, 0.3, parameter.shape).astype(parameter.dtype)
    return model


def written(model, rows):
    """The logits of a first piece, and of single tokens; then of rows of unequal length."""
    cache, tokens = model.new_cache(rows), ids(rows, 12)
    out = [logits(model, tokens[:, a:b], cache) for a, b in ((0, 5), (5, 6), (6, 7), (7, 9))]
    if rows > 1:
        cache.truncate([9, 4, 6])
        out += [logits(model, tokens[:, a:b], cache) for a, b in ((9, 10), (10, 12))]
    return out


@pytest.fixture
def calls(monkeypatch):
    """How often a block ran in one call."""
    made, real = [], kernels.decoder_block

    def counted(*args):
        made.append(args)
        return real(*args)

    monkeypatch.setattr(kernels, "decoder_block", counted)
    return made


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_block_in_one_call_has_the_same_bits(settings, rows, calls, monkeypatch):
    model = lively(**settings)
    at_once = written(model, rows)
    assert len(calls) == len(at_once) * model.config.layers
    monkeypatch.setattr(decoder_step, "FEW_TOKENS", 0)
    one_by_one = written(model, rows)
    assert len(calls) == len(at_once) * model.config.layers
    for a, b in zip(at_once, one_by_one, strict=True):
        np.testing.assert_array_equal(a, b)


def _hooked(model):
    model.blocks[0].mlp.up.register_forward_hook(lambda module, args, output: output * 2)


def _patched(model):
    model.blocks[0].mlp.forward = lambda x, stream: stream


def _subclassed(model):
    class Louder(nn.Linear):
        def forward(self, input, onto=None):
            return super().forward(input * 2, onto)

    model.blocks[0].attention.out.__class__ = Louder


def _exchanged(model):
    model.blocks[0].norm_2 = nn.Identity()


def _watched(model):
    model.blocks[0].register_forward_hook(lambda module, args, output: output * 2)


def _dropping(model):
    model.blocks[0].mlp.residual_dropout.p = 0.5
    model.blocks[0].train()


def _without_weight(model):
    model.blocks[0].norm_1.register_parameter("weight", None)


def _of_another_eps(model):
    model.blocks[0].attention.qk_norm.eps = 0.5


CHANGES = [
    _hooked,
    _watched,
    _patched,
    _subclassed,
    _exchanged,
    _dropping,
    _without_weight,
    _of_another_eps,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_what_somebody_changed_is_what_runs(change, calls):
    model = lively(qk_norm=True)
    before = written(model, 1)[0]
    calls.clear()
    change(model)
    after = written(model, 1)[0]
    assert len(calls) == 4 * (model.config.layers - 1)  # the other block is as it was
    assert np.abs(after - before).max() > 1e-3


@pytest.mark.parametrize("written_before", [False, True])
def test_a_forward_that_was_rewritten_is_what_runs(written_before, monkeypatch):
    """As by whoever edits decoder_block.py, or does so in a notebook, between two texts."""
    model = lively()
    if written_before:
        written(model, 1)
    real = decoder_block.MLP.forward
    monkeypatch.setattr(
        decoder_block.MLP, "forward", lambda self, x, stream: real(self, -x, stream)
    )
    at_once = written(model, 1)
    monkeypatch.setattr(decoder_step, "FEW_TOKENS", 0)
    for a, b in zip(at_once, written(model, 1), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_change_that_only_shows_among_several_tokens_is_seen(monkeypatch):
    """A single token attends to itself alone, whatever the scores."""
    model, real = lively(), nn.KeyValueCache.attend

    def sharper(self, layer, qkv, heads, prefix=None):
        return real(self, layer, qkv * 3, heads, prefix) / 3

    monkeypatch.setattr(nn.KeyValueCache, "attend", sharper)

    def one_by_one():
        cache, tokens = model.new_cache(1), ids(1, 6)
        return [logits(model, tokens[:, i : i + 1], cache) for i in range(6)]

    at_once = one_by_one()
    monkeypatch.setattr(decoder_step, "FEW_TOKENS", 0)
    for a, b in zip(at_once, one_by_one(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("part", ["mlp.up.weight", "norm_2.weight", "attention.qkv.bias"])
def test_weights_that_do_not_fit_are_named_as_ever(part):
    model = lively()
    owner, name = part.rsplit(".", 1)
    module = model.blocks[0].get_submodule(owner)
    setattr(module, name, nn.Parameter(tinyllm.ones(3)))
    with pytest.raises(ValueError, match="linear|layer_norm"):
        written(model, 1)


def test_weights_that_lie_in_other_ways_give_the_same():
    model = lively()
    wanted = written(model, 1)
    weight = model.blocks[0].mlp.up.weight
    weight.array = np.asfortranarray(weight.array)
    for a, b in zip(written(model, 1), wanted, strict=True):
        np.testing.assert_allclose(a, b, 1e-4, 1e-5)
