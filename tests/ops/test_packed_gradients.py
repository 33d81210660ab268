"""The gradients of packed queries, keys and values reach the projection without a copy."""

import numpy as np
import pytest

from tinyllm import kernels
from tinyllm.kernels import jit
from tinyllm.ops.function import Context
from tinyllm.ops.shape import Unbind

B, T, H, D = 2, 5, 3, 7


def slices_of(qkv):
    """The heads of q, k and v, as the decoder cuts them from its projection."""
    context = Context((True,))
    return context, Unbind.forward(context, qkv.transpose(2, 0, 3, 1, 4), dim=0)


@pytest.fixture
def packed():
    """The context of the cut, and the three gradients."""
    qkv = np.random.default_rng(0).standard_normal((B, T, 3, H, D))
    context, (q, k, v) = slices_of(qkv)
    out, lse = kernels.attention(q, k, v, None, True, 0.3, 0.0, 0)
    return context, kernels.attention_backward(out, q, k, v, None, True, 0.3, 0.0, 0, lse)


def test_no_copy(packed, pytestconfig):
    context, grads = packed
    if not jit.BLAS_AVAILABLE or pytestconfig.getoption("--reference-kernels"):
        pytest.skip("the NumPy definition makes three arrays")
    whole = Unbind.backward(context, *grads)
    np.testing.assert_array_equal(whole, np.stack(grads))
    assert all(np.shares_memory(whole, grad) for grad in grads)
    projected = whole.transpose(1, 3, 0, 2, 4).reshape(B, T, 3 * H * D)
    assert np.shares_memory(projected, grads[0])


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 1, 0), (0, 2, 1), (0, 0, 0), (0, 1, 1)])
def test_in_another_order(packed, order):
    context, grads = packed
    mixed = [grads[i] for i in order]
    np.testing.assert_array_equal(Unbind.backward(context, *mixed), np.stack(mixed))


def test_slices_of_another_shape():
    whole = np.arange(24.0).reshape(2, 12)
    parts = [whole[0, :4], whole[0, 4:8], whole[1, :4]]
    context = Context((True,))
    Unbind.forward(context, np.zeros((3, 4)), dim=0)
    np.testing.assert_array_equal(Unbind.backward(context, *parts), np.stack(parts))


def strided(name):
    """q, k, v as layers cut them from one projection or two, and which of them come from one."""
    rng = np.random.default_rng(1)
    if name == "self, length first":
        return rng.standard_normal((T, B, 3, H, D)).transpose(2, 1, 3, 0, 4), slice(0, 3)
    q = rng.standard_normal((T, B, H, D)).transpose(1, 2, 0, 3)
    kv = rng.standard_normal((T + 2, B, 2, H, D)).transpose(2, 1, 3, 0, 4)
    if name == "memory, batch first":
        q = rng.standard_normal((B, T, H, D)).transpose(0, 2, 1, 3)
        kv = rng.standard_normal((B, T + 2, 2, H, D)).transpose(2, 0, 3, 1, 4)
    return (q, *kv), slice(1, 3)


@pytest.mark.parametrize(
    "name", ["self, length first", "memory, length first", "memory, batch first"]
)
def test_other_layouts(name, pytestconfig):
    """The gradients lie as their projection does, whichever of its dimensions comes first."""
    if not jit.BLAS_AVAILABLE or pytestconfig.getoption("--reference-kernels"):
        pytest.skip("the NumPy definition makes three arrays")
    (q, k, v), packed = strided(name)
    out, lse = kernels.attention(q, k, v, None, False, 0.3, 0.0, 0)
    outermost = 0 if "batch first" in name else 2
    assert int(np.argmax(out.strides)) == outermost
    arguments = (out, q, k, v, None, False, 0.3, 0.0, 0)
    grads = kernels.attention_backward(*arguments, lse)
    expected = kernels.attention_backward.definition(*arguments, lse)
    for grad, right in zip(grads, expected, strict=True):
        np.testing.assert_allclose(grad, right, rtol=1e-10, atol=1e-12)
    together = grads[packed]
    context = Context((True,))
    Unbind.forward(context, np.stack(together), dim=0)
    whole = Unbind.backward(context, *together)
    assert all(np.shares_memory(whole, grad) for grad in together)
    # (parts, B, H, T, D) -> (B, T, parts, H, D) or (T, B, parts, H, D): in row-major order
    joined = whole.transpose(*((1, 3, 0, 2, 4) if outermost == 0 else (3, 1, 0, 2, 4)))
    assert joined.flags.c_contiguous


def test_the_first_queries_of_one_piece():
    """Strides and starts are those of a whole piece, but there are fewer queries than keys."""
    qkv = np.random.default_rng(2).standard_normal((B, T, 3, H, D)).transpose(2, 0, 3, 1, 4)
    q, k, v = qkv[0, :, :, :2], qkv[1], qkv[2]
    out, lse = kernels.attention(q, k, v, None, False, 0.3, 0.0, 0)
    arguments = (out, q, k, v, None, False, 0.3, 0.0, 0, lse)
    expected = kernels.attention_backward.definition(*arguments)
    for grad, right in zip(kernels.attention_backward(*arguments), expected, strict=True):
        assert grad.shape == right.shape
        np.testing.assert_allclose(grad, right, rtol=1e-10, atol=1e-12)
