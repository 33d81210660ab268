"""The folder of any training run: what lies where, how one is begun and found.

config.json          settings of the model, the training and the data
metrics.jsonl        what was measured, by step
checkpoints/         where to go on from
model.safetensors    the weights, once the training is complete
loss.png             the loss curve, from then too
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from tinyllm.files import PARTIAL_PREFIX, read_json
from tinyllm.nn import Module
from tinyllm.training.checkpoint import latest_checkpoint, load_tensors, weights_to_use

FORMAT = 1
RUNS = Path("runs")
AnyModule = TypeVar("AnyModule", bound=Module)


class RunFolder:
    """The folder of a training run, of a text or of a task."""

    own: ClassVar[set[str]] = {
        "config.json",
        "metrics.jsonl",
        "checkpoints",
        "model.safetensors",
        "loss.png",
    }
    parts: ClassVar[tuple[str, ...]] = ("model", "training", "data")

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path)
        self.metrics = self.path / "metrics.jsonl"
        self.picture = self.path / "loss.png"
        self.weights = self.path / "model.safetensors"
        self.checkpoints = self.path / "checkpoints"
        self.config = self.path / "config.json"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    @classmethod
    def begin(cls, out: str | os.PathLike | None, name: str, more: Collection[str] = ()) -> Self:
        """Make the folder `out`, by default runs/NAME-001 or the next number that is free.

        A folder in which a run was killed before its first checkpoint is used again.

        Args:    more: names of further files and folders that such a run may have left.
        Raises:  ValueError if a run is there to go on with, or anything that is no run.
        """
        if out is None:
            return cls(_next_folder(RUNS, name))
        run = cls(out)
        if run.path.exists() and not run.path.is_dir():
            raise ValueError(
                f"--out {run.path} is a file: choose another name for the run's folder"
            )
        run.path.mkdir(parents=True, exist_ok=True)
        if run.weights.exists() or latest_checkpoint(run.checkpoints):
            what = "a finished run" if run.weights.exists() else "a run that was stopped"
            raise ValueError(
                f"{run.path} holds {what}: go on with it by --resume {run.path}, or choose another "
                "folder with --out"
            )
        names = {path.name for path in run.path.iterdir()}
        left = {name for name in names - cls.own - {*more} if not name.startswith(PARTIAL_PREFIX)}
        if left:
            raise ValueError(
                f"--out {run.path} holds other things, such as {sorted(left)[0]!r}: choose a "
                "new folder, so that nothing gets mixed up"
            )
        for name in names:  # left by a run that was killed early
            path = run.path / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return run

    @classmethod
    def open(cls, path: str | os.PathLike) -> Self:
        """A folder in which a run was begun.

        Raises:  FileNotFoundError if there is none.
        """
        run = cls(path)
        if not run.config.is_file():
            raise FileNotFoundError(
                f"{run.path} is no run's folder: it has no config.json. {_known_runs()}"
            )
        return run

    @classmethod
    def newest_of(cls, task: str | None, root: str | os.PathLike) -> Self | None:
        """The run of a task, or of none, whose weights were written last; None if there is none."""
        found = [run for run in map(cls, Path(root).glob("*")) if run.config.is_file()]
        times = {
            run: path.stat().st_mtime
            for run in found
            if (path := run.newest_weights()) and run.task == task
        }
        return max(times, key=times.get, default=None)

    @property
    def task(self) -> str | None:
        """The task, as "translation"; None of a run that learns to continue a text."""
        try:
            task = read_json(self.config).get("task")
        except (OSError, ValueError):
            return None  # whoever opens it is told what is wrong
        return task if isinstance(task, str) else None

    def settings(self) -> dict[str, Any]:
        """config.json, with "model", "training" and "data", and of a task, "task".

        Raises:  ValueError if it is damaged, or of another format.
        """
        settings = read_json(self.config)
        if settings.get("format") != FORMAT or not all(
            isinstance(settings.get(part), dict) for part in self.parts
        ):
            raise ValueError(
                f"{self.config}: not the settings of a tinyllm run of format {FORMAT}, with "
                f"{', '.join(self.parts)}: was it edited?"
            )
        return settings

    def newest_weights(self) -> Path | None:
        """The final weights, or those of the last checkpoint, or None."""
        if self.weights.is_file():
            return self.weights
        checkpoint = latest_checkpoint(self.checkpoints)
        return weights_to_use(checkpoint) if checkpoint else None

    def load_weights(self, model: AnyModule) -> AnyModule:
        """Put the newest weights into a model, and return it.

        Raises:  FileNotFoundError if there are none yet; ValueError if the file is damaged or does
                 not fit the model.
        """
        weights = self.newest_weights()
        if weights is None:
            raise FileNotFoundError(
                f"{self.path} has no weights yet: its training has not reached a checkpoint. "
                f"{self.how_to_train()}"
            )
        try:
            model.load_state_dict(load_tensors(weights))
        except RuntimeError as error:
            raise ValueError(f"{weights} does not fit {self.config}: {first_of(error)}") from None
        return model

    def how_to_train(self) -> str:
        """What to do for weights."""
        return "Train it first"


def _next_folder(root: Path, name: str) -> Path:
    name = "".join(c if c.isalnum() or c in "-_" else "-" for c in name).strip("-") or "run"
    numbers = [path.name.rpartition("-")[2] for path in root.glob(f"{name}-*")]
    number = 1 + max((int(n) for n in numbers if n.isdecimal()), default=0)
    while True:
        path = root / f"{name}-{number:03d}"
        try:
            path.mkdir(parents=True)
            return path
        except FileExistsError:  # another run took the number just now
            number += 1


def first_of(error: Exception) -> str:
    """The first of the many things that `load_state_dict` found wrong."""
    lines = [line.strip() for line in str(error).splitlines()]
    if len(lines) < 2:
        return f"{type(error).__name__}: {error}"
    return lines[1].rstrip(".") + (f"; and {len(lines) - 2} more" if len(lines) > 2 else "")


def _known_runs() -> str:
    names = sorted(str(path.parent) for path in RUNS.glob("*/config.json"))
    return f"There are: {', '.join(names[-5:])}" if names else f"{RUNS}/ has none yet: train one"
