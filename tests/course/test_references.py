"""Backward references against small steps: a formula that grades is not its own witness."""

import numpy as np
import pytest

from tinyllm.course import exercise

STEP = 1e-6


def softmax(x):
    return exercise("my_softmax").reference(x)


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_softmax_backward_is_what_small_steps_give(seed):
    backward = exercise("softmax_backward")
    for case in backward.drawn(seed):
        y, grad_y = case.arguments
        with np.errstate(divide="ignore"):
            x = np.log(y)  # softmax gives y back; a share of 0 is a score of -inf
        np.testing.assert_allclose(softmax(x), y, atol=1e-15)
        by_steps = np.zeros_like(y)
        for place in np.ndindex(y.shape):
            move = np.zeros_like(y)
            move[place] = STEP
            change = softmax(x + move) - softmax(x - move)
            by_steps[place] = (change * grad_y).sum() / (2 * STEP)
        np.testing.assert_allclose(backward.reference(y, grad_y), by_steps, rtol=0, atol=1e-9)


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_cross_entropy_backward_is_what_small_steps_give(seed):
    loss, backward = exercise("my_cross_entropy").reference, exercise("cross_entropy_backward")
    for case in backward.drawn(seed):
        logits, targets = case.arguments
        step = STEP * np.abs(logits).max()
        by_steps = np.zeros_like(logits)
        for place in np.ndindex(logits.shape):
            move = np.zeros_like(logits)
            move[place] = step
            change = loss(logits + move, targets) - loss(logits - move, targets)
            by_steps[place] = change / (2 * step)
        found = backward.reference(logits, targets)
        np.testing.assert_allclose(found, by_steps, rtol=0, atol=1e-7)
