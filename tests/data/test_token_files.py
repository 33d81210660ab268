"""Token files: mapped, not loaded; refused when damaged."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyllm.data import TokenFile, Windows, tokens
from tinyllm.text import ByteTokenizer

FINGERPRINT = ByteTokenizer().fingerprint()


@pytest.mark.parametrize(
    ("highest", "dtype"),
    [(0, "u1"), (255, "u1"), (256, "u2"), (65535, "u2"), (65536, "u4"), (2**32 - 1, "u4")],
)
def test_what_is_written_is_read_in_the_smallest_dtype(tmp_path, highest, dtype):
    ids = np.array([0, highest, 0], dtype=np.int64)
    path = TokenFile.write(tmp_path / "a.bin", ids)
    file = TokenFile.open(path)
    assert file.tokens.dtype == np.dtype("<" + dtype)
    assert file.tokens.tolist() == ids.tolist()
    assert len(file) == 3
    assert file.tokenizer is None
    assert os.listdir(tmp_path) == ["a.bin"]


def test_an_empty_file_and_a_large_one(tmp_path, monkeypatch):
    assert len(TokenFile.open(TokenFile.write(tmp_path / "a", np.empty(0, np.uint8)))) == 0
    ids = np.random.default_rng(0).integers(0, 300, 5 * 2**20)
    assert np.array_equal(TokenFile.open(TokenFile.write(tmp_path / "a", ids)).tokens, ids)


def test_the_tokenizer_is_remembered_and_another_refused(tmp_path):
    path = TokenFile.write(tmp_path / "a", np.arange(9), tokenizer=FINGERPRINT)
    assert TokenFile.open(path).tokenizer == FINGERPRINT
    assert len(TokenFile.open(path, tokenizer=FINGERPRINT)) == 9
    with pytest.raises(ValueError, match="another tokenizer: encode the text again"):
        TokenFile.open(path, tokenizer="0" * 64)


@pytest.mark.skipif(os.name == "nt", reason="the large file would not be sparse")
def test_tokens_are_mapped_not_loaded(tmp_path):
    resource = pytest.importorskip("resource")
    count = 2**31
    path = tmp_path / "large"
    with open(path, "wb") as file:  # 4 GiB of zeros that take no room on the disk
        file.write(tokens._HEADER.pack(tokens._MAGIC, 2, count, bytes(32)))
        file.truncate(tokens._HEADER.size + 2 * count)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    mapped = TokenFile.open(path).tokens
    windows = Windows(mapped, 64)
    ids, _ = windows.random_batch(12, np.random.default_rng(0))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert isinstance(mapped, np.memmap)
    assert not mapped.flags.writeable
    assert (ids == 0).all()
    assert grown < 64 * 2**20  # far below 4 GiB, whether counted in KiB or bytes
    assert windows.tokens.base is not None  # a view of the map


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = TokenFile.write(tmp_path / "a", np.arange(9))
    with pytest.raises(ValueError, match=r"got -1 to 3"):
        TokenFile.write(path, np.array([3, -1]))
    assert TokenFile.open(path).tokens.tolist() == list(range(9))


@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        (np.zeros(3), TypeError, "1-d integer array, got shape .3,. of float64"),
        (np.zeros((2, 2), int), TypeError, r"\(2, 2\) of int64"),
        (np.array([2**32]), ValueError, "got 4294967296"),
    ],
)
def test_only_ids_are_written(tmp_path, ids, error, message):
    with pytest.raises(error, match=message):
        TokenFile.write(tmp_path / "a", ids)
    assert os.listdir(tmp_path) == []


def _damaged(tmp_path, change):
    raw = bytearray(TokenFile.write(tmp_path / "a", np.arange(300)).read_bytes())
    path = tmp_path / "damaged"
    path.write_bytes(change(raw))
    return path


def _put(raw, place, value):
    raw[place : place + len(value)] = value
    return raw


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: b"", "not a token file .or one cut off.: it has 0 bytes"),
        (lambda raw: raw[:63], "not a token file"),
        (lambda raw: raw[:64], "promises 300 ids, 664 bytes, the file has 64: was it cut off"),
        (lambda raw: raw[:-1], "the file has 663"),
        (lambda raw: raw + b"x", "the file has 665"),
        (lambda raw: _put(raw, 0, b"NOTMAGIC"), "not a token file"),
        (lambda raw: _put(raw, 8, b"\x03"), "damaged: 3 bytes per id"),
        (lambda raw: _put(raw, 8, b"\x00"), "damaged: 0 bytes per id"),
        (lambda raw: _put(raw, 16, b"\xff" * 8), "promises 18,446,744,073,709,551,615 ids"),
    ],
)
def test_damaged_files_are_clear_errors(tmp_path, change, message):
    path = _damaged(tmp_path, change)
    with pytest.raises(ValueError, match=message) as caught:
        TokenFile.open(path)
    assert str(path) in str(caught.value)


@settings(deadline=None)
@given(place=st.integers(0, 63), value=st.integers(0, 255))
def test_a_hostile_header_never_crashes(tmp_path_factory, place, value):
    path = _damaged(tmp_path_factory.getbasetemp(), lambda raw: _put(raw, place, bytes([value])))
    try:
        file = TokenFile.open(path)
    except ValueError as error:
        message = str(error)
    else:
        assert len(file) == 300
        return
    assert "damaged" in message


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere: there is no such file"):
        TokenFile.open(tmp_path / "nowhere")
