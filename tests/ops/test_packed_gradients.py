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
