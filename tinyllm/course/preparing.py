"""Full models for the lessons that speak of trained ones, trained once and then kept.

A lesson trains a small model within its seconds; where `tinyllm course prepare` has been, it shows
what the full one does:

    full = prepared("translation")
    if full is not None:
        print(full.write("Tom saw a cat."))

Each is what a command of the package trains, in a folder beside the learner's progress.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinyllm.course.progress import default_path

FOLDER = "course-models"


@dataclass(frozen=True)
class Preparation:
    """One model: who uses it, how it is trained, how long that takes, how it is opened."""

    lesson: str
    command: tuple[str, ...]
    """What stands behind `tinyllm`; the folder is added."""
    minutes: int
    """On two cores."""
    open: Callable[[Path], Any]


def _stories(folder: Path) -> Any:
    from tinyllm.training.run import Run

    return Run.open(folder)


def _translation(folder: Path) -> Any:
    from tinyllm.tasks.translator import Translator

    return Translator.open(folder)


def _summarization(folder: Path) -> Any:
    from tinyllm.tasks.summarizer import Summarizer

    return Summarizer.open(folder)


def _dialogue(folder: Path) -> Any:
    from tinyllm.tasks.chatbot import Chatbot

    return Chatbot.open(folder)


PREPARATIONS = {
    "stories": Preparation(
        "13", ("train", "--data", "tinyworld", "--preset", "small"), 6, _stories
    ),
    "translation": Preparation("14", ("translate", "--train"), 8, _translation),
    "summarization": Preparation("15", ("summarize", "--train"), 8, _summarization),
    "dialogue": Preparation("16", ("chat", "--train"), 12, _dialogue),
}


def folder_of(name: str) -> Path:
    """Where that model lies, trained or not.

    Raises:  ValueError for another name.
    """
    if name not in PREPARATIONS:
        raise ValueError(f"prepared: {name!r} is none of {', '.join(PREPARATIONS)}")
    return default_path().parent / FOLDER / name


def is_prepared(name: str) -> bool:
    """Whether that model was trained to the end."""
    return _mark(name).is_file()


def prepared(name: str) -> Any | None:
    """Open a full model, or give None where it was not trained.

    Args:    name: "stories" (a `training.run.Run`), "translation" (a `Translator`), "summarization"
             (a `Summarizer`) or "dialogue" (a `Chatbot`).
    Raises:  ValueError for another name, or if its files are damaged.
    """
    return PREPARATIONS[name].open(folder_of(name)) if is_prepared(name) else None


def prepare(name: str, more: Sequence[str] = ()) -> int:
    """Train a full model, or go on with a training that was stopped.

    Args:    more: further options for the command.
    Returns: 0, or the exit code of the command, which failed or was stopped.
    """
    folder = folder_of(name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen(_command(name, folder, more)) as process:
        while process.poll() is None:
            try:
                process.wait()
            except KeyboardInterrupt:  # the command got it too, and saves: let it
                continue
    if process.returncode == 0:
        _mark(name).touch()
    return process.returncode


def _mark(name: str) -> Path:
    """The file that says: trained to the end."""
    return folder_of(name).with_suffix(".done")


def _command(name: str, folder: Path, more: Sequence[str]) -> list[str]:
    words = PREPARATIONS[name].command
    options = [*words[1:], "--out", os.fspath(folder), *more]
    if words[0] == "train" and (folder / "config.json").is_file():
        options = ["--resume", os.fspath(folder)]  # the others go on with what lies in --out
    return [sys.executable, "-m", "tinyllm", words[0], *options]
