"""A run that is killed at any moment goes on as if nothing had happened."""

import os
import random
import subprocess
import sys
import time

import numpy as np
import pytest
from run_comparison import without_times

from tinyllm.training import Run, latest_checkpoint, load_checkpoint, read_metrics

KILLS = int(os.environ.get("TINYLLM_KILLS", "3"))
OPTIONS = """
    --preset char --layers 1 --heads 2 --width 16 --context-length 8 --batch-size 2 --dropout 0.1
    --checkpoint-every 3 --eval-every 20 --eval-windows 4 --sample-every 30
    --sample-tokens 10 --final-eval-tokens 200 --warmup-steps 10 --threads 1 --no-progress
"""
STEPS = ("--max-steps", str(60 + 60 * KILLS))  # enough to be killed so often


def tinyllm(folder, *arguments):
    command = [sys.executable, "-m", "tinyllm", *arguments]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)


def begin(folder, out):
    return tinyllm(folder, "train", "--data", "book.txt", "--out", out, *OPTIONS.split(), *STEPS)


def complete(process):
    _, error = process.communicate(timeout=120)
    assert process.returncode == 0, error


@pytest.fixture
def folder(tmp_path):
    text = "to be, or not to be, that is the question\n" * 100
    (tmp_path / "book.txt").write_text(text, encoding="utf-8")
    return tmp_path


def wait_for_a_moment(moments, process, run):
    """Mostly until some steps have been made; sometimes a while from the start, which imports."""
    if moments.random() < 0.2:
        time.sleep(moments.uniform(0, 1.5))
        return
    before = run.metrics.stat().st_size if run.metrics.exists() else 0
    deadline = time.monotonic() + 60
    while not (run.metrics.exists() and run.metrics.stat().st_size > before):
        assert time.monotonic() < deadline, "no step was made"
        if process.poll() is not None:
            return
        time.sleep(0.002)
    time.sleep(moments.uniform(0, 0.05))


def test_killed_again_and_again(folder):
    complete(begin(folder, "whole"))
    moments = random.Random(0)
    process, run = begin(folder, "killed"), Run(folder / "killed")
    seen = 0
    for _ in range(KILLS):
        wait_for_a_moment(moments, process, run)
        assert process.poll() is None, "it ended before it could be killed"
        process.kill()
        process.communicate()
        latest = latest_checkpoint(run.checkpoints)
        if latest:
            step = load_checkpoint(latest).step  # it can always be read
            assert step >= seen, "a checkpoint was lost"
            seen = step
            process = tinyllm(folder, "train", "--resume", "killed", "--no-progress")
        else:
            assert not seen, "the checkpoints were lost"
            process = begin(folder, "killed")
    complete(process)
    whole, killed = Run(folder / "whole"), Run(folder / "killed")
    rows = without_times(read_metrics(whole.metrics))
    assert without_times(read_metrics(killed.metrics)) == rows
    assert killed.samples.read_bytes() == whole.samples.read_bytes()
    expected = whole.model().state_dict()
    for name, tensor in killed.model().state_dict().items():
        np.testing.assert_array_equal(tensor.array, expected[name].array)
    assert not list(killed.path.rglob(".partial*")), "half written files are left"
