"""Windows: what is predicted, how often, and from which offsets."""

import types

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyllm.data import Windows


def generator(seed=0):
    return np.random.default_rng(seed)


@settings(deadline=None)
@given(length=st.integers(2, 60), T=st.integers(1, 12), batch_size=st.integers(1, 5))
def test_every_token_but_the_first_is_predicted_exactly_once(length, T, batch_size):
    tokens = np.arange(100, 100 + length, dtype=np.uint16)  # all different: a token is its place
    windows = Windows(tokens, T, allow_short=True)
    predicted = []
    for ids, targets in windows.non_overlapping(batch_size):
        assert ids.shape == targets.shape
        assert ids.shape[0] <= batch_size
        assert ids.shape[1] <= T
        np.testing.assert_array_equal(ids + 1, targets)
        predicted += targets.ravel().tolist()
    assert predicted == tokens[1:].tolist()
    assert windows.num_targets == len(predicted)


def test_a_partial_window_is_the_last_batch_alone():
    batches = list(Windows(np.arange(30), 4).non_overlapping(3))
    assert [ids.shape for ids, _ in batches] == [(3, 4), (3, 4), (1, 4), (1, 1)]


@settings(deadline=None)
@given(extra=st.integers(1, 40), T=st.integers(1, 12), seed=st.integers(0, 2**32))
def test_targets_are_ids_shifted_by_one(extra, T, seed):
    tokens = generator(1).permutation(T + extra).astype(np.uint8)
    ids, targets = Windows(tokens, T).random_batch(7, generator(seed))
    assert ids.shape == targets.shape == (7, T)
    assert ids.dtype == targets.dtype == np.int64
    place = np.argsort(tokens)  # of each token: they are all different
    np.testing.assert_array_equal(np.diff(place[ids], axis=1), 1)
    np.testing.assert_array_equal(place[targets], place[ids] + 1)


def test_offsets_reach_from_the_first_token_to_the_last_and_are_all_as_likely():
    ids, targets = Windows(np.arange(10), 3).random_batch(7000, generator())
    offsets, counts = np.unique(ids[:, 0], return_counts=True)
    assert offsets.tolist() == list(range(7))
    assert targets.max() == 9
    assert abs(counts - 1000).max() < 150  # 5 standard deviations


def test_the_same_generator_state_gives_the_same_batch():
    windows = Windows(np.arange(1000), 8)
    ours = types.SimpleNamespace(numpy=generator(3))  # as tinyllm.Generator
    first, second = windows.random_batch(4, ours), windows.random_batch(4, ours)
    again = windows.random_batch(4, generator(3))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second)


def test_batches_are_the_callers_own():
    tokens = np.arange(20)
    windows = Windows(tokens, 4)
    for ids, targets in (windows.random_batch(2, generator()), *windows.non_overlapping(2)):
        before = targets.copy()
        ids[:] = -1
        np.testing.assert_array_equal(targets, before)
        targets[:] = -1
    assert tokens.tolist() == list(range(20))


def test_short_texts():
    assert len(Windows(np.arange(5), 4)) == 1
    windows = Windows(np.arange(3), 4, name="the validation text", allow_short=True)
    ((ids, targets),) = windows.non_overlapping(8)
    assert (ids.tolist(), targets.tolist()) == ([[0, 1]], [[1, 2]])
    with pytest.raises(ValueError, match="the validation text has 3 tokens"):
        windows.random_batch(1, generator())


WINDOWS = Windows(np.arange(9), 4)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: Windows(np.arange(64), 64, name="the training text"),
            ValueError,
            "the training text has 64 tokens, too few for context_length 64: 65 are needed",
        ),
        (lambda: Windows([], 4), ValueError, "has 0 tokens, too few"),
        (lambda: Windows(np.arange(1), 4, allow_short=True), ValueError, "has 1 tokens"),
        (lambda: Windows(np.zeros((2, 9), int), 4), ValueError, r"\(N,\), got shape \(2, 9\)"),
        (lambda: Windows(np.zeros(9), 4), TypeError, "integers, got dtype float64"),
        (lambda: Windows(np.arange(9), 0), ValueError, "context_length is 0"),
        (lambda: WINDOWS.random_batch(0, generator()), ValueError, "batch_size is 0"),
        (lambda: next(WINDOWS.non_overlapping(0)), ValueError, "batch_size is 0"),
        (lambda: WINDOWS.random_batch(1, 42), TypeError, "generator is a int: give a tinyllm"),
    ],
)
def test_errors_teach(call, error, message):
    with pytest.raises(error, match=message):
        call()
