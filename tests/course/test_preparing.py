"""Full models for the lessons: trained once, gone on with after a stop, opened where they are."""

import os
import signal
import subprocess
import sys
import time
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
def commands(tmp_path, monkeypatch):
    """What would be run, and with which exit code it ends."""
    ran, ends = [], []

    def prepare(name, more=()):
        ran.append(preparing._command(name, preparing.folder_of(name), more)[3:])
        code = ends.pop(0) if ends else 0
        if code == 0:
            (tmp_path / preparing.FOLDER).mkdir(exist_ok=True)
            preparing._mark(name).touch()
        return code

    monkeypatch.setattr(preparing, "prepare", prepare)
    return SimpleNamespace(ran=ran, ends=ends)


def test_a_model_is_trained_once_and_opened(kept):
    assert prepared("summarization") is None
    assert preparing.prepare("summarization", TINY) == 0
    model = prepared("summarization")
    assert isinstance(model, Summarizer)
    assert model.write("Tom saw a cat.", num_beams=1) is not None
    asked = CliRunner().invoke(app, ["course", "prepare", "summarization"])
    assert f"summarization: is there, {kept / 'summarization'}" in asked.output


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C as a signal to a group")
def test_ctrl_c_lets_the_training_save(kept):
    """A terminal sends it to both processes; the one that waits must not kill the other."""
    lasting = [*TINY, "--max-steps", "100000", "--eval-every", "100000"]
    code = (
        "import sys; from tinyllm.course import preparing; "
        f"sys.exit(preparing.prepare('summarization', {lasting!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    log, deadline = kept / "summarization" / "metrics.jsonl", time.monotonic() + 120
    while not (log.is_file() and log.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) == 128 + signal.SIGINT
    assert list((kept / "summarization" / "checkpoints").iterdir())
    assert not preparing.is_prepared("summarization")


def test_all_of_them_where_none_is_named(kept, commands):
    assert CliRunner().invoke(app, ["course", "prepare"]).exit_code == 0
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
    (kept / "stories").mkdir(parents=True)
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
