"""Train any model for a task in a folder that it can be stopped in, gone on with and used from."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tinyllm import kernels, random
from tinyllm.generation import inference
from tinyllm.nn import Module
from tinyllm.text import Tokenizer
from tinyllm.training import divergence, report
from tinyllm.training.accounting import readable_count
from tinyllm.training.checkpoint import Checkpoint, find_checkpoint, save_tensors
from tinyllm.training.config import LoopConfig
from tinyllm.training.display import Display, Progress, readable_seconds
from tinyllm.training.learner import Arrays, Learner
from tinyllm.training.loop import Loop
from tinyllm.training.metrics_log import Row
from tinyllm.training.rehearsal import build_kernels
from tinyllm.training.sources import BatchSource
from tinyllm.training.task_run import TaskRun

Evaluate = Callable[[Any], Mapping[str, float]]


@dataclass(frozen=True)
class FitResult:
    """How a training for a task ended.

    metrics:            what `evaluate` gave for the weights that were kept; {} without it
    kept_step:          the step of these weights
    tokens_per_second:  trained on, without the time for measuring and saving
    """

    run: TaskRun
    steps: int
    parameters: int
    metrics: dict[str, float]
    kept_step: int
    tokens_per_second: float
    seconds: float

    def __str__(self) -> str:
        kept = "" if self.kept_step == self.steps else f"   weights of step {self.kept_step:,}"
        return (
            (f"{_in_words(self.metrics)}{kept}\n" if self.metrics else "")
            + f"{self.steps:,} steps in {readable_seconds(self.seconds)}   "
            f"{self.tokens_per_second:,.0f} tokens/s   "
            f"{readable_count(self.parameters)} parameters\n"
            f"in {self.run.path}: model.safetensors, loss.png, metrics.jsonl"
        )


def fit(
    model: Module,
    source: BatchSource,
    config: LoopConfig,
    folder: str | os.PathLike | None,
    settings: Mapping[str, Any],
    *,
    evaluate: Evaluate | None = None,
    choose_by: str | None = None,
    tokenizers: Mapping[str, Tokenizer] | None = None,
    go_on: str | None = None,
    progress: Progress = None,
) -> FitResult:
    """Train a model, and leave in `folder` what using it takes; afterwards it has those weights.

    Called again with the same arguments it goes on with a run that was stopped, to the bit as if it
    had not been, and gives the result of one that is finished. For the same bits make the model
    after `tinyllm.manual_seed(config.seed)`; tinyllm's generator is seeded anew here, for dropout.

    Args:    model: has `loss(*batch)`, the mean loss of one of the source's batches.
             folder: of the run, by default runs/TASK-001 or the next free number.
             settings: {"task": "translation", "model": {…}, "data": {…}} of values that JSON can
                 hold: what making the model again takes, and where the data are from.
             evaluate: measures the model on examples kept aside, every `config.eval_every` steps
                 and at the end; in eval mode, without graphs. A "val_loss" is drawn too.
             choose_by: the metric whose best value decides which weights are kept: higher is
                 better, with "-" before the name, lower; None keeps the last weights.
             tokenizers: by name; each is saved in a folder of its name, as source/.
             go_on: what to type to go on when stopped; "{folder}" in it stands for the folder.
             progress: True shows bars, False shows nothing, None what suits the place, a
                 viz.LiveLoss() also the loss as it falls.
    Raises:  ValueError if the folder holds a run of other settings or data, or other things.
             TrainingInterrupted after Ctrl-C or SIGTERM, when all is saved. TrainingDiverged.
    """
    if {*settings} != {"task", "model", "data"}:
        raise ValueError(f"fit: settings have task, model and data, got {', '.join(settings)}")
    if choose_by is not None and evaluate is None:
        raise ValueError(f"fit: choose_by={choose_by!r} needs `evaluate`, which measures it")
    if config.threads:
        kernels.set_num_threads(config.threads)
    data = {**settings["data"], "fingerprint": source.fingerprint()}
    training = {"training": config.to_dict(), "choose_by": choose_by}
    wanted = json.loads(json.dumps({**settings, "data": data, **training}))  # tuples become lists
    run = TaskRun.begin_or_open(folder, wanted, tokenizers or {})
    _, checkpoint = find_checkpoint(run.path)
    random.manual_seed(config.seed)
    learner = Learner(model, source, config)
    return _Fit(learner, run, Display(progress), checkpoint, evaluate, choose_by, go_on).train()


@dataclass
class _Kept:
    """The weights that will be the final ones, as far as is known; None are the last ones."""

    step: int = 0
    metrics: dict[str, float] | None = None
    weights: Arrays | None = None


class _Fit(Loop):
    def __init__(
        self,
        learner: Learner,
        run: TaskRun,
        display: Display,
        checkpoint: Checkpoint | None,
        evaluate: Evaluate | None,
        choose_by: str | None,
        go_on: str | None,
    ) -> None:
        self.evaluate, self.choose_by, self.go_on = evaluate, choose_by, go_on
        self.kept = _Kept()
        super().__init__(learner, run, display, checkpoint)

    def _prepare(self) -> None:
        if self.step == self.config.max_steps:
            return
        source = self.learner.source
        place = source.state_dict()
        batch = source.next_batch()
        source.load_state_dict(place)
        build_kernels(self.model, self.display, batch)

    def _is_to_measure(self, last: bool) -> bool:
        return self.evaluate is not None and (last or self.step % self.config.eval_every == 0)

    def _measure(self) -> dict[str, float]:
        with inference(self.model):
            metrics = {name: float(value) for name, value in self.evaluate(self.model).items()}
        if taken := {*metrics} & _OF_THE_LOOP:
            raise ValueError(f"fit: evaluate gave {sorted(taken)}, which the log has already")
        if self._is_best(metrics):
            weights = self.learner.weights() if self.choose_by else None
            copies = weights and {name: array.copy() for name, array in weights.items()}
            self.kept = _Kept(self.step, metrics, copies)
        return metrics

    def _is_best(self, metrics: dict[str, float]) -> bool:
        if self.choose_by is None:
            return True
        name = self.choose_by.removeprefix("-")
        if name not in metrics:
            raise ValueError(
                f"fit: choose_by={self.choose_by!r} is not among what evaluate gave: "
                f"{', '.join(metrics)}"
            )
        sign = -1 if self.choose_by.startswith("-") else 1
        before = self.kept.metrics
        better = before is None or sign * metrics[name] > sign * before[name]
        return better and math.isfinite(metrics[name])

    def _state(self) -> tuple[dict[str, Any], dict[str, Arrays]]:
        kept = self.kept
        metrics = kept.metrics and {
            name: value if math.isfinite(value) else str(value)  # JSON has no NaN
            for name, value in kept.metrics.items()
        }
        extras = {"best": kept.weights} if kept.weights else {}
        return {"kept": {"step": kept.step, "metrics": metrics}}, extras

    def _restore_state(self, checkpoint: Checkpoint) -> None:
        kept = checkpoint.state["kept"]
        metrics = kept["metrics"] and {name: float(v) for name, v in kept["metrics"].items()}
        self.kept = _Kept(int(kept["step"]), metrics, checkpoint.extras.get("best"))

    def _finish(self) -> FitResult:
        if self.kept.weights is not None:
            self.model.load_state_dict(self.kept.weights)
        else:
            self._use_averaged_weights()
        result = FitResult(
            self.run,
            self.step,
            _count_parameters(self.model),
            dict(self.kept.metrics or {}),
            self.kept.step if self.kept.weights is not None else self.step,
            self.learner.tokens / max(self.learner.seconds, 1e-9),
            self.seconds,
        )
        below = f"{readable_count(result.parameters)} parameters"
        picture = report.draw_loss(self.run, self.log.rows, below)
        end = {"kept_step": result.kept_step, "seconds": round(self.seconds, 3), "final": True}
        self._note({"step": self.step, **result.metrics, **end})
        save_tensors(self.run.weights, self.learner.weights())
        self.display.show_picture(picture)
        self.display.say(str(result))
        return result

    def _greeting(self) -> str:
        start = f", from step {self.step:,}" if self.step else ""
        return (
            f"{self.run.task}: {readable_count(_count_parameters(self.model))} parameters, "
            f"{self.config.max_steps:,} steps{start}\nall of it goes into {self.run.path}"
        )

    def _say_progress(self, row: Row) -> None:
        metrics = {name: value for name, value in row.items() if name not in _OF_THE_LOOP}
        self.display.say(
            f"step {self.step:>5,} of {self.config.max_steps:,}   "
            f"training loss {row['train_loss']:.3f}   {_in_words(metrics)}"
        )

    def _how_to_go_on(self) -> str:
        command = self.go_on or "call it again with the same settings and the folder {folder}"
        how = command.replace("{folder}", str(self.run.path))
        if self.step == 0:
            return f"stopped before the first step; to start again: {how}"
        return (
            f"stopped at step {self.step} of {self.config.max_steps}, all is saved; to go on: {how}"
        )

    def _advice(self) -> str:
        return divergence.advice_to_start_again(self.config, self.run.path)


_OF_THE_LOOP = {
    "step",
    "train_loss",
    "learning_rate",
    "grad_norm",
    "tokens_per_second",
    "seconds",
    "kept_step",
    "final",
}


def _count_parameters(model: Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def _in_words(metrics: Mapping[str, float]) -> str:
    return "   ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in metrics.items())
