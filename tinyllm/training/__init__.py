"""Training: the trainer, its settings, measuring, checkpoints, and what a run leaves behind."""

from tinyllm.training.accounting import account
from tinyllm.training.checkpoint import (
    latest_checkpoint,
    load_checkpoint,
    load_tensors,
    save_checkpoint,
    save_tensors,
)
from tinyllm.training.config import PRESETS, LoopConfig, TaskConfig, TrainConfig, preset
from tinyllm.training.divergence import TrainingDiverged
from tinyllm.training.evaluate import Evaluation, evaluate
from tinyllm.training.fit import FitResult, fit
from tinyllm.training.interruption import TrainingInterrupted
from tinyllm.training.metrics_log import read_metrics
from tinyllm.training.report import Result
from tinyllm.training.run import Run
from tinyllm.training.sources import BatchSource, LoaderSource, RandomWindows, mean_loss
from tinyllm.training.task_run import TaskRun
from tinyllm.training.trainer import Trainer

__all__ = [
    "PRESETS",
    "BatchSource",
    "Evaluation",
    "FitResult",
    "LoaderSource",
    "LoopConfig",
    "RandomWindows",
    "Result",
    "Run",
    "TaskConfig",
    "TaskRun",
    "TrainConfig",
    "Trainer",
    "TrainingDiverged",
    "TrainingInterrupted",
    "account",
    "evaluate",
    "fit",
    "mean_loss",
    "latest_checkpoint",
    "load_checkpoint",
    "load_tensors",
    "preset",
    "read_metrics",
    "save_checkpoint",
    "save_tensors",
]
