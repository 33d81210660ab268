"""Corpora: the standard library, files and folders; and every way a text can be wrong."""

import os
import sysconfig
from pathlib import Path

import pytest

from tinyllm.data import Corpus, load_text, tinyworld
from tinyllm.data.standard_library import standard_library


@pytest.fixture
def write(tmp_path):
    def write(name, raw):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
        return path

    return write


# The standard library


def test_the_standard_library_is_large_and_the_same_each_time():
    corpus = load_text("stdlib")
    assert corpus == load_text()
    assert 1_000_000 < len(corpus.train) + len(corpus.validation) <= 8_000_000
    assert corpus.name == "stdlib"
    characters = set(corpus.train)
    assert characters <= set("\n" + "".join(map(chr, range(32, 127))))
    assert set(corpus.validation) <= characters


def test_the_standard_library_is_split_between_modules_near_a_tenth():
    corpus = load_text("stdlib", stdlib_bytes=3_000_000)
    share = len(corpus.validation) / (len(corpus.train) + len(corpus.validation))
    assert 0.08 < share < 0.12
    assert corpus.train.startswith("# module ")
    assert corpus.validation.startswith("# module ")
    assert corpus.train.endswith("\n\n")


def test_tests_tables_and_other_peoples_packages_are_left_out():
    whole = "".join(standard_library(100_000_000))
    assert "# module json.decoder\n" in whole
    assert "# module json\n" in whole  # its __init__
    for left_out in ("test.", "encodings.", "site-packages", "unittest.test.", "sitecustomize"):
        assert f"# module {left_out}" not in whole


def test_with_everything_tests_and_tables_are_there_too():
    whole = "".join(standard_library(100_000_000, everything=True))
    assert "# module encodings.cp437\n" in whole
    assert "# module json.decoder\n" in whole
    for left_out in ("site-packages", "sitecustomize"):
        assert f"# module {left_out}" not in whole
    assert len(whole) > 10_000_000


def test_the_number_of_bytes_is_kept_and_the_order_stays():
    small, large = standard_library(200_000), standard_library(400_000)
    assert 150_000 < sum(map(len, small)) <= 200_000
    assert small[0] == large[0]


def test_tinyworld_is_stories_drawn_apart():
    corpus = load_text("tinyworld", validation_fraction=0.01)
    told = corpus.train.split("\n\n")
    assert (len(told), told[-1]) == (9901, "")
    grammar = tinyworld.Grammar(tinyworld.World(seed=0, size="mini"))
    assert told[0] == next(tinyworld.stories(grammar, 1)).text
    assert corpus.validation.count("\n\n") == 100
    assert corpus.validation[:100] != corpus.train[:100]
    assert len(load_text("tinyworld", validation_fraction=0.9999).train.split("\n\n")) == 2


def fake_library(monkeypatch, write, **modules):
    for name, source in modules.items():
        write(f"lib/{name}.py", source)
    root = write("lib/readme", "x").parent
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(root))


def test_modules_that_do_not_decode_are_left_out(monkeypatch, write):
    modules = {"good": "x = 1\r\n\ty = 2\x0c\n", "latin": b"# \xe9", "accent": "# é", "empty": " "}
    fake_library(monkeypatch, write, **modules, nul="# \0")
    assert standard_library(1000) == ["# module good\nx = 1\n        y = 2\n\n"]


def test_modules_are_shuffled_and_split_at_the_nearest_border(monkeypatch, write):
    names = "abcdefghij"
    fake_library(monkeypatch, write, **{name: f"{name} = 1" for name in names})
    order = [text.split()[2] for text in standard_library(1000)]
    assert "".join(order) == "eigdbjhcfa"  # by the SHA-256 of a.py, b.py …: the same for ever
    corpus = load_text("stdlib")
    assert corpus.validation == "# module a\na = 1\n\n"
    assert load_text("stdlib", validation_fraction=0.34).validation.count("# module") == 3
    assert load_text("stdlib", validation_fraction=0.01).validation.count("# module") == 1
    assert load_text("stdlib", validation_fraction=0.99).train.count("# module") == 1


def test_a_python_without_sources_is_told_so(monkeypatch, write):
    fake_library(monkeypatch, write)
    with pytest.raises(FileNotFoundError, match="embedded or frozen"):
        load_text("stdlib")
    monkeypatch.setattr(sysconfig, "get_path", lambda name: "/nowhere/python311.zip")
    with pytest.raises(FileNotFoundError, match=r"python311\.zip"):
        load_text("stdlib")


def test_one_module_cannot_be_split(monkeypatch, write):
    fake_library(monkeypatch, write, one="x = 1")
    with pytest.raises(ValueError, match="1 file cannot be split"):
        load_text("stdlib")


# Files and folders


def test_a_file_is_split_where_nanogpt_splits_it(write):
    text = "".join(chr(48 + i % 70) for i in range(1234))
    corpus = load_text(write("book.txt", text))
    assert corpus == Corpus("book.txt", text[: int(0.9 * 1234)], text[int(0.9 * 1234) :])
    assert load_text(str(write("book", text)), validation_fraction=0.5).train == text[:617]
    assert repr(corpus) == "Corpus('book.txt', train=1,110 validation=124 characters)"


def test_characters_are_counted_not_bytes(write):
    corpus = load_text(write("book.txt", "世" * 10))
    assert (len(corpus.train), len(corpus.validation)) == (9, 1)


def test_line_ends_become_one_and_the_byte_order_mark_goes(write):
    corpus = load_text(write("a.txt", b"\xef\xbb\xbfa\r\nb\rc\nd\r\r\n"))
    assert corpus.train + corpus.validation == "a\nb\nc\nd\n\n"


def test_a_folder_is_read_in_the_order_of_names(write, tmp_path):
    write("in/b.txt", "b\n")
    write("in/a/z.MD", "z")
    write("in/a.py", "a\n")
    write("in/.hidden.txt", "no")
    write("in/.git/config.txt", "no")
    write("in/picture.png", b"\x89PNG\0")
    write("in/empty.txt", "\n")
    corpus = load_text(tmp_path / "in")
    assert corpus.train + corpus.validation == "a\n\nz\n\nb\n"
    assert corpus.name == "in"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipes_and_loops_of_links_are_not_followed(write, tmp_path):
    write("in/a.txt", "hello")
    os.mkfifo(tmp_path / "in" / "pipe.txt")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    corpus = load_text(tmp_path / "in")
    assert corpus.train + corpus.validation == "hello\n"
    with pytest.raises(ValueError, match="a device or a pipe"):
        load_text(tmp_path / "in" / "pipe.txt")


# The catalogue of bad texts


@pytest.mark.parametrize(
    ("name", "raw", "message"),
    [
        ("a.txt", b"", "a.txt is empty"),
        ("a.txt", b" \n\r\n", "a.txt is empty"),
        ("a.txt", b"x", r"has 1 character\(s\), too few to hold back 10%"),
        (
            "a.txt",
            b"caf\xc3\xa9\nna\xefve\n",
            r"a.txt is not UTF-8: byte 0xEF at offset 8 \(line 2\).*Latin-1 or Windows-1252",
        ),
        (
            "a.txt",
            b"one\ntwo\nth\xe4",
            r"byte 0xE4 at offset 10 \(line 3\): unexpected end of data",
        ),
        ("a.txt", b"\xff\xfea\0b\0", "looks like UTF-16: save it as UTF-8"),
        ("a.pdf", b"%PDF-1.7\n\xe2\xe3", "looks like a PDF"),
        ("a.docx", b"PK\x03\x04\xff\xff", "looks like a zip archive"),
        ("a.gz", b"\x1f\x8b\x08\x00", "compressed with gzip"),
        ("a.bin", b"abc\0def", "a binary file, not text: it has a zero byte at offset 3 .line 1"),
        ("a.bin", b"\xfeabc\0def", "a binary file, not text: it has a zero byte at offset 4"),
    ],
)
def test_bad_texts_are_clear_errors(write, name, raw, message):
    path = write(name, raw)
    with pytest.raises(ValueError, match=message) as caught:
        load_text(path)
    assert str(path) in str(caught.value)


def test_a_zero_byte_is_found_wherever_it_stands(write):
    path = write("a.txt", "世\n" * 5000 + "\0")
    with pytest.raises(ValueError, match=r"zero byte at offset 20000 \(line 5001\)"):
        load_text(path)


def test_in_a_folder_the_bad_file_is_named(write, tmp_path):
    write("in/a.txt", "fine")
    write("in/b/c.txt", b"not \xff")
    with pytest.raises(ValueError, match=r"c\.txt is not UTF-8: byte 0xFF at offset 4 \(line 1\)"):
        load_text(tmp_path / "in")


def test_folders_without_text(write, tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match="found: nothing at all"):
        load_text(tmp_path / "none")
    write("in/a.jpg", "x")
    write("in/b.jpg", "x")
    write("in/LICENCE", "x")
    with pytest.raises(ValueError, match=r"no file with the suffix.*found: \.jpg, LICENCE"):
        load_text(tmp_path / "in")
    write("in/c.txt", "")
    with pytest.raises(ValueError, match="in is empty"):
        load_text(tmp_path / "in")


def test_a_missing_path_comes_with_what_is_near(write, tmp_path, monkeypatch):
    path = write("books/shakespeare.txt", "x")
    with pytest.raises(FileNotFoundError) as caught:
        load_text(tmp_path / "books" / "Shakespear.txt")
    assert f"no such file or folder: did you mean {path}?" in str(caught.value)
    with pytest.raises(FileNotFoundError, match=r"did you mean .*books\?"):
        load_text(tmp_path / "boks" / "deep" / "shakespeare.txt")
    with pytest.raises(FileNotFoundError, match="nothing with such a name is in"):
        load_text(tmp_path / "books" / "qqqq")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match='did you mean "stdlib"'):
        load_text("stdlb")


def test_a_file_below_a_file_is_missing(write):
    with pytest.raises((FileNotFoundError, NotADirectoryError)):
        load_text(write("a.txt", "x") / "b.txt")


def test_permission_denied(write, monkeypatch, tmp_path):
    path = write("in/secret.txt", "x")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    for source in (path, path.parent):
        with pytest.raises(PermissionError, match=r"secret\.txt: no permission to read it"):
            load_text(source)


def test_a_folder_that_may_not_be_listed(write, monkeypatch):
    folder = write("in/secret.txt", "x").parent

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(PermissionError, match="in: no permission to list it"):
        load_text(folder)


@pytest.mark.parametrize("source", [None, 3, "", b"stdlib"])
def test_a_source_is_a_name_or_a_path(source):
    with pytest.raises(TypeError, match='source is "stdlib" or a path'):
        load_text(source)


@pytest.mark.parametrize("fraction", [0, 1, -0.1, float("nan")])
def test_a_fraction_is_a_fraction(fraction):
    with pytest.raises(ValueError, match="validation_fraction"):
        load_text("stdlib", validation_fraction=fraction)
