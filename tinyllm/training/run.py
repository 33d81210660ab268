"""The run of a language model: what lies in its folder beside what any run has.

tokenizer.json       from text to token ids and back
train.tokens         the text as token ids, and
validation.tokens    its last part, on which the model is measured
samples.txt          what the model wrote, by step
"""

from __future__ import annotations

import os
from typing import Any, ClassVar, Self

from tinyllm.data import Corpus, TokenFile
from tinyllm.files import write_json
from tinyllm.models import Decoder, DecoderConfig
from tinyllm.text import Tokenizer, load_tokenizer
from tinyllm.training.checkpoint import latest_checkpoint, step_of
from tinyllm.training.config import TrainConfig
from tinyllm.training.folder import FORMAT, RUNS, RunFolder
from tinyllm.training.metrics_log import read_metrics


class Run(RunFolder):
    """The folder of a run that learns to continue a text."""

    own: ClassVar[set[str]] = RunFolder.own | {
        "tokenizer.json",
        "train.tokens",
        "validation.tokens",
        "samples.txt",
    }

    def __init__(self, path: str | os.PathLike) -> None:
        super().__init__(path)
        self.samples = self.path / "samples.txt"

    @classmethod
    def newest(cls, root: str | os.PathLike = RUNS) -> Self:
        """The run in `root` whose weights were written last."""
        run = cls.newest_of(None, root)
        if run is None:
            raise FileNotFoundError(
                f"no trained model in {os.fspath(root)}/: train one with `tinyllm train`, or name "
                "a run's folder with --run"
            )
        return run

    # Settings

    def save_settings(
        self, model: dict[str, Any], training: TrainConfig, data: dict[str, Any]
    ) -> None:
        """Write config.json."""
        settings = {"format": FORMAT, "model": model, "training": training.to_dict(), "data": data}
        write_json(self.config, settings)

    def settings(self) -> dict[str, Any]:
        """config.json, with "model", "training" and "data".

        Raises:  ValueError if it is damaged, of another format, or of a run of a task.
        """
        settings = super().settings()
        if "task" in settings:
            raise ValueError(
                f"{self.path} holds a model for {settings['task']}, not one that continues a text: "
                "use it with the command of that task"
            )
        return settings

    def training_config(self) -> TrainConfig:
        """The settings of the training."""
        settings = self.settings()["training"]
        try:
            return TrainConfig.from_dict(settings)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{self.config}: {error}") from None

    def model_config(self) -> DecoderConfig:
        """The settings of the model."""
        settings = self.settings()["model"]
        try:
            return DecoderConfig.from_dict(settings)
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
        return self.load_weights(Decoder(self.model_config()))

    def how_to_train(self) -> str:
        """What to do for weights."""
        return f"Start it again with `tinyllm train --resume {self.path}`"

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
