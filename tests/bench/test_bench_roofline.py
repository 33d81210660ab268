import numpy as np
import pytest

from tinyllm.bench.cases import MODELS, Model
from tinyllm.bench.roofline import (
    decoding_bytes,
    decoding_roofline,
    forward_flops,
    optimizer_bytes,
    parameters,
    training_flops,
    training_roofline,
)
from tinyllm.bench.training import make_model
from tinyllm.training.accounting import account

TINY = Model("tiny", "", layers=3, heads=2, width=10, context=7, batch=5, vocab=11)


def test_flops_by_hand():
    one = Model("one", "", layers=1, heads=1, width=2, context=3, batch=1, vocab=5)
    # 3 tokens: matrices 2x6, 2x2, 2x8, 8x2 and the head 2x5, two operations an element
    matrices = 3 * 2 * (12 + 4 + 16 + 16 + 10)
    # queries see 1, 2 and 3 keys; per pair 2 multiplications and additions, for q k and for a v
    attention = (1 + 2 + 3) * (4 + 4)
    assert forward_flops(one) == matrices + attention == 396
    assert training_flops(one) == 3 * 396


def test_flops_by_counting_products():
    """Every product's shape, written out; causal pairs counted one by one."""
    B, T, C, H = TINY.batch, TINY.context, TINY.width, TINY.heads
    D = C // H
    count = 0
    for _ in range(TINY.layers):
        for fan_in, fan_out in ((C, 3 * C), (C, C), (C, 4 * C), (4 * C, C)):
            count += 2 * (B * T) * fan_in * fan_out
        for query in range(T):
            for key in range(T):
                if key <= query:
                    count += B * H * 2 * (2 * D)
    count += 2 * (B * T) * C * TINY.vocab
    assert forward_flops(TINY) == count


@pytest.mark.parametrize("sizes", [TINY, MODELS["micro"], MODELS["char"]], ids=lambda m: m.name)
def test_agrees_with_the_models_own_account(sizes):
    model = make_model(sizes)
    assert parameters(sizes) == model.num_parameters()
    assert training_flops(sizes) == account(model).training_flops * sizes.batch * sizes.context


def test_parameters_with_biases():
    sizes = Model("b", "", layers=2, heads=2, width=8, context=4, batch=1, vocab=9, bias=True)
    assert parameters(sizes) == make_model(sizes).num_parameters()
    assert parameters(MODELS["gpt2"]) == 124_439_808 - (1024 - 256) * 768  # a shorter context


def test_bytes_and_seconds():
    assert optimizer_bytes(TINY) == 32 * parameters(TINY)
    assert decoding_bytes(TINY) == 4 * (parameters(TINY) - TINY.context * TINY.width)
    peak = {"gflops": 2.0, "bandwidth": 1e6, "read_bandwidth": 4e6}
    expected = training_flops(TINY) / 2e9 + optimizer_bytes(TINY) / 1e6
    assert training_roofline(TINY, peak)["seconds"] == pytest.approx(expected)
    read = decoding_roofline(TINY, 0.5)
    assert read == {"seconds": 0.5, "bandwidth": 2 * read["bytes"], "bytes": decoding_bytes(TINY)}


def test_both_sides_begin_with_the_same_weights():
    one, two = (make_model(TINY) for _ in range(2))
    for (name, a), (_, b) in zip(one.named_parameters(), two.named_parameters(), strict=True):
        np.testing.assert_array_equal(a.array, b.array, err_msg=name)
    values = [p.array.reshape(-1)[0] for _, p in one.named_parameters()]
    assert len(set(values)) == len(values), "no two parameters share a stream"
