"""A run's folder: what lies where, how one is begun, found and loaded.

config.json          settings of the model, the training and the data
tokenizer.json       from text to token ids and back
train.tokens         the text as token ids, and
validation.tokens    its last part, on which the model is measured
metrics.jsonl        what was measured, by step
samples.txt          what the model wrote, by step
checkpoints/         where to go on from
model.safetensors    the weights, once the training is complete
loss.png             the loss curve, from then too
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from tinyllm.data import Corpus, TokenFile
from tinyllm.files import PARTIAL_PREFIX, read_json, write_json
from tinyllm.models import Decoder, DecoderConfig
from tinyllm.text import Tokenizer, load_tokenizer
from tinyllm.training.checkpoint import latest_checkpoint, load_tensors, step_of
from tinyllm.training.config import TrainConfig
from tinyllm.training.metrics_log import read_metrics

FORMAT = 1
RUNS = Path("runs")
_OWN = {
    "config.json",
    "tokenizer.json",
    "train.tokens",
    "validation.tokens",
    "metrics.jsonl",
    "samples.txt",
    "checkpoints",
    "model.safetensors",
    "loss.png",
}


class Run:
    """The folder of a training run."""

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path)
        self.metrics = self.path / "metrics.jsonl"
        self.samples = self.path / "samples.txt"
        self.picture = self.path / "loss.png"
        self.weights = self.path / "model.safetensors"
        self.checkpoints = self.path / "checkpoints"
        self.config = self.path / "config.json"

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @classmethod
    def begin(cls, out: str | os.PathLike | None, name: str) -> Run:
        """Make the folder `out`, by default runs/NAME-001 or the next number that is free.

        A folder in which a run was killed before its first checkpoint is used again.

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
        strange = {name for name in names - _OWN if not name.startswith(PARTIAL_PREFIX)}
        if strange:
            raise ValueError(
                f"--out {run.path} holds other things, such as {sorted(strange)[0]!r}: choose a "
                "new folder, so that nothing gets mixed up"
            )
        for name in names:  # left by a run that was killed early
            path = run.path / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return run

    @classmethod
    def open(cls, path: str | os.PathLike) -> Run:
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
    def newest(cls, root: str | os.PathLike = RUNS) -> Run:
        """The run in `root` whose weights were written last."""
        found = [run for run in map(cls, Path(root).glob("*")) if run.config.is_file()]
        times = {run: path.stat().st_mtime for run in found if (path := run.newest_weights())}
        if not times:
            raise FileNotFoundError(
                f"no trained model in {Path(root)}/: train one with `tinyllm train`, or name a "
                "run's folder with --run"
            )
        return max(times, key=times.get)

    def newest_weights(self) -> Path | None:
        """The final weights, or those of the last checkpoint, or None."""
        if self.weights.is_file():
            return self.weights
        checkpoint = latest_checkpoint(self.checkpoints)
        return checkpoint / "model.safetensors" if checkpoint else None

    # Settings

    def save_settings(
        self, model: dict[str, Any], training: TrainConfig, data: dict[str, Any]
    ) -> None:
        """Write config.json."""
        settings = {"format": FORMAT, "model": model, "training": training.to_dict(), "data": data}
        write_json(self.config, settings)

    def settings(self) -> dict[str, Any]:
        """config.json, with "model", "training" and "data".

        Raises:  ValueError if it is damaged, or of another format.
        """
        settings = read_json(self.config)
        parts = ("model", "training", "data")
        if settings.get("format") != FORMAT or not all(
            isinstance(settings.get(part), dict) for part in parts
        ):
            raise ValueError(
                f"{self.config}: not the settings of a tinyllm run of format {FORMAT}, with "
                f"{', '.join(parts)}: was it edited?"
            )
        return settings

    def training_config(self) -> TrainConfig:
        """The settings of the training."""
        try:
            return TrainConfig.from_dict(self.settings()["training"])
        except (TypeError, ValueError) as error:
            raise ValueError(f"{self.config}: {error}") from None

    def model_config(self) -> DecoderConfig:
        """The settings of the model."""
        try:
            return DecoderConfig.from_dict(self.settings()["model"])
        except (TypeError, ValueError) as error:
            raise ValueError(f"{self.config}: {error}") from None

    # Tokens

    def save_tokens(self, corpus: Corpus, tokenizer: Tokenizer) -> None:
        """Encode both parts of a text."""
        tokenizer.save(self.path)
        for part in ("train", "validation"):
            tokens = tokenizer.encode_to_array(getattr(corpus, part))
            TokenFile.write(self.path / f"{part}.tokens", tokens, tokenizer.fingerprint())

    def tokens(self, part: str, tokenizer: Tokenizer) -> TokenFile:
        """The token ids of "train" or "validation"."""
        return TokenFile.open(self.path / f"{part}.tokens", tokenizer.fingerprint())

    # Models

    def tokenizer(self) -> Tokenizer:
        """The tokenizer of the run."""
        return load_tokenizer(self.path)

    def model(self) -> Decoder:
        """The model with its newest weights.

        Raises:  FileNotFoundError if there are none yet; ValueError if files are damaged or do not
                 fit each other.
        """
        weights = self.newest_weights()
        if weights is None:
            raise FileNotFoundError(
                f"{self.path} has no weights yet: its training has not reached a checkpoint. "
                f"Start it again with `tinyllm train --resume {self.path}`"
            )
        model = Decoder(self.model_config())
        try:
            model.load_state_dict(load_tensors(weights))
        except RuntimeError as error:
            raise ValueError(f"{weights} does not fit {self.config}: {first_of(error)}") from None
        return model

    def history(self) -> str:
        """How far the training has come, in a line."""
        checkpoint = latest_checkpoint(self.checkpoints)
        steps = step_of(checkpoint) if checkpoint else 0
        data = self.settings()["data"].get("name")
        line = f"trained on {data}, {steps:,} of {self.training_config().max_steps:,} steps"
        rows = read_metrics(self.metrics) if self.metrics.is_file() else []
        measured = [row for row in rows if isinstance(row.get("val_loss"), float)]
        if not measured:
            return line
        step, loss = measured[-1]["step"], measured[-1]["val_loss"]
        return f"{line}; validation loss {loss:.4f} nats per token at step {step:,}"


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
    return f"There are: {', '.join(names[-5:])}" if names else "Train one with `tinyllm train`"
