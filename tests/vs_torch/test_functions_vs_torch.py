"""Every public function against PyTorch: values and gradients, float32 and float64.

A case is a callable on a namespace (torch or tinyllm) and tensors of the given shapes. Each runs
on contiguous and on transposed memory; gradients start from a random covector.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

import tinyllm

TOLERANCE = {"float32": {"rtol": 1e-5, "atol": 1e-6}, "float64": {"rtol": 1e-12, "atol": 1e-13}}


class Case(NamedTuple):
    name: str
    call: Callable[..., Any]  # (namespace, *tensors) -> tensor or tuple of tensors
    shapes: list[tuple[int, ...]]
    make: str = "normal"


def positive(name: str, call: Callable, shapes: list[tuple[int, ...]]) -> Case:
    return Case(name, call, shapes, "positive")


def ties(name: str, call: Callable, shapes: list[tuple[int, ...]]) -> Case:
    """Small whole numbers: equal elements, zeros, and elements at the bounds."""
    return Case(name, call, shapes, "ties")


BROADCASTS = [
    [(2, 3), (2, 3)],
    [(2, 1, 5), (3, 1)],
    [(), (3,)],
    [(4, 1), ()],
    [(), ()],
    [(0, 3), (3,)],
    [(2, 0), (1, 1)],
]
SHAPES = [(), (5,), (2, 3, 5), (0, 3), (2, 0)]

CASES = [
    *(Case(f"add {s}", lambda ns, x, y: ns.add(x, y), s) for s in BROADCASTS),
    *(Case(f"sub {s}", lambda ns, x, y: ns.sub(x, y), s) for s in BROADCASTS),
    *(Case(f"mul {s}", lambda ns, x, y: ns.mul(x, y), s) for s in BROADCASTS),
    *(positive(f"div {s}", lambda ns, x, y: ns.div(x, y), s) for s in BROADCASTS),
    *(positive(f"pow {s}", lambda ns, x, y: ns.pow(x, y), s) for s in BROADCASTS),
    *(ties(f"maximum {s}", lambda ns, x, y: ns.maximum(x, y), s) for s in BROADCASTS),
    *(ties(f"minimum {s}", lambda ns, x, y: ns.minimum(x, y), s) for s in BROADCASTS),
    *(ties(f"where {s}", lambda ns, x, y: ns.where(x > 0, x, y), s) for s in BROADCASTS),
    *(Case(f"neg {s}", lambda ns, x: ns.neg(x), [s]) for s in SHAPES),
    *(Case(f"exp {s}", lambda ns, x: ns.exp(x), [s]) for s in SHAPES),
    *(positive(f"log {s}", lambda ns, x: ns.log(x), [s]) for s in SHAPES),
    *(positive(f"sqrt {s}", lambda ns, x: ns.sqrt(x), [s]) for s in SHAPES),
    *(positive(f"rsqrt {s}", lambda ns, x: ns.rsqrt(x), [s]) for s in SHAPES),
    *(Case(f"tanh {s}", lambda ns, x: ns.tanh(x), [s]) for s in SHAPES),
    *(Case(f"sigmoid {s}", lambda ns, x: ns.sigmoid(x), [s]) for s in SHAPES),
    *(ties(f"relu {s}", lambda ns, x: ns.relu(x), [s]) for s in SHAPES),
    *(ties(f"abs {s}", lambda ns, x: ns.abs(x), [s]) for s in SHAPES),
    *(Case(f"square {s}", lambda ns, x: ns.square(x), [s]) for s in SHAPES),
    *(ties(f"clamp {s}", lambda ns, x: ns.clamp(x, -1, 1), [s]) for s in SHAPES),
    *(Case(f"sum {s}", lambda ns, x: ns.sum(x), [s]) for s in SHAPES),
    *(Case(f"mean {s}", lambda ns, x: ns.mean(x), [s]) for s in SHAPES),
    *(Case(f"clone {s}", lambda ns, x: ns.clone(x), [s]) for s in SHAPES),
    *(Case(f"flatten {s}", lambda ns, x: ns.flatten(x), [s]) for s in SHAPES),
    *(Case(f"softmax last {s}", lambda ns, x: ns.softmax(x, -1), [s]) for s in SHAPES),
    *(Case(f"log_softmax last {s}", lambda ns, x: ns.log_softmax(x, -1), [s]) for s in SHAPES),
    *(Case(f"sum of one dim {s}", lambda ns, x: ns.sum(x, -1), [s]) for s in SHAPES),
    *(Case(f"logsumexp {s}", lambda ns, x: ns.logsumexp(x, -1), [s]) for s in SHAPES),
    # pointwise
    Case("add alpha", lambda ns, x, y: ns.add(x, y, alpha=3), [(2, 3), (3,)]),
    Case("sub alpha", lambda ns, x, y: ns.sub(x, y, alpha=0.5), [(2, 3), (3,)]),
    Case("add to itself", lambda ns, x: ns.add(x, x), [(3,)]),
    Case("operators with numbers", lambda ns, x: 2 - x * 3 + 1.5 / (x * x + 1) - 2, [(2, 3)]),
    positive("reflected pow", lambda ns, x: 2**x + x**0.5 + x**-2, [(2, 3)]),
    ties("pow 0 of 0", lambda ns, x: x**0, [(4, 5)]),
    ties("pow 1", lambda ns, x: x**1, [(4, 5)]),
    ties("pow 2", lambda ns, x: x**2, [(4, 5)]),
    ties("pow 3.0", lambda ns, x: x**3.0, [(4, 5)]),
    ties("0 to the x", lambda ns, x: 0 ** ns.abs(x), [(4, 5)]),
    ties("pow tensors with zeros", lambda ns, x, y: ns.pow(ns.abs(x), ns.abs(y)), [(5, 6), (6,)]),
    ties("remainder", lambda ns, x: x % 2.5, [(4, 5)]),
    positive("remainder by a tensor", lambda ns, x, y: ns.remainder(x, y), [(4, 5), (5,)]),
    ties("clamp min", lambda ns, x: ns.clamp(x, min=0), [(4, 5)]),
    ties("clamp max", lambda ns, x: ns.clamp(x, max=1), [(4, 5)]),
    ties("clamp min above max", lambda ns, x: ns.clamp(x, 1, -1), [(4, 5)]),
    ties("clamp tensors", lambda ns, x, y: ns.clamp(x, y - 1, y + 1), [(4, 5), (5,)]),
    ties("where number", lambda ns, x: ns.where(x > 0, x, 7.0), [(4, 5)]),
    ties("where method", lambda ns, x: x.where(x > 0, -x), [(4, 5)]),
    Case("masked_fill", lambda ns, x: ns.masked_fill(x, x > 0, -1e9), [(4, 5)]),
    Case("masked_fill inf", lambda ns, x: x.masked_fill(x[0] > 0, float("-inf")), [(4, 5)]),
    Case("masked_fill tensor", lambda ns, x, y: x.masked_fill(x > 0, y), [(4, 5), ()]),
    Case("to and back", lambda ns, x: x.to(ns.float32).double().to(x.dtype), [(2, 3)]),
    Case("square root of a product", lambda ns, x, y: (x * x + y * y).sqrt(), [(3,), (3,)]),
    # reduction
    Case("sum dims", lambda ns, x: ns.sum(x, (0, -1)), [(2, 3, 5)]),
    Case("sum keepdim", lambda ns, x: ns.sum(x, 1, keepdim=True), [(2, 3, 5)]),
    Case("sum of a dim of size 1", lambda ns, x: ns.sum(x, 1), [(2, 1, 5)]),
    Case("sum of an empty dim", lambda ns, x: ns.sum(x, 0), [(0, 3)]),
    Case("mean dim", lambda ns, x: ns.mean(x, -1), [(2, 3, 5)]),
    Case("mean dims keepdim", lambda ns, x: ns.mean(x, (0, 1), True), [(2, 3, 5)]),
    Case("mean of an empty dim", lambda ns, x: ns.mean(x, 0), [(0, 3)]),
    Case("var", lambda ns, x: ns.var(x), [(2, 3, 5)]),
    Case("var dim", lambda ns, x: ns.var(x, -1), [(2, 3, 5)]),
    Case("var correction", lambda ns, x: ns.var(x, (0, 2), correction=0), [(2, 3, 5)]),
    Case("var unbiased", lambda ns, x: x.var(-1, unbiased=False, keepdim=True), [(2, 3, 5)]),
    Case("std", lambda ns, x: ns.std(x, 1, keepdim=True), [(2, 3, 5)]),
    ties("max", lambda ns, x: ns.max(x), [(4, 5)]),
    ties("max dim", lambda ns, x: ns.max(x, 1), [(4, 5)]),
    ties("max dim keepdim", lambda ns, x: ns.max(x, dim=-2, keepdim=True), [(2, 4, 5)]),
    Case("max 0-d", lambda ns, x: ns.max(x, 0), [()]),
    ties("max of two", lambda ns, x, y: ns.max(x, y), [(4, 5), (5,)]),
    ties("max method", lambda ns, x: x.max(0).values, [(4, 5)]),
    ties("min", lambda ns, x: ns.min(x), [(4, 5)]),
    ties("min dim", lambda ns, x: ns.min(x, 1), [(4, 5)]),
    ties("min of two", lambda ns, x, y: ns.min(x, y), [(4, 5), (5,)]),
    ties("amax", lambda ns, x: ns.amax(x), [(4, 5)]),
    ties("amax dims", lambda ns, x: ns.amax(x, (0, -1)), [(2, 4, 5)]),
    ties("amax keepdim", lambda ns, x: ns.amax(x, 1, keepdim=True), [(4, 5)]),
    ties("amin", lambda ns, x: ns.amin(x, 0), [(4, 5)]),
    ties("logsumexp dims", lambda ns, x: ns.logsumexp(x, (0, 2), True), [(2, 4, 5)]),
    Case("logsumexp of large", lambda ns, x: ns.logsumexp(x * 1e4, 1), [(4, 5)]),
    Case(
        "logsumexp with -inf",
        lambda ns, x: ns.logsumexp(x.masked_fill(x > 0.3, float("-inf")), 0),
        [(40, 5)],
    ),
    # shape
    Case("reshape", lambda ns, x: ns.reshape(x, (5, -1)), [(2, 3, 5)]),
    Case("reshape method", lambda ns, x: x.reshape(2, 15), [(2, 3, 5)]),
    Case("reshape to 0-d", lambda ns, x: x.reshape(()), [(1, 1)]),
    Case("view", lambda ns, x: x.contiguous().view(-1, 5), [(2, 3, 5)]),
    Case("view_as", lambda ns, x, y: x.contiguous().view_as(y) * y, [(2, 3), (6,)]),
    Case("permute", lambda ns, x: ns.permute(x, (2, 0, -2)), [(2, 3, 5)]),
    Case("permute method", lambda ns, x: x.permute(1, 2, 0), [(2, 3, 5)]),
    Case("transpose", lambda ns, x: ns.transpose(x, 0, -1), [(2, 3, 5)]),
    Case("T and mT", lambda ns, x: x.mT @ (x * x.T.mT) @ x.T[:, :2], [(5, 3)]),
    Case("t", lambda ns, x: ns.t(x) * 2, [(5, 3)]),
    Case("squeeze", lambda ns, x: ns.squeeze(x), [(1, 3, 1)]),
    Case("squeeze dim", lambda ns, x: ns.squeeze(x, -1), [(1, 3, 1)]),
    Case("squeeze dims", lambda ns, x: ns.squeeze(x, (0, 1)), [(1, 3, 1)]),
    Case("squeeze other dim", lambda ns, x: ns.squeeze(x, 1), [(1, 3, 1)]),
    Case("unsqueeze", lambda ns, x: ns.unsqueeze(x, -1), [(2, 3)]),
    Case("unsqueeze front", lambda ns, x: x.unsqueeze(0), [()]),
    Case("expand", lambda ns, x: x.expand(4, 2, -1), [(2, 1)]),
    Case("expand more", lambda ns, x: x.expand((4, 2, 3)), [(2, 1)]),
    Case("expand same", lambda ns, x: x.expand(2, 1), [(2, 1)]),
    Case("expand to nothing", lambda ns, x: x.expand(0, 2, 3), [(2, 1)]),
    Case("expand_as", lambda ns, x, y: x.expand_as(y) * y, [(2, 1), (3, 2, 5)]),
    Case("broadcast_to", lambda ns, x: ns.broadcast_to(x, (4, 3)), [(3,)]),
    Case("flatten part", lambda ns, x: ns.flatten(x, 1, -2), [(2, 3, 5, 7)]),
    Case("cat", lambda ns, x, y: ns.cat([x, y]), [(2, 3), (4, 3)]),
    Case("cat dim", lambda ns, x, y: ns.cat((x, y, x), dim=-1), [(2, 3), (2, 4)]),
    Case("cat with empty", lambda ns, x, y: ns.concat((x, y), dim=1), [(0,), (2, 4)]),
    Case("stack", lambda ns, x, y: ns.stack([x, y, x]), [(2, 3), (2, 3)]),
    Case("stack dim", lambda ns, x, y: ns.stack([x, y], -1), [(2, 3), (2, 3)]),
    Case("stack 0-d", lambda ns, x, y: ns.stack([x, y]), [(), ()]),
    Case("split", lambda ns, x: ns.split(x, 2), [(5, 3)]),
    Case("split one used", lambda ns, x: ns.split(x, 2)[1], [(5, 3)]),
    Case("split sections", lambda ns, x: ns.split(x, [1, 0, 4], dim=-1), [(2, 3, 5)]),
    Case("chunk", lambda ns, x: ns.chunk(x, 3, 1), [(2, 7)]),
    Case("chunk few", lambda ns, x: x.chunk(4), [(6, 2)]),
    Case("chunk empty", lambda ns, x: x.chunk(2, 1), [(6, 0)]),
    Case("unbind", lambda ns, x: ns.unbind(x, 1), [(2, 3, 5)]),
    Case("tril", lambda ns, x: ns.tril(x, 1), [(2, 4, 5)]),
    Case("triu", lambda ns, x: ns.triu(x, -1), [(4, 5)]),
    # indexing
    Case("x[int]", lambda ns, x: x[1], [(3, 4)]),
    Case("x[int, int]", lambda ns, x: x[1, -1], [(3, 4)]),
    Case("x[slice]", lambda ns, x: x[1:, ::2], [(3, 4)]),
    Case("x[...]", lambda ns, x: x[..., 0], [(3, 4, 5)]),
    Case("x[None]", lambda ns, x: x[None, :, None], [(3, 4)]),
    Case("x[()]", lambda ns, x: x[()], [(3, 4)]),
    Case("x[list]", lambda ns, x: x[[0, 2, 0]], [(3, 4)]),
    Case("x[tensor]", lambda ns, x: x[ns.tensor([[0, -1], [2, 0]])], [(3, 4)]),
    Case("x[tensor 0-d]", lambda ns, x: x[ns.tensor(1)], [(3, 4)]),
    Case("x[:, tensor]", lambda ns, x: x[:, ns.tensor([3, 3, 0])], [(3, 4)]),
    Case("x[t, t]", lambda ns, x: x[ns.tensor([0, 0]), ns.tensor([1, 1])], [(3, 4)]),
    Case("x[t, :, t]", lambda ns, x: x[ns.tensor([0, 1]), :, ns.tensor([1, 1])], [(3, 4, 5)]),
    Case("x[0, :, t]", lambda ns, x: x[0, :, ns.tensor([1, 3, 3])], [(3, 4, 5)]),
    Case("x[t, 0]", lambda ns, x: x[ns.tensor([1, 2, 2]), 0], [(3, 4, 5)]),
    Case("x[..., t]", lambda ns, x: x[..., ns.tensor([1, 3, 3])], [(3, 4, 5)]),
    Case("x[t, ..., t]", lambda ns, x: x[ns.tensor([1]), ..., ns.tensor([1, 3])], [(3, 4, 5)]),
    Case("x[t, None]", lambda ns, x: x[ns.tensor([1, 0]), None, 1:], [(3, 4, 5)]),
    Case("x[arange, t]", lambda ns, x: x[ns.arange(3), ns.tensor([1, 3, 0])], [(3, 4)]),
    Case("x[mask]", lambda ns, x: x[x > 0], [(3, 4)]),
    Case("x[mask row]", lambda ns, x: x[x[:, 0] > -0.5], [(3, 4)]),
    Case("x[:, mask]", lambda ns, x: x[:, x[0] > -0.5], [(3, 4)]),
    Case("x[mask, int]", lambda ns, x: x[x[:, 0, 0] > -9, 1], [(3, 4, 5)]),
    Case("x[1, mask]", lambda ns, x: x[1, x[0] > 0], [(3, 4, 5)]),
    Case("x[mask 2d, slice]", lambda ns, x: x[x[..., 0] > 0, 1:3], [(3, 4, 5)]),
    Case("x[empty list]", lambda ns, x: x[[]], [(3, 4)]),
    Case("x[t] of rows", lambda ns, x: x[ns.tensor([[5, 5, 1], [0, 5, 2]])], [(6, 4)]),
    Case("gather", lambda ns, x: ns.gather(x, 1, ns.tensor([[0, 0, 2], [3, 1, 1]])), [(3, 4)]),
    Case("gather 0", lambda ns, x: x.gather(0, ns.tensor([[0, 1, 2, 0]])), [(3, 4)]),
    Case("gather last", lambda ns, x: x.gather(-1, ns.tensor([[0], [1], [3]])), [(3, 4)]),
    Case("index_select", lambda ns, x: ns.index_select(x, -1, ns.tensor([3, 3, 0])), [(2, 3, 4)]),
    # linalg
    *(
        Case(f"matmul {s}", lambda ns, x, y: ns.matmul(x, y), s)
        for s in [
            [(3,), (3,)],
            [(2, 3), (3,)],
            [(3,), (3, 4)],
            [(2, 3), (3, 4)],
            [(5, 2, 3), (3, 4)],
            [(2, 3), (5, 3, 4)],
            [(5, 1, 2, 3), (7, 3, 4)],
            [(3,), (5, 3, 4)],
            [(5, 2, 3), (3,)],
            [(2, 0), (0, 3)],
            [(0, 3), (3, 2)],
        ]
    ),
    Case("mm", lambda ns, x, y: ns.mm(x, y), [(2, 3), (3, 4)]),
    Case("bmm", lambda ns, x, y: ns.bmm(x, y), [(5, 2, 3), (5, 3, 4)]),
    Case("dot", lambda ns, x, y: ns.dot(x, y), [(3,), (3,)]),
    Case("@ with transposes", lambda ns, x, y: x.mT @ y.T, [(3, 2), (4, 3)]),
    Case("softmax", lambda ns, x: ns.softmax(x, 1), [(2, 3, 5)]),
    Case("softmax with -inf", lambda ns, x: x.masked_fill(x > 1, -ns.inf).softmax(0), [(9, 5)]),
    Case("log_softmax", lambda ns, x: x.log_softmax(dim=-3), [(2, 3, 5)]),
    # orders, whose values carry a gradient
    ties("sort", lambda ns, x: ns.sort(x, dim=1, stable=True), [(4, 7)]),
    ties(
        "sort descending", lambda ns, x: ns.sort(x, dim=0, descending=True, stable=True), [(7, 4)]
    ),
    Case("topk", lambda ns, x: ns.topk(x, 3), [(4, 7)]),
    Case("topk smallest", lambda ns, x: x.topk(2, dim=0, largest=False), [(7, 4)]),
    # no gradient
    ties(
        "comparisons",
        lambda ns, x, y: (x == y, x != y, x < y, x <= 1, x > y, y >= x),
        [(4, 5), (5,)],
    ),
    ties("eq of broadcast", lambda ns, x, y: ns.eq(x, y), [(4, 1), (5,)]),
    ties("bits", lambda ns, x: ((x > 0) & (x < 2), (x > 0) | (x < -1), ~(x > 0)), [(4, 5)]),
    ties(
        "any all", lambda ns, x: (ns.any(x > 2, 1), ns.all(x < 2, 0, True), (x > 9).any()), [(4, 5)]
    ),
    ties("argmax", lambda ns, x: (ns.argmax(x), x.argmax(1), x.argmax(-2, True)), [(4, 5)]),
    ties("argmin", lambda ns, x: (ns.argmin(x), x.argmin(1), x.argmin(-2, True)), [(4, 5)]),
    Case("argsort", lambda ns, x: ns.argsort(x, -1, True), [(4, 5)]),
    ties(
        "nonfinite", lambda ns, x: (ns.isinf(1 / x), ns.isnan(x / x), ns.isfinite(1 / x)), [(4, 5)]
    ),
    ties("where indices", lambda ns, x: ns.where(x > 0), [(4, 5)]),
    ties(
        "floor_divide",
        lambda ns, x: (x.detach() // 2, x.detach() % -2, 7 // (x * x + 1).detach()),
        [(4, 5)],
    ),
    ties("div trunc", lambda ns, x: ns.div(x, 2, rounding_mode="trunc").detach(), [(4, 5)]),
    ties("cumsum", lambda ns, x: ns.cumsum(x.detach(), -1), [(4, 5)]),
    *(
        ties(
            f"likes {s}", lambda ns, x: (ns.zeros_like(x), ns.ones_like(x), ns.full_like(x, 3)), [s]
        )
        for s in SHAPES
    ),
]


def arrays(case: Case, dtype: str, transposed: bool) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    made = []
    for shape in case.shapes:
        x = rng.standard_normal(shape)
        if case.make == "positive":
            x = np.abs(x) + 0.5
        if case.make == "ties":
            x = rng.integers(-2, 3, shape).astype(float)
        x = np.asarray(x, dtype)
        made.append(x.T.copy().T if transposed else x)
    return made


def run(namespace: Any, case: Case, inputs: list[np.ndarray]) -> tuple[list, list]:
    """Outputs, and the gradient of each input from random covectors."""
    leaves = [namespace.from_numpy(x.copy(order="K")).requires_grad_() for x in inputs]
    outputs = case.call(namespace, *leaves)
    outputs = list(outputs) if isinstance(outputs, tuple) else [outputs]
    rng = np.random.default_rng(1)
    total = None
    for y in outputs:
        covector = rng.standard_normal(tuple(y.shape)).astype(inputs[0].dtype)
        if y.requires_grad:
            part = (y.masked_fill(y.isinf(), 0) * namespace.from_numpy(np.asarray(covector))).sum()
            total = part if total is None else total + part
    if total is not None:
        total.backward()
    return [y.detach().numpy() for y in outputs], [
        None if x.grad is None else x.grad.numpy() for x in leaves
    ]


@pytest.mark.parametrize("transposed", [False, True], ids=["contiguous", "transposed"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
@pytest.mark.filterwarnings("ignore:The use of `x.T`", "ignore:An output with one or more")
def test_values_and_gradients(case: Case, dtype: str, transposed: bool) -> None:
    inputs = arrays(case, dtype, transposed)
    ours, our_grads = run(tinyllm, case, inputs)
    theirs, their_grads = run(torch, case, inputs)
    assert len(ours) == len(theirs)
    for y, expected in zip(ours, theirs, strict=True):
        assert y.shape == expected.shape
        assert y.dtype == expected.dtype
        np.testing.assert_allclose(y, expected, **TOLERANCE[dtype])
    for grad, expected in zip(our_grads, their_grads, strict=True):
        if expected is None or grad is None:
            assert grad is None or not grad.any()
            assert expected is None or not expected.any()
            continue
        assert grad.shape == expected.shape
        assert grad.dtype == expected.dtype
        np.testing.assert_allclose(grad, expected, **TOLERANCE[dtype])
