"""utils.checkpoint: the same numbers and gradients, for less memory and a second forward."""

from __future__ import annotations

import gc
import tracemalloc
from contextlib import contextmanager

import numpy as np
import pytest

import tinyllm
from tinyllm import autograd, nn
from tinyllm.gradcheck import gradcheck
from tinyllm.kernels import memory
from tinyllm.nn import functional as F
from tinyllm.utils.checkpoint import CheckpointError, checkpoint, checkpoint_sequential


class Block(nn.Module):
    def __init__(self, width=6, dropout=0.0):
        super().__init__()
        self.norm, self.up = nn.LayerNorm(width), nn.Linear(width, 4 * width)
        self.down, self.dropout = nn.Linear(4 * width, width), nn.Dropout(dropout)

    def forward(self, x):
        return x + self.dropout(self.down(F.gelu(self.up(self.norm(x)))))


def gradients(model, loss):
    model.zero_grad()
    loss.backward()
    return {name: p.grad.array.copy() for name, p in model.named_parameters()}


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name, grad in first.items():
        np.testing.assert_array_equal(grad, second[name], err_msg=name)


@pytest.mark.parametrize("use_reentrant", [None, True, False])
@pytest.mark.parametrize("wants", [True, False])
def test_the_same_output_and_gradients(use_reentrant, wants) -> None:
    model = Block()
    x = tinyllm.randn(2, 3, 6, requires_grad=wants)  # ids, say, want none: parameters still do
    plain = model(x)
    expected = gradients(model, (plain * plain).sum())
    of_x = x.grad
    x.grad = None
    y = checkpoint(model, x, use_reentrant=use_reentrant)
    assert y.tolist() == plain.tolist()
    assert y.requires_grad
    assert y.grad_fn.name() == "CheckpointBackward"
    assert_same(expected, gradients(model, (y * y).sum()))
    if wants:
        np.testing.assert_array_equal(x.grad.array, of_x.array)


def test_gradcheck() -> None:
    w = tinyllm.randn(3, dtype=tinyllm.float64, requires_grad=True)
    x = tinyllm.randn(2, 3, dtype=tinyllm.float64, requires_grad=True)

    def inner(x, w):
        return (x * w).tanh() @ w

    def outer(x, w):
        y = checkpoint(inner, x * 2, w)
        return checkpoint(lambda y: y.exp() + checkpoint(inner, x, w), y) * w[0]

    assert gradcheck(outer, [x, w])


def test_dropout_is_repeated_and_the_generator_left_as_it_was() -> None:
    model = nn.Sequential(Block(dropout=0.5), Block(dropout=0.5))
    x = tinyllm.randn(2, 3, 6)

    def run(through):
        tinyllm.manual_seed(7)
        loss = (through(x) ** 2).sum()
        between = tinyllm.rand(3).tolist()
        return loss.item(), gradients(model, loss), between, tinyllm.rand(3).tolist()

    def checkpointed(x):
        for block in model:
            x = checkpoint(block, x, use_reentrant=False)
        return x

    plain, saving = run(model), run(checkpointed)
    assert plain[0] == saving[0]
    assert_same(plain[1], saving[1])
    assert plain[2:] == saving[2:]


def test_without_preserve_rng_state_other_numbers_are_drawn() -> None:
    x = tinyllm.ones(1000, requires_grad=True)
    y = checkpoint(lambda x: F.dropout(x, 0.5), x, preserve_rng_state=False)
    y.sum().backward()
    assert x.grad.tolist() != y.tolist()
    x.grad = None
    y = checkpoint(lambda x: F.dropout(x, 0.5), x)
    y.sum().backward()
    assert x.grad.tolist() == y.tolist()


def test_nested() -> None:
    blocks = [Block() for _ in range(4)]
    model = nn.ModuleList(blocks)
    x = tinyllm.randn(2, 6, requires_grad=True)

    def plain(x):
        for block in blocks:
            x = block(x)
        return x

    def half(a, b):
        return lambda x: checkpoint(blocks[b], checkpoint(blocks[a], x))

    expected = gradients(model, plain(x).sum())
    of_x = x.grad
    x.grad = None
    y = checkpoint(half(2, 3), checkpoint(half(0, 1), x))
    assert_same(expected, gradients(model, y.sum()))
    np.testing.assert_array_equal(x.grad.array, of_x.array)


def test_what_the_function_closes_over_gets_its_gradient() -> None:
    w = tinyllm.tensor([1.0, 2.0], requires_grad=True)
    x = tinyllm.tensor([3.0, 4.0], requires_grad=True)
    h = w * w  # computed outside, with a graph of its own
    k = h * 3  # and what is computed from it

    def part(x, h):
        return x * h + k

    (part(x, h) * h).sum().backward()
    expected = w.grad.tolist(), x.grad.tolist()
    w.grad = x.grad = None
    h = w * w
    k = h * 3
    (checkpoint(part, x, h) * h).sum().backward()
    assert (w.grad.tolist(), x.grad.tolist()) == expected


def test_hooks_run_once() -> None:
    x = tinyllm.ones(2, requires_grad=True)
    calls = []

    def note(name):
        return lambda grad: calls.append((name, grad.tolist()))

    def part(h):
        y = h * 2
        y.register_hook(note("inside"))
        return y * 3

    x.register_hook(note("leaf"))
    h = x * 5
    h.register_hook(note("input"))
    out = checkpoint(part, h)
    out.register_hook(note("output"))
    out.sum().backward()
    assert calls == [
        ("output", [1, 1]), ("inside", [3, 3]), ("input", [6, 6]), ("leaf", [30, 30])
    ]  # fmt: skip


def test_several_inputs_and_outputs_in_any_structure() -> None:
    def part(x, scale, *, extra, shift=None):
        y = x * scale
        return {"y": y, "pair": [y.exp(), (x + extra["z"], y)], "ids": y.argmax(), "same": x}

    def loss(out):
        pair = out["pair"]
        return (out["y"] * 2 + pair[1][0] * 3 + pair[1][1] * 5 + out["same"]).sum()

    x = tinyllm.randn(4, requires_grad=True)
    z = tinyllm.randn(4, requires_grad=True)
    loss(part(x, 2.0, extra={"z": z})).backward()
    expected = x.grad.tolist(), z.grad.tolist()
    x.grad = z.grad = None
    out = checkpoint(part, x, 2.0, use_reentrant=False, extra={"z": z})
    assert out["same"] is x
    assert not out["ids"].requires_grad
    loss(out).backward()  # one output, pair[0], is not used
    assert (x.grad.tolist(), z.grad.tolist()) == expected


def test_without_recording_it_is_a_plain_call() -> None:
    calls = []

    def part(x):
        calls.append(tinyllm.is_grad_enabled())
        return x * 2

    x = tinyllm.ones(2, requires_grad=True)
    with tinyllm.no_grad():
        assert not checkpoint(part, x).requires_grad
    with tinyllm.inference_mode():
        assert not checkpoint(part, x).requires_grad
    assert not checkpoint(part, x.detach()).requires_grad
    assert checkpoint(lambda x: (x, 3, None), 5) == (5, 3, None)
    assert calls == [False, False, True]


def test_it_is_computed_again_only_when_a_gradient_is_asked() -> None:
    calls = []

    def part(x, w):
        calls.append(tinyllm.is_grad_enabled())
        return x * w

    x, w = tinyllm.ones(2, requires_grad=True), tinyllm.ones(2, requires_grad=True)
    y = checkpoint(part, x, w)
    assert autograd.grad((y * w).sum(), y, retain_graph=True)[0].tolist() == [1, 1]
    assert calls == [True]
    (of_w,) = autograd.grad(y.sum(), w, retain_graph=True)
    assert of_w.tolist() == [1, 1]
    assert x.grad is None
    y.sum().backward()
    assert calls == [True] * 3
    with pytest.raises(RuntimeError, match="freed"):
        y.sum().backward()


def test_no_grad_inside_and_backward_under_no_grad() -> None:
    def part(x):
        with tinyllm.no_grad():
            shift = x.mean()
        return (x - shift) * x

    x = tinyllm.randn(3, requires_grad=True)
    part(x).sum().backward()
    expected = x.grad.tolist()
    x.grad = None
    loss = checkpoint(part, x).sum()
    with tinyllm.no_grad():
        loss.backward()
    assert x.grad.tolist() == expected


class Held:
    """How many bytes of arrays are held, and the most that ever were."""

    @staticmethod
    @contextmanager
    def measured():
        gc.collect()
        tracemalloc.start()
        held = Held()
        try:
            yield held
        finally:
            held.now, held.most = tracemalloc.get_traced_memory()
            tracemalloc.stop()


def test_memory_falls(monkeypatch) -> None:
    monkeypatch.setattr(memory, "LARGE", 2**60)  # every array from NumPy, which can be watched
    model = nn.Sequential(*[Block(64) for _ in range(24)])
    x = tinyllm.randn(512, 64)
    model(x).sum().backward()  # compiled, and every .grad there

    def step(through):
        with Held.measured() as forward:
            loss = through(x).sum()
        del loss
        with Held.measured() as whole:
            through(x).sum().backward()
        return forward.now, whole.most, whole.now

    def saving(x):
        for block in model:
            x = checkpoint(block, x)
        return x

    plain, saved = step(model), step(saving)
    assert saved[0] < plain[0] / 8  # of a block its input alone remains
    assert saved[1] < plain[1] / 2
    assert saved[2] < plain[0] / 50  # nothing is held in the end


def test_no_cycle_holds_the_arguments() -> None:
    x = tinyllm.ones(100_000, requires_grad=True)
    gc.collect()
    gc.disable()
    try:
        with Held.measured() as held:
            for _ in range(20):
                checkpoint(lambda x: (x * 2).exp(), x * 1.0).sum().backward()
            x.grad = None
    finally:
        gc.enable()
    assert held.now < x.array.nbytes


def test_what_changed_in_between_is_noticed() -> None:
    x = tinyllm.ones(3, requires_grad=True)
    other = tinyllm.ones(3)
    y = checkpoint(lambda x, other: x * other, x, other)
    other.add_(1)
    with pytest.raises(RuntimeError, match=r"CheckpointBackward.*in place"):
        y.sum().backward()
    y = checkpoint(lambda x: x * 2, x)
    with tinyllm.no_grad():
        x.add_(1)
    with pytest.raises(RuntimeError, match=r"CheckpointBackward.*in place"):
        y.sum().backward()


def test_another_output_the_second_time_is_an_error() -> None:
    x = tinyllm.ones(4, requires_grad=True)
    sizes = [3, 2]
    y = checkpoint(lambda x: x[: sizes.pop(0)] * 2, x)
    with pytest.raises(CheckpointError, match=r"\(3,\).*\(2,\).*computed again"):
        y.sum().backward()
    cut = [False, True]
    y = checkpoint(lambda x: x.detach() if cut.pop(0) else x * 2, x)
    with pytest.raises(CheckpointError, match="no tensor with a gradient"):
        y.sum().backward()


def test_an_error_in_the_repetition_leaves_the_generator_alone() -> None:
    x = tinyllm.ones(4, requires_grad=True)
    fine = [True, False]

    def part(x):
        y = F.dropout(x, 0.5)
        if not fine.pop(0):
            raise ZeroDivisionError
        return y

    y = checkpoint(part, x)
    before = tinyllm.default_generator.get_state()
    with pytest.raises(ZeroDivisionError):
        y.sum().backward()
    assert tinyllm.default_generator.get_state() == before
    assert tinyllm.is_grad_enabled()


def test_contexts_around_both_runs() -> None:
    log = []

    @contextmanager
    def around(name):
        log.append(name)
        yield
        log.append(f"end of {name}")

    x = tinyllm.ones(4, requires_grad=True)
    y = checkpoint(
        lambda x: x * 2,
        x,
        use_reentrant=False,
        context_fn=lambda: (around("forward"), around("repetition")),
    )
    assert log == ["forward", "end of forward"]
    y.sum().backward()
    assert log[2:] == ["repetition", "end of repetition"]


def test_what_is_refused() -> None:
    x = tinyllm.ones(4, requires_grad=True)
    with pytest.raises(ValueError, match="use_reentrant=True takes no scale"):
        checkpoint(lambda x, scale: x * scale, x, use_reentrant=True, scale=2)
    with pytest.raises(ValueError, match="determinism_check"):
        checkpoint(lambda x: x, x, determinism_check="strict")
    for segments in (0, 4):
        with pytest.raises(ValueError, match=rf"\[1, 3\].*not {segments}"):
            checkpoint_sequential([lambda x: x] * 3, segments, x)


@pytest.mark.parametrize("segments", [1, 2, 3, 5])
def test_checkpoint_sequential(segments) -> None:
    model = nn.Sequential(*[Block() for _ in range(5)])
    x = tinyllm.randn(2, 6, requires_grad=True)
    plain = model(x)
    expected = gradients(model, plain.sum())
    y = checkpoint_sequential(model, segments, x, use_reentrant=False)
    assert y.tolist() == plain.tolist()
    nodes, unread = set(), [y.grad_fn]
    while unread:
        node = unread.pop()
        nodes.add(node)
        unread += [e[0] for e in node.next_functions if e and hasattr(e[0], "next_functions")]
    assert [node.name() for node in nodes].count("CheckpointBackward") == segments - 1
    assert_same(expected, gradients(model, y.sum()))
