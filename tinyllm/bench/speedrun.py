"""`tinyllm bench speedrun`: climb the ladder of `speedrun_rungs`, and measure each rung.

Every run is a process of its own. Its clock starts when the process does, so it counts imports,
the loading of kernels and the making of the model. What measuring the loss takes is subtracted:
the validation text is long beside a short run, and the clock is about training. Both sides measure
after the same steps, on the same windows.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from tinyllm.bench.interleave import TAIL, WorkerDied, environment
from tinyllm.bench.machine import machine
from tinyllm.bench.speedrun_rungs import TARGET, Recipe, chosen
from tinyllm.bench.start import TWIN
from tinyllm.bench.suite import NO_TORCH, torch_is_here
from tinyllm.data import load_text
from tinyllm.text import CharTokenizer
from tinyllm.training.display import Display

Row = dict[str, Any]


@dataclass(frozen=True)
class Options:
    """What to climb, and how.

    data:        the text; its last tenth is what the loss is measured on
    rungs:       names, none for all
    seeds:       runs of each rung, with seeds 0, 1, …; PyTorch's, which takes longest, runs once
    every:       steps between two measurements
    most_steps:  no run takes more
    stop:        end a run at the target
    threads:     None for each library's own choice
    """

    data: str = "tinyshakespeare"
    rungs: tuple[str, ...] = ()
    seeds: int = 3
    every: int = 50
    most_steps: int | None = None
    target: float = TARGET
    stop: bool = False
    threads: int | None = None

    def __post_init__(self) -> None:
        numbers = (self.seeds, self.every, self.most_steps, self.threads)
        if any(number is not None and number < 1 for number in numbers):
            raise ValueError(
                f"bench speedrun: seeds {self.seeds}, every {self.every}, steps "
                f"{self.most_steps} and threads {self.threads} must be at least 1"
            )


def run(options: Options, display: Display) -> dict[str, Any]:
    """Climb; Ctrl-C ends it, and what was measured until then is given.

    Raises:  ValueError for an unknown rung or a text that is too short.
    """
    recipes = chosen(list(options.rungs), options.most_steps)
    results: dict[str, Any] = {
        "machine": machine(options.threads),
        "target": options.target,
        "every": options.every,
        "runs": [],
        "notes": [],
    }
    if not torch_is_here() and any(recipe.rung.peer for recipe in recipes):
        recipes = [recipe for recipe in recipes if not recipe.rung.peer]
        results["notes"].append(NO_TORCH)
    with prepared(options.data) as (folder, vocab_size):
        try:
            for seed in range(options.seeds):  # all rungs, then all again: they share the weather
                for recipe in recipes:
                    if recipe.rung.peer and seed:
                        continue
                    spec = specification(recipe, seed, options, folder, vocab_size)
                    rows = climb(recipe, spec, display)
                    name = recipe.rung.name
                    results["runs"].append({"rung": name, "seed": seed, "rows": rows})
                    last = rows[-1]
                    display.say(
                        f"{name}, seed {seed}: {last['loss']:.4f} after {last['step']} steps, "
                        f"{last['seconds']:.1f} s"
                    )
        except KeyboardInterrupt:
            results["interrupted"] = True
    return results


@contextmanager
def prepared(data: str) -> Iterator[tuple[Path, int]]:
    """A folder with the text as token ids, one for each character, and how many there are."""
    corpus = load_text(data)
    tokenizer = CharTokenizer.train([corpus.train, corpus.validation])
    with tempfile.TemporaryDirectory(prefix="tinyllm-speedrun-") as folder:
        for part in ("train", "validation"):
            ids = np.asarray(tokenizer.encode(getattr(corpus, part)), np.int64)
            np.save(Path(folder) / f"{part}.npy", ids)
        yield Path(folder), tokenizer.vocab_size


def specification(
    recipe: Recipe, seed: int, options: Options, folder: Path, vocab_size: int
) -> dict[str, Any]:
    """What a worker is told; see `speedrun_worker`."""
    return {
        "tokens": str(folder),
        "vocab": vocab_size,
        "model": recipe.model,
        "training": replace(recipe.training, seed=seed).to_dict(),
        "evaluate": recipe.evaluations(options.every),
        "windows": recipe.model["context_length"],
        "target": options.target,
        "stop": options.stop,
        "threads": options.threads,
    }


def climb(recipe: Recipe, spec: dict[str, Any], display: Display) -> list[Row]:
    """Run one recipe; once more if it had to compile kernels, whose time is not to count."""
    rows = _watched(recipe, spec, display)
    if any(row.get("kernels_built") for row in rows):
        rows = _watched(recipe, spec, display)
    return rows


def _watched(recipe: Recipe, spec: dict[str, Any], display: Display) -> list[Row]:
    total = recipe.training.max_steps
    with display.bar(recipe.rung.name, total) as bar:

        def show(row: Row) -> None:
            bar.update(row["step"] - bar.n)
            bar.set_postfix_str(f"loss {row['loss']:.3f}", refresh=False)

        program = ["-P", str(TWIN)] if recipe.rung.peer else ["-m", "tinyllm.bench.speedrun_worker"]
        return measured(program, spec, show)


def measured(
    program: list[str], spec: dict[str, Any], on_row: Callable[[Row], object]
) -> list[Row]:
    """Start a worker and take its measurements as they come.

    Returns: step, loss; seconds since the process began, without those of measuring; with_measuring
             is with them.
    Raises:  WorkerDied with its last words.
    """
    rows: list[Row] = []
    with tempfile.TemporaryFile() as errors:
        born = perf_counter()
        process = subprocess.Popen(
            [sys.executable, *program, json.dumps(spec)],
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
            env=environment(),
            start_new_session=True,  # Ctrl-C reaches the parent alone, which ends the worker
        )
        try:
            for line in process.stdout:
                row = json.loads(line)
                since = row.pop("clock") - born
                row["seconds"] = since - row.pop("evaluating")
                rows.append({**row, "with_measuring": since})
                on_row(rows[-1])
            code = process.wait()
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait()
        errors.seek(0)
        words = errors.read().decode("utf-8", "replace").strip().splitlines()[-TAIL:]
    if code or not rows:
        raise WorkerDied(f"the run ended (code {code}): {' | '.join(words)}")
    return rows
