import dataclasses
import re
import signal
import subprocess
import sys

import pytest
from cli_runs import OPTIONS, wait_for
from typer.testing import CliRunner

import tinyllm as package
from tinyllm.cli import app
from tinyllm.cli.settings import MODEL_SETTINGS
from tinyllm.models import DecoderConfig
from tinyllm.training import TrainConfig, read_metrics

END = ("--max-steps", "4", "--checkpoint-every", "2")


def test_trains_continues_and_tells(train, tinyllm, tmp_path):
    done = train(*END)
    assert done.code == 0, done.err
    for word in ("nats per token", "perplexity", "bits per byte", "tokens/s", "4 steps in"):
        assert word in done.out
    assert "next: tinyllm generate --run runs/book-001" in done.out

    one, two, other = (
        tinyllm("generate", "--prompt", "def ", "--max-new-tokens", "30", "--seed", seed)
        for seed in (1, 1, 2)
    )
    assert one.code == 0, one.err
    assert one.out.startswith("def ")
    assert len(one.out) > 10
    assert one.out == two.out != other.out

    info = tinyllm("info", "runs/book-001")
    assert info.code == 0, info.err
    assert "blocks.0.mlp.up.weight" in info.out
    assert "FLOPs/token" in info.out
    assert "trained on book.txt, 4 of 4 steps; validation loss" in info.out

    refused = train(*END, "--out", "runs/book-001")
    assert refused.code == 1
    assert refused.err.startswith("tinyllm: runs/book-001 holds a finished run: go on with it by")
    assert len(refused.err.splitlines()) == 1

    further = tinyllm("train", "--resume", "runs/book-001", "--max-steps", "6", "--no-progress")
    assert further == (0, "", "")
    rows = read_metrics(tmp_path / "runs" / "book-001" / "metrics.jsonl")
    assert [row["step"] for row in rows] == [0, 1, 2, 3, 4, 5, 6, 6]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_and_says_how_to_go_on(start, tinyllm, tmp_path, number, code):
    options = (*OPTIONS.split(), "--max-steps", "100000", "--out", "run")
    process = start("train", "--data", "book.txt", *options)
    metrics = tmp_path / "run" / "metrics.jsonl"
    wait_for(lambda: metrics.exists() and metrics.stat().st_size > 500, process)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert "all is saved; to go on: tinyllm train --resume run" in err
    assert "Traceback" not in err
    steps = int(err.split("stopped at step ")[1].split(" of ")[0])
    assert (tmp_path / "run" / "checkpoints" / f"step-{steps:06d}").is_dir()
    assert read_metrics(metrics)[-1]["step"] == steps
    again = tinyllm("train", "--resume", "run", "--max-steps", steps + 2)
    assert again.code == 0, again.err
    assert f"from step {steps:,}" in again.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--data", "missing.txt"], r"load_text: missing.txt: no such file or folder"),
        (["train", "--preset", "huge"], r"preset 'huge' is not known; there are: quick, char"),
        (["train", "--data", "book.txt", "--tokenizer", "x"], r"tokenizer 'x' is not known"),
        (["train", "--data", "book.txt", "--tokenizer", "wordpiece"], r"gives no text back as it"),
        (["train", "--data", "book.txt", "--max-steps", "0"], r"max_steps = 0 is not 1 or more"),
        (["train", "--data", "book.txt", "--width", "10"], r"width 10 must be a multiple of heads"),
        (["train", "--data", "book.txt", "--context-length", "9999"], r"too few for context_le"),
        (["train", "--resume", "nowhere"], r"nowhere is no run's folder"),
        (["train", "--resume", "x", "--layers", "3", "--seed", "1"], r"--layers, --seed cannot "),
        (["generate"], r"no trained model in runs/: train one with `tinyllm train`"),
        (["generate", "--run", "nowhere"], r"nowhere is no run's folder"),
        (["generate", "--prompt", ""], r"--prompt is empty"),
        (["info", "nowhere"], r"nowhere is no run's folder"),
    ],
)
def test_users_errors_are_one_sentence(arguments, message, tinyllm):
    done = tinyllm(*arguments)
    assert done.code == 1
    assert done.err.startswith("tinyllm: ")
    assert re.search(message, done.err)
    assert len(done.err.splitlines()) == 1


def test_bad_sampling(train, tinyllm):
    train("--max-steps", "1")
    for option, message in (
        ("--temperature -1", "temperature = -1.0 is not in"),
        ("--top-k 0", "top_k = 0 is not"),
        ("--top-p 2", "top_p = 2.0 is not"),
        ("--max-new-tokens -5", "max_new_tokens = -5 is not"),
        ("--threads 0", "n must be at least 1"),
    ):
        done = tinyllm("generate", *option.split())
        assert done.code == 1
        assert message in done.err
        assert len(done.err.splitlines()) == 1
    assert tinyllm("generate", "--top-k", "3", "--top-p", "0.5", "--max-new-tokens", "3").code == 0


def test_debug_shows_the_traceback(start):
    for arguments, variables in ((["--debug"], {}), ([], {"TINYLLM_DEBUG": "1"})):
        _, err = start(*arguments, "info", "nowhere", **variables).communicate(timeout=60)
        assert "Traceback" in err


def test_writes_valid_utf8_to_any_terminal(train, start):
    train("--max-steps", "1")  # a model that has learned nothing writes any bytes
    for encoding in ("utf-8", "ascii"):
        options = ("generate", "--max-new-tokens", "300", "--prompt", "naïve")
        process = start(*options, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert out.startswith("naïve" if encoding == "utf-8" else "na?ve")


def test_help_and_version():
    runner = CliRunner(env={"COLUMNS": "120", "TERM": "dumb"})
    top = runner.invoke(app, ["--help"])
    assert top.exit_code == 0
    assert all(command in top.output for command in ("train", "generate", "info"))
    version = runner.invoke(app, ["--version"])
    assert version.output.strip() == f"tinyllm {package.__version__}"
    assert runner.invoke(app, ["train", "--nonsense"]).exit_code == 2


def test_help_names_every_setting():
    output = CliRunner(env={"COLUMNS": "140", "TERM": "dumb"}).invoke(app, ["train", "-h"]).output
    for field in dataclasses.fields(TrainConfig):
        assert "--" + field.name.replace("_", "-") in output
    # the tokenizer's; of no interest; for texts with such a token
    fixed = {"vocab_size", "norm_eps", "rope_base", "prefix_end"}
    assert set(MODEL_SETTINGS) == {f.name for f in dataclasses.fields(DecoderConfig)} - fixed
    assert "(default:" in output  # in [], rich would take it for a colour and drop it


def test_python_m_tinyllm_and_what_it_does_not_import():
    command = [sys.executable, "-m", "tinyllm", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"tinyllm {package.__version__}"
    code = (
        "import sys, tinyllm.cli\n"
        "print([m for m in ('matplotlib', 'IPython', 'torch') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("missing", ["jupytext", "nbclient"])
def test_notebooks_without_jupyter_say_what_to_install(tinyllm, tmp_path, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)  # as if it were not installed
    done = tinyllm("course", "build", "--check", "--folder", tmp_path)
    assert done.code == 1
    assert done.err == (
        f'tinyllm: course build: {missing} is not here: pip install "tinyllm[notebooks]"\n'
    )
