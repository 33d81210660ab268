import numpy as np
import pytest

import tinyllm
from tinyllm import nn
from tinyllm.ops.rotary import Rotate
from tinyllm.tensor import apply

B, H, T, D = 2, 3, 7, 10


def test_rotation_is_the_formula_pair_by_pair():
    rotary = nn.RotaryEmbedding(D, 31, base=50.0)
    x = np.random.default_rng(1).standard_normal((B, H, T, D))
    y = rotary(tinyllm.tensor(x), start=4).numpy()
    for t in range(T):
        for i in range(D // 2):
            angle = (4 + t) * 50.0 ** (-2 * i / D)
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            pair = x[..., t, [i, i + D // 2]] @ turn.T
            np.testing.assert_allclose(y[..., t, [i, i + D // 2]], pair, atol=1e-12)


def test_scores_depend_on_the_distance_alone():
    rotary = nn.RotaryEmbedding(D, 101)
    q, k = tinyllm.randn(1, D, dtype=tinyllm.float64), tinyllm.randn(1, D, dtype=tinyllm.float64)

    def score(t, s):
        return (rotary(q, t) * rotary(k, s)).sum().item()

    assert score(9, 4) == pytest.approx(score(85, 80), abs=1e-10)
    assert abs(score(9, 4) - score(9, 5)) > 1e-6


def test_backward_is_the_inverse_rotation():
    x = tinyllm.randn(B, T, H, D, dtype=tinyllm.float64, requires_grad=True)
    angles = np.random.default_rng(2).standard_normal((T, D // 2))
    y = apply(Rotate, x.transpose(1, 2), cos=np.cos(angles), sin=np.sin(angles))
    covector = tinyllm.randn(B, H, T, D, dtype=tinyllm.float64)
    y.backward(covector)
    again = tinyllm.tensor(x.grad.numpy()).transpose(1, 2)  # turned back, then turned again
    turned = apply(Rotate, again, cos=np.cos(angles), sin=np.sin(angles))
    np.testing.assert_allclose(turned.numpy(), covector.numpy(), atol=1e-12)
    moved = (y.detach().numpy() * covector.numpy()).sum()
    assert moved == pytest.approx((x.grad.numpy() * x.detach().numpy()).sum())


def test_rotary_errors():
    with pytest.raises(ValueError, match="must be even"):
        nn.RotaryEmbedding(7, 11)
    rotary = nn.RotaryEmbedding(6, 11)
    with pytest.raises(ValueError, match="disagree on D: 8 != 6"):
        rotary(tinyllm.zeros(3, 8))
    with pytest.raises(ValueError, match="positions 9 to 11 exceed context_length 11"):
        rotary(tinyllm.zeros(3, 6), start=9)
    assert rotary(tinyllm.zeros(2, 6), start=9).shape == (2, 6)


def random(tokens):
    return tinyllm.randn(B, H, tokens, D)


def test_cache_gives_old_and_new_in_order():
    cache = nn.KeyValueCache(layers=2, batch_size=B, heads=H, capacity=11, head_size=D)
    parts = {layer: ([], []) for layer in range(2)}
    for tokens in (5, 1, 3):
        before = cache.length
        for layer in range(2):
            assert cache.length == before, "a token counts once the last layer has it"
            k, v = random(tokens), random(tokens)
            parts[layer][0].append(k.numpy())
            parts[layer][1].append(v.numpy())
            keys, values = cache.append(layer, k, v)
            np.testing.assert_array_equal(keys.numpy(), np.concatenate(parts[layer][0], axis=2))
            np.testing.assert_array_equal(values.numpy(), np.concatenate(parts[layer][1], axis=2))
        assert cache.length == before + tokens
    assert repr(cache).startswith("KeyValueCache(9 of 11 tokens, 2 layers")


def test_cache_truncates_and_resets():
    cache = nn.KeyValueCache(1, B, H, 11, D)
    first, second = random(6), random(2)
    cache.append(0, first, first)
    cache.truncate(4)
    keys, _ = cache.append(0, second, second)
    expected = np.concatenate([first.numpy()[:, :, :4], second.numpy()], axis=2)
    np.testing.assert_array_equal(keys.numpy(), expected)
    with pytest.raises(ValueError, match="cannot truncate to 7 tokens, 6 are kept"):
        cache.truncate(7)
    cache.reset()
    assert cache.length == 0


def test_cache_errors():
    cache = nn.KeyValueCache(1, B, H, 5, D)
    cache.append(0, random(4), random(4))
    with pytest.raises(ValueError, match="4 tokens kept and 2 new ones exceed capacity 5"):
        cache.append(0, random(2), random(2))
    with pytest.raises(ValueError, match="must both be"):
        cache.append(0, tinyllm.zeros(B + 1, H, 1, D), tinyllm.zeros(B + 1, H, 1, D))
    with pytest.raises(ValueError, match="must both be"):
        cache.append(0, random(1), tinyllm.zeros(B, H, 1, D + 1))
    wants = random(1).requires_grad_()
    with pytest.raises(RuntimeError, match="no_grad"):
        cache.append(0, wants, wants)
    with tinyllm.no_grad():
        cache.append(0, wants, wants)
    with pytest.raises(ValueError, match="at least 1"):
        nn.KeyValueCache(1, B, H, 0, D)
