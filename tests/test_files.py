"""Atomic writes, and JSON that may be hostile."""

import os
import subprocess
import sys

import pytest

from tinyllm import files
from tinyllm.files import atomic_path, atomic_write, read_json, remove_partials, write_json


def test_writes_bytes_and_text(tmp_path):
    with atomic_write(tmp_path / "a.bin") as file:
        file.write(b"\x00\xff")
    with atomic_write(tmp_path / "a.txt", "w") as file:
        file.write("é\r\n")
    assert (tmp_path / "a.bin").read_bytes() == b"\x00\xff"
    assert (tmp_path / "a.txt").read_bytes() == b"\xc3\xa9\r\n"
    assert sorted(os.listdir(tmp_path)) == ["a.bin", "a.txt"]


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_in_the_middle_leaves_the_old_file_and_no_litter(tmp_path, stop):
    path = tmp_path / "model.bin"
    path.write_bytes(b"old")

    def write_half():
        with atomic_write(path) as file:
            file.write(b"half of the n")
            file.flush()
            raise stop

    with pytest.raises(stop):
        write_half()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["model.bin"]


def test_a_block_that_writes_nothing_is_an_error_and_leaves_the_old_file(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(FileNotFoundError), atomic_path(path):
        pass
    assert path.read_bytes() == b"old"


def test_the_contents_are_on_the_disk_before_the_rename(tmp_path, monkeypatch):
    calls = []
    replace, fsync = os.replace, os.fsync

    def recorded_fsync(descriptor):
        calls.append(("fsync", os.fstat(descriptor).st_size))
        fsync(descriptor)

    def recorded_replace(source, target):
        calls.append(("replace", os.path.getsize(source)))
        replace(source, target)

    monkeypatch.setattr(files.os, "fsync", recorded_fsync)
    monkeypatch.setattr(files.os, "replace", recorded_replace)
    with atomic_write(tmp_path / "a") as file:
        file.write(b"12345")
    assert calls[:2] == [("fsync", 5), ("replace", 5)]


def test_a_kill_in_the_middle_leaves_the_old_file_and_what_can_be_cleaned(tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(b"old")
    code = (
        "import os, sys\n"
        "from tinyllm.files import atomic_write\n"
        "with atomic_write(sys.argv[1]) as file:\n"
        "    file.write(b'new'); file.flush(); os._exit(9)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert ended.returncode == 9
    assert path.read_bytes() == b"old"
    assert len(os.listdir(tmp_path)) == 2
    (tmp_path / f"{files.PARTIAL_PREFIX}folder" / "deep").mkdir(parents=True)
    remove_partials(tmp_path)
    assert os.listdir(tmp_path) == ["model.bin"]


def test_the_temporary_name_keeps_the_suffix_and_lies_beside(tmp_path):
    with atomic_path(tmp_path / "loss.png") as partial:
        assert partial.parent == tmp_path.resolve()
        assert partial.suffix == ".png"
        partial.write_bytes(b"x")


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_a_link_goes_on_pointing(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with atomic_write(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_an_unknown_mode_is_refused(tmp_path):
    with pytest.raises(ValueError, match="neither"), atomic_write(tmp_path / "a", "a"):
        pass


def test_json_round_trip_keeps_lone_surrogates(tmp_path):
    settings = {"a": ["\udbff", "\udc00", "é", "😀"], "b": 1.5, "c": None}
    write_json(tmp_path / "a.json", settings)
    assert read_json(tmp_path / "a.json") == settings
    assert (tmp_path / "a.json").read_bytes().isascii()


HOSTILE_JSON = {
    b"": "not valid JSON",
    b'{"a": 1': "not valid JSON.*cut off",
    b"\xff\xfe{": "line 1: not valid JSON: byte 0xFF is not UTF-8",
    b"[" * 100_000: "nests too deep|not valid JSON",
    b'{"a":' * 100_000: "nests too deep|not valid JSON",
    b'{"a": 1, "a": 2}': "'a' stands twice",
    b'{"a": NaN}': "NaN is not JSON",
    b'{"a": -Infinity}': "Infinity is not JSON",
    b"[1, 2]": "a JSON list, not an object",
    b'{"a": ' + b"9" * 10_000 + b"}": "not valid JSON",
}


@pytest.mark.parametrize("raw", HOSTILE_JSON, ids=lambda raw: repr(raw[:20]))
def test_bad_json_is_a_clear_error(tmp_path, raw):
    path = tmp_path / "bad.json"
    path.write_bytes(raw)
    with pytest.raises(ValueError, match=HOSTILE_JSON[raw]) as caught:
        read_json(path)
    assert "bad.json" in str(caught.value)


def test_json_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "JSON_BYTES_LIMIT", 10)
    (tmp_path / "a.json").write_text('{"a": "0123456789"}')
    with pytest.raises(ValueError, match="larger than 10 bytes"):
        read_json(tmp_path / "a.json")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_json(tmp_path / "pipe")


def test_what_is_not_json_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"a": float("nan")})
    assert os.listdir(tmp_path) == []
