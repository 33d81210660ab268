import random

import numpy as np
import pytest

from tinyllm.metrics import confusion_matrix, exact_match, token_accuracy


def test_token_accuracy_equals_seqevals():
    seqeval = pytest.importorskip("seqeval.metrics", reason="seqeval is the oracle: install it")
    rng = random.Random(0)
    for _ in range(200):
        true = [rng.choices("ABC", k=rng.randrange(1, 9)) for _ in range(rng.randrange(1, 6))]
        predicted = [rng.choices("ABC", k=len(row)) for row in true]
        score = token_accuracy(true, predicted)
        assert score.score == pytest.approx(seqeval.accuracy_score(true, predicted))
    assert (score.correct, score.total) == tuple(score.statistics.sum(axis=0))


def test_confusion_matrix_equals_sklearns():
    sklearn = pytest.importorskip("sklearn.metrics", reason="scikit-learn comes with seqeval")
    rng = random.Random(0)
    true, predicted = [rng.choices("ABCD", k=300)], [rng.choices("ABCE", k=300)]
    ours = confusion_matrix(true, predicted)
    assert ours.labels == list("ABCDE")
    assert np.array_equal(ours.counts, sklearn.confusion_matrix(true[0], predicted[0]))
    order = ["E", "D", "A", "C", "B"]
    turned = confusion_matrix(true, predicted, order)
    assert turned["A", "E"] == ours["A", "E"] > 0
    worst = ours.confused(3)
    assert len(worst) == 3
    assert worst[0][2] == (ours.counts * (1 - np.eye(5))).max()
    assert len(str(ours).splitlines()) == 6


def test_exact_match():
    references = [["Yes.", "two words", "c"], ["no", "x", None]]
    assert exact_match(["Yes. ", "two  words", "d"], references).score == pytest.approx(1 / 3)
    assert exact_match(["yes", "x", "C"], references).score == pytest.approx(1 / 3)
    loose = exact_match(["yes", "x", "C"], references, lowercase=True, ignore_punctuation=True)
    assert (loose.score, str(loose)) == (1, "exact match 1.0000")
    assert loose.signature.startswith("nrefs:var|case:lc|punct:no|")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: token_accuracy([[]], [[]]), "no sentence has a label"),
        (lambda: token_accuracy([[1]], [[1, 2]]), "sentence 0 has 1 labels"),
        (lambda: confusion_matrix([["a"]], [["b"]], ["a"]), "the label 'b' is not in labels"),
        (lambda: confusion_matrix([["a"]], [["a"]], ["a", "a"]), "a label stands twice"),
        (lambda: exact_match([], [[]]), "hypotheses is empty"),
    ],
)
def test_wrong_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
