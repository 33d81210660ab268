import pytest

from tinyllm.bench import metrics


def test_both_sides_give_the_same_score():
    pytest.importorskip("sacrebleu", reason="sacrebleu is the peer: pip install it")
    rows = metrics.metric_rows(sentences=30)
    assert [row.name.split()[0] for row in rows] == ["BLEU", "chrF", "chrF++"]
    for row in rows:
        ours, theirs = row.ours().score, row.peer().score
        assert 5 < ours < 95
        assert ours == pytest.approx(theirs, abs=1e-6)


def test_without_sacrebleu_only_ours(monkeypatch):
    monkeypatch.setattr(metrics.importlib.util, "find_spec", lambda name: None)
    row = metrics.metric_rows(sentences=5)[0]
    assert row.ours().score > 0
    assert row.peer is None


def test_sentences_are_made_the_same_again():
    assert metrics.made_up_translations(3) == metrics.made_up_translations(3)
    hypotheses, references = metrics.made_up_translations(10, seed=1)
    assert hypotheses != references
