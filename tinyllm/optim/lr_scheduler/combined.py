"""Several schedules as one: one after the other, or all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from tinyllm.optim.lr_scheduler.base import LRScheduler, check_members
from tinyllm.optim.optimizer import Optimizer


class _Combined(LRScheduler):
    """What SequentialLR and ChainedScheduler share: the schedules inside, and their states."""

    _schedulers: list[LRScheduler]

    def get_lr(self) -> list[float]:
        """Refuse: the schedules inside set the rates."""
        raise NotImplementedError(
            f"{type(self).__name__} has no rates of its own, and in a SequentialLR it can only "
            "come first"
        )

    def _undo(self) -> None:
        for scheduler in self._schedulers:
            scheduler._undo()

    def state_dict(self) -> dict[str, Any]:
        """Give the state, with the states of all schedules inside."""
        state = super().state_dict()
        return {**state, "_schedulers": [inner.state_dict() for inner in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state from `state_dict()`.

        Raises:  ValueError for a state of another kind, or of another number of schedules.
        """
        inside, states = self._schedulers, state_dict.get("_schedulers", ())
        if "_schedulers" in state_dict and len(states) != len(inside):
            raise ValueError(
                f"loaded state dict has {len(states)} schedules, and this {type(self).__name__} "
                f"has {len(inside)}"
            )
        super().load_state_dict(state_dict)
        self._schedulers = inside
        for scheduler, state in zip(inside, states, strict=True):
            scheduler.load_state_dict(state)


class SequentialLR(_Combined):
    """One schedule after the other: number i + 1 takes over, from its start, at milestones[i].

    PyTorch: torch.optim.lr_scheduler.SequentialLR
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        if not schedulers:
            raise ValueError("SequentialLR expects at least one scheduler, but got no scheduler.")
        check_members("SequentialLR", schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"SequentialLR: {len(schedulers)} schedulers need {len(schedulers) - 1} milestones "
                f"between them, but got {len(milestones)}"
            )
        self.optimizer = optimizer
        self._schedulers, self._milestones = list(schedulers), list(milestones)
        self.last_epoch = last_epoch + 1
        for group in optimizer.param_groups:  # each schedule took its first step when it was made
            group["lr"] = group["initial_lr"]
        self._undo()
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:
        """Let the schedule whose turn it is set the learning rates."""
        self.last_epoch += 1
        index = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[index]
        if index > 0 and self._milestones[index - 1] == self.last_epoch:
            scheduler._restart()
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(_Combined):
    """All schedules at once, in the order given; each takes over the rate that the one before set.

    PyTorch: torch.optim.lr_scheduler.ChainedScheduler
    """

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        if not schedulers:
            raise ValueError(
                "ChainedScheduler expects at least one scheduler to be chained, but got no "
                "scheduler."
            )
        if optimizer is None:
            optimizer = getattr(schedulers[0], "optimizer", None)
        check_members("ChainedScheduler", schedulers, optimizer)
        self.optimizer, self._schedulers = optimizer, list(schedulers)
        self._last_lr = self._present()

    def step(self) -> None:
        """Let every schedule take its step."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self._present()
