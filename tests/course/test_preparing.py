"""Full models for the lessons: trained once, gone on with after a stop, opened where they are."""

import subprocess
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from tinyllm.cli import app
from tinyllm.course import prepared, preparing
from tinyllm.tasks.summarizer import Summarizer

TINY = [
    "--size", "mini", "--stories", "60", "--max-steps", "2", "--batch-size", "4",
    "--eval-every", "2", "--warmup-steps", "1",
]  # fmt: skip


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYLLM_COURSE", str(tmp_path / "course.json"))
    return tmp_path / preparing.FOLDER


@pytest.fixture
def commands(monkeypatch):
    """What would be run, and with which exit code it ends."""
    ran, ends = [], []

    def run(command, check):
        ran.append(command[3:])
        return SimpleNamespace(returncode=ends.pop(0) if ends else 0)

    monkeypatch.setattr(subprocess, "run", run)
    return SimpleNamespace(ran=ran, ends=ends)


def test_a_model_is_trained_once_and_opened(kept):
    assert prepared("summarization") is None
    assert preparing.prepare(["summarization"], TINY) == 0
    model = prepared("summarization")
    assert isinstance(model, Summarizer)
    assert model.write("Tom saw a cat.", num_beams=1) is not None
    written = (kept / "summarization" / "model.safetensors").stat().st_mtime_ns
    assert preparing.prepare(["summarization"], TINY) == 0
    assert (kept / "summarization" / "model.safetensors").stat().st_mtime_ns == written


def test_all_of_them_where_none_is_named(kept, commands):
    assert preparing.prepare() == 0
    assert [command[0] for command in commands.ran] == ["train", "translate", "summarize", "chat"]
    for name, command in zip(preparing.PREPARATIONS, commands.ran, strict=True):
        assert command[-2:] == ["--out", str(kept / name)]
        assert preparing.is_prepared(name)


def test_what_was_stopped_is_not_taken_for_done_and_goes_on(kept, commands):
    commands.ends += [130]
    done = CliRunner().invoke(app, ["course", "prepare"])
    assert done.exit_code == 130
    assert "to go on: tinyllm course prepare" in done.output
    assert len(commands.ran) == 1
    assert prepared("stories") is None
    (kept / "stories").mkdir()
    (kept / "stories" / "config.json").write_text("{}")
    assert CliRunner().invoke(app, ["course", "prepare"]).exit_code == 0
    assert commands.ran[1] == ["train", "--resume", str(kept / "stories")]
    assert len(commands.ran) == 1 + len(preparing.PREPARATIONS)
    again = CliRunner().invoke(app, ["course", "prepare", "dialogue"])
    assert "dialogue: is there" in again.output


def test_names(kept):
    with pytest.raises(ValueError, match="prepared: 'poems' is none of stories, translation"):
        prepared("poems")
    asked = CliRunner().invoke(app, ["course", "prepare", "poems"])
    assert "none of stories" in str(asked.exception or asked.output)
    assert {each.lesson for each in preparing.PREPARATIONS.values()} >= {"13", "14", "15", "16"}
