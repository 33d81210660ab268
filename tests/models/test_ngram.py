"""n-gram models: the shares by hand, sums of 1 for every smoothing, and what they refuse."""

import math

import numpy as np
import pytest

from tinyllm.models.ngram import END, SMOOTHINGS, START, NGram
from tinyllm.random import Generator

TOLD = [text.split() for text in ("Fay saw a cat", "Fay lost a map", "Tom saw a map", "Tom ran")]


def test_the_ngrams_of_a_text():
    assert NGram(2).ngrams(["a", "b"]) == [(START, "a"), ("a", "b"), ("b", END)]
    assert NGram(1).ngrams(["a"]) == [("a",), (END,)]
    assert NGram(3).ngrams([]) == [(START, START, END)]


def test_maximum_likelihood_is_the_counts():
    model = NGram(2, "none").fit(TOLD)
    assert model.share("saw", ["Fay"]) == 1 / 2
    assert model.share("map", ["a"]) == 2 / 3
    assert model.share("Fay") == 2 / 4  # at the start
    assert model.share("lost", ["Tom"]) == 0
    assert model.share("Fay", ["nobody"]) == 0
    assert np.isinf(model.nats(["Tom", "lost", "a", "map"])).tolist() == [False, True, *[False] * 3]


def test_add_k_by_hand():
    model = NGram(2, "add-k", k=0.5).fit(TOLD)
    V = len(model.vocabulary)
    assert V == 9
    assert model.share("saw", ["Fay"]) == pytest.approx(1.5 / (2 + 0.5 * V))
    assert model.share("ran", ["Fay"]) == pytest.approx(0.5 / (2 + 0.5 * V))
    assert model.share("ran", ["nobody"]) == pytest.approx(1 / V)


def test_interpolation_by_hand():
    model = NGram(2, "interpolated", below=0.25).fit(TOLD)
    words = sum(len(text) + 1 for text in TOLD)
    unigram = 0.75 * 2 / words + 0.25 / 9
    assert model.share("saw", ["Fay"]) == pytest.approx(0.75 / 2 + 0.25 * unigram)
    assert model.share("saw", ["nobody"]) == pytest.approx(unigram)


def test_kneser_ney_by_hand():
    """Lower orders count the different words before; «a» came after «saw» and «lost»."""
    model = NGram(2, discount=0.75).fit(TOLD)
    pairs = {pair for text in TOLD for pair in model.ngrams(text)}
    unigram = (2 - 0.75) / len(pairs) + 0.75 * 9 / len(pairs) / 9
    assert model.share("a", ["nobody"]) == pytest.approx(unigram)
    assert model.share("a", ["saw"]) == pytest.approx((2 - 0.75) / 2 + 0.75 / 2 * unigram)
    assert model.share("a", ["ran"]) == pytest.approx(0.75 * unigram)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_shares_sum_to_1(smoothing, order):
    model = NGram(order, smoothing).fit(TOLD)
    for history in ([], ["Fay"], ["Fay", "saw", "a"], ["Tom"]):
        assert sum(model.shares(history).values()) == pytest.approx(1)
    never = sum(model.shares(["Tom", "lost", "nobody"]).values())
    assert never == pytest.approx(0 if smoothing == "none" and order > 1 else 1)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_a_word_outside_the_vocabulary_has_no_share(smoothing):
    model = NGram(3, smoothing).fit(TOLD)
    assert model.share("zebra", ["Fay"]) == 0
    assert model.share(START, ["Fay"]) == 0


def test_nats_are_those_of_the_shares_and_the_end_is_one():
    model = NGram(3).fit(TOLD)
    nats = model.nats(["Fay", "saw"])
    assert nats.shape == (3,)
    assert nats[1] == pytest.approx(-math.log(model.share("saw", ["Fay"])))
    assert nats[2] == pytest.approx(-math.log(model.share(END, ["Fay", "saw"])))


def test_texts_are_drawn_by_their_shares():
    model, generator = NGram(2, "none").fit(TOLD), Generator(0)
    drawn = [tuple(model.draw(generator)) for _ in range(2000)]
    assert abs(drawn.count(("Tom", "ran")) / 2000 - 1 / 4) < 0.03
    assert abs(drawn.count(("Fay", "saw", "a", "map")) / 2000 - 1 / 6) < 0.03
    assert len(NGram(1).fit(TOLD).draw(Generator(1), most=3)) <= 3


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"order": 0}, "order 0 is below 1"),
        ({"order": 2, "smoothing": "good-turing"}, "is none of none, add-k"),
        ({"order": 2, "k": 0}, "k 0 must be above 0"),
        ({"order": 2, "discount": 1.0}, "discount 1.0"),
    ],
)
def test_what_is_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        NGram(**settings)
    with pytest.raises(ValueError, match="no texts"):
        NGram(2).fit([])
