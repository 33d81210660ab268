import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_texts import corpus

from tinyllm.metrics import chrf, sentence_chrf

sacrebleu = pytest.importorskip("sacrebleu", reason="sacrebleu is the oracle: pip install it")
SETTINGS = [
    {},
    {"word_order": 2},
    {"word_order": 1, "beta": 1},
    {"lowercase": True},
    {"whitespace": True},
    {"eps_smoothing": True},
    {"eps_smoothing": True, "word_order": 2, "char_order": 4},
    {"char_order": 0, "word_order": 3},
    {"beta": 3},
]


def assert_equal(hypotheses, references, **settings):
    ours = chrf(hypotheses, references, **settings)
    metric = sacrebleu.CHRF(**settings)
    theirs = metric.corpus_score(hypotheses, references)
    assert ours.score == pytest.approx(theirs.score, abs=1e-6)
    assert ours.name == theirs.name
    signature = metric.get_signature().format()
    assert ours.signature.rsplit("|", 1)[0] == signature.rsplit("|", 1)[0]
    return ours


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_equals_sacrebleu(settings):
    for seed in range(8):
        hypotheses, references = corpus(seed, 50, sets=1 + seed % 3)
        assert_equal(hypotheses, references, **settings)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_sentences_equal_sacrebleu(settings):
    hypotheses, references = corpus(11, 150, sets=2, longest=10)
    metric = sacrebleu.CHRF(**settings)
    for text, *refs in zip(hypotheses, *references, strict=True):
        ours, theirs = sentence_chrf(text, refs, **settings), metric.sentence_score(text, refs)
        assert ours.score == pytest.approx(theirs.score, abs=1e-6), (text, refs)


ROWS = st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30)), min_size=1, max_size=5)


@given(ROWS, st.sampled_from(SETTINGS))
def test_equals_sacrebleu_on_any_text(rows, settings):
    hypotheses, references = map(list, zip(*rows, strict=True))
    assert_equal(hypotheses, [references], **settings)


def test_variable_and_empty_references():
    assert_equal(["a b c", "x y"], [["a b d", "x y"], [None, "y x"]])
    for hypothesis in ("", "a"):
        for reference in ("", "a"):
            assert_equal([hypothesis], [[reference]])
            assert_equal([hypothesis], [[reference]], word_order=2)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="char_order = -1 is not a whole number"):
        chrf(["a"], [["a"]], char_order=-1)
    with pytest.raises(ValueError, match="are both 0: there is nothing to count"):
        chrf(["a"], [["a"]], char_order=0)
    with pytest.raises(ValueError, match="beta = 0 is not above 0"):
        chrf(["a"], [["a"]], beta=0)
    with pytest.raises(TypeError, match="with a single set write"):
        chrf(["a"], ["a"])
