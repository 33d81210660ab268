"""CoNLL, CoNLL-U and aligned files: what is read, and every way a file can be wrong."""

import gzip
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyllm import lines
from tinyllm.data import read_conll, read_conllu, read_jsonl_pairs, read_lines, read_pairs
from tinyllm.data.tagged import read_tagged

WORD = "{}\t{}\t_\t{}\t_\t_\t0\troot\t_\t_\n"
CONLLU = (
    "# text = Don't go\n1-2\tDon't\t_\t_\t_\t_\t_\t_\t_\t_\n"
    + WORD.format(1, "Do", "AUX")
    + WORD.format(2, "n't", "PART")
    + WORD.format("2.1", "you", "_")
    + WORD.format(3, "go", "VERB")
    + "\n"
    + WORD.format(1, "New York", "PROPN")
)


@pytest.fixture
def write(tmp_path):
    def write(raw, name="a.conll"):
        path = tmp_path / name
        path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
        return path

    return write


def test_conll(write):
    got = read_conll(write("-DOCSTART- O\n\nJohn\tB-person\nis\tO\n\n\n世界\tB-location\n"))
    assert got == [(["John", "is"], ["B-person", "O"]), (["世界"], ["B-location"])]
    assert got[0].tokens == ["John", "is"]
    four = "U.N. NNP I-NP I-ORG\nsays VBZ I-VP O\n"
    assert read_conll(write(four))[0].tags == ["I-ORG", "O"]
    assert read_conll(write(four), tag_column=1, entities=False)[0].tags == ["NNP", "VBZ"]
    spaces = "New\u00a0York  \u3000 B-l\n"  # blanks part columns, other spaces are of a word
    assert read_conll(write(spaces), token_column=0)[0].tokens == ["New\u00a0York"]
    windows = b"\xef\xbb\xbfa\tO\r\nb\tO\r\n\r\nc\tO\r\n\t\r\n"
    assert [s.tokens for s in read_conll(write(windows))] == [["a", "b"], ["c"]]


def test_conllu(write):
    got = read_conllu(write(CONLLU))
    assert got[0] == (["Do", "n't", "go"], ["AUX", "PART", "VERB"])
    assert got[1].tokens == ["New York"]
    assert read_conllu(write(CONLLU.replace("\n", "\r\n"))) == got
    assert read_conllu(write(CONLLU), "DEPREL")[0].tags == ["root"] * 3
    with pytest.raises(ValueError, match="column 'upos' is none of ID, FORM"):
        read_conllu(write(CONLLU), "upos")


IOB1 = "-DOCSTART-\tO\n\nLee\tI-x\nAnn\tB-x\n\n\nin\tO\nLima\tI-y\n"


def test_conll_in_another_scheme(write):
    path = write(IOB1)
    assert [s.tags for s in read_conll(path)] == [["I-x", "B-x"], ["O", "I-y"]]
    assert [s.tags for s in read_conll(path, scheme="BIO")] == [["B-x", "B-x"], ["O", "B-y"]]
    bioes = read_conll(path, scheme="BIOES")
    assert bioes == [(["Lee", "Ann"], ["S-x", "S-x"]), (["in", "Lima"], ["O", "S-y"])]
    assert read_conll(path, scheme="IOB1") == read_conll(path)
    for changes in ({"scheme": "bio"}, {"scheme": "BIO", "entities": False}):
        with pytest.raises(ValueError, match="entities can be written in BIO, IOB1, BIOES"):
            read_conll(path, **changes)


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_mixed_schemes_say_file_and_line(write, ends):
    mixed = write((IOB1 + "\n\nis\tO\nRome\tB-y\n").replace("\n", ends))
    message = r"a\.conll, line 12: expected I-y, as in the scheme IOB1, which 2 of 3 .* got B-y$"
    with pytest.raises(ValueError, match=message):
        read_conll(mixed, scheme="BIO")
    file = read_tagged(mixed)
    assert file.scheme == "IOB1"
    assert re.search(message, file.mixed)
    assert file.written_in("BIO")[2].tags == ["O", "B-y"]
    earlier = write("a\tB-x\n\nb\tO\nc\tI-x\n\nd\tB-x\n".replace("\n", ends))
    assert "line 4: expected B-x" in read_tagged(earlier).mixed


TOKEN = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1
).filter(lambda word: word.strip() and not word.startswith(("-DOCSTART-", "\ufeff")))
TAG = st.sampled_from(["O", "B-x", "I-x", "E-地", "S-y"])


@settings(deadline=None)
@given(st.lists(st.lists(st.tuples(TOKEN, TAG), min_size=1, max_size=5), min_size=1, max_size=5))
def test_what_is_written_is_read(tmp_path_factory, sentences):
    path = tmp_path_factory.mktemp("conll") / "a"
    text = "\n".join("".join(f"{word}\t{tag}\n" for word, tag in s) for s in sentences)
    path.write_bytes(text.encode())
    assert read_conll(path) == [tuple(map(list, zip(*s, strict=True))) for s in sentences]


@settings(deadline=None, max_examples=200)
@given(raw=st.binary(max_size=60) | st.text("ab\t\n1O -#", max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused_with_the_file(tmp_path_factory, raw):
    path = tmp_path_factory.mktemp("bytes") / "some.conll"
    path.write_bytes(raw)
    for read in (read_conll, read_conllu, lambda p: read_pairs(p, p)):
        refused = ""
        try:
            read(path)
        except ValueError as error:
            refused = str(error)
        assert not refused or ("some.conll" in refused and "expected" in refused)


GOOD = "a\tO\n"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("", "expected at least one sentence, there is none: is it empty?"),
        ("\n\n", "expected at least one sentence"),
        (
            GOOD + "b\n",
            "line 2: expected 2, as in the lines before, columns with tabs .*, got 1: 'b'",
        ),
        (GOOD + "b\tO\tO\n", "line 2: expected 2, .* got 3"),
        ("word\n", "line 1: expected at least 2 columns with spaces"),
        (GOOD + "\tO\n", "line 2: expected a word in column 1, it is empty"),
        (GOOD + "b\tNOUN\n", "line 2: expected a tag such as O, B-person or I-person, got 'NOUN'"),
        (GOOD.encode() + b"caf\xe9\tO\n", "line 2: expected UTF-8, byte 0xE9 at column 4"),
        (GOOD + "b\0\tO\n", "line 2: expected text, there is a zero byte at column 2"),
        (b"\xff\xfea\0", "line 1: expected UTF-8, this looks like UTF-16"),
        (GOOD + "x" * 200, "line 2: expected lines of at most 100 bytes"),
        ("a O\rb O\r", r"line 1: expected line ends \\n or \\r\\n, found a lone \\r"),
        ("a O\nNew\u00a0York O x\n", "line 2: expected 2, .* got 3"),
    ],
)
def test_bad_conll_says_line_and_what_was_expected(write, monkeypatch, raw, message):
    monkeypatch.setattr(lines, "LONGEST_LINE", 100)
    with pytest.raises(ValueError, match=r"a\.conll.*" + message):
        read_conll(write(raw))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("", "expected at least one sentence"),
        ("# only\n\n", "expected at least one sentence"),
        ("1\tword\tO\n", "line 1: expected 10 columns with tabs between .*, got 3"),
        (CONLLU.replace("\t", "    "), "line 2: expected 10 columns .* got 1"),
        (WORD.format(2, "a", "X"), "line 1: expected word number 1, got '2'"),
        (WORD.format(1, "a", "X") * 2, "line 2: expected word number 2, got '1': is an empty line"),
        (WORD.format("x", "a", "X"), "expected word number 1, got 'x'"),
        (WORD.format(1, "", "X"), "expected a word in the second column"),
        (WORD.format(1, "a", "NN"), "expected a universal part of speech such as NOUN, got 'NN'"),
    ],
)
def test_bad_conllu_says_line_and_what_was_expected(write, raw, message):
    with pytest.raises(ValueError, match=r"a\.conll.*" + message):
        read_conllu(write(raw))


def test_pairs(write):
    one, two = write("a\n\n c \r\n", "a.en"), write("A\n\nC", "a.de")
    assert read_pairs(one, two) == [("a", "A"), ("c", "C")]
    packed = write(gzip.compress(b"A\n\nC\n"), "a.fr.gz")
    assert read_pairs(one, packed)[1] == ("c", "C")


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        ("a\nb\n", "A\n", r"a\.en has 2 lines and .*a\.de has 1: line n"),
        ("a\n", "A\nB\nC\n", r"a\.en has 1 lines and .*a\.de has 3: line n"),
        ("a\nb\n", "A\n \n", r"a\.de, line 2: expected a sentence, the line is empty"),
        ("\nb", "A\nB", r"a\.en, line 1: expected a sentence"),
        ("", "", "expected at least one pair"),
        ("\n", "\n", "expected at least one pair"),
    ],
)
def test_pairs_that_are_none(write, left, right, message):
    with pytest.raises(ValueError, match=message):
        read_pairs(write(left, "a.en"), write(right, "a.de"))


def test_lines_end_as_on_any_system_and_nowhere_else(write):
    path = write("\ufeffa\r\n\r\nb\u2028c\x0bd\re\n f".encode())
    assert list(read_lines(path)) == [(1, "a"), (2, ""), (3, "b\u2028c\x0bd\re"), (4, " f")]


def test_damaged_gzip_and_missing_files(write, tmp_path):
    whole = gzip.compress(b"line\n" * 1000 + bytes(range(1, 120)))
    for raw in (whole[:-20], b"no gzip", whole[:30] + b"xxxxxxxx" + whole[38:]):
        with pytest.raises(ValueError, match=r"a\.gz, .*expected"):
            list(read_lines(write(raw, "a.gz")))
    with pytest.raises(FileNotFoundError, match="none: there is no such file"):
        read_lines(tmp_path / "none")


# Pairs in JSON


def test_jsonl_pairs(write):
    good = '{"text": " A\\nb. ", "id": 3, "summary": "世"}'
    got = read_jsonl_pairs(write(f"{good}\n\n{good}\r\n", "a.jsonl"), "text", "summary")
    assert got == [("A\nb.", "世")] * 2
    packed = write(gzip.compress(good.encode()), "a.jsonl.gz")
    assert read_jsonl_pairs(packed, "text", "summary") == got[:1]
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        read_jsonl_pairs("nowhere.jsonl", "text", "summary")
    with pytest.raises(ValueError, match=r'a.jsonl: expected a line such as {"text": "…", "summ'):
        read_jsonl_pairs(write("\n \n", "a.jsonl"), "text", "summary")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "is not JSON: Expecting property name"),
        ("[" * 100_000, "is not JSON"),
        ("[1]", "is no object"),
        ('{"text": "a"}', 'has no "summary"'),
        ('{"text": "a", "summary": 3}', 'whose "summary" is no string'),
        ('{"text": " ", "summary": "b"}', 'whose "text" is empty'),
    ],
)
def test_jsonl_that_holds_no_pairs(write, line, why):
    path = write(f'{{"text": "a", "summary": "b"}}\n{line}\n', "a.jsonl")
    expected = r'a.jsonl, line 2: expected {"text": "…", "summary": "…"}, found .*' + why
    with pytest.raises(ValueError, match=expected):
        read_jsonl_pairs(path, "text", "summary")
