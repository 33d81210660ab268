"""The same programs over both libraries: grad, Function, modes, checkpointing, anomalies."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.utils.checkpoint

import tinyllm
from tinyllm import nn

OURS = SimpleNamespace(lib=tinyllm, nn=nn, checkpoint=tinyllm.utils.checkpoint)
THEIRS = SimpleNamespace(lib=torch, nn=torch.nn, checkpoint=torch.utils.checkpoint)


def numbers(*shape):
    return np.random.default_rng(len(shape)).normal(size=shape)


def plain(value):
    """Tensors as lists, in nested tuples and lists."""
    if isinstance(value, tinyllm.Tensor | torch.Tensor):
        return np.round(value.detach().numpy().astype(np.float64), 5).tolist()
    if isinstance(value, tuple | list):
        return [plain(part) for part in value]
    return value


def own_functions(lib):
    """The same ops, written once, over either library."""
    Function = lib.autograd.Function

    class LinearOp(Function):
        @staticmethod
        def forward(ctx, input, weight, bias=None):
            ctx.save_for_backward(input, weight, bias)
            output = input.mm(weight.t())
            return output if bias is None else output + bias

        @staticmethod
        def backward(ctx, grad_output):
            input, weight, bias = ctx.saved_tensors
            grad_input = grad_weight = grad_bias = None
            if ctx.needs_input_grad[0]:
                grad_input = grad_output.mm(weight)
            if ctx.needs_input_grad[1]:
                grad_weight = grad_output.t().mm(input)
            if bias is not None and ctx.needs_input_grad[2]:
                grad_bias = grad_output.sum(0)
            return grad_input, grad_weight, grad_bias

    class MulConstant(Function):
        @staticmethod
        def forward(tensor, constant):
            return tensor * constant

        @staticmethod
        def setup_context(ctx, inputs, output):
            tensor, constant = inputs
            ctx.constant = constant

        @staticmethod
        def backward(ctx, grad_output):
            return grad_output * ctx.constant, None

    class Straight(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            ctx.mark_non_differentiable(x > 0)
            return x, x.sign(), x.long(), 5

        @staticmethod
        def backward(ctx, *grads):
            log.append([None if g is None else plain(g) for g in grads])
            return grads[0] if grads[1] is None else grads[1]

    log = []
    return SimpleNamespace(linear=LinearOp, mul=MulConstant, straight=Straight, log=log)


def grad_of_many(side):
    lib = side.lib
    x = lib.tensor(numbers(3, 4), requires_grad=True)
    w = lib.tensor(numbers(5, 4), requires_grad=True)
    unused = lib.tensor(numbers(2), requires_grad=True)
    h = (x @ w.t()).tanh()
    y = h * h
    grad = lib.autograd.grad
    yield grad(y.sum(), [x, w, h], retain_graph=True)
    yield grad(y, x, lib.tensor(numbers(3, 5)), retain_graph=True)
    yield grad([y, h], (w,), [lib.ones_like(y), lib.ones_like(h)], retain_graph=True)
    yield grad(y.sum(), [unused, x], allow_unused=True, retain_graph=True)
    yield grad(y.sum(), [unused, x], materialize_grads=True, retain_graph=True)
    yield grad(y.sum(), [y, y, h], retain_graph=True)
    yield x.grad is None
    lib.autograd.backward([y.sum(), h], [None, lib.ones_like(h)], retain_graph=True)
    yield [x.grad, w.grad]
    h.retain_grad()
    y.sum().backward(inputs=[w, h], retain_graph=True)
    yield [x.grad, w.grad, h.grad, h.retains_grad, x.retains_grad]
    k = w * 2  # an input is retained from then on
    (k * k).sum().backward(inputs=k, retain_graph=True)
    (k * 3).sum().backward()
    yield [k.grad, k.retains_grad]
    h.register_hook(lambda g: g * 10)
    yield grad(y.sum(), h, retain_graph=True)  # beside x, PyTorch gives h's from before its hook
    yield grad(y.sum(), x, retain_graph=True)
    yield [h.grad, x.grad]


def functions_of_ones_own(side):
    lib = side.lib
    own = own_functions(lib)
    x = lib.tensor(numbers(3, 4), requires_grad=True)
    w = lib.tensor(numbers(5, 4), requires_grad=True)
    b = lib.tensor(numbers(5), requires_grad=True)
    y = own.linear.apply(x, w, b)
    yield [y, y.grad_fn.name(), y.requires_grad]
    yield lib.autograd.grad((y * y).sum(), [x, w, b])
    own.linear.apply(x, w).sum().backward()
    yield [x.grad, w.grad, b.grad]
    yield lib.autograd.grad(own.mul.apply(x, 3.0).sum(), x)
    yield lib.autograd.grad(own.mul.apply(x, constant=4.0).sum(), x)
    for which in (0, 1):
        out = own.straight.apply(x)
        yield [isinstance(o, int) or o.requires_grad for o in out]
        yield [out[0] is x, out[0].grad_fn.name()]
        yield lib.autograd.grad(out[which].sum() * 2, x)
    yield own.log
    yield lib.autograd.gradcheck(own.linear.apply, (x, w, b))


def modes(side):
    lib = side.lib
    w = lib.ones(2, requires_grad=True)

    def now():
        return [lib.is_grad_enabled(), lib.is_inference_mode_enabled(), (w * 2).requires_grad]

    contexts = {
        "no": lib.no_grad,
        "yes": lib.enable_grad,
        "set": lambda: lib.set_grad_enabled(False),
        "inference": lib.inference_mode,
        "no inference": lambda: lib.inference_mode(False),
    }
    for outer in contexts.values():
        for inner in contexts.values():
            with outer():
                yield now()
                with inner():
                    yield now()
                    yield [lib.ones(2).is_inference(), w.view(2, 1).is_inference()]
                yield now()
    lib.set_grad_enabled(False)
    yield now()
    lib.set_grad_enabled(True)
    decorator = lib.set_grad_enabled(False)
    decorated = decorator(now)
    yield [now(), decorated(), now()]

    @lib.no_grad()
    def generator():
        yield now()
        yield now()

    yield [[inside, now()] for inside in generator()]


def inference_tensors(side):
    lib = side.lib
    w = lib.ones(2, requires_grad=True)
    with lib.inference_mode():
        x = lib.ones(2)
        x.add_(1)
        leaf = lib.ones(2, requires_grad=True)
    uses = {
        "clone": lambda: w * x.clone(),
        "saved": lambda: w * x,
        "not saved": lambda: w + x,
        "in place": lambda: x.add_(1),
        "setitem": lambda: x.__setitem__(0, 1),
        "requires": lambda: x.requires_grad_(),
        "clone's": lambda: x.clone().is_inference(),
        "view's": lambda: x.view(2, 1).is_inference(),
        "detach's": lambda: x.detach().is_inference(),
        "op's": lambda: (x * 2).is_inference(),
        "read": lambda: lib.ones(2).add_(x).shape[0],
        "leaf": lambda: (leaf + 1).requires_grad,
        "parameter": lambda: side.nn.Parameter(x),
        "frozen parameter": lambda: side.nn.Parameter(x, requires_grad=False).is_inference(),
    }
    for name, use in uses.items():
        yield [name, outcome(use)]


def outcome(use):
    """What came of it: the value, or the kind of error."""
    try:
        return plain(use())
    except Exception as error:
        return type(error).__name__


def mistakes(side):
    lib = side.lib
    own = own_functions(lib)
    x = lib.tensor(numbers(3, 4), requires_grad=True)

    def returning(answer):
        class Wrong(own.linear):
            @staticmethod
            def forward(ctx, x, n):
                return x * n

            @staticmethod
            def backward(ctx, g):
                return answer(g)

        return Wrong.apply(x, 2).sum().backward()

    def saving(value):
        class Saves(own.linear):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(value)
                return x * 2

        return Saves

    grad = lib.autograd.grad
    y = (x * 2).sum()
    for name, use in {
        "few": lambda: returning(lambda g: g),
        "many": lambda: returning(lambda g: (g, None, g)),
        "spare": lambda: returning(lambda g: (g, None, None)),
        "number's": lambda: returning(lambda g: (g, g)),
        "array": lambda: returning(lambda g: (g.numpy(), None)),
        "shape": lambda: returning(lambda g: (g[:2, :3], None)),
        "none": lambda: returning(lambda g: (None, None)),
        "empty": lambda: grad(y, []),
        "no gradient": lambda: grad(y, lib.ones(2)),
        "no graph": lambda: grad(lib.ones(()), x),
        "many numbers": lambda: grad(x * 2, x),
        "unused": lambda: grad(y, lib.ones(2, requires_grad=True)),
        "shapes": lambda: grad(x * 2, x, lib.ones(2)),
        "both": lambda: grad(y, x, materialize_grads=True, allow_unused=False),
        "mode": lambda: lib.set_grad_enabled(3),
        "no inputs": lambda: (x * 2).sum().backward(inputs=[]),
        "counts": lambda: lib.autograd.backward([y, y], [None]),
        "saved": lambda: saving(3).apply(x),
        "retained": lambda: lib.ones(2).retain_grad(),
        "input": lambda: y.backward(inputs=[lib.ones(2)]),
    }.items():
        yield [name, outcome(use)]


def checkpointing(side):
    lib = side.lib
    checkpoint = side.checkpoint
    w = lib.tensor(numbers(4, 4), requires_grad=True)
    x = lib.tensor(numbers(3, 4), requires_grad=True)

    def part(x, scale=1.0, extra=None):
        y = (x @ w).tanh() * scale
        return y, [y.exp(), {"sum": y.sum()}]

    def loss(out):
        return (out[0] * out[1][0]).sum() * out[1][1]["sum"]

    for input in (x, x.detach()):
        out = checkpoint.checkpoint(part, input, use_reentrant=False, scale=2.0)
        yield out[0]
        total = loss(out)
        total.backward()
        yield [x.grad, w.grad]
    layers = [lambda x: (x @ w).tanh(), lambda x: x * x, lambda x: x + w[0], lambda x: x.exp()]
    for segments in (1, 2, 3):
        y = checkpoint.checkpoint_sequential(layers, segments, x, use_reentrant=False)
        yield [y, lib.autograd.grad(y.sum(), [x, w])]
    yield outcome(lambda: checkpoint.checkpoint(part, x, use_reentrant=True, scale=2))


def anomalies(side):
    lib = side.lib
    x = lib.zeros(3, requires_grad=True)
    with lib.autograd.detect_anomaly():
        yield [lib.is_anomaly_enabled(), lib.is_anomaly_check_nan_enabled()]
        y = (x.sqrt() * 0).sum()
        yield outcome(y.backward)
    with lib.autograd.set_detect_anomaly(True, check_nan=False):
        yield [lib.is_anomaly_enabled(), lib.is_anomaly_check_nan_enabled()]
        y = (x.sqrt() * 0).sum()
        y.backward()
        yield x.grad.isnan().tolist()
    yield [lib.is_anomaly_enabled(), lib.is_anomaly_check_nan_enabled()]


PROGRAMS = [
    grad_of_many, functions_of_ones_own, modes, inference_tensors, mistakes, checkpointing,
    anomalies,
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("program", PROGRAMS, ids=[p.__name__ for p in PROGRAMS])
def test_the_same_program(program) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = [plain(step) for step in program(OURS)]
        theirs = [plain(step) for step in program(THEIRS)]
    assert len(ours) == len(theirs) > 1
    for place, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert a == b, f"step {place}"
