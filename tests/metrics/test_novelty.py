"""What is copied, against looking everywhere; and Wilson's interval."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyllm.metrics.novelty import CopyIndex, novelty, tokens_of
from tinyllm.metrics.proportion import proportion

TRAINING = ["the cat sat on the mat.\nit slept.", "a dog ran on the hill."]
texts = st.lists(st.text("ab c\n.", max_size=12), min_size=1, max_size=5)


def everywhere(text, training):
    """The longest run of each word that stands in a training text, by looking at every place."""
    ids = tokens_of(text)
    lists = [tokens_of(each) for each in training]

    def stands(run):
        return any(
            run == some[i : i + len(run)] for some in lists for i in range(len(some) - len(run) + 1)
        )

    return [
        max(n for n in range(len(ids) - start + 1) if n == 0 or stands(ids[start : start + n]))
        for start in range(len(ids))
    ]


@given(texts, st.text("ab c\n.d", max_size=12))
def test_runs_are_those_that_stand_in_one_training_text(training, text):
    assert CopyIndex(training).runs(text) == everywhere(text, training)


def test_shares():
    index = CopyIndex(TRAINING)
    found = novelty([TRAINING[0], "the cat ran on the hill.\nit slept."], index, n=(2, 4))
    assert found.texts.count == 1
    assert found.lines.value == pytest.approx(1 / 4)
    assert found.longest_runs == [10, 5]
    whole = 9 + 9
    assert found.ngrams[2].value == pytest.approx(1 / whole)  # "cat ran"
    assert found.ngrams[2].interval.low <= found.ngrams[2].value <= found.ngrams[2].interval.high
    for wrong, kind in (("text", TypeError), ([], ValueError)):
        with pytest.raises(kind, match="novelty"):
            novelty(wrong, index)


def test_wilson_is_honest_at_the_ends():
    everything = proportion([True] * 200)
    assert (everything.value, everything.high) == (1.0, 1.0)
    assert everything.low == pytest.approx(0.9812, abs=1e-4)
    half = proportion([True, False] * 50)
    assert (half.low, half.high) == pytest.approx((0.4038, 0.5962), abs=1e-4)
    assert proportion([False] * 3).low == 0
    with pytest.raises(ValueError, match="no answers"):
        proportion([])
    with pytest.raises(ValueError, match="confidence = 1 is not"):
        proportion([True], 1)
