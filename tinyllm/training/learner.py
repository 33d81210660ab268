"""One update after another: batch, loss, gradients, clipping, AdamW, learning rate."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from tinyllm import random
from tinyllm.data import Windows
from tinyllm.nn import Module
from tinyllm.nn.utils import clip_grad_norm_
from tinyllm.optim import AdamW
from tinyllm.optim.lr_scheduler import LambdaLR
from tinyllm.tensor import Tensor
from tinyllm.training import divergence
from tinyllm.training.config import TrainConfig
from tinyllm.training.metrics_log import Row

Arrays = dict[str, np.ndarray]


class Learner:
    """A model, the text it learns from, and the optimizer; `update` makes one step.

    step:      updates made so far
    seconds:   what they took
    order:     the generator that decides which windows come when
    """

    def __init__(
        self, model: Module, windows: Windows, config: TrainConfig, order: random.Generator
    ) -> None:
        self.model, self.windows, self.config, self.order = model, windows, config, order
        self.optimizer = make_optimizer(model, config)
        self.step, self.seconds = 0, 0.0
        self._schedule_from_here()

    @property
    def tokens_per_step(self) -> int:
        """Tokens that one update learns from."""
        config = self.config
        return config.batch_size * config.accumulation_steps * self.windows.context_length

    def update(self) -> Row:
        """Make one update of the weights, and return what was measured on the way.

        Raises:  TrainingDiverged; weights and random generators are then as before the update.
        """
        started, before = time.perf_counter(), self.random_state()
        try:
            loss, norm = self._gradients()
        except divergence.TrainingDiverged:
            self.set_random_state(before)
            raise
        learning_rate = self.schedule.get_last_lr()[0]
        self.optimizer.step()
        self.schedule.step()
        self.step += 1
        seconds = time.perf_counter() - started
        self.seconds += seconds
        return {
            "step": self.step,
            "train_loss": loss,
            "learning_rate": learning_rate,
            "grad_norm": norm,
            "tokens_per_second": round(self.tokens_per_step / seconds, 1),
        }

    def _gradients(self) -> tuple[float, float]:
        """The mean loss over the batches of one update, and the norm of its gradient."""
        config, loss = self.config, 0.0
        self.model.train()
        self.optimizer.zero_grad()
        for _ in range(config.accumulation_steps):
            ids, targets = map(Tensor, self.windows.random_batch(config.batch_size, self.order))
            loss += self._accumulate(ids, targets) / config.accumulation_steps
        norm = clip_grad_norm_(self.model.parameters(), config.clip_norm or math.inf).item()
        if not math.isfinite(norm):
            layer = divergence.nonfinite_gradient(self.model)
            raise divergence.stop(
                self.model, self.step + 1, f"the gradient's norm became {norm}", layer
            )
        return loss, norm

    def _accumulate(self, ids: Tensor, targets: Tensor) -> float:
        """Add one batch's share to the gradients, and return its loss."""
        dropout_state = random.default_generator.get_state()
        batch_loss = self.model.loss(ids, targets)
        loss = batch_loss.item()
        if not math.isfinite(loss):
            random.default_generator.set_state(dropout_state)  # the same zeros when run again
            layer = divergence.first_nonfinite_layer(self.model, ids, targets)
            raise divergence.stop(self.model, self.step + 1, f"the loss became {loss}", layer)
        (batch_loss / self.config.accumulation_steps).backward()
        return loss

    # State

    def random_state(self) -> dict[str, Any]:
        """Where the random streams are: the data's order, and tinyllm's own, for dropout."""
        return {"order": self.order.get_state(), "default": random.default_generator.get_state()}

    def set_random_state(self, state: dict[str, Any]) -> None:
        """Go on from a `random_state()`."""
        self.order.set_state(state["order"])
        random.default_generator.set_state(state["default"])

    def weights(self) -> Arrays:
        """The model's arrays by name."""
        return {name: tensor.array for name, tensor in self.model.state_dict().items()}

    def optimizer_state(self) -> tuple[Arrays, dict[str, float]]:
        """The optimizer's arrays and single numbers; "0.exp_avg" is that of parameter 0."""
        arrays, numbers = {}, {}
        for index, kept in self.optimizer.state_dict()["state"].items():
            for name, value in kept.items():
                if value.ndim:
                    arrays[f"{index}.{name}"] = value.array
                else:
                    numbers[f"{index}.{name}"] = value.item()
        return arrays, numbers

    def restore(
        self, step: int, seconds: float, weights: Arrays, optimizer: Arrays, state: dict[str, Any]
    ) -> None:
        """Go on from a step: `state` has "optimizer", its numbers, and "random".

        The settings of optimizer and schedule are the config's, so that it may have changed.
        """
        self.model.load_state_dict(weights)
        kept: dict[int, dict[str, Any]] = {}
        for key, value in {**optimizer, **state["optimizer"]}.items():
            index, _, name = key.partition(".")
            kept.setdefault(int(index), {})[name] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": kept, "param_groups": groups})
        self.set_random_state(state["random"])
        self.step, self.seconds = step, float(seconds)
        self._schedule_from_here()

    def _schedule_from_here(self) -> None:
        config = self.config
        self.schedule = LambdaLR(
            self.optimizer,
            lambda step: config.learning_rate_at(step) / config.learning_rate,
            last_epoch=self.step - 1,
        )


def make_optimizer(model: Module, config: TrainConfig) -> AdamW:
    """AdamW whose weight decay acts on what has two dimensions or more.

    Biases and the norms' weights have one: pulling them to 0 hinders more than it helps.
    """
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return AdamW(
        [{**group, "initial_lr": config.learning_rate} for group in groups if group["params"]],
        lr=config.learning_rate,
        betas=(config.beta1, config.beta2),
    )
