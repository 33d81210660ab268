"""A training step of translation, ours beside PyTorch's: the same batches, in turn."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinyllm.bench.interleave import Worker, WorkerDied, interleave
from tinyllm.bench.results import disagreement
from tinyllm.bench.suite import NO_TORCH, Options
from tinyllm.bench.translation_batches import BATCH, PAIRS, batches, config
from tinyllm.training.display import Display

STEPS = PAIRS // BATCH


def run_translation(options: Options, display: Display) -> dict[str, Any]:
    """Measure rounds of 20 steps of each side; give seconds per step by the fastest of each batch.

    Raises:  WorkerDied if a side fails, or the losses of the first steps differ.
    """
    workers: dict[str, Worker] = {}
    blocks: dict[str, list[dict[str, Any]]] = {}
    names = ["tinyllm", *(["torch"] if options.torch else [])]
    threads, checks = {}, {}

    def failed(who: str, sentence: str) -> None:
        raise WorkerDied(sentence)

    try:
        with display.bar("translation", options.repeats, unit="round") as bar:
            for name in names:
                spec = {"measure": "translation", "who": name, "threads": options.threads}
                workers[name] = Worker(name, spec)
                about = workers[name].ready()
                threads[name], checks[name] = about["threads"], about["check"]
            if different := disagreement(checks):
                raise WorkerDied(f"translation: {different}")
            interleave(
                workers, STEPS, options.repeats, options.seconds, blocks, failed,
                lambda: bar.update(1),
            )  # fmt: skip
    finally:
        for worker in workers.values():
            worker.close()
    times = {name: np.array([b["times"] for b in done]) for name, done in blocks.items()}
    return {
        "threads": threads,
        "tokens": sum(int((b.labels != -100).sum()) for b in batches()) / STEPS,
        "rounds": {name: len(done) for name, done in times.items()},
        "seconds": {name: float(done.min(axis=0).mean()) for name, done in times.items()},
        "notes": [] if options.torch else [NO_TORCH],
    }


def translation_report(results: dict[str, Any]) -> str:
    """Write what was measured in a few lines."""
    seconds, model = results["seconds"], config()
    lines = [
        f"A step of translation: {BATCH} pairs, {results['tokens']:,.0f} tokens of the targets; "
        f"{model.encoder_layers} + {model.decoder_layers} layers, width {model.width}, "
        f"vocabulary {model.vocab_size}, Muon. The fastest step of each of {STEPS} batches:"
    ]
    for name, value in seconds.items():
        count = f"{results['threads'][name]} threads, {results['rounds'][name]} rounds"
        lines.append(f"{name:8} {1000 * value:7.1f} ms per step   ({count})")
    if "torch" in seconds:
        ratio = seconds["torch"] / seconds["tinyllm"]
        lines.append(f"PyTorch takes {ratio:.2f} times as long as tinyllm")
    return "\n".join([*lines, *results["notes"]])
