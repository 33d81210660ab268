"""Tests of the functions and layers that we write in my_work.py. Run them: pytest THIS_FILE

What is not in my_work.py yet is skipped, with «to do». Each test here stands for a kind of work:
keep those that fit, change names and cases, and add your own at the end.
"""

import my_work
import numpy as np
import pytest

from tinyllm import nn
from tinyllm.testing import assert_close, assert_gradients, assert_same_as, assert_shapes


def mine(name):
    """What my_work.py has under this name; skip the test as long as there is nothing."""
    if not hasattr(my_work, name):
        pytest.skip(f"to do: {name} in my_work.py")
    return getattr(my_work, name)


# A function of arrays: softmax(x), along the last axis ------------------------------------------


def test_softmax_by_hand():
    """Values that one can work out on paper come first."""
    assert_close(mine("softmax")(np.array([0.0, np.log(3.0)])), np.array([0.25, 0.75]))


def test_softmax_shapes():
    """The pattern holds for any sizes; nothing is said of the numbers."""
    assert_shapes(mine("softmax"), "B T V -> B T V", arrays=True)


def test_softmax_of_large_numbers():
    """exp(1000) is infinity: a NaN here means that the largest value was not taken off."""
    assert_close(mine("softmax")(np.array([1000.0, 1000.0])), np.array([0.5, 0.5]))


# Forward and backward by hand: layer_norm(x), layer_norm_backward(grad_y, x) --------------------


def test_layer_norm_backward():
    """One random gradient is sent back, and held against finite differences."""
    assert_gradients(mine("layer_norm"), (3, 7), backward=mine("layer_norm_backward"))


# A function of tensors: split_heads(x, heads) ---------------------------------------------------


def test_split_heads_shapes():
    """Each letter is a prime of its own, so that no two axes can be taken for one another."""
    split_heads = mine("split_heads")
    assert_shapes(lambda x: split_heads(x, 5), "B T (H D) -> B H T D", H=5)


def test_split_heads_keeps_each_vector_together():
    """Right shapes are not yet right numbers: head 0 is the first half of every vector."""
    x = np.arange(2 * 3 * 4.0).reshape(2, 3, 4)
    split_heads = mine("split_heads")
    assert_close(split_heads(x, 2)[:, 0], x[:, :, :2])


# A function of tensors beside tinyllm's: gelu(x) ------------------------------------------------


def test_gelu_as_tinyllm():
    """Values and gradients; with torch=True the reference may be PyTorch's."""
    assert_same_as(mine("gelu"), nn.functional.gelu, [((3, 5),), ((2, 1, 7),)])


# A layer beside tinyllm's: Linear(in_features, out_features) ------------------------------------


def test_linear_as_tinyllm():
    """Both get the same weights first, so they must be called weight (out, in) and bias (out)."""
    assert_same_as(mine("Linear")(3, 5), nn.Linear(3, 5), [((2, 3),), ((2, 7, 3),)])


def test_linear_gradients():
    """Of the input, and of every parameter."""
    assert_gradients(mine("Linear")(3, 5), (2, 3))


# Your own: copy one of the above ----------------------------------------------------------------
