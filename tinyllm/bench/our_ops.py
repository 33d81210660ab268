"""Our kernels, ready to be called: what a worker of `bench ops` times on our side."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

import tinyllm
from tinyllm import kernels, nn, optim
from tinyllm.bench.cases import ADAMW
from tinyllm.bench.clock import times_of, warm_up
from tinyllm.bench.memory import PeakMemory
from tinyllm.bench.ops import DROPOUT, EPS, SEED, Op, all_ops, check_of, inputs

WARM_UP_SECONDS = 0.05
Call = Callable[[], Any]


class OurOps:
    """Times the op that was selected last."""

    def __init__(self, threads: int | None, memory: PeakMemory) -> None:
        if threads is not None:
            tinyllm.set_num_threads(threads)
        self.ops = {op.key: op for op in all_ops()}
        self.call: Call = lambda: None

    def about(self) -> dict[str, Any]:
        """Nothing is made beforehand."""
        return {}

    def select(self, key: str) -> dict[str, Any]:
        """Make an op's inputs, call it, and give its time and some of its numbers."""
        op = self.ops[key]
        try:
            self.call, seen = self.prepare(op, inputs(op))
            check = check_of(seen(self.call()))
            return {"seconds": warm_up(self.call, WARM_UP_SECONDS), "check": check}
        except Exception as error:
            return {"refused": f"{type(error).__name__}: {error}"}

    def prepare(self, op: Op, a: SimpleNamespace) -> tuple[Call, Callable[[Any], list]]:
        """What to call, and how to look at its result."""
        return (backward if op.backward else forward)(op, a)

    def run(self, n: int) -> dict[str, Any]:
        """Seconds of each of `n` calls."""
        return {"times": times_of(self.call, n)}


def first(result: Any) -> list[np.ndarray]:
    """The output, without the statistics that a backward needs."""
    return [result[0] if isinstance(result, tuple) else result]


def nothing(_result: Any) -> list[np.ndarray]:
    """For random results, which cannot agree."""
    return []


def forward(op: Op, a: SimpleNamespace) -> tuple[Call, Callable[[Any], list]]:
    """The op's forward kernel."""
    if op.name == "adamw":
        return adamw(a)
    calls: dict[str, Call] = {
        "layer_norm": lambda: kernels.layer_norm(a.x, a.weight, a.bias, EPS),
        "rms_norm": lambda: kernels.rms_norm(a.x, a.weight, EPS),
        "dropout": lambda: kernels.dropout(a.x, DROPOUT, SEED),
        "cross_entropy": lambda: kernels.cross_entropy(a.x, a.ids, -100, 0.0),
        "attention": lambda: attend(a),
        "embedding": lambda: kernels.embedding(a.table, a.ids),
        "linear": lambda: kernels.linear(a.x, a.weight, a.bias, None),
    }
    if op.name not in calls:  # softmax, gelu …: functions of one array
        kernel = kernels.KERNELS[op.name]
        return (lambda: kernel(a.x)), first
    if op.name == "cross_entropy":
        return calls[op.name], lambda result: [result[0].mean()]
    return calls[op.name], nothing if op.name == "dropout" else first


def backward(op: Op, a: SimpleNamespace) -> tuple[Call, Callable[[Any], list]]:
    """The op's backward kernel, after one forward."""
    if op.name in ("softmax", "log_softmax"):
        y = kernels.KERNELS[op.name](a.x)
        kernel = kernels.KERNELS[f"{op.name}_backward"]
        return (lambda: kernel(a.grad, y)), first
    if op.name in ("gelu", "gelu_tanh", "silu"):
        kernel = kernels.KERNELS[f"{op.name}_backward"]
        return (lambda: kernel(a.grad, a.x)), first
    if op.name == "layer_norm":
        _, mean, rstd = kernels.layer_norm(a.x, a.weight, a.bias, EPS)
        return (lambda: kernels.layer_norm_backward(a.grad, a.x, a.weight, mean, rstd)), list
    if op.name == "rms_norm":
        _, rstd = kernels.rms_norm(a.x, a.weight, EPS)
        return (lambda: kernels.rms_norm_backward(a.grad, a.x, a.weight, rstd)), list
    if op.name == "dropout":
        return (lambda: kernels.dropout(a.grad, DROPOUT, SEED)), nothing
    if op.name == "cross_entropy":
        rows = len(a.ids)
        _, lse = kernels.cross_entropy(a.x, a.ids, -100, 0.0)
        grad = np.full(rows, 1 / rows, np.float32)
        return (lambda: kernels.cross_entropy_backward(grad, a.x, a.ids, lse, -100, 0.0)), first
    if op.name == "attention":
        _, lse = attend(a)
        scale = a.q.shape[-1] ** -0.5
        given = (a.grad, a.q, a.k, a.v, None, True, scale, 0.0, 0, lse)
        return (lambda: kernels.attention_backward(*given)), list
    if op.name == "embedding":
        return (lambda: kernels.embedding_backward(a.grad, a.ids, len(a.table))), first
    return (lambda: [kernels.matmul(a.grad, a.weight), kernels.matmul(a.grad.T, a.x)]), list


def attend(a: SimpleNamespace) -> tuple[np.ndarray, np.ndarray]:
    """Causal attention."""
    return kernels.attention(a.q, a.k, a.v, None, True, a.q.shape[-1] ** -0.5, 0.0, 0)


def adamw(a: SimpleNamespace) -> tuple[Call, Callable[[Any], list]]:
    """A step of the optimizer over a block's matrices."""
    params = [nn.Parameter(tinyllm.tensor(array)) for array in a.params]
    for param, grad in zip(params, a.grads, strict=True):
        param.grad = tinyllm.tensor(grad)
    return optim.AdamW(params, **ADAMW).step, lambda _: [param.array.copy() for param in params]
