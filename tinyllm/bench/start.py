"""Starting: from the birth of a process to its first training step, `import`, a cold start."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

from tinyllm.bench.cases import STARTING_MODEL, model_of
from tinyllm.bench.interleave import TAIL, WorkerDied, environment

TWIN = Path(__file__).with_name("torch_twin.py")
IMPORT = "from time import perf_counter as t; s = t(); import {}; print(t() - s)"
LONGEST = 300  # seconds for one start


class Program:
    """A program that is started anew for each step; its last line is a number.

    Args:    from_birth: the number is the clock at its end; else it is the seconds themselves.
             cold: each time the kernels' cache is a new, empty folder.
    """

    def __init__(self, arguments: list[str], from_birth: bool, cold: bool = False) -> None:
        self.arguments, self.from_birth, self.cold = arguments, from_birth, cold

    def run(self, n: int) -> dict[str, Any]:
        """Start it `n` times; give the seconds of each.

        Raises:  WorkerDied
        """
        return {"times": [self.once() for _ in range(n)]}

    def once(self) -> float:
        """Start it, wait for its end."""
        if not self.cold:
            return self._start(environment())
        with tempfile.TemporaryDirectory(prefix="tinyllm-bench-") as folder:
            return self._start(environment(TINYLLM_CACHE=folder))

    def _start(self, variables: dict[str, str]) -> float:
        start = perf_counter()
        ended = subprocess.run(
            [sys.executable, *self.arguments],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=variables,
            timeout=LONGEST,
            check=False,
        )
        try:
            number = float(ended.stdout.split()[-1])
        except (IndexError, ValueError):
            words = " | ".join(ended.stderr.strip().splitlines()[-TAIL:])
            raise WorkerDied(f"the program ended (code {ended.returncode}): {words}") from None
        return number - start if self.from_birth else number


def programs(case: str, torch: bool) -> dict[str, Program]:
    """The contenders of "start", "import" or "cold"."""
    if case == "import":
        ours = Program(["-c", IMPORT.format("tinyllm")], from_birth=False)
        theirs = Program(["-c", IMPORT.format("torch")], from_birth=False)
    else:
        cold = case == "cold"
        arguments = ["-m", "tinyllm.bench.first_step", STARTING_MODEL, *(["write"] if cold else [])]
        ours = Program(arguments, from_birth=True, cold=cold)
        sizes = json.dumps(asdict(model_of(STARTING_MODEL)))
        theirs = Program(["-P", str(TWIN), sizes], from_birth=True)
        torch = torch and not cold
    return {"tinyllm": ours, "torch_eager": theirs} if torch else {"tinyllm": ours}
