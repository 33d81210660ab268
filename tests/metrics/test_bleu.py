import random
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_texts import corpus, sentence

from tinyllm.metrics import bleu, sentence_bleu
from tinyllm.metrics.tokenizers import BLEU_TOKENIZERS

sacrebleu = pytest.importorskip("sacrebleu", reason="sacrebleu is the oracle: pip install it")
METHODS = ["exp", "floor", "add-k", "none"]
SETTINGS = [
    {},
    {"lowercase": True},
    {"effective_order": True},
    {"max_ngram_order": 2},
    {"smooth_method": "floor", "smooth_value": 0.05},
    {"smooth_method": "add-k", "smooth_value": 0.5},
    {"smooth_method": "add-k", "effective_order": True, "max_ngram_order": 6},
]


def theirs_of(hypotheses, references, tokenize="13a", **settings):
    metric = sacrebleu.BLEU(tokenize=tokenize, force=True, **settings)
    return metric.corpus_score(hypotheses, references), metric.get_signature().format()


def up_to_version(signature):
    return signature.rsplit("|", 1)[0]


def assert_equal(hypotheses, references, **settings):
    ours = bleu(hypotheses, references, force=True, **settings)
    theirs, signature = theirs_of(hypotheses, references, **settings)
    assert ours.score == pytest.approx(theirs.score, abs=1e-6)
    assert ours.precisions == pytest.approx(theirs.precisions, abs=1e-6)
    assert ours.bp == pytest.approx(theirs.bp, abs=1e-9)
    assert (ours.sys_len, ours.ref_len) == (theirs.sys_len, theirs.ref_len)
    assert ours.ratio == pytest.approx(theirs.ratio)
    assert up_to_version(ours.signature) == up_to_version(signature)
    if settings.get("smooth_method") != "add-k":
        assert ours.counts == theirs.counts
        assert ours.totals == theirs.totals
        assert ours.verbose() == theirs._verbose
    return ours


@pytest.mark.parametrize("tokenize", list(BLEU_TOKENIZERS))
@pytest.mark.parametrize("method", METHODS)
def test_equals_sacrebleu(tokenize, method):
    for seed in range(10):
        hypotheses, references = corpus(seed, 60, sets=1 + seed % 3)
        assert_equal(hypotheses, references, tokenize=tokenize, smooth_method=method)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_equals_sacrebleu_with_other_settings(settings):
    for seed in range(10):
        hypotheses, references = corpus(100 + seed, 40, sets=2)
        assert_equal(hypotheses, references, **settings)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("effective_order", [True, False])
def test_sentences_equal_sacrebleu(method, effective_order):
    for tokenize in BLEU_TOKENIZERS:
        metric = sacrebleu.BLEU(
            tokenize=tokenize, smooth_method=method, effective_order=effective_order, force=True
        )
        hypotheses, references = corpus(7, 300, sets=2, longest=12)
        for text, *refs in zip(hypotheses, *references, strict=True):
            ours = sentence_bleu(
                text, refs, tokenize, smooth_method=method, effective_order=effective_order
            )
            theirs = metric.corpus_score([text], [[ref] for ref in refs])
            assert ours.score == pytest.approx(theirs.score, abs=1e-6), (text, refs)


def test_the_defaults_of_one_sentence_are_sacrebleus():
    hypotheses, references = corpus(8, 200)
    for text, reference in zip(hypotheses, references[0], strict=True):
        theirs = sacrebleu.sentence_bleu(text, [reference]).score
        assert sentence_bleu(text, [reference]).score == pytest.approx(theirs, abs=1e-6)


@pytest.mark.parametrize("tokenize", list(BLEU_TOKENIZERS))
def test_tokenizers_equal_sacrebleus(tokenize):
    theirs = sacrebleu.BLEU(tokenize=tokenize).tokenizer
    rng = random.Random(3)
    for _ in range(2000):
        text = sentence(rng).rstrip()
        assert BLEU_TOKENIZERS[tokenize](text) == theirs(text).split(), text
    codes = [*range(1, 0x11000), *range(0x1F600, 0x1F650), *range(0x20000, 0x20010)]
    every = "".join(map(chr, codes))  # all marks, beside letters and beside digits
    for text in (every, "a".join(every), "1".join(every)):
        assert BLEU_TOKENIZERS[tokenize](text) == theirs(text).split()


@given(st.text(max_size=40), st.sampled_from(list(BLEU_TOKENIZERS)))
def test_tokenizers_equal_sacrebleus_on_any_text(text, tokenize):
    theirs = sacrebleu.BLEU(tokenize=tokenize).tokenizer
    assert BLEU_TOKENIZERS[tokenize](text) == theirs(text).split()


ROWS = st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30)), min_size=1, max_size=5)


@given(ROWS, st.sampled_from(list(BLEU_TOKENIZERS)), st.sampled_from(METHODS), st.booleans())
def test_equals_sacrebleu_on_any_text(rows, tokenize, method, lowercase):
    hypotheses, references = map(list, zip(*rows, strict=True))
    settings = {"tokenize": tokenize, "smooth_method": method, "lowercase": lowercase}
    assert_equal(hypotheses, [references], **settings)


def test_references_of_varying_number():
    hypotheses = ["a b c d e", "x y z w"]
    references = [["a b c d f", "x y z w"], [None, "x y w"]]
    ours = assert_equal(hypotheses, references)
    assert ours.signature.startswith("nrefs:var|")


@pytest.mark.parametrize("hypothesis", ["", "one", "one two three four five"])
@pytest.mark.parametrize("reference", ["", "one", "six seven"])
def test_empty_and_short(hypothesis, reference):
    ours = assert_equal([hypothesis], [[reference]])
    assert 0 <= ours.score <= 100
    assert_equal([hypothesis, ""], [[reference, ""]], effective_order=True)


def test_the_closest_reference_is_the_shorter_of_two_equally_close():
    ours = bleu(["a b c d"], [["a b c d e f"], ["a b"]])
    assert ours.ref_len == 2
    assert ours.bp == 1


def test_add_k_shows_the_true_counts():
    """sacrebleu adds k to the counts that it reports too."""
    hypotheses, references = ["a b c d"], [["a b c e"]]
    ours = bleu(hypotheses, references, smooth_method="add-k")
    theirs, _ = theirs_of(hypotheses, references, smooth_method="add-k")
    assert (ours.counts, ours.totals) == ([3, 2, 1, 0], [4, 3, 2, 1])
    assert (theirs.counts, theirs.totals) == ([3, 3, 2, 1], [4, 4, 3, 2])


def test_unequal_lists_are_refused_where_sacrebleu_cuts_them():
    hypotheses, references = ["a b c d", "never seen"], [["a b c d"]]
    assert theirs_of(hypotheses, references)[0].score == pytest.approx(100)
    with pytest.raises(ValueError, match="2 hypotheses and 1 references in references"):
        bleu(hypotheses, references)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((["a"], ["a"]), TypeError, r"references\[0\] is a str, not a list.*\[references\]"),
        (("a", [["a"]]), TypeError, "hypotheses is a str, not a list of strings"),
        ((["a"], "a"), TypeError, "references is a str, not a list of lists"),
        ((["a", 3], [["a", "b"]]), TypeError, r"hypotheses\[1\] is a int, not a str"),
        (([None], [["a"]]), TypeError, r"hypotheses\[0\] is a NoneType"),
        (([], [[]]), ValueError, "hypotheses is empty: there is nothing to measure"),
        ((["a"], []), ValueError, "references is empty: give one list per"),
        ((["a"], [[None]]), ValueError, "sentence 0 has no reference"),
        ((["a"], [["a"]], "14a"), ValueError, "tokenize '14a' is not known; there are: 13a, intl"),
        ((["a"], [["a"]], "13a", "k"), ValueError, "smooth_method 'k' is not known"),
        ((["a"], [["a"]], "13a", "floor", -1.0), ValueError, "smooth_value = -1.0 is not a number"),
    ],
)
def test_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        bleu(*arguments)


def test_wrong_arguments_of_one_sentence():
    with pytest.raises(TypeError, match="hypothesis is a list, not a str"):
        sentence_bleu(["a"], ["a"])
    with pytest.raises(TypeError, match="references is a str, not a list of strings"):
        sentence_bleu("a", "a")
    with pytest.raises(ValueError, match="max_ngram_order = 0"):
        sentence_bleu("a", ["a"], max_ngram_order=0)


def test_warns_of_tokenized_text():
    hypotheses = ["a word ."] * 100
    with pytest.warns(UserWarning, match="were they tokenized"):
        bleu(hypotheses, [hypotheses])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bleu(hypotheses, [hypotheses], force=True)
        bleu(hypotheses[:99], [hypotheses[:99]])


def test_prints_well():
    score = bleu(["the cat sat on the mat"] * 3, [["the cat is on the mat"] * 3])
    assert str(score) == f"BLEU {score.score:.2f}"
    assert str(score.with_interval()) == "BLEU 28.87 (28.9-28.9, 95 %)"
    assert score.with_interval().to_dict()["interval"]["resamples"] == 1000
    assert np.array_equal(score.statistics.sum(axis=0)[:2], [18, 18])
