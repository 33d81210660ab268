"""Cleaning steps: what each changes, what it must leave alone, and that no text breaks them."""

import re
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyllm.text import clean

ANY_TEXT = st.text(st.characters(), max_size=200)  # lone surrogates too
STEPS = {
    "unicode": clean.NormalizeUnicode(),
    "narrow": clean.NarrowLetters(),
    "control": clean.RemoveControl(),
    "whitespace": clean.NormalizeWhitespace(),
    "indent": clean.NormalizeWhitespace(keep_indent=True),
    "mask": clean.Mask(numbers="<number>"),
    "html": clean.StripHTML(),
    "encoding": clean.FixEncoding(),
}


@pytest.mark.parametrize("name", STEPS)
@settings(deadline=None, max_examples=150)
@given(text=st.text(st.characters(), max_size=120) | st.text("<>!-/&;#ab 1.@\n=\"'", max_size=80))
def test_any_text_goes_through_any_step(name, text):
    step = STEPS[name]
    once = step(text)
    assert isinstance(once, str)
    if name not in ("html", "encoding", "mask"):  # "&amp;lt;" is "&lt;" and then "<"
        assert step(once) == once


@pytest.mark.parametrize(
    ("step", "before", "after"),
    [
        ("encoding", "schÃ¶n â€“ naÃ¯ve", "schön – naïve"),
        ("encoding", "“curly” ﬁ ＧＰＴ &amp; 你好", "“curly” ﬁ ＧＰＴ &amp; 你好"),
        ("unicode", "e\u0301 ﬁ ，", "é ﬁ ，"),
        ("narrow", "ＧＰＴ４，你好！", "GPT4，你好！"),
        ("control", "a\0b\x1b[c\u200bd\ufeff\u202ee\u00ad\tf\n", "ab[cde\tf\n"),
        ("control", "👩\u200d🔬 می\u200cخواهم", "👩\u200d🔬 می\u200cخواهم"),
        ("control", "a\x0cb\ud800c", "a\nb\ufffdc"),
        ("whitespace", "  a \u3000\u00a0 b\t\tc \r\n\r\n\n\n d\u2028e  ", "a b c\n\nd\ne"),
        ("indent", "def f():\n    return  1\n\n\n\nx", "def f():\n    return 1\n\nx"),
        ("mask", "see https://a.b/c?d=1&e=2. Or www.x.org!", "see <url>. Or <url>!"),
        ("mask", "(http://a.b/c) http://a.b/c_(d)", "(<url>) <url>"),
        ("mask", "网址https://a.cn/x，邮箱test@a.com.cn吧", "网址<url>，邮箱<email>吧"),
        ("mask", "a.b+c@d-e.co.uk, not@me", "<email>, not@me"),
        ("mask", "GPT2 1,500.5 3% 2x 有12个", "GPT2 <number> <number>% 2x 有<number>个"),
        ("html", "<p>One<br/>two</p><p>a &lt; b &amp; c</p>", "One\ntwo\na < b & c\n"),
        ("html", "x < y, List<int>, a<3 && c>d? &copy=1", "x < y, List<int>, a<3 && c>d? &copy=1"),
        ("html", "a<!-- <p>no --><script>if (a<b) {}</script><b>b</b> <!doctype html>", "ab "),
        ("html", "<a href='x>y'>link</a> <!-- never ends", None),
        ("html", "<DIV class=x>你好</DIV>&nbsp;世界", "你好\n\xa0世界"),
        ("html", "AT&T &unknown; &#20320;", "AT&T &unknown; 你"),
    ],
)  # fmt: skip
def test_what_a_step_changes(step, before, after):
    got = STEPS[step](before)
    if after is None:
        assert "link" in got
        assert "never ends" in got
    else:
        assert got == after


def test_options_of_steps():
    assert clean.NormalizeUnicode("NFKC")("ﬁ，") == "fi,"
    assert clean.RemoveControl(joiners=True)("👩\u200d🔬") == "👩🔬"
    assert clean.NormalizeWhitespace(between_han=False)("你 好 , 世 界 a 好") == "你好 , 世界 a 好"
    assert clean.Mask(urls="", emails=None, numbers=None)("a http://b.c d@e.fg") == "a  d@e.fg"
    with pytest.raises(ValueError, match="'nfc' is none of NFC, NFD"):
        clean.NormalizeUnicode("nfc")


@given(text=ANY_TEXT)
def test_after_the_control_step_text_can_be_written_and_nothing_is_hidden(text):
    got = clean.RemoveControl()(text)
    got.encode("utf-8")
    assert not [c for c in got if unicodedata.category(c) == "Cc" and c not in "\t\n\r\x85"]
    assert not re.search("[\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]", got)


@pytest.mark.parametrize(
    "piece", ["<!--", "<", "<b ", "a", "1.", "a@", "http://", "&", "<script>", "a@b."]
)
def test_hostile_texts_take_linear_time(piece):
    text = piece * (200_000 // len(piece))
    code = (
        "import sys; from tinyllm.text import clean; text = sys.stdin.read();"
        "clean.StripHTML()(text); clean.Mask(numbers='0')(text); clean.NormalizeWhitespace()(text)"
    )
    subprocess.run([sys.executable, "-c", code], input=text, text=True, timeout=20, check=True)


def test_without_ftfy_a_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "ftfy", None)
    with pytest.raises(ModuleNotFoundError, match=r"needs ftfy: pip install"):
        clean.FixEncoding()


# Filters


def test_length_counts_words_and_chinese_characters():
    keep = clean.LengthFilter(min_words=3, max_words=5)
    assert keep("I am here!") == "I am here!"
    assert keep("我在家。") == "我在家。"
    assert keep("我在。") is None
    assert keep("one two three four five six") is None
    assert clean.LengthFilter(max_characters=3)("abcd") is None
    with pytest.raises(ValueError, match="at least 5 and at most 4"):
        clean.LengthFilter(min_words=5, max_words=4)


def test_repetition_is_dropped_and_prose_is_kept():
    prose = (
        "It was a bright cold day in spring, and all the bells of the old town were ringing while "
        "a man with a grey coat walked slowly to the harbour to look at ships."
    )
    chinese = "今天天气很好，我们一起去公园散步，看见许多孩子在湖边放风筝，大家都很高兴。"
    step = clean.RepetitionFilter()
    assert step(prose) == prose
    assert step(chinese) == chinese
    assert step("buy now " * 20) is None
    assert step("哈哈" * 20) is None
    assert step("ha ha ha") == "ha ha ha"  # too short to tell
    lines = "\n".join(
        [*(f"line{i} has {i * i} and{i} {i * 7} more{i}" for i in range(6)), *["menu"] * 4]
    )
    assert step(lines) is None
    assert clean.RepetitionFilter(max_same_lines=0.5)(lines) == lines


# Duplicates


def test_exact_duplicates():
    texts = ["Yes!", "yes", "Yes!", "no", "！", "？"]
    assert list(clean.Cleaner([clean.ExactDuplicates()])(texts)) == [
        "Yes!",
        "yes",
        "no",
        "！",
        "？",
    ]
    loose = clean.Cleaner([clean.ExactDuplicates(normalize=True)])
    assert list(loose(texts)) == ["Yes!", "no", "！", "？"]
    assert list(loose(texts)) == ["Yes!", "no", "！", "？"]  # a new run has seen nothing


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_the_signature_estimates_the_jaccard_index(data):
    shared = data.draw(st.integers(0, 60))
    own = data.draw(st.integers(1, 60))
    a = " ".join([f"s{i}" for i in range(shared)] + [f"a{i}" for i in range(own)])
    b = " ".join([f"s{i}" for i in range(shared)] + [f"b{i}" for i in range(own)])
    minhash = clean.MinHash(512, ngram=1)
    truth = len(minhash.shingles(a) & minhash.shingles(b)) / len(
        minhash.shingles(a) | minhash.shingles(b)
    )
    estimate = (minhash.signature(a) == minhash.signature(b)).mean()
    assert abs(estimate - truth) < 5 * (truth * (1 - truth) / 512) ** 0.5 + 1e-9


def test_signatures_are_the_same_for_ever():
    signature = clean.MinHash(4, ngram=2).signature("the cat sat on the mat")
    assert signature.tolist() == [309883659, 218341034, 366324054, 223527308]


def test_near_duplicates_in_english_and_chinese():
    story = " ".join(f"word{i * i % 97} w{i}" for i in range(100))
    near = story.replace("w50", "other")
    far = " ".join(f"word{i} v{i}" for i in range(100))
    chinese = "".join(chr(0x4E00 + i * 37 % 5000) for i in range(120))
    texts = [story, near, far, chinese, chinese[:60] + "了" + chinese[61:], "", "a", "a"]
    cleaner = clean.Cleaner([clean.NearDuplicates(0.8)])
    assert list(cleaner(texts)) == [story, far, chinese, "a"]
    assert cleaner.report.steps[0].dropped == 4
    assert list(clean.Cleaner([clean.NearDuplicates(1.0)])([story, near])) == [story, near]
    with pytest.raises(ValueError, match="threshold 1.5"):
        clean.NearDuplicates(1.5)


def test_a_band_in_common_is_not_enough():
    step = clean.NearDuplicates(0.8, ngram=1)
    for pair in range(30):  # Jaccard index 0.6: four pairs in ten share a band
        common = " ".join(f"c{pair}x{i}" for i in range(60))
        for side in "ab":
            text = common + " " + " ".join(f"{side}{pair}x{i}" for i in range(20))
            assert step(text) == text


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8, 0.95, 1.0])
def test_bands_find_pairs_at_the_threshold(threshold):
    step = clean.NearDuplicates(threshold)
    assert step.bands * step.rows <= 128
    assert 1 - (1 - threshold**step.rows) ** step.bands >= 0.95


# Test overlap


def test_overlap_is_found_by_runs_of_words():
    test = [
        "the quick brown fox jumps over the lazy dog",
        "Yes, sir.",
        "",
        "never seen before at all",
    ]
    train = ["Look: The QUICK brown fox, jumps!", "yes sir", "he said yes sir and left"]
    found = clean.overlap(train, test, n=5)
    assert found.shared == {0: 0, 1: 1}
    assert found.share == 0.5
    assert "2 of 4 test documents (50.0%) share a run of 5 words" in str(found)
    step = clean.DropOverlap(test, n=5)
    assert list(clean.Cleaner([step])(train)) == train[2:]
    assert clean.overlap(train, test, n=6).shared == {1: 1}
    assert clean.overlap([], []).share == 0.0
    assert clean.overlap(["我们今天去公园"], ["今天去公园吧"], n=5).shared == {0: 0}


# The cleaner and its report


def test_the_report_counts_and_shows_examples():
    cleaner = clean.Cleaner(
        [clean.StripHTML(), str.strip, lambda text: text if "x" in text else None]
    )
    got = list(cleaner(["<b>x</b>", " x ", "y", "<i></i>", "x"]))
    assert got == ["x", "x", "x"]
    html, strip, last = cleaner.report.steps
    assert (html.seen, html.changed, html.dropped, html.characters) == (5, 1, 1, -14)
    assert (strip.name, strip.seen, strip.changed) == ("strip", 4, 1)
    assert (last.dropped, last.examples) == (1, [("y", None)])
    text = str(cleaner.report)
    assert "5 documents in, 3 out" in text
    assert "'<b>x</b>'  ->  'x'" in text
    assert "'y'  ->  dropped" in text
    assert cleaner.report.to_dict()["steps"][0]["changed"] == 1


def test_examples_are_few_and_short_and_show_the_difference():
    cleaner = clean.Cleaner([clean.RemoveControl()])
    list(cleaner(["a" * 1000 + "\0" + "b" * 1000] * 10))
    (step,) = cleaner.report.steps
    assert len(step.examples) == 3
    before, after = step.examples[0]
    assert "a\0b" in before
    assert "ab" in after
    assert len(before) < 70


def test_wrong_arguments_are_named():
    with pytest.raises(TypeError, match="got one str"):
        clean.Cleaner()("text")
    with pytest.raises(TypeError, match="a step is a function"):
        clean.Cleaner([3])


@settings(deadline=None)
@given(texts=st.lists(ANY_TEXT, max_size=8))
def test_the_default_steps_keep_their_promises(texts):
    cleaner = clean.Cleaner()
    got = list(cleaner(texts))
    assert all(text.strip() and text == text.strip() for text in got)
    assert len(set(got)) == len(got)
    assert cleaner.report.documents_out == len(got)
    assert cleaner.report.documents_in == len(texts)
    assert cleaner.report.characters_out == sum(map(len, got))
