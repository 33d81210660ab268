import numpy as np
import pytest

from tinyllm import kernels
from tinyllm.models import Decoder, DecoderConfig
from tinyllm.tensor import Tensor
from tinyllm.training import account
from tinyllm.training.accounting import overview, readable_bytes, readable_count, table

LLAMA = {
    "positions": "rotary",
    "norm": "rms",
    "activation": "swiglu",
    "bias": False,
    "kv_heads": 2,
    "tie_embeddings": False,
}


@pytest.mark.parametrize("style", [{}, {"tie_embeddings": False}, LLAMA])
def test_parameters_and_bytes(style):
    config = DecoderConfig(vocab_size=97, context_length=11, layers=3, heads=4, width=24, **style)
    model = Decoder(config)
    cost = account(model)
    assert cost.parameters == model.num_parameters()
    assert cost.bytes == sum(p.array.nbytes for p in model.parameters())
    cache = model.new_cache()
    kept = sum(array.nbytes for array in (*cache._keys, *cache._values))
    assert cost.cache_bytes_per_token * config.context_length == kept


@pytest.mark.parametrize("style", [{}, {"tie_embeddings": False}, LLAMA])
def test_operations_of_products_are_those_that_the_forward_does(style, monkeypatch):
    config = DecoderConfig(vocab_size=97, context_length=11, layers=3, heads=4, width=24, **style)
    model, done = Decoder(config), []
    linear = kernels.linear

    def counting(x, weight, *more):
        done.append(2 * x.size // x.shape[-1] * weight.size)
        return linear(x, weight, *more)

    monkeypatch.setattr(kernels, "linear", counting)
    model(Tensor(np.zeros((1, 11), np.int64)))
    assert done
    cost = account(model)
    products = sum(layer.flops for layer in cost.layers if "q k^T" not in layer.name)
    assert products * 11 == sum(done)


def test_operations_of_attention_count_the_causal_half():
    T, C, layers = 11, 24, 3
    config = DecoderConfig(vocab_size=97, context_length=T, layers=layers, heads=4, width=C)
    cost = account(Decoder(config))
    scores = sum(layer.flops for layer in cost.layers if "q k^T" in layer.name)
    by_hand = sum(2 * 2 * C * (t + 1) for t in range(T))  # q k^T and a v, each 2 C per key
    assert scores * T == layers * by_hand
    assert cost.training_flops == 3 * cost.forward_flops


def test_table_and_words():
    config = DecoderConfig(vocab_size=97, context_length=11, layers=1, heads=4, width=24)
    cost = account(Decoder(config))
    lines = table(cost).splitlines()
    assert len({len(line) for line in lines if line.endswith(tuple("0123456789-"))}) == 1
    assert "blocks.0.attention.qkv.weight" in table(cost)
    assert lines[-1].split() == ["total", *(f"{n:,}" for n in (
        cost.parameters, cost.bytes, cost.forward_flops))]  # fmt: skip
    assert "key-value cache 192 bytes per token" in overview(cost)
    assert readable_bytes(1536) == "1.5 KiB"
    assert readable_bytes(3 * 2**30) == "3.0 GiB"
    assert readable_count(810_496) == "810 k"
    assert readable_count(12) == "12"
