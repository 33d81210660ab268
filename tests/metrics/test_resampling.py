import itertools
import re

import numpy as np
import pytest
from made_up_texts import corpus

from tinyllm.metrics import (
    bleu,
    bootstrap_scores,
    chrf,
    exact_match,
    paired_bootstrap,
    paired_randomization,
    perplexity,
    rouge,
)
from tinyllm.metrics import resampling as rooms

SEED = 12345  # sacrebleu's own, and ours
METRICS = [bleu, chrf]


def systems(seed=1, size=150):
    worse, (reference, better) = corpus(seed, size, sets=2)
    return worse, better, [reference]


@pytest.fixture
def sacrebleu():
    return pytest.importorskip("sacrebleu", reason="sacrebleu is the oracle: pip install it")


@pytest.mark.parametrize("metric", METRICS)
def test_resamples_are_sacrebleus(metric, sacrebleu):
    hypotheses, _, references = systems()
    ours = metric(hypotheses, references)
    drawn = bootstrap_scores(ours.statistics, ours.from_sums, 200)
    oracle = sacrebleu.BLEU() if metric is bleu else sacrebleu.CHRF()
    theirs = oracle.corpus_score(hypotheses, references, n_bootstrap=200)
    ordered = np.sort(drawn)
    assert drawn.mean() == pytest.approx(theirs._mean, abs=1e-4)  # theirs are in float32
    assert (ordered[194] - ordered[5]) / 2 == pytest.approx(theirs._ci, abs=1e-4)
    within = ours.with_interval(200)
    assert ordered[4] <= within.interval.low <= ordered[5]
    assert ordered[194] <= within.interval.high <= ordered[195]
    signature = oracle.get_signature().format()
    assert within.signature.rsplit("|", 1)[0] == signature.rsplit("|", 1)[0]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("kind", "test"), [("bs", paired_bootstrap), ("ar", paired_randomization)])
def test_paired_tests_are_sacrebleus(metric, kind, test, sacrebleu):
    from sacrebleu.significance import PairedTest

    worse, better, references = systems(size=70)
    other = [b if i % 3 else w for i, (w, b) in enumerate(zip(worse, better, strict=True))]
    oracle = sacrebleu.BLEU() if metric is bleu else sacrebleu.CHRF()
    named = [("worse", worse), ("better", better), ("other", other)]
    signatures, results = PairedTest(named, {"m": oracle}, references, kind, n_samples=300)()
    (name, theirs), *_ = [pair for pair in results.items() if pair[0] != "System"]
    baseline = metric(worse, references)
    for system, result in zip((better, other), theirs[1:], strict=True):
        ours = test(baseline, metric(system, references), n_samples=300)
        observed = abs(ours.difference)
        assert ours.system == pytest.approx(result.score, abs=1e-6)
        assert (np.sum(ours.samples > observed + 1e-9) + 1) / 301 == pytest.approx(result.p_value)
        assert ours.p_value >= result.p_value
        given = signatures[name].format().rsplit("|", 1)[0]
        assert ours.signature.rsplit("|", 1)[0] == given


def test_a_system_does_not_differ_from_itself():
    """sacrebleu counts no ties, and gives p = 1 / (1 + R): a sure difference."""
    hypotheses, _, references = systems()
    score = bleu(hypotheses, references)
    for test in (paired_bootstrap, paired_randomization):
        assert test(score, score, n_samples=50).p_value == 1


def test_four_sentences_prove_nothing():
    """All 16 swaps of four sentences: the least p there is is 2 / 16, where sacrebleu says 1e-4."""
    references = [["a b c d", "e f g h", "i j k l", "m n o p"]]
    good = exact_match(references[0], references)
    bad = exact_match([""] * 4, references)
    gaps = [abs(4 - 2 * sum(swaps)) / 4 for swaps in itertools.product((0, 1), repeat=4)]
    exact = sum(gap >= 1 for gap in gaps) / 16
    assert paired_randomization(bad, good).p_value == pytest.approx(exact, abs=0.02)


def test_a_real_difference_is_seen_and_chance_is_not():
    rng = np.random.default_rng(0)
    texts = [[str(i) for i in range(300)]]

    def system(share):
        wrong = rng.random(300) > share
        return exact_match(["x" if w else t for w, t in zip(wrong, texts[0], strict=True)], texts)

    same = [paired_randomization(system(0.5), system(0.5), 200).p_value for _ in range(60)]
    assert 0.3 < np.mean(same) < 0.75
    assert np.mean(np.array(same) < 0.1) < 0.25
    for test in (paired_bootstrap, paired_randomization):
        assert test(system(0.4), system(0.7), 500).p_value < 0.01


def test_intervals_hold_what_they_promise():
    """Samples of a known population: about 95 of 100 intervals hold its mean."""
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(100):
        texts = ["a" if hit else "b" for hit in rng.random(120) < 0.3]
        found = exact_match(texts, [["a"] * 120]).with_interval(200).interval
        held += found.low <= 0.3 <= found.high
    assert held >= 88


def test_drawn_in_blocks_or_at_once(monkeypatch):
    worse, better, references = systems()
    first, second = bleu(worse, references), bleu(better, references)

    def all_of_them():
        drawn = bootstrap_scores(first.statistics, first.from_sums, 100)
        coins = paired_randomization(first, second, 100)
        return drawn, coins.samples

    at_once = all_of_them()
    monkeypatch.setattr(rooms, "ENTRIES_AT_ONCE", 1)
    for whole, blocks in zip(at_once, all_of_them(), strict=True):
        assert np.allclose(whole, blocks, rtol=0, atol=1e-9)


def test_rouge_and_perplexity_have_intervals():
    worse, better, references = systems(size=40)
    for score in rouge(worse, references).with_interval(100).values():
        assert score.interval.low <= score.score <= score.interval.high
    pair = (rouge(h, references)["rougeL"] for h in (worse, better))
    assert 0 < paired_bootstrap(*pair, n_samples=100).p_value <= 1
    losses = perplexity(np.linspace(3, 90, 40), np.arange(10, 50)).with_interval(100)
    assert losses.interval.low < losses.score < losses.interval.high


def test_seeds():
    hypotheses, _, references = systems()
    score = bleu(hypotheses, references)
    assert score.with_interval(50) == score.with_interval(50, seed=SEED)
    assert score.with_interval(50) != score.with_interval(50, seed=1)


def test_wrong_arguments():
    one = bleu(["a b"], [["a b"]])
    two = bleu(["a b", "c"], [["a b", "c"]])
    three = bleu(["a b"] * 3, [["a b"] * 3])
    for wrong, message in (
        (lambda: one.with_interval(), "bootstrap: 1 sentence cannot be resampled: give 2"),
        (lambda: two.with_interval(0), "0 resamples is not a whole number, 1 or more"),
        (lambda: two.with_interval(9, 1.5), "confidence = 1.5 is not between 0 and 1"),
        (lambda: two.with_interval(9, seed=-1), "seed -1 is not a whole number"),
        (lambda: paired_bootstrap(two, three), "2 and 3 sentences: both systems must be"),
        (lambda: paired_bootstrap(one, one), "1 sentence cannot be resampled"),
        (
            lambda: paired_randomization(two, bleu(["a", "c"], [["a", "c"]], "char")),
            "were counted differently",
        ),
        (lambda: perplexity([np.inf, 1], [3, 3]).with_interval(), "are not finite"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            wrong()


def test_prints_well():
    worse, better, references = systems(size=30)
    found = paired_bootstrap(bleu(worse, references), bleu(better, references), 99)
    assert re.fullmatch(
        r"BLEU [\d.]+ -> [\d.]+ \([+-][\d.]+, p = [\d.]+, paired bootstrap, 99 samples\)",
        str(found),
    )
