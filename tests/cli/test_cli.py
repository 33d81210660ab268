import signal

import pytest
from cli_runs import wait_for
from typer.testing import CliRunner

import tinyllm as package
from tinyllm.cli import app
from tinyllm.training import read_metrics

END = ("--max-steps", "4", "--checkpoint-every", "2")


def test_trains_continues_and_tells(train, tinyllm, tmp_path):
    done = train(*END)
    assert done.returncode == 0, done.stderr
    for word in ("nats per token", "perplexity", "bits per byte", "tokens/s", "4 steps in"):
        assert word in done.stdout
    assert "next: tinyllm generate --run runs/book-001" in done.stdout

    one, two, other = (
        tinyllm("generate", "--prompt", "def ", "--max-new-tokens", "30", "--seed", seed)
        for seed in (1, 1, 2)
    )
    assert one.returncode == 0, one.stderr
    assert one.stdout.startswith("def ")
    assert len(one.stdout) > 10
    assert one.stdout == two.stdout != other.stdout

    info = tinyllm("info", "runs/book-001")
    assert info.returncode == 0, info.stderr
    assert "blocks.0.mlp.up.weight" in info.stdout
    assert "FLOPs/token" in info.stdout
    assert "trained on book.txt, 4 of 4 steps; validation loss" in info.stdout

    refused = train(*END, "--out", "runs/book-001")
    assert refused.returncode == 1
    assert refused.stderr.startswith(
        "tinyllm: runs/book-001 holds a finished run: go on with it by"
    )
    assert len(refused.stderr.splitlines()) == 1

    further = tinyllm("train", "--resume", "runs/book-001", "--max-steps", "6", "--no-progress")
    assert further.returncode == 0, further.stderr
    assert further.stdout == ""
    rows = read_metrics(tmp_path / "runs" / "book-001" / "metrics.jsonl")
    assert [row["step"] for row in rows] == [0, 1, 2, 3, 4, 4, 5, 6, 6][: len(rows)] or [
        row["step"] for row in rows
    ] == [0, 1, 2, 3, 4, 5, 6, 6]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_saves_and_says_how_to_go_on(train, tinyllm, stop, tmp_path, number, code):
    process = train("--max-steps", "100000", "--out", "run", wait=False)
    metrics = tmp_path / "run" / "metrics.jsonl"
    wait_for(lambda: metrics.exists() and metrics.stat().st_size > 500, process)
    returncode, _, err = stop(process, number)
    assert returncode == code, err
    assert "all is saved; to go on: tinyllm train --resume run" in err
    assert "Traceback" not in err
    steps = int(err.split("stopped at step ")[1].split(" of ")[0])
    assert (tmp_path / "run" / "checkpoints" / f"step-{steps:06d}").is_dir()
    assert read_metrics(metrics)[-1]["step"] == steps
    again = tinyllm("train", "--resume", "run", "--max-steps", steps + 2)
    assert again.returncode == 0, again.stderr
    assert f"from step {steps:,}" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--data", "missing.txt"], r"load_text: missing.txt: no such file or folder"),
        (["train", "--preset", "huge"], r"preset 'huge' is not known; there are: quick, char"),
        (["train", "--data", "book.txt", "--tokenizer", "x"], r"tokenizer 'x' is not known"),
        (["train", "--data", "book.txt", "--max-steps", "0"], r"max_steps = 0 is not 1 or more"),
        (["train", "--data", "book.txt", "--width", "10"], r"width 10 must be a multiple of heads"),
        (
            ["train", "--data", "book.txt", "--context-length", "9999"],
            r"too few for context_length",
        ),
        (["train", "--resume", "nowhere"], r"nowhere is no run's folder"),
        (["train", "--resume", "x", "--layers", "3", "--seed", "1"], r"--layers, --seed cannot "),
        (["generate"], r"no trained model in runs/: train one with `tinyllm train`"),
        (["generate", "--run", "nowhere"], r"nowhere is no run's folder"),
        (["generate", "--prompt", ""], r"--prompt is empty"),
        (["info", "nowhere"], r"nowhere is no run's folder"),
    ],
)
def test_users_errors_are_one_sentence(arguments, message, text, monkeypatch, capsys):
    import re
    import sys

    from tinyllm.cli import main

    monkeypatch.chdir(text.parent)
    monkeypatch.setattr(sys, "argv", ["tinyllm", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 1
    error = capsys.readouterr().err
    assert error.startswith("tinyllm: ")
    assert re.search(message, error)
    assert len(error.splitlines()) == 1


def test_debug_shows_the_traceback(tinyllm):
    assert "Traceback" in tinyllm("--debug", "info", "nowhere").stderr
    assert "Traceback" in tinyllm("info", "nowhere", TINYLLM_DEBUG="1").stderr
    assert "Traceback" not in tinyllm("info", "nowhere").stderr


@pytest.mark.parametrize("option", ["--temperature -1", "--top-k 0", "--top-p 2", "--run run"])
def test_bad_sampling(option, train, tinyllm):
    train("--max-steps", "1", "--out", "run")
    done = tinyllm("generate", "--run", "run", *option.split(), "--max-new-tokens", "3")
    if option.startswith("--run"):
        assert done.returncode == 0
    else:
        assert done.returncode == 1
        assert done.stderr.startswith("tinyllm: generate: ")


def test_help_and_version():
    runner = CliRunner(env={"COLUMNS": "120", "TERM": "dumb"})
    top = runner.invoke(app, ["--help"])
    assert top.exit_code == 0
    assert all(command in top.output for command in ("train", "generate", "info"))
    version = runner.invoke(app, ["--version"])
    assert version.output.strip() == f"tinyllm {package.__version__}"
    assert runner.invoke(app, ["train", "--nonsense"]).exit_code == 2


def test_help_names_every_setting():
    import dataclasses

    from tinyllm.cli.settings import MODEL_SETTINGS
    from tinyllm.models import DecoderConfig
    from tinyllm.training import TrainConfig

    output = CliRunner(env={"COLUMNS": "140", "TERM": "dumb"}).invoke(app, ["train", "-h"]).output
    for field in dataclasses.fields(TrainConfig):
        assert "--" + field.name.replace("_", "-") in output
    fixed = {"vocab_size", "norm_eps", "rope_base"}  # the tokenizer's; and of no interest
    assert set(MODEL_SETTINGS) == {f.name for f in dataclasses.fields(DecoderConfig)} - fixed
    assert "(default: stdlib)" in output


def test_commands_do_not_import_what_they_do_not_need(tinyllm):
    import subprocess
    import sys

    code = "import sys, tinyllm.cli; print([m for m in ('matplotlib', 'IPython', 'torch') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
