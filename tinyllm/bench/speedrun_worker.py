"""A process that trains once, measuring: `python -m tinyllm.bench.speedrun_worker SPEC`.

SPEC is a JSON object: "tokens" (a folder with train.npy and validation.npy), "vocab", "model" and
"training" (settings), "evaluate" (steps), "windows" (tokens per window of the measurement),
"target" and "stop" (whether to end there), "threads". Each measurement is a line of JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np

from tinyllm import kernels, random
from tinyllm.bench.worker import kernels_built
from tinyllm.data import Windows
from tinyllm.models import Decoder, DecoderConfig
from tinyllm.training.config import TrainConfig
from tinyllm.training.evaluate import evaluate
from tinyllm.training.learner import Learner
from tinyllm.training.sources import RandomWindows


def main() -> None:
    """Train as the trainer does, and say what was measured."""
    spec = json.loads(sys.argv[1])
    if spec["threads"]:
        kernels.set_num_threads(spec["threads"])
    train, validation = (
        np.load(Path(spec["tokens"]) / f"{part}.npy") for part in ("train", "validation")
    )
    config = TrainConfig.from_dict(spec["training"])
    random.manual_seed(config.seed)
    order = random.Generator(random.default_generator.next_seed())
    model = Decoder(DecoderConfig(vocab_size=spec["vocab"], **spec["model"]))
    windows = Windows(train, model.config.context_length, name="the training text")
    learner = Learner(model, RandomWindows(windows, config.batch_size, order), config)
    wanted, evaluating = set(spec["evaluate"]), 0.0
    for step in range(1, config.max_steps + 1):
        learner.update()
        if step not in wanted:
            continue
        started = perf_counter()
        loss = evaluate(model, validation, spec["windows"], batch_size=64).loss
        now = perf_counter()
        evaluating += now - started
        row = {"step": step, "loss": loss, "clock": now, "evaluating": evaluating}
        print(json.dumps({**row, "kernels_built": kernels_built()}), flush=True)
        if spec["stop"] and loss <= spec["target"]:
            break


if __name__ == "__main__":
    main()
