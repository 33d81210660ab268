import signal
import sys
from pathlib import Path

import pytest
from cli_runs import wait_for

from tinyllm.bench import ops, profile_report, suite
from tinyllm.files import read_json

sys.path.insert(0, str(Path(__file__).parent.parent / "bench"))
from made_up import MACHINE, results  # noqa: E402


def test_prints_keeps_and_draws(tinyllm, tmp_path, monkeypatch):
    asked = {}

    def run(names, options, display):
        asked.update(names=list(names), options=options)
        return results()

    monkeypatch.setattr(suite, "run", run)
    command = "bench --case char --case micro --repeats 3 --seconds 5 --threads 1 --cold"
    done = tinyllm(*command.split(), "--out", "pictures", "--json", "kept.json", "--markdown")
    assert done.code == 0, done.err
    assert asked["names"] == ["char", "micro", "cold"]
    assert (asked["options"].repeats, asked["options"].threads) == (3, 1)
    assert asked["options"].torch == suite.torch_is_here()
    assert "| char" in done.out
    assert "1.50x" in done.out
    assert (tmp_path / "pictures" / "bench.png").read_bytes().startswith(b"\x89PNG")
    assert read_json(tmp_path / "kept.json")["cases"]["char"]["tinyllm"]["min"] == 0.02

    tinyllm("bench")
    assert asked["names"][:5] == ["micro", "char", "small", "baby", "gpt2"]
    assert "cold" not in asked["names"]
    assert (tmp_path / "bench.png").exists()


def test_an_interrupted_run_says_so(tinyllm, monkeypatch):
    stopped = {**results(), "interrupted": True}
    monkeypatch.setattr(suite, "run", lambda *_: stopped)
    done = tinyllm("bench")
    assert done.code == 130
    assert "char" in done.out


def test_ops_and_profile(tinyllm, tmp_path, monkeypatch):
    monkeypatch.setattr(
        ops, "run_ops", lambda wanted, *_: {**results(), "ops": {}, "notes": wanted}
    )
    done = tinyllm("bench", "ops", "--op", "soft", "--json", "ops.json")
    assert done.code == 0, done.err
    assert read_json(tmp_path / "ops.json")["notes"] == ["soft"]

    row = {"name": "matmul", "group": "products", "phase": "forward", "seconds": 0.01}
    row |= {"calls": 3, "flops": 2e9, "bytes": 1e7}
    made = {"machine": MACHINE, "case": "char", "steps": 9, "plain": 0.009, "threads": 2}
    monkeypatch.setattr(profile_report, "run_profile", lambda *_: {**made, "rows": [row]})
    done = tinyllm("bench", "profile")
    assert done.code == 0, done.err
    assert "matmul  forward      3  10 ms  100.0 %      200     1" in done.out
    assert (tmp_path / "profile.png").exists()


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("bench --case chr", "there is no case 'chr'; the cases are micro"),
        ("bench --threads 0", "must be above 0"),
        ("bench ops --op frob", "no op is called frob; there are softmax, log_softmax"),
        ("bench profile --case start", "'start' is not one of micro, char"),
    ],
)
def test_mistakes_are_one_sentence(tinyllm, command, words):
    done = tinyllm(*command.split())
    assert done.code == 1
    assert words in done.err
    assert len(done.err.splitlines()) == 1


def test_help_tells_of_all(tinyllm):
    done = tinyllm("bench", "--help")
    assert done.code == 0
    for word in ("--case", "--json", "--cold", "ops", "profile"):
        assert word in done.out


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells when the work has begun")
def test_control_c_ends_it_with_a_report(start):
    process = start("bench", "--case", "import", "--repeats", "100000", "--seconds", "1000")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    wait_for(lambda: children.read_text(), process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Interrupted: this is what was measured until then." in out
    assert "Traceback" not in err
