"""Statistics of a corpus, its picture, and the commands that show them."""

import io
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyllm.cli import main
from tinyllm.data import downloads
from tinyllm.data.listing import documents_of
from tinyllm.data.statistics import text_statistics
from tinyllm.viz import png
from tinyllm.viz.corpus import corpus_picture


@settings(deadline=None)
@given(documents=st.lists(st.text(max_size=60), max_size=10))
def test_sums_agree_for_any_text(documents):
    numbers = text_statistics(documents)
    assert numbers.documents == len(documents) == len(numbers.lengths)
    assert numbers.words == numbers.lengths.sum() == sum(numbers.frequencies.values())
    assert str(numbers)


def test_words_are_counted():
    numbers = text_statistics(["It's a cat, a CAT!", "我在 home"])
    assert numbers.frequencies == {"it's": 1, "a": 2, "cat": 2, "我": 1, "在": 1, "home": 1}
    assert numbers.lengths.tolist() == [5, 3]
    assert "6 different words, 67% of them once only" in str(numbers)


@pytest.mark.parametrize("exponent", [0.7, 1.0, 1.3])
def test_zipfs_exponent_is_found(exponent):
    counts = np.round(1e7 * np.arange(1, 3001) ** -exponent).astype(int)
    numbers = text_statistics([])
    numbers.frequencies.update({f"w{i}": int(n) for i, n in enumerate(counts)})
    assert abs(numbers.zipf_exponent - exponent) < 0.02


@pytest.mark.parametrize(
    ("lengths", "counts"),
    [([3, 4, 4, 900], [9, 3, 1]), ([], []), ([0], [1]), ([5] * 300 + [9000], [2, 2])],
)
def test_the_picture_draws_what_there_is(lengths, counts):
    figure = corpus_picture(np.array(lengths), np.array(counts), name="few")
    left, right = figure.axes
    assert sum(bar.get_height() for bar in left.patches) == len(lengths)
    if counts:
        drawn = right.lines[0]
        assert drawn.get_ydata().tolist() == sorted(counts, reverse=True)
        assert drawn.get_xdata().tolist() == list(range(1, len(counts) + 1))
    assert io.BytesIO(png(figure)).read(4) == b"\x89PNG"


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(downloads, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setenv("TINYLLM_DATA", str(tmp_path / "own"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own" / "ud_en_ewt").mkdir(parents=True)
    word = "{}\t{}\t_\tX\t_\t_\t0\troot\t_\t_\n"
    text = word.format(1, "hello") + word.format(2, "there") + "\n" + word.format(1, "bye")
    (tmp_path / "own" / "ud_en_ewt" / "dev.conllu").write_text(text)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["tinyllm", "data", *arguments])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code or 0, *capsys.readouterr()

    return run


def test_the_commands(run, tmp_path):
    code, out, _ = run()
    assert code == 0
    assert "stdlib           here" in out
    assert "tinyworld        here" in out
    assert "ud_en_ewt        here" in out
    assert "wnut17           not here" in out
    assert str(tmp_path / "own") in out
    assert run("fetch", "ud_en_ewt")[1].strip().endswith("dev.conllu")
    code, out, _ = run("show", "ud_en_ewt", "--samples", "9")
    assert sorted(out.split("\n")) == ["", "", "", "bye", "hello there"]
    code, out, _ = run("stats", "ud_en_ewt", "--out", "pictures")
    assert "2 documents, 14 characters, 3 words" in out
    assert "Zipf's law: too few different words to see it" in out
    assert (tmp_path / "pictures" / "corpus.png").stat().st_size > 10_000
    code, _, error = run("fetch", "nothing")
    assert code == 1
    assert "'nothing' is none of tinyshakespeare" in error


def test_a_word_without_end_is_cut():
    said = str(text_statistics(["x" * 1000, "y"]))
    assert f"most frequent: {'x' * 30}… 1, y 1" in said


def test_documents_of_files(tmp_path, run):
    path = tmp_path / "a.txt"
    path.write_text("one\ntwo\n\n\nthree\n\nfour")
    assert documents_of(path) == ["one\ntwo", "three", "four"]
    assert documents_of("ud_en_ewt/dev.conllu") == ["hello there", "bye"]
    assert documents_of(tmp_path / "own" / "ud_en_ewt" / "dev.conllu") == ["hello there", "bye"]
