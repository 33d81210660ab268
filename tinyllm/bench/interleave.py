"""The parent's side: workers as processes, asked in turn, A B A B, so that all see one weather."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

PAUSE = 0.05  # seconds after each block, in which the idle threads of one pool stop spinning
BLOCK_SECONDS = 0.25  # a block holds as many steps as take this long, so that small ones are many
MOST_STEPS = 200
LEAST_ROUNDS = 3  # even beyond the time allowed
TAIL = 3  # lines of a dead worker's last words

# PyTorch is imported before tinyllm, so that its thread pool starts with its own settings.
TORCH_FIRST = "import torch; from tinyllm.bench.worker import main; main()"


class WorkerDied(ChildProcessError):
    """A worker ended before its work: a sentence with its last words."""


class Contender(Protocol):
    """Something that can be timed."""

    def run(self, n: int) -> dict[str, Any]:
        """Do `n` steps; give their "times" in seconds, and "peak_bytes" if known."""


def environment(**variables: str) -> dict[str, str]:
    """This process's, except that bytecode is kept, as by default: starts are then warm."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **variables}


class Worker:
    """A contender in a process of its own."""

    def __init__(self, name: str, spec: dict[str, Any], command: list[str] | None = None) -> None:
        self.name = name
        if command is None:
            torch = spec["who"].startswith("torch")
            code = ["-c", TORCH_FIRST] if torch else ["-m", "tinyllm.bench.worker"]
            command = [sys.executable, *code, json.dumps(spec)]
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            encoding="utf-8",
            env=environment(),
            start_new_session=True,  # Ctrl-C reaches the parent alone, which ends the workers
        )

    def ready(self) -> dict[str, Any]:
        """Wait for the first answer."""
        return self._answer()

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Raises:  WorkerDied
        """
        with suppress(OSError):  # if it is dead, reading says how
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        return self._answer()

    def run(self, n: int) -> dict[str, Any]:
        """Do `n` steps."""
        return self.ask(do="run", n=n)

    def close(self) -> None:
        """End it and what it started."""
        if self.process.poll() is None:
            with suppress(OSError):
                if hasattr(os, "killpg"):
                    os.killpg(self.process.pid, signal.SIGKILL)
                else:
                    self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.errors):
            with suppress(OSError):
                stream.close()

    def _answer(self) -> dict[str, Any]:
        line = self.process.stdout.readline()
        try:
            answer = json.loads(line)
        except ValueError:
            raise WorkerDied(self._last_words()) from None
        if "error" in answer:
            raise WorkerDied(f"{self.name} failed: {_first_lines(answer['error'])}")
        return answer

    def _last_words(self) -> str:
        code = self.process.wait()
        self.errors.seek(0)
        text = self.errors.read().decode("utf-8", "replace").strip()
        tail = " | ".join(text.splitlines()[-TAIL:])
        return f"{self.name} ended (code {code}): {tail or 'it said nothing'}"


def _first_lines(text: str) -> str:
    """The beginning of an error, on one line: PyTorch's go on for pages."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines[:TAIL])[:300]


def steps_per_block(seconds: list[float], block: float = BLOCK_SECONDS) -> int:
    """How many steps a block of so many seconds has, for all: by the slowest contender's step."""
    slowest = max([*seconds, 1e-9])
    return max(1, min(MOST_STEPS, round(block / slowest)))


def interleave(
    contenders: dict[str, Contender],
    steps: int,
    repeats: int,
    seconds: float,
    blocks: dict[str, list[dict[str, Any]]],
    failed: Callable[[str, str], None],
    on_round: Callable[[], object] = lambda: None,
    pause: float = PAUSE,
) -> None:
    """Ask each contender in turn for a block of steps, `repeats` times round.

    What is measured is put into `blocks` at once, so that an interruption loses nothing. A
    contender that dies is left out from then on, and `failed(name, sentence)` told.

    Args:    seconds: after which no new round begins, once three are done.
             pause: seconds after each block.
    """
    alive = dict(contenders)
    start = time.monotonic()
    for done in range(repeats):
        if not alive or (done >= LEAST_ROUNDS and time.monotonic() - start > seconds):
            return
        for name in list(alive):
            try:
                block = alive[name].run(steps)
            except WorkerDied as died:
                failed(name, str(died))
                del alive[name]
                continue
            blocks.setdefault(name, []).append(block)
            time.sleep(pause)
        on_round()
