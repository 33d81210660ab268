"""Schedules that follow a formula: any function, a straight line, powers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

from tinyllm.optim.lr_scheduler.base import LRScheduler
from tinyllm.optim.optimizer import Optimizer


class LambdaLR(LRScheduler):
    """lr_t = base * f(t), f given as a function, or as one function for each parameter group.

    PyTorch: torch.optim.lr_scheduler.LambdaLR; state_dict holds no functions
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        groups = len(optimizer.param_groups)
        functions = [lr_lambda] * groups if callable(lr_lambda) else list(lr_lambda)
        if len(functions) != groups:
            raise ValueError(f"Expected {groups} lr_lambdas, but got {len(functions)}")
        self.lr_lambdas = functions
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Compute base * f(t)."""
        return [
            base * factor(self.last_epoch)
            for base, factor in zip(self.base_lrs, self.lr_lambdas, strict=True)
        ]

    def state_dict(self) -> dict[str, Any]:
        """Give the state: of "lr_lambdas" what callable objects remember, None for functions."""
        kept = [None if isinstance(f, FunctionType) else _memory(f) for f in self.lr_lambdas]
        return {**super().state_dict(), "lr_lambdas": kept}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state from `state_dict()`; the functions stay."""
        functions, kept = self.lr_lambdas, state_dict.get("lr_lambdas", ())
        if "lr_lambdas" in state_dict and len(kept) != len(functions):
            raise ValueError(
                f"loaded state dict has {len(kept)} lr_lambdas, and this LambdaLR {len(functions)}"
            )
        super().load_state_dict(state_dict)
        self.lr_lambdas = functions
        for function, memory in zip(functions, kept, strict=True):
            if memory is not None:
                function.__dict__.update(memory)


def _memory(function: Any) -> dict[str, Any] | None:
    """The attributes of a callable object; a built-in function has none."""
    return dict(function.__dict__) if hasattr(function, "__dict__") else None


class LinearLR(LRScheduler):
    """lr_t = base * (start + (end - start) * min(t, n) / n), n = total_iters: warm-up, say.

    PyTorch: torch.optim.lr_scheduler.LinearLR
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise ValueError(
                f"LinearLR: start_factor must be greater than 0 and at most 1, not {start_factor}"
            )
        if not 0 <= end_factor <= 1:
            raise ValueError(f"LinearLR: end_factor must be between 0 and 1, not {end_factor}")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Compute lr_t from lr_{t-1}: the ratio of the two values of the formula."""
        if self.last_epoch == 0:
            return [lr * self.start_factor for lr in self._present()]
        if self._is_initial or self.last_epoch > self.total_iters:
            return self._present()
        rise = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * rise
        return [lr * (1 + rise / before) for lr in self._present()]

    def closed_form(self) -> list[float]:
        """Compute the formula above."""
        rise = self.end_factor - self.start_factor
        risen = rise * min(self.total_iters, self.last_epoch) / self.total_iters
        return [base * (self.start_factor + risen) for base in self.base_lrs]


class ExponentialLR(LRScheduler):
    """lr_t = base * gamma^t.

    PyTorch: torch.optim.lr_scheduler.ExponentialLR
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Compute lr_t from lr_{t-1}: gamma times it."""
        if self._is_initial:
            return self._present()
        return [lr * self.gamma for lr in self._present()]

    def closed_form(self) -> list[float]:
        """Compute the formula above."""
        return [base * self.gamma**self.last_epoch for base in self.base_lrs]


class PolynomialLR(LRScheduler):
    """lr_t = base * (1 - min(t, n) / n)^power, n = total_iters; it ends at 0.

    PyTorch: torch.optim.lr_scheduler.PolynomialLR
    """

    def __init__(
        self,
        optimizer: Optimizer,
        total_iters: int = 5,
        power: float = 1.0,
        last_epoch: int = -1,
    ) -> None:
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Compute lr_t from lr_{t-1}: the ratio of the two values of the formula."""
        if self._is_initial or self.last_epoch > self.total_iters:
            return self._present()
        now = 1.0 - self.last_epoch / self.total_iters
        before = 1.0 - (self.last_epoch - 1) / self.total_iters
        return [lr * (now / before) ** self.power for lr in self._present()]

    def closed_form(self) -> list[float]:
        """Compute the formula above."""
        left = 1.0 - min(self.total_iters, self.last_epoch) / self.total_iters
        return [base * left**self.power for base in self.base_lrs]
