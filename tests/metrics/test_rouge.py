import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_texts import WORDS, corpus

from tinyllm.metrics import rouge
from tinyllm.metrics.porter import stem
from tinyllm.metrics.rouge import lcs_places, lcs_rows
from tinyllm.metrics.tokenizers import tokenize_rouge, tokenize_unicode, tokenize_zh

rouge_scorer = pytest.importorskip(
    "rouge_score.rouge_scorer", reason="rouge-score is the oracle: pip install it"
)
KINDS = ["rouge1", "rouge2", "rouge3", "rouge9", "rougeL", "rougeLsum"]


class Cut:
    def __init__(self, tokenize):
        self.tokenize = tokenize


def assert_equal(hypotheses, references, use_stemmer=False, tokenize="rouge"):
    ours = rouge(hypotheses, references, KINDS, use_stemmer, tokenize)
    cut = Cut(tokenize) if callable(tokenize) else None
    scorer = rouge_scorer.RougeScorer(KINDS, use_stemmer=use_stemmer, tokenizer=cut)
    for number, (text, *refs) in enumerate(zip(hypotheses, *references, strict=True)):
        theirs = scorer.score_multi(refs, text)
        for kind in KINDS:
            row = ours[kind].per_summary[number]
            assert row == pytest.approx(list(theirs[kind]), abs=1e-9), (kind, text, refs)
    return ours


def summaries(seed, size, sets):
    """Texts of some lines each, empty ones among them."""
    hypotheses, references = corpus(seed, size * 3, sets, longest=12)

    def joined(lines):
        return ["\n".join(lines[i : i + 3]) for i in range(0, len(lines), 3)]

    return joined(hypotheses), [joined(lines) for lines in references]


@pytest.mark.parametrize("use_stemmer", [False, True])
@pytest.mark.parametrize("sets", [1, 3])
def test_equals_rouge_score(use_stemmer, sets):
    for seed in range(5):
        assert_equal(*corpus(seed, 80, sets), use_stemmer=use_stemmer)
        assert_equal(*summaries(seed, 60, sets), use_stemmer=use_stemmer)


def test_equals_rouge_score_with_many_repeated_words():
    """Few words, so that many longest common subsequences are equally long."""
    rng = random.Random(5)

    def text():
        lines = (" ".join(rng.choices("abc", k=rng.randrange(9))) for _ in range(rng.randrange(5)))
        return "\n".join(lines)

    hypotheses, *references = ([text() for _ in range(1500)] for _ in range(3))
    assert_equal(hypotheses, references)


TEXT = st.text(st.one_of(st.sampled_from("ab \n"), st.characters()), max_size=40)


@given(TEXT, TEXT, st.booleans())
def test_equals_rouge_score_on_any_text(hypothesis, reference, use_stemmer):
    assert_equal([hypothesis], [[reference]], use_stemmer)


def test_equals_rouge_score_with_other_tokenizers():
    for tokenize in (tokenize_unicode, tokenize_zh):
        assert_equal(*summaries(9, 60, 2), tokenize=tokenize)


def test_chinese():
    hypotheses, references = ["我们学习写字。"], [["我们学习读书。"]]
    plain = rouge(hypotheses, references, ["rouge1"])
    assert plain["rouge1"].fmeasure == 0  # as rouge-score
    found = rouge(hypotheses, references, ["rouge1", "rougeL"], tokenize="unicode")
    assert found["rouge1"].fmeasure == pytest.approx(4 / 6)
    assert found.score == found["rouge1"].score


@given(st.text(st.characters(max_codepoint=127)))
def test_the_tokenizer_for_all_scripts_is_rouges_on_ascii(text):
    assert tokenize_unicode(text) == tokenize_rouge(text)


def test_the_stemmer_equals_nltks():
    theirs = pytest.importorskip("nltk.stem.porter", reason="NLTK comes with rouge-score")
    nltk = theirs.PorterStemmer()
    endings = """
        s ss es ies sses ed ied eed ing ational tional enci anci izer bli abli alli entli eli ousli
        ization ation ator alism iveness fulness ousness aliti iviti biliti fulli logi icate ative
        alize iciti ical ful ness al ance ence er ic able ible ant ement ment ent ion sion tion ou
        ism ate iti ous ive ize e ll y
    """.split()  # noqa: SIM905 - read as lines of words
    rng = random.Random(1)
    words = {*WORDS, "innings", "proceed", "skies", "dying", "news", "a", ""}
    for ending in endings:
        for _ in range(300):
            start = "".join(rng.choices("aeiouybcdlstwxz", k=rng.randrange(7)))
            words.add(start + ending + rng.choice(["", "", *endings]))
    for word in sorted(words):
        assert stem(word) == nltk.stem(word), word


def slow_table(reference, candidate):
    table = [[0] * (len(candidate) + 1) for _ in range(len(reference) + 1)]
    for i, left in enumerate(reference, 1):
        for j, right in enumerate(candidate, 1):
            longest = max(table[i - 1][j], table[i][j - 1])
            table[i][j] = table[i - 1][j - 1] + 1 if left == right else longest
    return table


@given(st.text("abcd", max_size=90), st.text("abcd", max_size=90))
def test_rows_of_bits_are_the_table(reference, candidate):
    rows = lcs_rows(reference, candidate)
    for row, slow in zip(rows, slow_table(reference, candidate), strict=True):
        for j, length in enumerate(slow):
            assert j - (row & ((1 << j) - 1)).bit_count() == length
    places = lcs_places(reference, candidate)
    assert len(places) == slow[-1]
    assert places == sorted(set(places))


def test_wrong_arguments():
    with pytest.raises(ValueError, match="kind 'rougeX' is not known"):
        rouge(["a"], [["a"]], ["rougeX"])
    with pytest.raises(ValueError, match="kind 'rouge0' is not known"):
        rouge(["a"], [["a"]], ["rouge0"])
    with pytest.raises(TypeError, match=r"write \['rougeL'\]"):
        rouge(["a"], [["a"]], "rougeL")
    with pytest.raises(ValueError, match="tokenize 'x' is neither a function nor one of rouge, "):
        rouge(["a"], [["a"]], tokenize="x")


def test_means_and_print():
    result = rouge(["a b", "c"], [["a b", "d"]])
    assert list(result) == ["rouge1", "rouge2", "rougeL", "rougeLsum"]
    assert (result["rouge1"].precision, result["rouge1"].recall, result.score) == (0.5, 0.5, 0.5)
    assert str(result).splitlines()[0] == "ROUGE-1 0.5000"
    assert "95 %" in str(result.with_interval(100))
