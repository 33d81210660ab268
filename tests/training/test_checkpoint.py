import json
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from tinyllm.training import (
    latest_checkpoint,
    load_checkpoint,
    load_tensors,
    save_checkpoint,
    save_tensors,
)
from tinyllm.training.checkpoint import checkpoints, remove_after

ARRAYS = {"a": np.arange(12, dtype=np.float32).reshape(3, 4), "b": np.ones(3, np.float64)}
STATE = {"random": {"state": 2**127 + 1}, "seconds": 0.1 + 0.2}


def save(folder, step, keep=2):
    return save_checkpoint(folder, step, ARRAYS, {"0.exp_avg": ARRAYS["a"] / 7}, STATE, keep)


def test_round_trip(tmp_path):
    path = save(tmp_path, 500)
    assert path.name == "step-000500"
    checkpoint = load_checkpoint(path)
    assert checkpoint.step == 500
    assert checkpoint.state == STATE  # integers of 128 bits and floats to the last bit
    np.testing.assert_array_equal(checkpoint.model["a"], ARRAYS["a"])
    np.testing.assert_array_equal(checkpoint.optimizer["0.exp_avg"], ARRAYS["a"] / 7)
    assert checkpoint.model["b"].dtype == np.float64


@pytest.mark.parametrize(
    "odd",
    [
        ARRAYS["a"].T,
        ARRAYS["a"][:, ::2],
        np.asfortranarray(ARRAYS["a"]),
        ARRAYS["a"][::-1],
        np.broadcast_to(np.float32(3), (2, 5)),
        np.float32(3).reshape(()),
        np.empty((0, 3), np.float32),
    ],
)
def test_arrays_in_any_order_of_memory(tmp_path, odd):
    save_tensors(tmp_path / "x.safetensors", {"x": odd})
    loaded = load_tensors(tmp_path / "x.safetensors")["x"]
    np.testing.assert_array_equal(loaded, odd)
    assert loaded.shape == odd.shape


def test_the_last_two_are_kept(tmp_path):
    for step in (1, 20, 3000000):
        save(tmp_path, step)
    assert [path.name for path in checkpoints(tmp_path)] == ["step-000020", "step-3000000"]
    assert latest_checkpoint(tmp_path).name == "step-3000000"
    assert {path.name for path in tmp_path.iterdir()} == {"step-000020", "step-3000000"}


def test_what_a_kill_leaves_is_not_taken_for_a_checkpoint(tmp_path):
    assert latest_checkpoint(tmp_path / "nowhere") is None
    save(tmp_path, 10)
    (tmp_path / ".partial-ab-step-000020").mkdir()
    (tmp_path / ".partial-ab-step-000020" / "model.safetensors").write_bytes(b"half")
    (tmp_path / "step-000030").write_text("a file", encoding="utf-8")
    assert latest_checkpoint(tmp_path).name == "step-000010"
    remove_after(tmp_path, 10)
    assert {path.name for path in tmp_path.iterdir()} == {"step-000010", "step-000030"}


def test_a_failure_amid_writing_leaves_the_old_ones(tmp_path, monkeypatch):
    save(tmp_path, 1)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tinyllm.training.checkpoint.write_json", full)
    with pytest.raises(OSError, match="No space left"):
        save(tmp_path, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["step-000001"]


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "state.json"])
def test_damaged_files_are_clear_errors(tmp_path, name):
    save(tmp_path, 1)
    path = save(tmp_path, 2)
    whole = (path / name).read_bytes()
    for cut in {0, 1, 7, 8, 9, len(whole) // 2, len(whole) - 2}:
        (path / name).write_bytes(whole[:cut])
        with pytest.raises(ValueError, match=rf"checkpoint step-000002: .*{name}") as error:
            load_checkpoint(path)
        assert "Remove" in str(error.value)
        assert "to go on from step-000001" in str(error.value)
    (path / name).unlink()
    with pytest.raises(FileNotFoundError, match=rf"step-000002: .*{name}"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    "contents",
    [
        struct.pack("<Q", 2**62) + b"{}",
        struct.pack("<Q", 10**9) + b"{" * 100,
        struct.pack("<Q", 2) + b"{}" + b"trailing",
        struct.pack("<Q", 100) + json.dumps(
            {"x": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}
        ).encode().ljust(100),
        struct.pack("<Q", 80) + json.dumps(
            {"x": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}
        ).encode().ljust(80) + b"1234",
        struct.pack("<Q", 80) + json.dumps(
            {"x": {"dtype": "F99", "shape": [2], "data_offsets": [0, 4]}}
        ).encode().ljust(80) + b"1234",
        pickle.dumps({"x": [1, 2]}),
    ],
)  # fmt: skip
def test_hostile_weights(tmp_path, contents):
    path = tmp_path / "model.safetensors"
    path.write_bytes(contents)
    with pytest.raises(ValueError, match=r"model.safetensors: not a safetensors file"):
        load_tensors(path)


@pytest.mark.parametrize(
    "text", ["[]", "{}", '{"format": 1}', '{"format": 1, "step": -1}', '{"format": 2, "step": 1}',
             '{"format": 1, "step": true}', "[" * 100_000]
)  # fmt: skip
def test_hostile_state(tmp_path, text):
    path = save(tmp_path, 1)
    (path / "state.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"state.json"):
        load_checkpoint(path)


def test_nothing_can_unpickle():
    import tinyllm

    for source in Path(tinyllm.__file__).parent.rglob("*.py"):
        text = source.read_text(encoding="utf-8")
        assert "import pickle" not in text, source
        assert "allow_pickle=True" not in text, source
