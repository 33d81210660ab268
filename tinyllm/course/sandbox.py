"""A learner's code in a process of its own, bounded in time and memory.

The child gets the code and the arguments of each case; it never gets an expected value. What it
sends back is data. It cannot hang the grader, fill the memory, or change the grader's mind.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinyllm.course.exchange import pack, unpack

CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True)
class Limits:
    """What a learner's process may use: seconds of the clock, and bytes of memory."""

    seconds: float = 10.0
    bytes: int = 1 << 30


@dataclass(frozen=True)
class Problem:
    """What went wrong in the learner's code.

    kind:    the exception's name, or "TimeOut", "Killed", "OddResult"
    line:    counted from the first of `where`, and `text`, what stands there; None if not known
    where:   the function or class of the learner's, or "your code"
    """

    kind: str
    message: str
    line: int | None = None
    text: str = ""
    where: str = "your code"

    def __str__(self) -> str:
        place = f"\n  line {self.line} of {self.where}: {self.text}" if self.line else ""
        return f"{self.kind}: {self.message}{place}"


@dataclass(frozen=True)
class Outcome:
    """What one call gave: a value, or a problem.

    after: the arguments as the call left them, to see whether it changed them
    """

    value: Any = None
    problem: Problem | None = None
    after: Any = None
    seconds: float = 0.0


@dataclass
class Answers:
    """What the child said: one outcome per case, as far as it came, or why the code did not run."""

    outcomes: list[Outcome] = field(default_factory=list)
    problem: Problem | None = None
    printed: str = ""


def run(
    code: str,
    call: str,
    cases: Sequence[tuple],
    limits: Limits | None = None,
    tensors: bool = False,
) -> Answers:
    """Run the code, then call what `call` names with each case's arguments.

    Args:    call: an expression over the code's names, such as "my_softmax".
             tensors: whether arguments hold tinyllm tensors, which takes its import (0.5 s).
    """
    limits = limits or Limits()
    task = {
        "code": code,
        "call": call,
        "cases": [pack(tuple(case)) for case in cases],
        "tensors": tensors,
        "limits": {"seconds": limits.seconds, "bytes": limits.bytes},
    }
    lines, timed_out, code_of_exit = _talk(json.dumps(task), limits.seconds)
    answers = Answers()
    for line in lines:
        _read_event(answers, line)
    if len(answers.outcomes) > len(cases):
        answers = Answers(problem=Problem("Garbled", "the process sent more answers than asked"))
    if answers.problem is None and len(answers.outcomes) < len(cases):
        problem = _how_it_ended(timed_out, code_of_exit, limits)
        last = answers.outcomes[-1].problem if answers.outcomes else None
        if not (last and last.kind in ("SystemExit", "MemoryError")):
            answers.outcomes.append(Outcome(problem=problem))
    return answers


def _talk(task: str, seconds: float) -> tuple[list[str], bool, int | None]:
    """Start a child, give it the task, and take the lines it writes until it ends or time is up."""
    read_end, write_end = os.pipe()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environment.pop("TINYLLM_LESSONS", None)  # where a teacher's solutions lie
    with tempfile.TemporaryDirectory(prefix="tinyllm-check-") as folder:
        child = subprocess.Popen(
            [sys.executable, "-X", "utf8", str(CHILD), str(write_end)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[write_end],
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
        os.close(write_end)
        lines: list[str] = []

        def listen() -> None:
            with os.fdopen(read_end, encoding="utf-8", errors="replace") as answers:
                lines.extend(answers)

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        timed_out = False
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(task.encode() + b"\n")
            child.stdin.close()
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            timed_out = True
        finally:
            _kill(child)
        listener.join(1.0)
        return lines, timed_out, child.returncode


def _kill(child: subprocess.Popen) -> None:
    """End the child and all it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.kill()
    child.wait()


def _read_event(answers: Answers, line: str) -> None:
    try:
        event = json.loads(line)
        answers.printed += str(event.get("printed", ""))
        kind = event["event"]
        if kind == "code failed":
            answers.problem = _problem(event["error"])
            return
        if event["case"] != len(answers.outcomes):
            raise ValueError("a case out of turn")
        if kind == "result":
            outcome = Outcome(
                unpack(event["value"]), None, unpack(event["after"]), float(event["seconds"])
            )
        elif kind == "odd result":
            outcome = Outcome(problem=Problem("OddResult", f"it returned {event['kind']}"))
        else:
            outcome = Outcome(problem=_problem(event["error"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        outcome = Outcome(problem=Problem("Garbled", "the process sent what is no answer"))
    answers.outcomes.append(outcome)


def _problem(error: dict[str, Any]) -> Problem:
    texts = (str(error.get(key, "")) for key in ("text", "where"))
    return Problem(str(error["kind"]), str(error["message"]), error.get("line"), *texts)


def _how_it_ended(timed_out: bool, code: int | None, limits: Limits) -> Problem:
    if timed_out or code == -getattr(signal, "SIGXCPU", 0):
        return Problem(
            "TimeOut",
            f"it had not finished after {limits.seconds:g} s: is there a loop that never ends?",
        )
    return Problem(
        "Killed",
        f"the process ended (exit {code}) before it had answered: it may have used more than "
        f"{limits.bytes >> 20:,} MB of memory",
    )
