"""Schedules that stay on a rate and then step to another."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from typing import Any

from tinyllm.optim.lr_scheduler.base import LRScheduler, positive_int
from tinyllm.optim.optimizer import Optimizer


class StepLR(LRScheduler):
    """lr_t = base * gamma^floor(t / step_size).

    PyTorch: torch.optim.lr_scheduler.StepLR
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.step_size, self.gamma = positive_int("step_size", step_size), gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Compute lr_t from lr_{t-1}: gamma times it at every multiple of step_size."""
        if self.last_epoch == 0 or self.last_epoch % self.step_size:
            return self._present()
        return [lr * self.gamma for lr in self._present()]

    def closed_form(self) -> list[float]:
        """Compute the formula above."""
        return [base * self.gamma ** (self.last_epoch // self.step_size) for base in self.base_lrs]


class MultiStepLR(LRScheduler):
    """lr_t = base * gamma^n, n the number of milestones up to t.

    PyTorch: torch.optim.lr_scheduler.MultiStepLR; a milestone given twice counts twice
    """

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Compute lr_t from lr_{t-1}: gamma times it at a milestone."""
        if self.last_epoch not in self.milestones:
            return self._present()
        return [lr * self.gamma ** self.milestones[self.last_epoch] for lr in self._present()]

    def closed_form(self) -> list[float]:
        """Compute the formula above."""
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [base * self.gamma**passed for base in self.base_lrs]

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state from `state_dict()`, which may have been through JSON."""
        super().load_state_dict(state_dict)  # JSON turns numbers that are keys into text
        self.milestones = Counter({int(key): n for key, n in self.milestones.items()})


class ConstantLR(LRScheduler):
    """lr_t = base * factor for t < total_iters, then base.

    PyTorch: torch.optim.lr_scheduler.ConstantLR, which divides by factor=0 at the end
    """

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1.0 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 <= factor <= 1:
            raise ValueError(f"ConstantLR: factor must be between 0 and 1, not {factor}")
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Compute lr_t from lr_{t-1}: it changes at 0, and back at total_iters."""
        if self.last_epoch == 0:
            return [lr * self.factor for lr in self._present()]
        if self.last_epoch != self.total_iters:
            return self._present()
        if self.factor == 0:  # no way back from 0 by a factor
            return list(self.base_lrs)
        return [lr * (1.0 / self.factor) for lr in self._present()]

    def closed_form(self) -> list[float]:
        """Compute the formula above."""
        factor = self.factor + (self.last_epoch >= self.total_iters) * (1 - self.factor)
        return [base * factor for base in self.base_lrs]
