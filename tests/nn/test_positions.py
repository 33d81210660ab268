import math

import numpy as np
import pytest

import tinyllm
from tinyllm import nn


def test_the_papers_formula():
    T, C = 13, 6
    table = nn.sinusoidal_positions(T, C).numpy()
    assert table.shape == (T, C)
    assert table.dtype == np.float32
    for t in range(T):
        for i in range(C // 2):
            angle = t / 10000 ** (2 * i / C)
            assert table[t, 2 * i] == pytest.approx(math.sin(angle), abs=1e-7)
            assert table[t, 2 * i + 1] == pytest.approx(math.cos(angle), abs=1e-7)


def test_k_steps_further_is_the_same_turn_everywhere():
    k, table = 3, nn.SinusoidalPositions(50, 8)(tinyllm.zeros(50, 8, dtype="float64")).numpy()
    waves = table[:, 0::2] * 1j + table[:, 1::2]  # cos + i sin
    turns = waves[k:] / waves[:-k]
    np.testing.assert_allclose(turns, np.broadcast_to(turns[0], turns.shape), atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layouts(dtype):
    B, T, C = 3, 5, 8
    table = nn.SinusoidalPositions(7, C)(tinyllm.zeros(7, C, dtype=dtype)).numpy()
    for batch_first, shape in ((True, (B, T, C)), (False, (T, B, C))):
        layer = nn.SinusoidalPositions(7, C, batch_first=batch_first)
        x = tinyllm.randn(*shape, dtype=dtype, requires_grad=True)
        y = layer(x, start=2)
        assert y.dtype == x.dtype
        added = y.detach().numpy() - x.detach().numpy()
        for b in range(B):
            rows = added[b] if batch_first else added[:, b]
            np.testing.assert_allclose(rows, table[2 : 2 + T], atol=1e-6)
        y.sum().backward()
        assert (x.grad.numpy() == 1).all()
        assert not layer.state_dict()
        assert not list(layer.parameters())
    exact = np.sin(6 / 10000 ** (2 / C))
    assert table[6, 2] == pytest.approx(exact, rel=float(np.finfo(dtype).eps))  # no float32 between


def test_what_does_not_fit_is_named():
    layer = nn.SinusoidalPositions(7, 4)
    with pytest.raises(ValueError, match=r"\(T, B, C\) = \(8, 3, 4\) has the positions 0 to 7"):
        layer(tinyllm.zeros(8, 3, 4))
    with pytest.raises(ValueError, match="positions 5 to 7, and length is 7"):
        layer(tinyllm.zeros(3, 1, 4), start=5)
    with pytest.raises(ValueError, match="disagree on C"):
        layer(tinyllm.zeros(3, 1, 6))
    with pytest.raises(ValueError, match="even width"):
        nn.sinusoidal_positions(3, 5)
    assert repr(layer) == "SinusoidalPositions(7, 4, batch_first=False)"
    assert nn.SinusoidalPositions(7, 4)(tinyllm.zeros(0, 3, 4)).shape == (0, 3, 4)


def test_positions_of_each_token():
    add, x = nn.SinusoidalPositions(7, 4, batch_first=True), tinyllm.zeros(2, 3, 4)
    got = add(x, np.array([[4, 5, 6], [0, 1, 2]])).numpy()
    np.testing.assert_array_equal(got[0], add(x, 4).numpy()[0])
    np.testing.assert_array_equal(got[1], add(x).numpy()[0])
    with pytest.raises(ValueError, match="the positions 0 to 7"):
        add(x, np.array([5, 6, 7]))
