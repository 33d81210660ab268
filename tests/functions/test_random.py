"""Random numbers: reproducible, resumable, rightly distributed, never NumPy's global ones."""

from __future__ import annotations

import json

import numpy as np
import pytest

import tinyllm

DRAWS = [
    lambda g: tinyllm.randn(3, generator=g),
    lambda g: tinyllm.rand(3, dtype=tinyllm.float64, generator=g),
    lambda g: tinyllm.randint(0, 100, (3,), generator=g),
    lambda g: tinyllm.randperm(9, generator=g),
    lambda g: tinyllm.multinomial(tinyllm.ones(9), 4, generator=g),
    lambda g: tinyllm.zeros(3).normal_(generator=g),
    lambda g: tinyllm.zeros(3).uniform_(generator=g),
    lambda g: tinyllm.randn_like(tinyllm.zeros(3), generator=g),
    lambda g: tinyllm.rand_like(tinyllm.zeros(3), generator=g),
    lambda g: tinyllm.tensor(
        g.next_seed() % 2**62 if g else tinyllm.default_generator.next_seed() % 2**62
    ),
]


@pytest.mark.parametrize("draw", DRAWS)
def test_same_seed_same_numbers(draw) -> None:
    first = draw(tinyllm.Generator(3)).tolist()
    assert draw(tinyllm.Generator(3)).tolist() == first
    assert draw(tinyllm.Generator(4)).tolist() != first
    tinyllm.manual_seed(3)
    assert draw(None).tolist() == first
    assert draw(None).tolist() != first


@pytest.mark.parametrize("draw", DRAWS)
def test_numpys_global_state_is_neither_read_nor_moved(draw) -> None:
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    draw(None)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
    first = draw(tinyllm.Generator(5)).tolist()
    np.random.seed(1)  # noqa: NPY002
    assert draw(tinyllm.Generator(5)).tolist() == first


def test_state_survives_json() -> None:
    g = tinyllm.Generator(7)
    tinyllm.randint(0, 9, (1,), generator=g)
    state = json.loads(json.dumps(g.get_state()))
    assert state["has_uint32"] == 1  # half a 64-bit number is left over, and must not be lost
    expected = [draw(g).tolist() for draw in DRAWS]
    other = tinyllm.Generator(8)
    other.set_state(state)
    assert [draw(other).tolist() for draw in DRAWS] == expected
    assert other.initial_seed() == 7


@pytest.mark.parametrize(
    "state",
    [
        None,
        {},
        {"bit_generator": "MT19937"},
        {"bit_generator": "PCG64", "seed": 1},
        {**tinyllm.Generator(0).get_state(), "state": "x"},
        {**tinyllm.Generator(0).get_state(), "state": -1},
        {**tinyllm.Generator(0).get_state(), "increment": 2**128},
        {**tinyllm.Generator(0).get_state(), "uinteger": 2**32},
    ],
)
def test_a_state_that_is_none_is_refused(state) -> None:
    g = tinyllm.Generator(0)
    with pytest.raises(ValueError, match="set_state"):
        g.set_state(state)
    assert g.get_state() == tinyllm.Generator(0).get_state()


def test_seeds() -> None:
    g = tinyllm.Generator()
    assert g.get_state() == tinyllm.Generator().get_state()
    assert g.manual_seed(5) is g
    assert g.initial_seed() == 5
    assert g.manual_seed(-1).initial_seed() == 2**64 - 1
    assert g.seed() != g.seed()
    with pytest.raises(TypeError, match="int"):
        g.manual_seed(1.5)
    seeds = {tinyllm.Generator(0).next_seed(), *(g.next_seed() for _ in range(100))}
    assert len(seeds) == 101
    assert all(0 <= seed < 2**64 for seed in seeds)


def test_distributions() -> None:
    g = tinyllm.Generator(0)
    normal = tinyllm.randn(100_000, generator=g)
    assert abs(normal.mean().item()) < 0.02
    assert abs(normal.std().item() - 1) < 0.02
    wide = tinyllm.empty(100_000).normal_(3, 2, generator=g)
    assert abs(wide.mean().item() - 3) < 0.04
    assert abs(wide.std().item() - 2) < 0.04
    even = tinyllm.empty(100_000).uniform_(-1, 3, generator=g)
    assert -1 <= even.min().item() < -0.99
    assert 2.99 < even.max().item() <= 3
    ints = tinyllm.randint(2, 5, (1000,), generator=g)
    assert sorted(set(ints.tolist())) == [2, 3, 4]
    assert sorted(tinyllm.randperm(50, generator=g).tolist()) == list(range(50))


def test_dtypes_and_arguments() -> None:
    assert tinyllm.randn(2, dtype=tinyllm.float64).dtype == tinyllm.float64
    assert tinyllm.randint(5, (2,)).dtype == tinyllm.int64
    assert tinyllm.randint(5, size=(2,)).shape == (2,)
    with pytest.raises(TypeError, match="floating-point"):
        tinyllm.randn(2, dtype=tinyllm.int64)
    with pytest.raises(ValueError, match="no integer"):
        tinyllm.randint(5, 5, (2,))
    with pytest.raises(ValueError, match="std"):
        tinyllm.zeros(2).normal_(0, -1)


@pytest.mark.parametrize("replacement", [False, True])
def test_multinomial_draws_by_weight(replacement: bool) -> None:
    weights = tinyllm.tensor([0.0, 1.0, 0.0, 3.0, 4.0, 0.0]).expand(20_000, 6)
    g = tinyllm.Generator(0)
    drawn = tinyllm.multinomial(weights, 2, replacement, generator=g).array
    share = np.bincount(drawn[:, 0], minlength=6) / len(drawn)
    np.testing.assert_allclose(share, [0, 1 / 8, 0, 3 / 8, 4 / 8, 0], atol=0.015)
    assert set(np.unique(drawn)) == {1, 3, 4}
    if replacement:
        second = np.bincount(drawn[:, 1], minlength=6) / len(drawn)
        np.testing.assert_allclose(second, share, atol=0.02)
    else:
        assert (drawn[:, 0] != drawn[:, 1]).all()
        second = np.bincount(drawn[drawn[:, 0] == 4, 1], minlength=6)
        np.testing.assert_allclose(second / second.sum(), [0, 1 / 4, 0, 3 / 4, 0, 0], atol=0.02)


@pytest.mark.parametrize("uniform", [0.0, 1 - 2**-53])
def test_multinomial_at_the_ends_of_the_uniform_never_draws_weight_zero(uniform: float) -> None:
    class Fixed(tinyllm.Generator):
        def manual_seed(self, seed: int) -> tinyllm.Generator:
            self.numpy = self
            return self

        def random(self, shape: tuple[int, ...]) -> np.ndarray:
            return np.full(shape, uniform)

    weights = tinyllm.tensor([0.0, 0.1, 0.2, 0.3, 0.0, 0.0], dtype=tinyllm.float64)
    for scale in (1, 1e-3, 3, 7e5):
        drawn = tinyllm.multinomial(weights * scale, 1, generator=Fixed(0)).item()
        assert drawn == (1 if uniform == 0 else 3)


def test_multinomial_refuses() -> None:
    for weights, message in (
        ([-1.0, 2.0], "not negative"),
        ([float("nan"), 2.0], "finite"),
        ([0.0, 0.0], "0 positive weights"),
        ([[1.0, 1.0], [0.0, 0.0]], "row 1"),
    ):
        with pytest.raises(ValueError, match=message):
            tinyllm.multinomial(tinyllm.tensor(weights), 1)
    with pytest.raises(ValueError, match="2 positive weights"):
        tinyllm.multinomial(tinyllm.tensor([1.0, 1.0, 0.0]), 3)
    assert tinyllm.multinomial(tinyllm.tensor([1.0, 0.0]), 3, True).tolist() == [0, 0, 0]
