"""Where a training step's time goes: kernel by kernel, phase by phase, and what is left to Python.

A worker takes our step with a stopwatch around `Kernel.__call__`, the one door to all kernels.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import numpy as np

import tinyllm
from tinyllm import nn
from tinyllm.bench.training import Training
from tinyllm.kernels import Kernel

GROUPS = {  # the first whose word is in a kernel's name
    "attention": ("attention",),
    "products": ("matmul", "linear", "product"),
    "norms": ("norm",),
    "loss": ("cross_entropy", "softmax"),
    "activations": ("gelu", "silu", "relu"),
    "optimizer": ("adam", "sum_of_squares", "scale_", "clip", "sgd"),
    "embeddings": ("embedding", "rotary"),
    "additions": ("add",),
}
OTHER, REST = "other kernels", "tape, NumPy, Python"
PHASES = ("forward", "backward", "clip", "optimizer")


def group_of(name: str) -> str:
    """The group of a kernel."""
    for group, words in GROUPS.items():
        if any(word in name for word in words):
            return group
    return OTHER


class Stopwatch:
    """Counts calls, seconds, operations and bytes by phase and kernel."""

    def __init__(self) -> None:
        self.phase = ""
        self.counts: dict[tuple[str, str], list[float]] = {}
        self.seconds = dict.fromkeys(PHASES, 0.0)
        self._inside = False

    @contextmanager
    def measuring(self, phase: str) -> Iterator[None]:
        """Run a phase on the clock."""
        self.phase = phase
        start = perf_counter()
        yield
        self.seconds[phase] += perf_counter() - start

    @contextmanager
    def on_kernels(self) -> Iterator[None]:
        """Stand before every kernel; one that a kernel calls counts as a part of it."""
        plain = Kernel.__call__

        @functools.wraps(plain)
        def timed(kernel: Kernel, *args: Any, **params: Any) -> Any:
            if self._inside:
                return plain(kernel, *args, **params)
            self._inside = True
            start = perf_counter()
            try:
                result = plain(kernel, *args, **params)
            finally:
                self._inside = False
            seconds = perf_counter() - start
            count = self.counts.setdefault((self.phase, kernel.name), [0, 0.0, 0, 0])
            count[0] += 1
            count[1] += seconds
            count[2] += flops_of(kernel.name, args)
            count[3] += bytes_of((args, result))
            return result

        Kernel.__call__ = timed
        try:
            yield
        finally:
            Kernel.__call__ = plain


def rows_of(watches: list[Stopwatch]) -> list[dict[str, Any]]:
    """The mean step's share of each kernel, and of what is no kernel, by phase."""
    n = len(watches)
    rows = []
    for phase in PHASES:
        rest = sum(watch.seconds[phase] for watch in watches) / n
        for name in dict.fromkeys(name for w in watches for at, name in w.counts if at == phase):
            counts = [w.counts[phase, name] for w in watches if (phase, name) in w.counts]
            calls, seconds, flops, moved = (sum(column) / n for column in zip(*counts, strict=True))
            rest -= seconds
            rows.append(_row(name, group_of(name), phase, calls, seconds, flops, moved))
        rows.append(_row("rest", REST, phase, 0, rest, 0, 0))
    return sorted(rows, key=lambda row: -row["seconds"])


def _row(*values: Any) -> dict[str, Any]:
    names = ("name", "group", "phase", "calls", "seconds", "flops", "bytes")
    return dict(zip(names, values, strict=True))


def flops_of(name: str, args: tuple[Any, ...]) -> int:
    """Operations of a product or an attention, from its arguments; 0 for what is unknown."""
    arrays = [array for array in args if isinstance(array, np.ndarray)]
    if name == "matmul":
        return 2 * arrays[0].size * arrays[1].shape[-1]
    if name.startswith("linear") and "backward" not in name and arrays[1].ndim == 2:
        return 2 * arrays[0].size * arrays[1].shape[0]
    backward = name.endswith("_backward")
    if name in ("self_attention", "self_attention_backward"):
        qkv, (H, Hk) = arrays[backward], [x for x in args if type(x) is int][:2]
        B, T, width = qkv.shape
        return _attention_flops((B, H, T, width // (H + 2 * Hk)), T, args, backward)
    if name in ("attention", "attention_backward"):
        q, k = arrays[backward : backward + 2]
        return _attention_flops(q.shape, k.shape[2], args, backward) if q.ndim == 4 else 0
    return 0


def _attention_flops(shape: tuple[int, ...], S: int, args: tuple[Any, ...], backward: bool) -> int:
    B, H, T, D = shape
    causal = any(argument is True for argument in args)
    pairs = T * (T + 1) // 2 if causal else T * S
    products = 4 if backward else 2  # as a bound counts: nothing computed twice
    return products * 2 * B * H * pairs * D


def bytes_of(value: Any) -> int:
    """Bytes of all arrays in arguments and result: read or written once at least."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, (tuple, list)):
        return sum(map(bytes_of, value))
    return 0


class Profile(Training):
    """The training step of a case, taken apart."""

    def step_in_parts(self) -> Stopwatch:
        """Take one step, each phase on the clock."""
        watch = Stopwatch()
        measuring = watch.measuring
        ids, targets = next(self.batches)
        with watch.on_kernels():
            with measuring("forward"):
                loss = self.loss(ids, targets)
            with measuring("backward"):
                loss.backward()
            with measuring("clip"):
                nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            with measuring("optimizer"):
                self.optimizer.step()
                self.optimizer.zero_grad()
        return watch

    def run(self, n: int) -> dict[str, Any]:
        """Take `n` steps in parts and keep the faster half, which nothing else disturbed.

        The stopwatch itself takes time too: "plain" is the shortest step without it.
        """
        plain = super().run(n)["times"]
        watches = [self.step_in_parts() for _ in range(n)]
        watches.sort(key=lambda watch: sum(watch.seconds.values()))
        return {
            "plain": min(plain),
            "rows": rows_of(watches[: (n + 1) // 2]),
            "threads": tinyllm.get_num_threads(),
        }
