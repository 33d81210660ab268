"""Cleaning files: whole or not at all, in memory that stays, with errors that say the line."""

import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyllm.cli import main
from tinyllm.text import clean
from tinyllm.text.clean import files


@pytest.fixture
def write(tmp_path):
    def write(raw, name="in.txt"):
        path = tmp_path / name
        path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
        return path

    return write


def test_lines_and_paragraphs(write, tmp_path):
    source = write(b"\xef\xbb\xbf<p>one</p><p>two</p>\r\n\r\nthree  \r\nfour\n\n\n\nthree\nfour")
    assert next(clean.read_documents(source)) == "<p>one</p><p>two</p>"
    out = tmp_path / "out.txt"
    clean.clean_file(source, out)
    assert out.read_bytes() == b"one two\nthree\nfour\n"
    report = clean.clean_file(source, out, unit="paragraph")
    assert out.read_bytes() == b"one\ntwo\n\nthree\nfour\n"
    assert report.documents_in == 3
    clean.clean_file(source, source)
    assert source.read_bytes() == b"one two\nthree\nfour\n"


@settings(deadline=None, max_examples=60)
@given(text=st.text(max_size=200), unit=st.sampled_from(["line", "paragraph"]))
def test_what_is_cleaned_reads_back_as_the_same_documents(tmp_path_factory, text, unit):
    folder = tmp_path_factory.mktemp("clean")
    (folder / "in").write_bytes(text.encode())
    if not list(clean.read_documents(folder / "in", unit)):
        with pytest.raises(ValueError, match="expected text, there is none"):
            clean.clean_file(folder / "in", folder / "out", unit=unit)
        assert os.listdir(folder) == ["in"]
        return
    report = clean.clean_file(folder / "in", folder / "out", unit=unit)
    assert len(list(clean.read_documents(folder / "out", unit))) == report.documents_out
    assert os.listdir(folder) in (["in", "out"], ["out", "in"])


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"fine\nna\xefve\n", r"in\.txt, line 2: byte 0xEF is not UTF-8"),
        (b"\xff\xfea\0", "looks like UTF-16"),
        (b"ok\n" + b"x" * 200, r"line 2: the line is longer than 100 bytes"),
        (b"", r"in\.txt: expected text, there is none: is the file empty"),
        (b"\xef\xbb\xbf\r\n \n", r"in\.txt: expected text, there is none: is the file empty"),
    ],
)
def test_bad_files_are_clear_errors_and_nothing_is_written(
    write, tmp_path, monkeypatch, raw, message
):
    monkeypatch.setattr(files, "LONGEST_DOCUMENT", 100)
    source, out = write(raw), write("old", "out.txt")
    with pytest.raises(ValueError, match=message):
        clean.clean_file(source, out)
    assert out.read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["in.txt", "out.txt"]


def test_endless_paragraphs_missing_files_and_wrong_words(write, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LONGEST_DOCUMENT", 100)
    source = write("a line of some length\n" * 50)
    with pytest.raises(ValueError, match="line 5: the paragraph is longer"):
        clean.clean_file(source, tmp_path / "out", unit="paragraph")
    with pytest.raises(FileNotFoundError, match="nowhere: there is no such file"):
        clean.clean_file(tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="its folder is not there"):
        clean.clean_file(source, tmp_path / "no" / "out")
    with pytest.raises(IsADirectoryError, match="is a folder: name a file in it"):
        clean.clean_file(source, tmp_path)
    with pytest.raises(ValueError, match="unit 'word'"):
        clean.clean_file(source, tmp_path / "out", unit="word")
    with pytest.raises(ValueError, match="bad_bytes 'x'"):
        clean.clean_file(source, tmp_path / "out", bad_bytes="x")


def test_bad_bytes_can_be_read_otherwise(write, tmp_path):
    source = write(b"na\xefve\nsch\xc3\xb6n\n\0\n")
    clean.clean_file(source, tmp_path / "out", bad_bytes="windows-1252")
    assert (tmp_path / "out").read_text("utf-8") == "naïve\nschön\n"
    clean.clean_file(source, tmp_path / "out", bad_bytes="replace")
    assert (tmp_path / "out").read_text("utf-8") == "na\ufffdve\nschön\n"


def test_memory_does_not_grow_with_the_file(write, tmp_path):
    steps = [clean.StripHTML(), clean.NormalizeWhitespace()]
    peaks = []
    for lines in (2_000, 40_000):
        source = write("".join(f"<b>line</b> {i} of a long text\n" for i in range(lines)))
        tracemalloc.start()
        clean.clean_file(source, tmp_path / "out", clean.Cleaner(steps))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0] + 100_000


# The command


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["tinyllm", "clean", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code or 0, *capsys.readouterr()


def test_the_command_cleans_and_reports(write, tmp_path, monkeypatch, capsys):
    source, out = write("<b>hi</b>\nhi\nschÃ¶n 12\n"), tmp_path / "out.txt"
    keep = tmp_path / "report.json"
    code, shown, _ = run(
        monkeypatch, capsys, source, out, "--report", "--fix-encoding", "--mask-numbers",
        "--json", keep, "--near", "0.8", "--no-progress",
    )  # fmt: skip
    assert code == 0
    assert out.read_text("utf-8") == "hi\nschön <number>\n"
    assert "'<b>hi</b>'  ->  'hi'" in shown
    assert json.loads(keep.read_text())["documents_out"] == 2
    code, shown, _ = run(monkeypatch, capsys, source, out, "--test", source)
    assert shown.startswith("3 documents in, 0 out")
    (tmp_path / "again.txt").write_text("x")
    for bad in (tmp_path / "no" / "r.json", tmp_path):  # told before the work is done
        again = tmp_path / "again.txt"
        code, _, error = run(monkeypatch, capsys, source, again, "--json", bad)
        assert (code, again.read_text()) == (1, "x")
        assert error.startswith(f"tinyllm: clean: {bad}")
    code, _, error = run(monkeypatch, capsys, source, out, "--test", write("\n", "empty.txt"))
    assert code == 1
    assert "--test: " in error
    assert "empty.txt: expected text, there is none" in error
    code, _, error = run(monkeypatch, capsys, tmp_path / "none", out)
    assert code == 1
    assert "there is no such file" in error


@pytest.mark.skipif(os.name == "nt", reason="SIGINT is sent otherwise on Windows")
def test_ctrl_c_leaves_the_old_file_and_nothing_else(write, tmp_path):
    source = write("<b>some</b> line of text\n" * 400_000)
    out = write("old", "out.txt")
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from tinyllm.cli import main; main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, "clean", str(source), str(out)],
        stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while len(os.listdir(tmp_path)) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "is as it was" in error
    assert out.read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["in.txt", "out.txt"]
