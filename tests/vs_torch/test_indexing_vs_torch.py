"""Reading and writing by index, and change in place, against PyTorch. Indices are random."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import tinyllm


def random_index(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """An index in a namespace-free form: arrays stand for tensors."""
    parts: list[Any] = []
    length = rng.integers(2, 4)  # of all integer arrays, so that they broadcast
    axis = 0
    while axis < len(shape) and rng.random() < 0.85:
        n = shape[axis]
        kind = rng.choice(["int", "slice", "all", "none", "array", "array2", "mask", "mask2"])
        if kind == "none":
            parts.append(None)
            continue
        if kind == "int":
            parts.append(int(rng.integers(-n, n)))
        elif kind == "slice":
            parts.append(slice(int(rng.integers(-n, n)), None, int(rng.integers(1, 3))))
        elif kind == "all":
            parts.append(slice(None))
        elif kind == "array":
            parts.append(rng.integers(-n, n, length))
        elif kind == "array2":
            parts.append(rng.integers(-n, n, (2, 1)))
        elif kind == "mask":
            mask = np.zeros(n, bool)
            mask[rng.permutation(n)[: min(length, n)]] = True
            parts.append(mask)
        elif axis + 1 < len(shape):
            mask = np.zeros(shape[axis : axis + 2], bool)
            mask.ravel()[rng.permutation(mask.size)[: min(length, mask.size)]] = True
            parts.append(mask)
            axis += 1
        axis += 1
    if axis < len(shape) and rng.random() < 0.5:
        parts.append(...)
    return tuple(parts)


def in_namespace(namespace: Any, index: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(namespace.tensor(p) if isinstance(p, np.ndarray) else p for p in index)


@pytest.mark.parametrize("seed", range(300))
def test_random_index(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.integers(2, 6, rng.integers(1, 5)))
    index = random_index(rng, shape)
    array = rng.standard_normal(shape)
    ours = tinyllm.tensor(array, requires_grad=True)
    theirs = torch.tensor(array, requires_grad=True)
    try:
        expected = theirs[in_namespace(torch, index)]
    except IndexError:  # integer arrays that do not broadcast
        with pytest.raises(IndexError):
            ours[in_namespace(tinyllm, index)]
        return
    got = ours[in_namespace(tinyllm, index)]
    assert got.shape == tuple(expected.shape)
    np.testing.assert_array_equal(got.detach().numpy(), expected.detach().numpy())

    covector = rng.standard_normal(got.shape)
    got.backward(tinyllm.as_tensor(covector))
    expected.backward(torch.as_tensor(covector))
    np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=1e-12, atol=1e-13)

    # writing: a number, which no order of writing can change
    a, b = tinyllm.tensor(array), torch.tensor(array)
    a[in_namespace(tinyllm, index)] = 7
    b[in_namespace(torch, index)] = 7
    np.testing.assert_array_equal(a.numpy(), b.numpy())


WRITES = {
    "row": lambda ns, x: x.__setitem__(1, ns.arange(4)),
    "column of numbers": lambda ns, x: x.__setitem__((slice(None), 0), -1),
    "all": lambda ns, x: x.__setitem__(slice(None), ns.ones(4)),
    "mask": lambda ns, x: x.__setitem__(x > 5, 0),
    "mask of values": lambda ns, x: x.__setitem__(x > 9, ns.tensor([7.0, 8.0])),
    "list": lambda ns, x: x.__setitem__([0, 2], ns.zeros(2, 4)),
    "0, tensor": lambda ns, x: x.__setitem__((0, ns.tensor([1, 3])), ns.tensor([5.0, 6.0])),
    "inf": lambda ns, x: x.__setitem__((..., slice(2, None)), -float("inf")),
    "0-d": lambda ns, x: x.__setitem__((1, 1), ns.tensor(3.5)),
    "through a slice": lambda ns, x: x[1:].zero_(),
    "through a row": lambda ns, x: x[0].fill_(9),
    "through a view": lambda ns, x: x.view(-1)[3:5].add_(1),
    "through a transpose": lambda ns, x: x.t()[0].copy_(ns.ones(3)),
    "through a split": lambda ns, x: x.split(2)[1].mul_(2),
    "through detach": lambda ns, x: x.detach().sub_(1),
    "through data": lambda ns, x: x.data.div_(2),
    "augmented slice": lambda ns, x: exec("x[:, 1:3] += 2", {"x": x}),
    "augmented": lambda ns, x: exec("x -= 1; x *= 2; x /= 3; x += x", {"x": x}),
    "add_ alpha": lambda ns, x: x.add_(ns.arange(4), alpha=0.5),
    "sub_ alpha": lambda ns, x: x.sub_(ns.arange(4), alpha=2),
    "mul_": lambda ns, x: x.mul_(ns.ones(3, 1) * 2),
    "div_": lambda ns, x: x.div_(3),
    "copy_": lambda ns, x: x.copy_(ns.arange(4)),
    "clamp_": lambda ns, x: x.clamp_(2, 5),
    "clamp_ min": lambda ns, x: x.clamp_(min=4),
    "masked_fill_": lambda ns, x: x.masked_fill_(ns.arange(4) > 1, -1),
    "integers": lambda ns, x: x.copy_(x.long().mul_(3)),
    "ints written": lambda ns, x: x.long().__setitem__(0, 2.9),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_change_in_place(write: Any) -> None:
    ours, theirs = tinyllm.arange(12.0).reshape(3, 4), torch.arange(12.0).reshape(3, 4)
    write(tinyllm, ours)
    write(torch, theirs)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6)


REFUSED = {
    "leaf": lambda ns, x: x.add_(1),
    "leaf item": lambda ns, x: x.__setitem__(0, 1),
    "leaf augmented": lambda ns, x: exec("x += 1", {"x": x}),
    "view of a leaf": lambda ns, x: x[0].zero_(),
    "expanded": lambda ns, x: x.detach()[:1].expand(3, 4).add_(1),
    "too large": lambda ns, x: x.detach()[0].add_(ns.ones(3, 4)),
    "integer and fraction": lambda ns, x: x.detach().long().add_(0.5),
    "integer division": lambda ns, x: x.detach().long().div_(2),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_both(name: str) -> None:
    for namespace in (tinyllm, torch):
        x = namespace.arange(12.0).reshape(3, 4).requires_grad_()
        with pytest.raises((RuntimeError, ValueError, TypeError)):
            REFUSED[name](namespace, x)


def test_a_saved_value_that_changed_is_refused_in_both() -> None:
    for namespace in (tinyllm, torch):
        x = namespace.ones(3, requires_grad=True)
        weight = namespace.ones(3)
        y = (x * weight).sum()
        weight[0] = 2
        with pytest.raises(RuntimeError, match="in.?place"):
            y.backward()


def test_a_value_that_was_not_saved_may_change_in_both() -> None:
    for namespace in (tinyllm, torch):
        x = namespace.ones(3, requires_grad=True)
        other = namespace.ones(3)
        y = (x + other).sum()
        other[0] = 2
        y.backward()
        assert x.grad.tolist() == [1, 1, 1]
