"""The trainer of language models: windows of a text, validation loss, samples, a report."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import numpy as np

from tinyllm import kernels, random
from tinyllm.data import Corpus, Windows, load_text
from tinyllm.models import Decoder, DecoderConfig
from tinyllm.nn import Module
from tinyllm.text import BPETokenizer, ByteTokenizer, CharTokenizer, Tokenizer
from tinyllm.training import divergence, report
from tinyllm.training.checkpoint import Checkpoint, find_checkpoint, save_tensors
from tinyllm.training.config import DEFAULT_PRESET, TrainConfig, preset
from tinyllm.training.display import Display, Progress
from tinyllm.training.evaluate import Evaluation, evaluate
from tinyllm.training.learner import Learner
from tinyllm.training.loop import Loop
from tinyllm.training.metrics_log import Row
from tinyllm.training.rehearsal import build_kernels
from tinyllm.training.run import Run
from tinyllm.training.sources import RandomWindows

BPE_VOCAB_SIZE = 1024  # for a few million parameters: more would all be in the embedding


class Trainer(Loop):
    """Trains a decoder on a text, and keeps all of it in a run's folder.

    >>> corpus, tokenizer = load_text("stdlib"), ByteTokenizer()
    >>> model = Decoder(DecoderConfig(vocab_size=tokenizer.vocab_size))
    >>> trainer = Trainer(model, corpus, tokenizer, TrainConfig(max_steps=500))
    >>> result = trainer.train()

    Args:    model: a Decoder, or a DecoderConfig, from which one is made by the config's seed.
             corpus: a text in two parts, or what `load_text` takes.
             config: how to train; see TrainConfig.
             out: the run's folder, by default runs/NAME-001 or the next free number.
             progress: True shows bars, False shows nothing, None what suits the place, a
                 viz.LiveLoss() also the loss as it falls.
    Raises:  ValueError if the text is too short, `out` holds a run, or sizes do not fit.

    It seeds tinyllm's own generator with the config's seed: the same settings on the same machine
    with the same number of threads give the same bits.
    """

    def __init__(
        self,
        model: Module | DecoderConfig,
        corpus: Corpus | str | os.PathLike,
        tokenizer: Tokenizer,
        config: TrainConfig | None = None,
        out: str | os.PathLike | None = None,
        progress: Progress = None,
    ) -> None:
        config = TrainConfig() if config is None else config
        corpus = corpus if isinstance(corpus, Corpus) else load_text(corpus)
        settings = model if isinstance(model, DecoderConfig) else model.config
        if settings.vocab_size != tokenizer.vocab_size:
            raise ValueError(
                f"Trainer: the model's vocab_size {settings.vocab_size} is not the tokenizer's "
                f"{tokenizer.vocab_size}: make the model with vocab_size=tokenizer.vocab_size"
            )
        run = Run.begin(out, corpus.name.partition(".")[0])
        run.save_tokens(corpus, tokenizer)
        data = {"name": corpus.name, "weights_given": isinstance(model, Module)}
        run.save_settings(settings.to_dict(), config, data)
        self._set_up(run, model, tokenizer, config, Display(progress))

    @classmethod
    def from_preset(
        cls,
        name: str = DEFAULT_PRESET,
        data: str | os.PathLike = "stdlib",
        out: str | os.PathLike | None = None,
        progress: Progress = None,
        model: dict[str, Any] | None = None,
        **changes: Any,
    ) -> Trainer:
        """A trainer by the settings of a preset.

        Args:    model: settings of DecoderConfig to change, such as {"layers": 2}.
                 changes: settings of TrainConfig to change, such as max_steps=500; and tokenizer,
                 "byte", "char" or "bpe".
        """
        chosen = preset(name)
        kind = changes.pop("tokenizer", None) or chosen.tokenizer
        config = dataclasses.replace(chosen.training, **changes)
        if config.threads:
            kernels.set_num_threads(config.threads)
        corpus = load_text(data)
        if kind not in ("byte", "char", "bpe"):
            reason = "is not known"
            if kind in ("word", "wordpiece"):
                reason = "gives no text back as it was, and a model learns to write here"
            raise ValueError(f"tokenizer {kind!r} {reason}; there are: byte, char, bpe")
        tokenizer: Tokenizer = ByteTokenizer()
        if kind == "char":
            tokenizer = CharTokenizer.train([corpus.train, corpus.validation])
        elif kind == "bpe":
            tokenizer = BPETokenizer.train([corpus.train], BPE_VOCAB_SIZE)
        settings = {**chosen.model, **(model or {})}
        return cls(
            DecoderConfig(vocab_size=tokenizer.vocab_size, **settings),
            corpus,
            tokenizer,
            config,
            out,
            progress,
        )

    @classmethod
    def resume(cls, run: str | os.PathLike, progress: Progress = None, **changes: Any) -> Trainer:
        """Go on with a run from its last checkpoint, to the bit as if it had not stopped.

        Args:    run: its folder, or one of its checkpoints' folders; later ones are then removed.
                 changes: settings of TrainConfig to change from here on, such as max_steps=4000.
        Raises:  FileNotFoundError if no run is there; ValueError if a file is damaged.
        """
        path, checkpoint = find_checkpoint(run)
        run = Run.open(path)
        before = run.training_config()
        config = dataclasses.replace(before, **changes)
        if config.optimizer != before.optimizer:
            raise ValueError(
                f"resume: {run.path} is trained by {before.optimizer}, which cannot change when a "
                "run goes on: leave it out, or start a new run"
            )
        if checkpoint is not None and config.max_steps < checkpoint.step:
            raise ValueError(
                f"resume: max_steps = {config.max_steps} is below the {checkpoint.step} steps that "
                f"{run.path} has done"
            )
        settings, data = run.model_config(), run.settings()["data"]
        if checkpoint is None and data.get("weights_given"):
            raise ValueError(
                f"resume: {run.path} has no checkpoint, and it began from weights that were given: "
                "start it again with them"
            )
        if changes:
            run.save_settings(settings.to_dict(), config, data)
        trainer = cls.__new__(cls)
        trainer._set_up(run, settings, run.tokenizer(), config, Display(progress), checkpoint)
        return trainer

    def _set_up(
        self,
        run: Run,
        model: Module | DecoderConfig,
        tokenizer: Tokenizer,
        config: TrainConfig,
        display: Display,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        if config.threads:
            kernels.set_num_threads(config.threads)
        random.manual_seed(config.seed)
        order = random.Generator(random.default_generator.next_seed())
        model = model if isinstance(model, Module) else Decoder(model)
        self.tokenizer = tokenizer
        T = model.config.context_length
        windows = Windows(run.tokens("train", tokenizer).tokens, T, name="the training text")
        self.train_tokens = windows.tokens
        self.validation = run.tokens("validation", tokenizer).tokens
        Windows(self.validation, T, name="the validation text", allow_short=True)
        self.prompt = _encoded_prompt(config.sample_prompt, tokenizer, windows.tokens)
        source = RandomWindows(windows, config.batch_size, order)
        self.tokens_per_step = source.tokens * config.accumulation_steps
        super().__init__(Learner(model, source, config), run, display, checkpoint)

    def estimate(self) -> Evaluation:
        """Measure quickly, on a fixed sample of the validation text."""
        return evaluate(
            self.model,
            self.validation,
            max_tokens=self.config.eval_windows * self.model.config.context_length,
        )

    def sample(self) -> str:
        """Let the model write, and keep it in samples.txt."""
        text = report.write_sample(
            self.model,
            self.tokenizer,
            self.prompt,
            self.config.sample_tokens,
            self.config.seed + self.step,
        )
        report.append_sample(self.run.samples, self.step, text)
        return text

    # What the loop asks

    def _is_to_measure(self, last: bool) -> bool:
        return self.step % self.config.eval_every == 0 and not last  # at the end, all is measured

    def _measure(self) -> dict[str, Any]:
        return {"val_loss": self.estimate().loss}

    def _after_step(self, last: bool) -> None:
        if self.step % self.config.sample_every == 0 and not last:
            with self.learner.averaged():
                self.sample()

    def _state(self) -> tuple[dict[str, Any], dict[str, dict[str, np.ndarray]]]:
        written = self.run.samples.stat().st_size if self.run.samples.exists() else 0
        return {"samples_bytes": written}, {}

    def _restore_state(self, checkpoint: Checkpoint) -> None:
        report.keep_samples(self.run.samples, int(checkpoint.state["samples_bytes"]))

    def _how_to_go_on(self) -> str:
        return report.how_to_go_on(self.run, self.step, self.config.max_steps)

    def _advice(self) -> str:
        return divergence.advice(self.config, self.run.path)

    # Beginning and end

    def _prepare(self) -> None:
        build_kernels(self.model, self.display)
        if self.step == 0:
            row = {"step": 0, **self._measured(), "seconds": 0.0}
            self._note(row)
            self._say_progress(row)

    def _finish(self) -> report.Result:
        """Measure on the whole validation text, write a last sample, the weights, the picture."""
        self._use_averaged_weights()
        total, most = len(self.validation) - 1, self.config.final_eval_tokens
        with self.display.bar("measuring", min(total, most or total), unit="token") as bar:
            evaluation = evaluate(
                self.model,
                self.validation,
                max_tokens=most,
                tokenizer=self.tokenizer,
                on_batch=bar.update,
            )
            bar.total = bar.n  # whole windows, a few tokens fewer
        result = report.Result(
            self.run,
            self.step,
            sum(parameter.numel() for parameter in self.model.parameters()),
            evaluation,
            self.learner.tokens / max(self.learner.seconds, 1e-9),
            self.seconds,
            self.config.sample_prompt,
        )
        self._note(report.final_row(result))
        self.display.say(f"\nwhat it writes now:\n\n{self.sample()}\n")
        save_tensors(self.run.weights, self.learner.weights())
        picture = report.draw_loss(self.run, self.log.rows, report.sizes(self.model))
        self.display.show_picture(picture)
        self.display.say(str(result))
        return result

    def _greeting(self) -> str:
        return report.greeting(
            self.model,
            (len(self.train_tokens), len(self.validation)),
            (self.step, self.config.max_steps, self.tokens_per_step),
            self.run,
        )

    def _say_progress(self, row: Row) -> None:
        self.display.say(report.progress_line(row, self.config.max_steps))


def _encoded_prompt(prompt: str, tokenizer: Tokenizer, tokens: Any) -> list[int]:
    """The prompt's tokens; the text's first token if a character of it is not known."""
    try:
        return tokenizer.encode(prompt)
    except ValueError:
        return [int(tokens[0])]
