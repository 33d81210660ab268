"""The functions inside the compiled loops, against libm in double precision."""

import math

import numpy as np
import pytest

from tinyllm.kernels import jit, vector_math

pytestmark = pytest.mark.skipif(not jit.AVAILABLE, reason="Numba is absent: nothing is compiled")

SPECIAL = np.array([-np.inf, -1e30, -104, -88, -0.0, 0.0, 89, 1e30, np.inf, np.nan, -np.nan])


@pytest.fixture(scope="module")
def compiled():
    """exp, erf and largest as functions of whole arrays."""
    import numba

    exp, erf, largest = vector_math.exp, vector_math.erf, vector_math.largest

    @numba.njit(**jit.OPTIONS)
    def every(x, exps, erfs):
        for i in range(x.size):
            exps[i] = exp(x[i])
            erfs[i] = erf(x[i])
        return largest(x)

    def run(x):
        exps, erfs = np.empty_like(x), np.empty_like(x)
        return every(x, exps, erfs), exps, erfs

    return run


@pytest.mark.parametrize(
    ("dtype", "reach", "rtol"),
    [(np.float32, 10, 1.4e-7), (np.float32, 87, 3.5e-7), (np.float64, 700, 1e-15)],
)
def test_exp_is_right_to_the_last_bits(compiled, dtype, reach, rtol):
    x = np.concatenate([np.linspace(-reach, reach, 200_001), np.linspace(-1, 1, 100_001)])
    x = x.astype(dtype)
    _, exps, _ = compiled(x)
    np.testing.assert_allclose(exps.astype(float), np.exp(x.astype(float)), rtol)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exp_at_the_ends(compiled, dtype):
    """A masked weight is exactly 0, NaN stays NaN, overflow is inf."""
    x = SPECIAL.astype(dtype)
    _, exps, _ = compiled(x)
    assert exps[0] == exps[1] == 0
    assert exps[4] == exps[5] == 1
    assert exps[7] == exps[8] == np.inf
    assert np.isnan(exps[9:]).all()
    if dtype == np.float32:
        assert exps[2] == exps[3] == 0
        assert exps[6] == np.inf
        x = np.array([88.3, 88.7, -87.3, -87.8], dtype)
        _, exps, _ = compiled(x)
        np.testing.assert_allclose(exps[[0, 2]], np.exp(x[[0, 2]].astype(float)), 4e-7)
        assert exps[1] == np.inf
        assert exps[3] == 0


@pytest.mark.parametrize(("dtype", "atol"), [(np.float32, 4e-7), (np.float64, 1e-15)])
def test_erf(compiled, dtype, atol):
    x = np.linspace(-6, 6, 60_001).astype(dtype)
    _, _, erfs = compiled(x)
    np.testing.assert_allclose(erfs.astype(float), [math.erf(v) for v in x.astype(float)], 0, atol)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_largest(compiled, dtype):
    rng = np.random.default_rng(0)
    rows = [rng.normal(size=n) * 10.0 ** rng.integers(-30, 30) for n in (1, 2, 17, 64, 1001)]
    rows += [-np.abs(row) for row in rows]
    rows += [
        np.array(r) for r in ([-np.inf, -5.0], [-np.inf], [np.inf, 1.0], [-0.0, -1.0], [1e-42])
    ]
    for row in rows:
        row = row.astype(dtype)
        assert compiled(row)[0] == row.max(), row
    assert np.isnan(compiled(np.array([1, np.nan, 2], dtype))[0])


def test_a_loop_may_ask_for_the_widest_registers():
    """It is written past llvmlite's list of attributes, so that it arrives has to be seen."""
    import numba

    widest_registers = jit.widest_registers

    def doubled(x):
        for i in range(x.size):
            x[i] *= 2

    def doubled_widely(x):
        widest_registers()
        for i in range(x.size):
            x[i] *= 2

    codes = []
    for function in (doubled, doubled_widely):
        compiled = numba.njit("void(float32[::1])", **jit.OPTIONS)(function)
        codes.extend(compiled.inspect_llvm().values())
    assert ['"prefer-vector-width"="512"' in code for code in codes] == [False, True]
