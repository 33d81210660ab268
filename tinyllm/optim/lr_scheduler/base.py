"""What all schedules share: the base rates, the count of steps, the state."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from tinyllm.optim.optimizer import Optimizer


class LRScheduler:
    """The base of all schedules. A subclass gives `get_lr`, the rates at `self.last_epoch`.

    Args:    last_epoch: the step from which a resumed schedule goes on; -1 starts anew.
    PyTorch: torch.optim.lr_scheduler.LRScheduler; "epoch" there and here means one call of step.
             step takes no epoch, which is deprecated there.
    """

    _is_initial = False
    needs_metrics = False  # whether step is given how well training goes

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = checked_optimizer(optimizer)
        for index, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{index}] when resuming a "
                    "scheduler with last_epoch >= 0: load the optimizer's state_dict first"
                )
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        self.step()
        self._is_initial = False

    def get_lr(self) -> list[float]:
        """Compute the rate of each parameter group at `self.last_epoch`.

        It is for `step` alone, which has counted already: ask `get_last_lr` for the rates in use.
        """
        raise NotImplementedError

    def get_last_lr(self) -> list[float]:
        """Give the rates set last, one for each parameter group."""
        return self._last_lr

    def step(self) -> None:
        """Set the learning rates for the next step."""
        notes_steps = type(self.optimizer).step is Optimizer.step  # a learner's own may not
        if self._step_count == 1 and notes_steps and not self.optimizer._opt_called:
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`: the first rate "
                "of the schedule is skipped. Call `optimizer.step()` first.",
                UserWarning,
                stacklevel=2,
            )
        self._step_count += 1
        self.last_epoch += 1
        self._set(self.get_lr())

    def _restart(self) -> None:
        """Begin as at the first step, from the base rates: a sequence has come to this schedule."""
        self.last_epoch = 0
        self._set(self.closed_form() or self.get_lr())

    def closed_form(self) -> list[float] | None:
        """Compute the rates from the base rates alone, where a schedule can."""
        return None

    def _set(self, rates: list[float]) -> None:
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = lr
        self._last_lr = self._present()

    def _present(self) -> list[float]:
        return [group["lr"] for group in self.optimizer.param_groups]

    def _undo(self) -> None:
        """Take back the step made in __init__: a sequence will begin by itself."""
        self.last_epoch -= 1

    def state_dict(self) -> dict[str, Any]:
        """Give what the schedule needs to go on; the optimizer keeps the rates themselves."""
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state from `state_dict()`, ours or PyTorch's.

        Raises:  ValueError, and changes nothing, for a state of another kind of schedule, which
                 PyTorch takes.
        """
        missing = self.state_dict().keys() - state_dict.keys()
        if missing:
            raise ValueError(
                f"loaded state dict lacks {', '.join(sorted(missing))} of {type(self).__name__}: "
                "is it of another schedule?"
            )
        self.__dict__.update(state_dict)


def for_each_group(name: str, value: Any, optimizer: Optimizer) -> list[Any]:
    """One value for each parameter group, out of a number for all or a list."""
    groups = len(checked_optimizer(optimizer).param_groups)
    if not isinstance(value, list | tuple):
        return [value] * groups
    if len(value) != groups:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. {name} has {len(value)} "
            f"values, param_groups has {groups}."
        )
    return list(value)


def positive_int(name: str, value: Any) -> int:
    """The value, if it is a whole number above 0."""
    if not isinstance(value, int) or value <= 0:
        raise ValueError(f"Expected positive integer {name}, but got {value}")
    return value


def check_members(who: str, schedulers: Sequence[Any], optimizer: Optimizer) -> None:
    """Refuse schedules that cannot act together on one optimizer."""
    for index, scheduler in enumerate(schedulers):
        name = type(scheduler).__name__
        if not isinstance(scheduler, LRScheduler):
            raise TypeError(f"{who} at index {index} should be a schedule, but is {name}")
        if scheduler.needs_metrics:
            raise ValueError(
                f"{who} does not support `{name}` scheduler as its `step` needs a metric, but got "
                f"one at index {index}: step it by itself"
            )
        if scheduler.optimizer is not optimizer:
            raise ValueError(
                f"{who} expects all schedulers to belong to the same optimizer, but got "
                f"scheduler {name} at index {index} of another"
            )


def checked_optimizer(optimizer: Any) -> Optimizer:
    """The optimizer, if it is one."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    return optimizer
