import numpy as np
import pytest

import tinyllm
from tinyllm import nn
from tinyllm.nn import functional as F
from tinyllm.ops.rotary import Rotate
from tinyllm.tensor import apply

B, T, H, HK, D = 2, 7, 6, 3, 10
WIDTH = (H + 2 * HK) * D


def test_rotation_is_the_formula_pair_by_pair():
    rotary = nn.RotaryEmbedding(D, 31, base=50.0)
    x = np.random.default_rng(1).standard_normal((B, T, H, D))
    y = rotary(tinyllm.tensor(x), start=4, heads=5).numpy()
    for t in range(T):
        for i in range(D // 2):
            angle = (4 + t) * 50.0 ** (-2 * i / D)
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            pair = x[:, t, :5, [i, i + D // 2]].transpose(1, 2, 0) @ turn.T
            np.testing.assert_allclose(y[:, t, :5][..., [i, i + D // 2]], pair, atol=1e-12)
    np.testing.assert_array_equal(y[:, :, 5], x[:, :, 5])


def test_scores_depend_on_the_distance_alone():
    rotary = nn.RotaryEmbedding(D, 101)
    q, k = tinyllm.randn(2, 1, 1, 1, D, dtype=tinyllm.float64)

    def score(t, s):
        return (rotary(q, t) * rotary(k, s)).sum().item()

    assert score(9, 4) == pytest.approx(score(85, 80), abs=1e-10)
    assert abs(score(9, 4) - score(9, 5)) > 1e-6


def test_backward_is_the_inverse_rotation():
    x = tinyllm.randn(B, H, T, D, dtype=tinyllm.float64, requires_grad=True)
    angles = np.random.default_rng(2).standard_normal((T, D // 2))
    turn = {"cos": np.cos(angles), "sin": np.sin(angles), "heads": 4}
    y = apply(Rotate, x.transpose(1, 2), **turn)
    covector = tinyllm.randn(B, T, H, D, dtype=tinyllm.float64)
    y.backward(covector)
    again = tinyllm.tensor(x.grad.numpy()).transpose(1, 2)  # turned back, then turned again
    np.testing.assert_allclose(apply(Rotate, again, **turn).numpy(), covector.numpy(), atol=1e-12)
    moved = (y.detach().numpy() * covector.numpy()).sum()
    assert moved == pytest.approx((x.grad.numpy() * x.detach().numpy()).sum())


def test_rotary_errors():
    with pytest.raises(ValueError, match="must be even"):
        nn.RotaryEmbedding(7, 11)
    rotary = nn.RotaryEmbedding(6, 11)
    with pytest.raises(ValueError, match=r"must be \(B, T, N, D\) with D = head_size = 6"):
        rotary(tinyllm.zeros(2, 3, 1, 8))
    with pytest.raises(ValueError, match=r"must be \(B, T, N, D\)"):
        rotary(tinyllm.zeros(2, 3, 6))
    with pytest.raises(ValueError, match="heads = 5, and x .* has N = 4"):
        rotary(tinyllm.zeros(2, 3, 4, 6), heads=5)
    with pytest.raises(ValueError, match="positions 9 to 11 exceed context_length 11"):
        rotary(tinyllm.zeros(2, 3, 1, 6), start=9)
    assert rotary(tinyllm.zeros(2, 2, 1, 6), start=9).shape == (2, 2, 1, 6)


def test_head_norm_divides_by_the_root_mean_square_and_commutes_with_rotation():
    x = np.random.default_rng(3).standard_normal((B, T, H, D))
    norm, rotary = nn.HeadNorm(eps=1e-3, gain=1.7), nn.RotaryEmbedding(D, 31)
    y = norm(tinyllm.tensor(x), heads=4).numpy()
    expected = 1.7 * x[:, :, :4] / np.sqrt((x[:, :, :4] ** 2).mean(axis=-1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(y[:, :, :4], expected, rtol=1e-12)
    np.testing.assert_array_equal(y[:, :, 4:], x[:, :, 4:])
    x = tinyllm.tensor(x)
    np.testing.assert_allclose(norm(rotary(x)).numpy(), rotary(norm(x)).numpy(), atol=1e-12)


def test_head_norm_errors():
    with pytest.raises(ValueError, match=r"x must be \(B, T, N, D\), not of shape \(2, 3, 6\)"):
        nn.HeadNorm()(tinyllm.zeros(2, 3, 6))
    with pytest.raises(ValueError, match="heads = 5, and x .* has N = 4"):
        nn.HeadNorm()(tinyllm.zeros(2, 3, 4, 6), heads=5)


def random(tokens, batch=B):
    return tinyllm.randn(batch, tokens, WIDTH)


def new_cache(layers=1, capacity=11):
    return nn.KeyValueCache(layers, batch_size=B, heads=HK, capacity=capacity, head_size=D)


def test_parts_with_a_cache_are_the_whole_without():
    cache, parts = new_cache(layers=2), {layer: [] for layer in range(2)}
    got = {layer: [] for layer in range(2)}
    for tokens in (5, 1, 3):
        before = cache.length
        for layer in range(2):
            assert cache.length == before, "a token counts once the last layer has it"
            parts[layer].append(random(tokens))
            got[layer].append(cache.attend(layer, parts[layer][-1], H))
        assert cache.length == before + tokens
    for layer in range(2):
        whole = F.self_attention(tinyllm.cat(parts[layer], dim=1), H, HK, is_causal=True)
        together = tinyllm.cat(got[layer], dim=1)
        np.testing.assert_allclose(together.numpy(), whole.numpy(), rtol=1e-5, atol=1e-6)
    assert repr(cache).startswith("KeyValueCache(9 of 11 tokens, 2 layers")


def test_cache_truncates_and_resets():
    cache, first, second = new_cache(), random(6), random(2)
    cache.attend(0, first, H)
    cache.truncate(4)
    got = cache.attend(0, second, H)
    joined = tinyllm.cat((first[:, :4], second), dim=1)
    whole = F.self_attention(joined, H, HK, is_causal=True)
    np.testing.assert_allclose(got.numpy(), whole[:, 4:].numpy(), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="cannot truncate to 7 tokens, 6 are kept"):
        cache.truncate(7)
    cache.reset()
    assert cache.length == 0


def test_rows_of_different_lengths_are_as_each_alone():
    lengths, texts = (2, 5), random(9)
    cache = new_cache()
    cache.attend(0, texts[:, :5], H)  # the first row's last three are filling
    cache.truncate(lengths)
    assert not cache.even
    assert cache.length == 5
    assert cache.positions(2).tolist() == [[2, 3], [5, 6]]
    got = [cache.attend(0, random_part, H).numpy() for random_part in (texts[:, 5:7], texts[:, 7:])]
    assert cache.lengths.tolist() == [6, 9]
    for row, length in enumerate(lengths):
        alone = nn.KeyValueCache(1, 1, HK, 11, D)
        alone.attend(0, texts[row : row + 1, :length], H)
        for part, y in zip((texts[:, 5:7], texts[:, 7:]), got, strict=True):
            expected = alone.attend(0, part[row : row + 1], H).numpy()[0]
            np.testing.assert_allclose(y[row], expected, rtol=1e-5, atol=1e-6)


def test_cache_selects_rows():
    cache, first = new_cache(), random(4)
    cache.attend(0, first, H)
    cache.truncate((3, 4))
    cache.select([1, 0, 1])
    assert cache.lengths.tolist() == [4, 3, 4]
    new = random(1, batch=3)
    got = cache.attend(0, new, H).numpy()
    for row, (source, length) in enumerate(((1, 4), (0, 3), (1, 4))):
        text = tinyllm.cat((first[source : source + 1, :length], new[row : row + 1]), dim=1)
        whole = F.self_attention(text, H, HK, is_causal=True).numpy()
        np.testing.assert_allclose(got[row], whole[0, -1:], rtol=1e-5, atol=1e-6)
    cache.select([0, 2])
    assert cache.even
    with pytest.raises(IndexError):
        cache.select([2])


def test_rotary_takes_the_place_of_each_token():
    rotary, x = nn.RotaryEmbedding(6, 11), tinyllm.randn(2, 3, 4, 6)
    places = np.array([[4, 5, 6], [0, 1, 2]])
    got = rotary(x, places, heads=2).numpy()
    for row, start in enumerate((4, 0)):
        np.testing.assert_array_equal(got[row], rotary(x[row : row + 1], start, heads=2).numpy()[0])
    one = rotary(x, places[0]).numpy()
    np.testing.assert_array_equal(one, rotary(x, 4).numpy())
    with pytest.raises(ValueError, match="positions 4 to 11 exceed"):
        rotary(x, np.array([4, 5, 11]))


def test_cache_errors():
    cache = new_cache(capacity=5)
    cache.attend(0, random(4), H)
    with pytest.raises(ValueError, match="4 tokens kept and 2 new ones exceed capacity 5"):
        cache.attend(0, random(2), H)
    with pytest.raises(ValueError, match="cannot truncate to 5 tokens, 4 are kept"):
        cache.truncate((3, 5))
    with pytest.raises(ValueError, match=r"lengths of shape \(3,\) for 2 rows"):
        cache.truncate((1, 2, 3))
    with pytest.raises(ValueError, match=r"qkv \(3, 1, 120\) must be"):
        cache.attend(0, random(1, batch=B + 1), H)
    with pytest.raises(ValueError, match="B, H, Hk, D = 2, 5, 3, 10"):
        cache.attend(0, random(1), 5)
    with pytest.raises(TypeError, match="qkv is float64, the cache keeps float32"):
        cache.attend(0, random(1).double(), H)
    wants = random(1).requires_grad_()
    with pytest.raises(RuntimeError, match="no_grad"):
        cache.attend(0, wants, H)
    with tinyllm.no_grad():
        cache.attend(0, wants, H)
    with pytest.raises(ValueError, match="at least 1"):
        nn.KeyValueCache(1, B, H, 0, D)


def test_self_attention_is_scaled_dot_product_attention_of_what_is_packed():
    qkv = tinyllm.randn(B, T, WIDTH, requires_grad=True)
    heads = qkv.view(B, T, -1, D).transpose(1, 2)  # (B, H + 2 Hk, T, D)
    q, k, v = heads.split([H, HK, HK], dim=1)
    apart = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    apart = apart.transpose(1, 2).reshape(B, T, H * D)
    packed = F.self_attention(qkv, H, HK, is_causal=True)
    np.testing.assert_allclose(packed.detach().numpy(), apart.detach().numpy(), atol=1e-6)
    covector, grads = tinyllm.randn(B, T, H * D), []
    for y in (apart, packed):
        qkv.grad = None
        y.backward(covector)
        grads.append(qkv.grad.numpy())
    np.testing.assert_allclose(*grads, atol=1e-5)


def test_what_stands_in_the_prefix_is_seen_by_all():
    qkv, prefix = random(7, batch=3), np.array([4, 0, 7])
    heads = qkv.view(3, 7, H + 2 * HK, D).transpose(1, 2)
    q, k, v = heads[:, :H], heads[:, H : H + HK], heads[:, H + HK :]
    past = np.tri(7, dtype=bool) | (np.arange(7) < prefix[:, None, None, None])
    expected = F.scaled_dot_product_attention(
        q, k, v, tinyllm.tensor(past), enable_gqa=True
    ).transpose(1, 2)
    got = F.self_attention(qkv, H, HK, is_causal=True, prefix=prefix)
    np.testing.assert_allclose(
        got.numpy(), expected.reshape(got.shape).numpy(), rtol=1e-5, atol=1e-6
    )
    cache = nn.KeyValueCache(1, 3, HK, 9, D)
    np.testing.assert_allclose(cache.attend(0, qkv, H, prefix).numpy(), got.numpy(), atol=1e-6)


@pytest.mark.parametrize(
    ("prefix", "error", "message"),
    [
        ([1, 2], TypeError, "NumPy array of int64"),
        (np.array([1.0, 2.0]), TypeError, "NumPy array of int64"),
        (np.array([1]), ValueError, r"must be \(B,\) = \(2,\), not of shape \(1,\)"),
        (np.array([1, 4]), ValueError, r"0 to 3 positions, not \[1, 4\]"),
        (np.array([-1, 2]), ValueError, r"0 to 3 positions, not \[-1, 2\]"),
    ],
)
def test_prefix_errors(prefix, error, message):
    with pytest.raises(error, match=message):
        F.self_attention(random(3, batch=2), H, HK, is_causal=True, prefix=prefix)
    with pytest.raises(error, match=message):
        nn.KeyValueCache(1, 2, HK, 9, D).attend(0, random(3, batch=2), H, prefix)


def test_a_prefix_is_for_causal_attention():
    with pytest.raises(ValueError, match="for is_causal=True"):
        F.self_attention(random(3), H, HK, prefix=np.zeros(B, np.int64))


def test_self_attention_errors():
    with pytest.raises(ValueError, match="heads H = 5 must be a positive multiple of kv_heads"):
        F.self_attention(random(3), 5, 2)
    with pytest.raises(ValueError, match=r"its width a multiple of 7 \+ 2 \* 7 heads"):
        F.self_attention(random(3), 7)
    with pytest.raises(ValueError, match="dropout_p"):
        F.self_attention(random(3), H, HK, dropout_p=1.0)
    with pytest.raises(TypeError, match="floating-point"):
        F.self_attention(random(3).long(), H, HK)


def test_linear_adds_onto():
    layer, x, onto = nn.Linear(5, 7), tinyllm.randn(2, 3, 5), tinyllm.randn(2, 3, 7)
    np.testing.assert_allclose(
        layer(x, onto).detach().numpy(), (onto + layer(x)).detach().numpy(), atol=1e-6
    )
    with pytest.raises(
        ValueError, match=r"onto \(7,\) must have the shape of the result, \(2, 3, 7\)"
    ):
        layer(x, onto[0, 0])
    with pytest.raises(TypeError, match="onto is float64"):
        layer(x, onto.double())
