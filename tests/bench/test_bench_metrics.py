import pytest

from tinyllm.bench import metrics


def test_both_sides_are_timed_and_agree():
    pytest.importorskip("sacrebleu", reason="sacrebleu is the peer: pip install it")
    found = metrics.metric_speed(sentences=30, repeats=1)
    assert list(found) == ["bleu", "chrf", "chrf++"]
    for row in found.values():
        assert 5 < row["score"] < 95
        assert row["ratio"] == pytest.approx(row["seconds"] / row["sacrebleu_seconds"])


def test_without_sacrebleu_only_ours(monkeypatch):
    monkeypatch.setattr(metrics.importlib.util, "find_spec", lambda name: None)
    row = metrics.metric_speed(sentences=5, repeats=1)["bleu"]
    assert row["seconds"] > 0
    assert row["ratio"] is None


def test_sentences_are_made_the_same_again():
    assert metrics.made_up_translations(3) == metrics.made_up_translations(3)
    hypotheses, references = metrics.made_up_translations(10, seed=1)
    assert hypotheses != references
