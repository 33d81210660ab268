"""Products in pieces of the size that BLAS's kernels for small matrices take, on every machine."""

import importlib

import numpy as np
import pytest

from tinyllm import kernels
from tinyllm.kernels import blas, jit
from tinyllm.models.decoder_step import FEW_TOKENS

module = importlib.import_module("tinyllm.kernels.matmul")  # kernels.matmul is the kernel

pytestmark = pytest.mark.skipif(not jit.BLAS_AVAILABLE, reason="there is no BLAS to call")
SIZES = [(1, 1, 1), (7, 5, 3), (64, 240, 64), (131, 241, 67), (129, 487, 131), (3, 121, 1539)]


def factors(size, transposed, dtype):
    rows, inner, columns = size
    generator = np.random.default_rng(sum(size))
    a = generator.normal(size=(inner, rows) if transposed else (rows, inner)).astype(dtype)
    b = generator.normal(size=(inner, columns)).astype(dtype)
    return a, b, (a.T if transposed else a).astype(np.float64) @ b.astype(np.float64)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_pieces_make_up_the_product(size, transposed, dtype):
    a, b, expected = factors(size, transposed, dtype)
    close = {"rtol": 0, "atol": 40 * np.finfo(dtype).eps * np.sqrt(len(b)) * np.abs(expected).max()}
    for parts in (1, 2, 3):
        out = np.full(expected.shape, np.nan, dtype)  # each number is written
        module._matmul(parts, 1, a, transposed, b, False, out, parts, True)
        np.testing.assert_allclose(out, expected, **close)
    batch = np.full((2, *expected.shape), np.nan, dtype)
    module._matmul_batched(
        2, 2, np.stack([a, a]), transposed, np.stack([b, 2 * b]), False, batch, True
    )
    np.testing.assert_allclose(batch[0], expected, **close)
    np.testing.assert_array_equal(batch[1], 2 * batch[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("onto", [False, True])
@pytest.mark.parametrize(
    "size", [(7, 5, 3), (193, 241, 67), (401, 487, 131), (193, 3, 1537)], ids=str
)
def test_blocks_turned_make_up_a_linear_layer(size, onto, dtype):
    x, across, expected = factors(size, False, dtype)
    weight, (rows, _, columns) = np.ascontiguousarray(across.T), size
    generator = np.random.default_rng(0)
    bias = generator.normal(size=columns if onto else 0).astype(dtype)
    stream = generator.normal(size=(rows, columns) if onto else (0, 0)).astype(dtype)
    if onto:
        expected = expected + bias + stream
    for parts in (1, 2):
        y = np.full(expected.shape, np.nan, dtype)  # each number is written
        module.linear_parts(parts, 1, x, weight, bias, stream, y, parts, True)
        np.testing.assert_allclose(
            y, expected, rtol=0, atol=1000 * np.finfo(dtype).eps * np.abs(expected).max()
        )


def test_a_block_of_few_tokens_takes_the_plain_product():
    """`linear_parts` is told of no pieces there, and has the modules' bits all the same."""
    assert FEW_TOKENS < blas.WORTH_TURNING


def test_a_piece_is_small_enough():
    for rows, columns, depth in (blas.PIECE, blas.PIECE_TRANSPOSED):
        assert rows * columns * depth <= 1e6  # what OpenBLAS calls small


@pytest.mark.parametrize("answer", [False, True])
def test_a_machine_with_kernels_for_small_products_and_one_without(monkeypatch, answer):
    monkeypatch.setattr(module, "takes_pieces", lambda: answer)
    a, b, expected = factors((131, 241, 67), False, np.float32)
    np.testing.assert_allclose(kernels.matmul(a, b), expected, atol=2e-4)
    gradient = kernels.matmul(a.T, expected.astype(np.float32))  # as a weight's gradient
    np.testing.assert_allclose(gradient, a.T.astype(np.float64) @ expected, atol=5e-3)


@pytest.mark.parametrize("name", ["SkylakeX", "Cooperlake", "SapphireRapids", "Haswell", "Zen", ""])
def test_where_pieces_are_taken(monkeypatch, name):
    monkeypatch.setattr(blas, "blas_architecture", lambda: name)
    blas.takes_pieces.cache_clear()
    assert blas.takes_pieces() == (name in ("SkylakeX", "Cooperlake", "SapphireRapids"))
    blas.takes_pieces.cache_clear()
