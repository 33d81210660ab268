"""One update after another: batch, loss, gradients, clipping, optimizer, learning rate."""

from __future__ import annotations

import math
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from tinyllm import random
from tinyllm.nn import Module
from tinyllm.nn.utils import clip_grad_norm_
from tinyllm.tensor import Tensor
from tinyllm.training import divergence
from tinyllm.training.average import WeightAverage
from tinyllm.training.checkpoint import Checkpoint
from tinyllm.training.config import LoopConfig
from tinyllm.training.metrics_log import Row
from tinyllm.training.optimizers import (
    make_optimizers,
    make_schedules,
    optimizer_state,
    restore_optimizers,
)
from tinyllm.training.sources import BatchSource

Arrays = dict[str, np.ndarray]


class Learner:
    """A model, the source of its batches, and the optimizers; `update` makes one step.

    step:      updates made so far
    tokens:    what they learned from
    seconds:   what they took

    Args:    model: has `loss(*batch)`, the mean loss of a batch.
             source: see BatchSource.
    """

    def __init__(self, model: Module, source: BatchSource, config: LoopConfig) -> None:
        self.model, self.source, self.config = model, source, config
        self.optimizers = make_optimizers(model, config)
        decay = config.average_decay
        self.average = None if decay is None else WeightAverage(model, decay)
        self.step, self.tokens, self.seconds = 0, 0, 0.0
        self.schedules = make_schedules(self.optimizers, config, self.step)

    def update(self) -> Row:
        """Make one update of the weights, and return what was measured on the way.

        Raises:  TrainingDiverged; weights, source and random generators are then as before it.
        """
        started, before = time.perf_counter(), self.random_state()
        try:
            loss, norm, tokens = self._gradients()
        except divergence.TrainingDiverged:
            self.set_random_state(before)
            raise
        learning_rate = self.schedules[0].get_last_lr()[0]
        for optimizer, schedule in zip(self.optimizers, self.schedules, strict=True):
            optimizer.step()
            schedule.step()
        self.step += 1
        if self.average is not None:
            self.average.update(self.step)
        seconds = time.perf_counter() - started
        self.seconds += seconds
        self.tokens += tokens
        return {
            "step": self.step,
            "train_loss": loss,
            "learning_rate": learning_rate,
            "grad_norm": norm,
            "tokens_per_second": round(tokens / seconds, 1),
        }

    def _gradients(self) -> tuple[float, float, int]:
        """The mean loss over the batches of one update, its gradient's norm, and the tokens."""
        config, loss, tokens = self.config, 0.0, 0
        self.model.train()
        self.model.zero_grad()
        for _ in range(config.accumulation_steps):
            batch = self.source.next_batch()
            tokens += self.source.tokens
            loss += self._accumulate(batch) / config.accumulation_steps
        norm = clip_grad_norm_(self.model.parameters(), config.clip_norm or math.inf).item()
        if not math.isfinite(norm):
            layer = divergence.nonfinite_gradient(self.model)
            raise divergence.stop(
                self.model, self.step + 1, f"the gradient's norm became {norm}", layer
            )
        return loss, norm, tokens

    def _accumulate(self, batch: tuple[Tensor, ...]) -> float:
        """Add one batch's share to the gradients, and return its loss."""
        dropout_state = random.default_generator.get_state()
        batch_loss = self.model.loss(*batch)
        loss = batch_loss.item()
        if not math.isfinite(loss):
            random.default_generator.set_state(dropout_state)  # the same zeros when run again
            layer = divergence.first_nonfinite_layer(self.model, *batch)
            raise divergence.stop(self.model, self.step + 1, f"the loss became {loss}", layer)
        (batch_loss / self.config.accumulation_steps).backward()
        return loss

    # State

    def random_state(self) -> dict[str, Any]:
        """Where the data and tinyllm's own random stream, for dropout, are."""
        return {
            "order": self.source.state_dict(),
            "default": random.default_generator.get_state(),
        }

    def set_random_state(self, state: dict[str, Any]) -> None:
        """Go on from a `random_state()`."""
        self.source.load_state_dict(state["order"])
        random.default_generator.set_state(state["default"])

    def averaged(self) -> AbstractContextManager[None]:
        """Let the model have the weights that are measured and kept, inside the block."""
        return nullcontext() if self.average is None else self.average.in_use()

    def weights(self) -> Arrays:
        """The model's arrays by name."""
        return {name: tensor.array for name, tensor in self.model.state_dict().items()}

    def averaged_weights(self) -> Arrays:
        """Copies of the weights that are measured and kept, by name."""
        with self.averaged():
            return {name: array.copy() for name, array in self.weights().items()}

    def state(self) -> tuple[Arrays, dict[str, Any], dict[str, Arrays]]:
        """For a checkpoint: the optimizers' arrays, numbers, and further weights."""
        arrays, numbers = optimizer_state(self.optimizers)
        state = {
            "update_seconds": self.seconds,
            "tokens": self.tokens,
            "optimizer": numbers,
            "random": self.random_state(),
        }
        return arrays, state, {"average": self.averaged_weights()} if self.average else {}

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint with what `state` gave.

        The settings of optimizers and schedules are the config's, so that it may have changed.
        """
        state = checkpoint.state
        self.model.load_state_dict(checkpoint.model)
        restore_optimizers(self.optimizers, checkpoint.optimizer, state["optimizer"])
        if self.average is not None:  # newly switched on, it begins with the weights as they are
            self.average.load(checkpoint.extras.get("average", checkpoint.model))
        self.set_random_state(state["random"])
        self.step, self.seconds = checkpoint.step, float(state["update_seconds"])
        per_step = self.config.accumulation_steps * self.source.tokens
        self.tokens = int(state.get("tokens", self.step * per_step))  # older ones have none
        self.schedules = make_schedules(self.optimizers, self.config, self.step)
