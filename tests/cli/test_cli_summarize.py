"""`tinyllm summarize`, from training to a summary."""

import json

import pytest
from typer.testing import CliRunner

from tinyllm.cli import app


def run(*arguments, text=None):
    return CliRunner().invoke(app, ["summarize", *map(str, arguments)], input=text)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("summaries") / "run"
    path = folder.parent / "pairs.jsonl"
    rows = [{"text": f"Tom saw {n} cats. He left.", "summary": f"{n} cats."} for n in range(40)]
    path.write_text("\n".join(map(json.dumps, rows)))
    settings = ["--max-steps", 3, "--batch-size", 4, "--warmup-steps", 1]
    done = run("--train", "--data", path, "--out", folder, "--no-progress", *settings)
    assert done.exit_code == 0, done.output
    return folder


def test_writes_scores_and_a_summary(trained):
    scores = json.loads((trained / "scores.json").read_text())
    assert {*scores["rouge"]} == {"rouge1", "rouge2", "rougeL"}
    one = run("Tom saw 3 cats.", "--run", trained)
    piped = run("--run", trained, text="Tom saw\n3 cats.\n")
    assert one.exit_code == piped.exit_code == 0
    assert one.stdout == piped.stdout
    strange = run("Tom saw 3 zebras.", "--run", trained)
    assert "not a word of the training: zebras\n" in strange.stderr
    assert "not a word" not in one.stderr


def test_a_text_that_is_too_long(trained):
    result = run("Tom saw cats. " * 200, "--run", trained)
    assert result.exit_code == 1
    assert "and the model reads 192 at most" in str(result.exception)


def test_pairs_that_are_too_long_are_said(tmp_path):
    path = tmp_path / "pairs.jsonl"
    rows = [{"text": "Tom saw a cat.", "summary": "A cat."}] * 40
    rows += [{"text": "Tom saw a cat. " * n, "summary": "Cats."} for n in range(100, 110)]
    path.write_text("\n".join(map(json.dumps, rows)))
    few = ["--max-steps", 1, "--batch-size", 4, "--warmup-steps", 0, "--longest", 40]
    done = run("--train", "--data", path, "--out", tmp_path / "run", *few)
    assert done.exit_code == 0, done.output
    assert "pairs were left out of the training: more than 40 tokens" in done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--run", "RUN", ""], "there is nothing to summarise: the text is empty"),
        (["a", "--data", "tinyworld"], "--data is for training: give --train too"),
        (["a", "--longest", "9"], "--longest is for training"),
        (["a", "--max-steps", "3"], "--max-steps is for training"),
        (["a", "--train"], "--train takes no text"),
        (["--train", "--target", "x"], "tinyworld has its own summaries"),
    ],
)
def test_what_does_not_go_together(trained, arguments, message):
    result = run(*[str(trained) if a == "RUN" else a for a in arguments])
    assert result.exit_code == 1
    assert message in str(result.exception)
