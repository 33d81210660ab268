"""Threads that keep to memory of their own: a product by rows of their own, sums that lie apart."""

import importlib

import numpy as np
import pytest

from tinyllm import kernels
from tinyllm.kernels import jit, threads

module = importlib.import_module("tinyllm.kernels.matmul")  # kernels.matmul is the kernel

needs_blas = pytest.mark.skipif(not jit.BLAS_AVAILABLE, reason="there is no BLAS to call")


@needs_blas
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("pieces", [False, True])
@pytest.mark.parametrize("parts", [2, 3, 5])
def test_products_of_each_threads_rows_add_up(parts, pieces, dtype):
    generator = np.random.default_rng(parts)
    a = generator.normal(size=(521, 37)).astype(dtype)
    b = generator.normal(size=(521, 41)).astype(dtype)
    out = np.full((37, 41), np.nan, dtype)  # each number is written
    others = np.full((parts - 1, 37, 41), np.nan, dtype)
    module._matmul_by_rows(parts, 1, a, b, out, others, pieces)
    module._add_up(out.size, 1, out.reshape(-1), others.reshape(parts - 1, -1))
    expected = a.T.astype(np.float64) @ b
    np.testing.assert_allclose(out, expected, rtol=0, atol=4000 * np.finfo(dtype).eps)


@needs_blas
def test_a_gradient_of_a_weight_is_taken_so(monkeypatch):
    monkeypatch.setattr(threads, "_threads", 2)
    called = []
    plain = module._matmul_by_rows
    monkeypatch.setattr(
        module, "_matmul_by_rows", lambda *args: (called.append(args[2].shape), plain(*args))
    )
    generator = np.random.default_rng(0)
    for tokens, taken in ((1031, True), (257, False)):
        grad_y = generator.normal(size=(tokens, 131)).astype(np.float32)
        x = generator.normal(size=(tokens, 67)).astype(np.float32)
        grad_weight = kernels.matmul.compiled(grad_y.T, x)
        expected = grad_y.T.astype(np.float64) @ x
        np.testing.assert_allclose(grad_weight, expected, rtol=0, atol=1e-3)
        assert (called == [grad_y.shape]) == taken
        called.clear()


def test_rows_of_their_own_must_be_worth_it():
    assert module._each_its_own_rows(384, 128, 768, threads=2)
    assert not module._each_its_own_rows(384, 128, 768, threads=1)
    assert not module._each_its_own_rows(384, 128, 768, threads=4)  # 192 rows for each
    assert not module._each_its_own_rows(50257, 768, 1024, threads=2)  # too much to add up


@pytest.mark.parametrize(("shape", "dtype"), [((2, 7), np.float32), ((65,), np.float64)])
def test_sums_lie_apart(shape, dtype):
    sums = threads.sums_apart(3, shape, np.dtype(dtype))
    assert not sums.any()
    unused = sums[0].strides[-1] * (sums.shape[-1] - shape[-1])  # behind a thread's last sum
    assert unused >= threads.CACHE_LINES
    assert sums.flags.c_contiguous


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_the_gap_is_not_a_part_of_the_gradient(monkeypatch, n_threads):
    monkeypatch.setattr(threads, "_threads", min(n_threads, jit.POOL_SIZE))
    generator = np.random.default_rng(0)
    x, grad_y = generator.normal(size=(2, 331, 67)).astype(np.float32)
    weight = generator.normal(size=67).astype(np.float32)
    _, mean, rstd = kernels.layer_norm(x, weight, weight, 1e-5)
    gradients = kernels.layer_norm_backward(grad_y, x, weight, mean, rstd)
    _, rstd_rms = kernels.rms_norm(x, weight, 1e-5)
    gradients += kernels.rms_norm_backward(grad_y, x, weight, rstd_rms)
    assert [gradient.shape for gradient in gradients[1:3]] == [(67,), (67,)]
    assert gradients[4].shape == (67,)
    expected = kernels.KERNELS["layer_norm_backward"].definition(grad_y, x, weight, mean, rstd)
    expected += kernels.KERNELS["rms_norm_backward"].definition(grad_y, x, weight, rstd_rms)
    for got, wanted in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-4)
