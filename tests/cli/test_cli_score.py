import json
import re

import pytest

from tinyllm.metrics import bleu, chrf, exact_match, rouge

HYP = ["the cat sat on the mat", "Hello there, world!", "你好世界", ""]
REF = ["the cat is on the mat", "hello there, big world!", "你好，世界", "something"]
OTHER = ["a cat sat on a mat", "Hello, world!", "世界你好", "nothing"]


@pytest.fixture
def files(text):
    for name, lines in {"hyp": HYP, "ref": REF, "other": OTHER}.items():
        (text.parent / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return text.parent


def first_line(score):
    return str(score).splitlines()[0]


def test_metrics(tinyllm, files):
    expected = {
        "": bleu(HYP, [REF]),
        "--metric bleu --tokenize zh --lowercase": bleu(HYP, [REF], "zh", lowercase=True),
        "--metric chrf": chrf(HYP, [REF]),
        "--metric chrf++ --lowercase": chrf(HYP, [REF], word_order=2, lowercase=True),
        "--metric rouge": rouge(HYP, [REF]),
        "--metric rouge --stem --tokenize unicode": rouge(HYP, [REF], tokenize="unicode"),
        "--metric exact": exact_match(HYP, [REF]),
        "--intervals": bleu(HYP, [REF]).with_interval(),
    }
    for options, score in expected.items():
        done = tinyllm("score", *options.split(), "hyp", "ref")
        assert done.code == 0, done.err
        assert done.out.splitlines()[0] == first_line(score), options
        assert "version:tinyllm" in done.out.splitlines()[-1]


def test_several_references(tinyllm, files):
    done = tinyllm("score", "hyp", "ref", "other")
    assert done.out.splitlines()[0] == str(bleu(HYP, [REF, OTHER]))
    assert "nrefs:2|" in done.out


def test_json(tinyllm, files):
    found = json.loads(tinyllm("score", "hyp", "ref", "--json", "--intervals").out)
    assert found["score"] == pytest.approx(bleu(HYP, [REF]).score)
    assert found["interval"]["low"] <= found["score"]
    assert len(found["precisions"]) == 4
    rows = json.loads(tinyllm("score", "hyp", "ref", "--json", "--metric", "rouge").out)
    assert [row["name"] for row in rows] == ["ROUGE-1", "ROUGE-2", "ROUGE-L", "ROUGE-Lsum"]
    tested = json.loads(tinyllm("score", "hyp", "ref", "--json", "--baseline", "other").out)
    assert 0 < tested["test"]["p_value"] <= 1


@pytest.mark.parametrize("test", ["bs", "ar"])
def test_a_baseline(test, tinyllm, files):
    done = tinyllm("score", "hyp", "ref", "--baseline", "other", "--test", test)
    assert done.code == 0, done.err
    assert re.search(r"beside other: BLEU [\d.]+ -> [\d.]+ \(.*, p = [\d.]+, ", done.out)


def test_windows_lines_and_rare_line_ends(tinyllm, files):
    (files / "windows").write_bytes(b"\xef\xbb\xbf" + "a b\r\nc\u2028d\x85e\r\n".encode())
    (files / "unix").write_bytes("a b\nc\u2028d\x85e".encode())
    done = tinyllm("score", "windows", "unix", "--metric", "exact")
    assert done.out.splitlines()[0] == "exact match 1.0000"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("hyp missing", "missing: there is no such file"),
        ("hyp .", r"\.: there is no such file"),
        ("hyp short", "hyp has 4 lines and short has 1: line k of one is measured"),
        ("hyp ref --baseline short", "hyp has 4 lines and short has 1"),
        ("hyp empty", "empty is empty: there is nothing to measure"),
        ("hyp broken", r"broken, line 2: expected UTF-8, byte 0xFF at column 5 is not"),
        ("hyp nul", r"nul, line 2: expected text, there is a zero byte at column 3"),
        ("hyp endless", r"endless, line 1: expected lines of at most 1,048,576 bytes"),
        ("hyp utf16", r"utf16, line 1: expected UTF-8, this looks like UTF-16"),
        ("hyp ref --tokenize mecab", "tokenize 'mecab' is not known; there are: 13a"),
        ("hyp ref --metric chrf --tokenize zh", "chrf has no tokenizer"),
        ("hyp ref --stem", "bleu knows no stems"),
        ("short short --intervals", "1 sentence cannot be resampled"),
    ],
)
def test_users_errors_are_one_sentence(arguments, message, tinyllm, files):
    (files / "short").write_text("one line\n", encoding="utf-8")
    (files / "empty").write_bytes(b"")
    (files / "broken").write_bytes(b"fine\nbad \xff\n")
    (files / "nul").write_bytes(b"fine\na \0\n")
    (files / "endless").write_bytes(b"x" * 2**21)
    (files / "utf16").write_bytes("fine\n".encode("utf-16"))
    done = tinyllm("score", *arguments.split())
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("tinyllm: ")
    assert re.search(message, done.err)
    assert len(done.err.splitlines()) == 1


def test_a_metric_that_there_is_not(tinyllm, files):
    assert tinyllm("score", "hyp", "ref", "--metric", "ter").code == 2
