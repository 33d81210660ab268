import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyllm.metrics import distinct_n, rep_n, rep_window, self_bleu, sentence_bleu, seq_rep

TEXTS = st.lists(st.lists(st.integers(0, 4), max_size=12), min_size=1, max_size=5)


def test_definitions():
    assert distinct_n(["a b a", "a c"], 1) == 3 / 5
    assert distinct_n(["a b a", "a b"], 2) == 2 / 3
    assert rep_n(["a b a b", "c d"], 2) == 1 - 3 / 4
    assert seq_rep(["a b a b", "c d", "x"], 2) == pytest.approx((1 / 3 + 0) / 2)
    assert rep_window(["a b a a"], 1) == 1 / 4
    assert rep_window(["a b a a"], 2) == 2 / 4
    assert rep_n([[1, 2, 3, 1, 2, 3]], 3) == 1 - 3 / 4


@given(TEXTS, st.integers(1, 3), st.integers(1, 20))
def test_equal_the_slow_way(texts, n, window):
    grams = [[tuple(t[i : i + n]) for i in range(len(t) - n + 1)] for t in texts]
    joined = sum(grams, [])
    if joined:
        assert distinct_n(texts, n) == len(set(joined)) / len(joined)
        assert rep_n(texts, n) == pytest.approx(1 - sum(len(set(g)) for g in grams) / len(joined))
        shares = [1 - len(set(g)) / len(g) for g in grams if g]
        assert seq_rep(texts, n) == pytest.approx(np.mean(shares))
    if any(texts):
        again = [t[i] in t[max(0, i - window) : i] for t in texts for i in range(len(t))]
        assert rep_window(texts, window) == pytest.approx(np.mean(again))


def test_self_bleu_is_each_against_the_others():
    rng = random.Random(0)
    texts = [" ".join(rng.choices("abcde", k=rng.randrange(10))) for _ in range(25)]
    slow = [sentence_bleu(t, texts[:i] + texts[i + 1 :]).score for i, t in enumerate(texts)]
    assert self_bleu(texts) == pytest.approx(np.mean(slow))
    assert self_bleu(["the same thing said"] * 3) == pytest.approx(100)
    assert self_bleu(["a b c d", "e f g h"]) == 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: distinct_n([], 2), ValueError, "no text has 2 tokens"),
        (lambda: seq_rep(["a"], 4), ValueError, "no text has 4 tokens"),
        (lambda: rep_window([""]), ValueError, "no text has 1 token:"),
        (lambda: rep_n("a b", 1), TypeError, r"write \[text\]"),
        (lambda: rep_n(["a b"], 0), ValueError, "0 is not 1 or more"),
        (lambda: self_bleu(["a"]), ValueError, "2 texts or more"),
        (lambda: self_bleu(["a", "b"], "x"), ValueError, "tokenize 'x' is not known"),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()
