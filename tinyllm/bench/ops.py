"""The kernels that `bench ops` measures, their inputs, and the parent's side of it."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from tinyllm.bench.interleave import Worker, WorkerDied, interleave, steps_per_block
from tinyllm.bench.machine import machine
from tinyllm.bench.results import add_ratios, disagreement, summary
from tinyllm.bench.suite import INTERRUPTED, NO_TORCH, Options, Results, start_worker
from tinyllm.training.display import Display

BLOCK_SECONDS, PAUSE = 0.04, 0.02
TOLERANCE = 1e-3  # sums over thousands of rows, in float32
EPS, DROPOUT, SEED = 1e-5, 0.1, 12345678901

ROWS = {"char": (768, 128), "baby": (2048, 384), "gpt2": (256, 768)}  # B T, C
BY_ROW = ("softmax", "log_softmax", "layer_norm", "rms_norm", "dropout")
INSIDE_MLP = ("gelu", "gelu_tanh", "silu")  # on rows of 4 C
ATTENTION = ((12, 4, 64, 32), (8, 6, 256, 64), (1, 12, 1024, 64))  # B, H, T, D
CLASSES = ((768, 65), (256, 50257))  # rows, V
TABLES = ((768, 128, 65), (2048, 384, 65), (256, 768, 50257))  # rows, C, V
LINEAR = ((768, 128, 384), (768, 512, 128), (2048, 384, 1536), (256, 768, 3072))  # rows, in, out
OPTIMIZED = (128, 384, 768)  # C of one block's parameters


@dataclass(frozen=True)
class Op:
    """One thing to time: an op's forward, its backward, or AdamW's step, at a shape."""

    name: str
    shape: tuple[int, ...]
    backward: bool = False

    @property
    def key(self) -> str:
        """softmax backward 768x128"""
        way = " backward" if self.backward else ""
        return f"{self.name}{way} {'x'.join(map(str, self.shape))}"


def all_ops() -> list[Op]:
    """Every op at every shape, forward and then backward."""
    shapes = [
        *((name, shape) for name in BY_ROW for shape in ROWS.values()),
        *((name, (n, 4 * C)) for name in INSIDE_MLP for n, C in ROWS.values()),
        *(("cross_entropy", shape) for shape in CLASSES),
        *(("attention", shape) for shape in ATTENTION),
        *(("embedding", shape) for shape in TABLES),
        *(("linear", shape) for shape in LINEAR),
    ]
    pairs = [Op(name, shape, way) for name, shape in shapes for way in (False, True)]
    return [*pairs, *(Op("adamw", (C,)) for C in OPTIMIZED)]


def inputs(op: Op) -> SimpleNamespace:
    """The arrays that both sides work on: the same numbers, drawn by the shape."""
    generator = np.random.default_rng(zlib.crc32(str((op.name, op.shape)).encode()))

    def normal(*shape: int) -> np.ndarray:
        return generator.standard_normal(shape, np.float32)

    if op.name == "attention":
        B, H, T, D = op.shape
        packed = normal(B, T, 3 * H * D)  # as the projection gives it: queries, keys, values
        parts = (part.reshape(B, T, H, D).transpose(0, 2, 1, 3) for part in np.split(packed, 3, 2))
        q, k, v = parts
        return SimpleNamespace(q=q, k=k, v=v, grad=normal(B, T, H, D).transpose(0, 2, 1, 3))
    if op.name == "adamw":
        (C,) = op.shape
        sizes = ((3 * C, C), (C, C), (4 * C, C), (C, 4 * C))
        return SimpleNamespace(
            params=[normal(*s) for s in sizes], grads=[normal(*s) for s in sizes]
        )
    rows, width, *more = op.shape
    last = more[0] if op.name == "linear" else width
    return SimpleNamespace(
        x=normal(rows, width),
        grad=normal(rows, last),
        weight=normal(*((last, width) if op.name == "linear" else (width,))),
        bias=normal(last),
        table=normal(more[0], width) if op.name == "embedding" else None,
        ids=generator.integers(0, more[0] if more else width, rows),
    )


def check_of(results: Iterable[np.ndarray]) -> list[float]:
    """A few numbers of each array, by which two sides are compared."""
    numbers = []
    for array in results:
        flat = np.asarray(array, np.float32).reshape(
            -1
        )  # in order of indices, whatever the strides
        numbers += [float(np.abs(flat).mean()), *map(float, flat[:: max(1, flat.size // 6)][:6])]
    return numbers


def run_ops(wanted: list[str], options: Options, display: Display) -> Results:
    """Time every op whose name begins with one of `wanted`, or all, in two workers in turn."""
    ops = [op for op in all_ops() if not wanted or op.name.startswith(tuple(wanted))]
    if not ops:
        names = ", ".join(dict.fromkeys(op.name for op in all_ops()))
        raise ValueError(f"bench ops: no op is called {', '.join(wanted)}; there are {names}")
    notes = [] if options.torch else [NO_TORCH]
    results: Results = {"machine": machine(options.threads), "ops": {}, "notes": notes}
    workers: dict[str, Worker] = {}
    sides = ("tinyllm", *(["torch_eager"] if options.torch else []))
    try:
        with display.bar("ops", len(ops), unit="op") as bar:
            for op in ops:
                bar.set_postfix_str(op.key)
                for who in sides:
                    if who not in workers or workers[who].process.poll() is not None:
                        spec = {"measure": "ops", "who": who, "threads": options.threads}
                        start_worker(who, spec, workers)
                measure_op(op, options, workers, results)
                bar.update(1)
    except KeyboardInterrupt:
        results["interrupted"] = True
        notes.append(INTERRUPTED)
    finally:
        for worker in workers.values():
            worker.close()
    return results


def measure_op(op: Op, options: Options, workers: dict[str, Worker], results: Results) -> None:
    """Time one op on both sides."""
    entry: dict[str, Any] = {"op": op.name, "shape": list(op.shape), "backward": op.backward}
    blocks: dict[str, list] = {}
    seconds, checks = [], {}

    def failed(who: str, sentence: str) -> None:
        entry[who] = {"error": sentence}
        results["notes"].append(f"{op.key}: {sentence}")

    for who, worker in workers.items():
        try:
            about = worker.ask(do="select", key=op.key)
        except WorkerDied as died:
            failed(who, str(died))
            continue
        if "refused" in about:
            failed(who, f"{who} failed: {about['refused']}")
            continue
        seconds.append(about["seconds"])
        checks[who] = about["check"]
    if different := disagreement(checks, TOLERANCE):
        failed("check", different)
    living = {who: workers[who] for who in checks}
    steps = steps_per_block(seconds, BLOCK_SECONDS)
    interleave(living, steps, options.repeats, options.seconds, blocks, failed, pause=PAUSE)
    for who, done in blocks.items():
        entry[who] = summary(done)
    add_ratios(entry)
    results["ops"][op.key] = entry
