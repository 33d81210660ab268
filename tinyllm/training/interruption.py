"""Ctrl-C and SIGTERM, held back until the step in progress is complete."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class TrainingInterrupted(KeyboardInterrupt):
    """Somebody wants the training to stop, and it stands between two steps.

    signal:  the number of the signal; a program that ends for it exits with 128 + signal.
    """

    def __init__(self, signal_number: int, message: str = "training was interrupted") -> None:
        super().__init__(message)
        self.signal = signal_number


class Interruption:
    """Inside a `with`: turns the signals into TrainingInterrupted, raised only between steps.

    A second signal during the same step raises a plain KeyboardInterrupt at once. Outside the main
    thread, or where a signal is ignored (`nohup`), nothing changes.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.wanted: int | None = None
        self.in_step = False
        self.before: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self.before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)
        self.before.clear()

    @contextmanager
    def postponed(self) -> Iterator[None]:
        """Complete the block before stopping."""
        self.in_step = True
        try:
            yield
        finally:
            self.in_step = False
        if self.wanted is not None:
            raise TrainingInterrupted(self.wanted)

    def _handle(self, number: int, frame: object) -> None:
        if not self.in_step:
            raise TrainingInterrupted(number)
        if self.wanted is not None:
            raise KeyboardInterrupt
        self.wanted = number
        self.say("stopping after this step; Ctrl-C again stops at once")
