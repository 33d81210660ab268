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

KILLS = int(os.environ.get("TINYLLM_KILLS", "4"))
OPTIONS = (
    "--preset char --layers 1 --heads 2 --width 16 --context-length 8 --batch-size 2 --dropout 0.1 "
    "--max-steps 240 --checkpoint-every 3 --eval-every 20 --eval-windows 4 --sample-every 30 "
    "--sample-tokens 10 --final-eval-tokens 200 --warmup-steps 10 --threads 1 --no-progress"
).split()


def tinyllm(folder, *arguments):
    command = [sys.executable, "-m", "tinyllm", *arguments]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)


def begin(folder, out):
    return tinyllm(folder, "train", "--data", "book.txt", "--out", out, *OPTIONS)


def complete(process):
    _, error = process.communicate(timeout=120)
    assert process.returncode == 0, error


@pytest.fixture
def folder(tmp_path):
    text = "to be, or not to be, that is the question\n" * 100
    (tmp_path / "book.txt").write_text(text, encoding="utf-8")
    return tmp_path


def test_killed_again_and_again(folder):
    complete(begin(folder, "whole"))
    moments = random.Random(0)
    process, run = begin(folder, "killed"), Run(folder / "killed")
    kills, seen, killed_at = 0, 0, set()
    while kills < KILLS and process.poll() is None:
        # from the start, which imports for some time, to some steps after the next checkpoint
        progress = run.metrics.stat().st_size if run.metrics.exists() else 0
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            grown = run.metrics.exists() and run.metrics.stat().st_size > progress
            if grown or moments.random() < 1e-4:
                break
            time.sleep(0.002)
        time.sleep(moments.uniform(0, 0.04))
        process.kill()
        process.communicate()
        kills += 1
        latest = latest_checkpoint(run.checkpoints)
        if latest:
            step = load_checkpoint(latest).step  # it can always be read
            assert step >= seen, "a checkpoint was lost"
            seen = step
            killed_at.add(step)
            process = tinyllm(folder, "train", "--resume", "killed", "--no-progress")
        else:
            assert not seen, "the checkpoints were lost"
            process = begin(folder, "killed")
    complete(process)
    assert kills
    whole, killed = Run(folder / "whole"), Run(folder / "killed")
    rows = without_times(read_metrics(whole.metrics))
    assert without_times(read_metrics(killed.metrics)) == rows
    assert killed.samples.read_bytes() == whole.samples.read_bytes()
    expected = whole.model().state_dict()
    for name, tensor in killed.model().state_dict().items():
        np.testing.assert_array_equal(tensor.array, expected[name].array)
    assert not list(killed.path.rglob(".partial*")), "half written files are left"
