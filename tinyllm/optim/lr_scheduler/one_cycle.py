"""The 1cycle policy: one rise, one long fall, and momentum against it."""

from __future__ import annotations

import math
from typing import Any

from tinyllm.optim.lr_scheduler.base import LRScheduler, for_each_group, positive_int
from tinyllm.optim.optimizer import Optimizer


class OneCycleLR(LRScheduler):
    """The rate rises from max_lr / div_factor to max_lr, then falls far below where it began.

    It rises for pct_start of all steps. It ends at max_lr / div_factor / final_div_factor; with
    three_phase it first falls as long as it rose. Momentum, or beta1, goes from max_momentum to
    base_momentum and back.

    Args:    total_steps: steps of the whole cycle; or else epochs * steps_per_epoch.
             max_lr, base_momentum, max_momentum: for all groups, or a list of one for each.
             anneal_strategy: "cos" or "linear", the way between two values.
    Raises:  ValueError, too, for a step beyond total_steps.
    PyTorch: torch.optim.lr_scheduler.OneCycleLR; a rise of no length is no division by 0 here
    Source:  Smith and Topin 2018, arXiv:1708.07120
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        tops = for_each_group("max_lr", max_lr, optimizer)
        self.total_steps = _total_steps(total_steps, epochs, steps_per_epoch)
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        self._anneal_func_type = anneal_strategy
        self.cycle_momentum = cycle_momentum
        if last_epoch == -1:
            for group, top in zip(optimizer.param_groups, tops, strict=True):
                group["initial_lr"] = top / div_factor
                group["max_lr"] = top
                group["min_lr"] = group["initial_lr"] / final_div_factor
        if cycle_momentum:
            self._start_momentum(optimizer, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def _start_momentum(self, optimizer: Optimizer, base: Any, top: Any, last_epoch: int) -> None:
        if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
            raise ValueError(
                "optimizer must support momentum or beta1 with `cycle_momentum` option enabled, "
                f"and {type(optimizer).__name__} has neither: give cycle_momentum=False"
            )
        self.use_beta1 = "betas" in optimizer.defaults
        bases = for_each_group("base_momentum", base, optimizer)
        tops = for_each_group("max_momentum", top, optimizer)
        if last_epoch == -1:
            for group, low, high in zip(optimizer.param_groups, bases, tops, strict=True):
                self._set_momentum(group, high)
                group["max_momentum"], group["base_momentum"] = high, low

    def _set_momentum(self, group: dict[str, Any], momentum: float) -> None:
        if self.use_beta1:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum

    def get_lr(self) -> list[float]:
        """Compute the rates, and set the momentum, of the phase that the step is in."""
        if self.last_epoch > self.total_steps:
            raise ValueError(
                f"Tried to step {self.last_epoch} times. The specified number of total steps is "
                f"{self.total_steps}"
            )
        start, phase = 0.0, self._schedule_phases[0]
        for following in self._schedule_phases[1:]:
            if self.last_epoch <= phase["end_step"]:
                break
            start, phase = phase["end_step"], following
        length = phase["end_step"] - start
        done = (self.last_epoch - start) / length if length else 1.0
        groups = self.optimizer.param_groups
        if self.cycle_momentum:
            for group in groups:
                self._set_momentum(group, self._between(group, phase, "momentum", done))
        return [self._between(group, phase, "lr", done) for group in groups]

    def _between(
        self, group: dict[str, Any], phase: dict[str, Any], what: str, done: float
    ) -> float:
        """The value after the share `done` of the way through a phase."""
        start, end = group[phase[f"start_{what}"]], group[phase[f"end_{what}"]]
        if self._anneal_func_type == "linear":
            return (end - start) * done + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * done) + 1)


def _total_steps(total_steps: Any, epochs: Any, steps_per_epoch: Any) -> int:
    if total_steps is not None:
        return positive_int("total_steps", total_steps)
    if epochs is None or steps_per_epoch is None:
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    return positive_int("epochs", epochs) * positive_int("steps_per_epoch", steps_per_epoch)


def _phases(total_steps: int, pct_start: float, three_phase: bool) -> list[dict[str, Any]]:
    """For each phase its last step, and by name what its group's values go from and to."""
    rise = float(pct_start * total_steps)
    rows = [(rise - 1, "initial_lr", "max_lr", "max_momentum", "base_momentum")]
    fall_from = "max_lr", "base_momentum"
    if three_phase:
        end = float(2 * pct_start * total_steps) - 2
        rows.append((end, "max_lr", "initial_lr", "base_momentum", "max_momentum"))
        fall_from = "initial_lr", "max_momentum"
    rows.append((total_steps - 1, fall_from[0], "min_lr", fall_from[1], "max_momentum"))
    names = "end_step", "start_lr", "end_lr", "start_momentum", "end_momentum"
    return [dict(zip(names, row, strict=True)) for row in rows]
