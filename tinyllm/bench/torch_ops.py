"""PyTorch's operators, ready to be called: the other side of `bench ops`."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from tinyllm.bench.cases import ADAMW
from tinyllm.bench.memory import PeakMemory
from tinyllm.bench.ops import DROPOUT, EPS, Op
from tinyllm.bench.our_ops import Call, OurOps, nothing

aten = torch.ops.aten
MEAN, IGNORED = 1, -100


class TorchOps(OurOps):
    """Times the op that was selected last."""

    def __init__(self, threads: int | None, memory: PeakMemory) -> None:
        super().__init__(None, memory)
        torch.set_grad_enabled(False)  # operators alone, no tape
        if threads is not None:
            torch.set_num_threads(threads)

    def prepare(self, op: Op, a: SimpleNamespace) -> tuple[Call, Callable[[Any], list]]:
        """What to call, and how to look at its result."""
        tensors = SimpleNamespace(**{name: _tensors(value) for name, value in vars(a).items()})
        return (backward if op.backward else forward)(op, tensors)


def first(result: Any) -> list[np.ndarray]:
    """The output alone."""
    return arrays(result)[:1]


def arrays(result: Any) -> list[np.ndarray]:
    """All outputs."""
    tensors = result if isinstance(result, (tuple, list)) else [result]
    return [tensor.detach().numpy() for tensor in tensors]


def forward(op: Op, a: SimpleNamespace) -> tuple[Call, Callable[[Any], list]]:
    """The op as a user calls it."""
    if op.name == "adamw":
        return adamw(a)
    calls: dict[str, Call] = {
        "softmax": lambda: torch.softmax(a.x, -1),
        "log_softmax": lambda: torch.log_softmax(a.x, -1),
        "layer_norm": lambda: F.layer_norm(a.x, a.weight.shape, a.weight, a.bias, EPS),
        "rms_norm": lambda: F.rms_norm(a.x, a.weight.shape, a.weight, EPS),
        "dropout": lambda: F.dropout(a.x, DROPOUT),
        "gelu": lambda: F.gelu(a.x),
        "gelu_tanh": lambda: F.gelu(a.x, approximate="tanh"),
        "silu": lambda: F.silu(a.x),
        "cross_entropy": lambda: F.cross_entropy(a.x, a.ids),
        "attention": lambda: F.scaled_dot_product_attention(a.q, a.k, a.v, is_causal=True),
        "embedding": lambda: F.embedding(a.ids, a.table),
        "linear": lambda: F.linear(a.x, a.weight, a.bias),
    }
    return calls[op.name], nothing if op.name == "dropout" else first


def backward(op: Op, a: SimpleNamespace) -> tuple[Call, Callable[[Any], list]]:
    """The operator that PyTorch's own backward calls, after one forward."""
    if op.name == "softmax":
        y = torch.softmax(a.x, -1)
        return (lambda: aten._softmax_backward_data.default(a.grad, y, -1, torch.float32)), first
    if op.name == "log_softmax":
        y = torch.log_softmax(a.x, -1)
        return (
            lambda: aten._log_softmax_backward_data.default(a.grad, y, -1, torch.float32)
        ), first
    if op.name == "gelu":
        return (lambda: aten.gelu_backward.default(a.grad, a.x)), first
    if op.name == "gelu_tanh":
        return (lambda: aten.gelu_backward.default(a.grad, a.x, approximate="tanh")), first
    if op.name == "silu":
        return (lambda: aten.silu_backward.default(a.grad, a.x)), first
    if op.name == "layer_norm":
        size = list(a.weight.shape)
        _, mean, rstd = aten.native_layer_norm.default(a.x, size, a.weight, a.bias, EPS)
        given = (a.grad, a.x, size, mean, rstd, a.weight, a.bias, [True] * 3)
        return (lambda: aten.native_layer_norm_backward.default(*given)), arrays
    if op.name == "rms_norm":  # no operator of its own on CPU: autograd's way through its parts
        x, weight = a.x.requires_grad_(), a.weight.requires_grad_()
        with torch.enable_grad():
            y = F.rms_norm(x, weight.shape, weight, EPS)
        return (lambda: torch.autograd.grad(y, (x, weight), a.grad, retain_graph=True)), arrays
    if op.name == "dropout":
        mask = torch.empty_like(a.x).bernoulli_(1 - DROPOUT).div_(1 - DROPOUT)
        return (lambda: a.grad * mask), nothing
    if op.name == "cross_entropy":
        return cross_entropy_backward(a)
    if op.name == "attention":
        out, lse = aten._scaled_dot_product_flash_attention_for_cpu.default(
            a.q, a.k, a.v, 0.0, True
        )
        given = (a.grad, a.q, a.k, a.v, out, lse, 0.0, True)
        return (
            lambda: aten._scaled_dot_product_flash_attention_for_cpu_backward.default(*given)
        ), arrays
    if op.name == "embedding":
        given = (a.grad, a.ids, len(a.table), -1, False)
        return (lambda: aten.embedding_dense_backward.default(*given)), first
    return (lambda: [a.grad @ a.weight, a.grad.T @ a.x]), arrays


def cross_entropy_backward(a: SimpleNamespace) -> tuple[Call, Callable[[Any], list]]:
    """The two operators of its backward."""
    y = torch.log_softmax(a.x, -1)
    _, total = aten.nll_loss_forward.default(y, a.ids, None, MEAN, IGNORED)
    one = torch.tensor(1.0)

    def call() -> torch.Tensor:
        grad = aten.nll_loss_backward.default(one, y, a.ids, None, MEAN, IGNORED, total)
        return aten._log_softmax_backward_data.default(grad, y, -1, torch.float32)

    return call, first


def adamw(a: SimpleNamespace) -> tuple[Call, Callable[[Any], list]]:
    """A step of the fused optimizer over a block's matrices."""
    params = [torch.nn.Parameter(tensor) for tensor in a.params]
    for param, grad in zip(params, a.grads, strict=True):
        param.grad = grad
    step = torch.optim.AdamW(params, fused=True, **ADAMW).step
    return step, lambda _: [param.detach().numpy().copy() for param in params]


def _tensors(value: Any) -> Any:
    """Tensors that share the arrays' memory, strides and all."""
    if isinstance(value, list):
        return [torch.from_numpy(array) for array in value]
    return None if value is None else torch.from_numpy(value)
