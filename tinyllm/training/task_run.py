"""The run of a task, as translation: what lies in its folder beside what any run has.

config.json also has "task" and the tokenizers' fingerprints; each tokenizer has a folder of its
name, as source/ and target/.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Self

from tinyllm.files import write_json
from tinyllm.text import Tokenizer, load_tokenizer
from tinyllm.training.config import LoopConfig, TaskConfig
from tinyllm.training.folder import FORMAT, RUNS, RunFolder


class TaskRun(RunFolder):
    """The folder of a run that learns a task.

    >>> run = TaskRun.newest("translation")
    >>> model = run.load_weights(Seq2Seq(Seq2SeqConfig.from_dict(run.settings()["model"])))
    >>> source, target = run.tokenizer("source"), run.tokenizer("target")
    """

    @classmethod
    def open(cls, path: str | os.PathLike, task: str | None = None) -> Self:
        """A folder in which a run was begun; with `task`, one of that task.

        Raises:  FileNotFoundError if there is none; ValueError if it is of another task.
        """
        run = super().open(path)
        if task is not None and run.task != task:
            other = run.settings().get("task", "continuing a text")
            raise ValueError(f"{run.path} holds a model for {other}, not for {task}")
        return run

    @classmethod
    def newest(cls, task: str, root: str | os.PathLike = RUNS) -> Self:
        """The run of a task in `root` whose weights were written last.

        Raises:  FileNotFoundError if there is none.
        """
        run = cls.newest_of(task, root)
        if run is None:
            raise FileNotFoundError(
                f"no model trained for {task} in {os.fspath(root)}/: train one, or name its folder"
            )
        return run

    def training_config(self, kind: type[LoopConfig] = TaskConfig) -> LoopConfig:
        """The settings of the training, as the class that the task uses."""
        settings = self.settings()["training"]
        try:
            return kind.from_dict(settings)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{self.config}: {error}") from None

    def tokenizer(self, name: str = "tokenizer") -> Tokenizer:
        """The tokenizer of that name."""
        return load_tokenizer(self.path / name)

    # Beginning and going on

    @classmethod
    def begin_or_open(
        cls,
        path: str | os.PathLike | None,
        settings: dict[str, Any],
        tokenizers: Mapping[str, Tokenizer],
    ) -> Self:
        """Begin a run in a folder, or open the one that is there if it has the same settings.

        Args:    path: by default runs/TASK-001, or the next free number.
        Raises:  ValueError that names what differs, or if the folder holds other things.
        """
        marks = {name: tokenizer.fingerprint() for name, tokenizer in tokenizers.items()}
        settings = {"format": FORMAT, **settings, "tokenizers": marks}
        if path is not None and cls(path).config.is_file():
            run = cls(path)
            if differing := differences(run.settings(), settings):
                raise ValueError(
                    f"{run.path} was begun with other settings: {'; '.join(differing)}. Give those "
                    "to go on with it, or choose another folder"
                )
            return run
        run = cls.begin(path, settings["task"], more=tokenizers)
        for name, tokenizer in tokenizers.items():
            tokenizer.save(run.path / name)
        write_json(run.config, settings)
        return run


def differences(there: Mapping[str, Any], here: Mapping[str, Any], within: str = "") -> list[str]:
    """What two nested dictionaries of settings disagree on, in words."""
    found = []
    for name in sorted({*there, *here}):
        where = f"{within}{name}"
        one, other = there.get(name), here.get(name)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            found += differences(one, other, f"{where}.")
        elif (one != other) or (name in there) != (name in here):
            found.append(f"{where} is {_short(one)} there and {_short(other)} here")
    return found


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:16]}…"
