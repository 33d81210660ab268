"""Dropout's mask is random enough: at its rate, and no two rows, columns or seeds alike."""

import numpy as np
import pytest

from tinyllm import kernels
from tinyllm.kernels.dropout import ROW, keep_mask

ROWS, WIDTH = 4096, 256


def deviations(p, seed):
    """What is dropped, shifted and scaled to mean 0 and variance 1."""
    dropped = ~keep_mask(ROWS, WIDTH, p, seed)
    return ((dropped - p) / np.sqrt(p * (1 - p))).astype(np.float32)


@pytest.mark.parametrize("seed", [3, 12345678901, 2**63 + 5])
@pytest.mark.parametrize("p", [0.1, 0.5])
def test_mask_is_random(p, seed):
    """Each sum below has mean 0 and variance 1, so six standard deviations are news."""
    z = deviations(p, seed)
    assert abs(z.sum()) < 4 * np.sqrt(z.size)
    pairs = np.triu_indices(WIDTH, 1)
    columns = (z.T @ z)[pairs] / np.sqrt(ROWS)
    corners = z[::2] * z[1::2]  # of rectangles, once multiplied with another column's
    rectangles = (corners.T @ corners)[pairs] / np.sqrt(ROWS / 2)
    for found in (columns, rectangles):
        assert abs(found.mean()) < 0.05
        assert abs(found.std() - 1) < 0.02
    assert np.abs(columns).max() < 7


def test_masks_of_other_seeds_are_independent():
    z = deviations(0.1, 2**40 + 1)
    for seed in (2**40 + 2, 2**41 + 1):
        assert abs((z * deviations(0.1, seed)).sum()) < 4 * np.sqrt(z.size)


def test_mask_follows_the_order_of_elements():
    """The same numbers in another shape are dropped in the same places, beyond one row too."""
    x = np.ones((3, ROW // 2, 4), np.float32)
    flat = kernels.dropout(x.reshape(-1), 0.3, 7)
    np.testing.assert_array_equal(kernels.dropout(x, 0.3, 7).reshape(-1), flat)
    assert (flat[:ROW] != flat[ROW : 2 * ROW]).any()
