"""autograd.grad and backward over several tensors: what is found, walked, kept and refused."""

from __future__ import annotations

import numpy as np
import pytest

import tinyllm
from tinyllm import autograd
from tinyllm.ops.function import Function
from tinyllm.tensor import apply


def leaf(*values):
    return tinyllm.tensor(values, dtype=tinyllm.float64, requires_grad=True)


class Counted(Function):
    """y = 2 x, and a count of how often its backward ran."""

    ran = 0

    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, grad_y):
        Counted.ran += 1
        return grad_y * 2


class TwoWays(Function):
    """x + y, which notes what was asked of its backward."""

    asked = None

    @staticmethod
    def forward(ctx, x, y):
        return x + y

    @staticmethod
    def backward(ctx, grad):
        TwoWays.asked = ctx.needs_input_grad
        return grad, grad


def test_gradients_of_leaves_and_no_grad_is_touched() -> None:
    x, w = leaf(1, 2, 3), leaf(4, 5, 6)
    x.grad = tinyllm.zeros(3, dtype=tinyllm.float64)
    got = autograd.grad((x * w).sum(), [x, w])
    assert isinstance(got, tuple)
    assert got[0].tolist() == [4, 5, 6]
    assert got[1].tolist() == [1, 2, 3]
    assert x.grad.tolist() == [0, 0, 0]
    assert w.grad is None
    assert not got[0].requires_grad


def test_one_input_alone() -> None:
    x = leaf(1, 2, 3)
    (grad,) = autograd.grad((x * x).sum(), x)
    assert grad.tolist() == [2, 4, 6]


def test_computed_inputs_stop_nothing_that_is_sought_below_them() -> None:
    x = leaf(1, 2)
    y = x * 3
    z = (y * y + x).sum()
    of_y, of_x, of_z = autograd.grad(z, (y, x, z))
    assert of_z.item() == 1
    assert of_y.tolist() == [6, 12]
    assert of_x.tolist() == [19, 37]


def test_only_what_leads_to_the_inputs_is_walked() -> None:
    x, w = leaf(1, 2), leaf(3, 4)
    y = apply(Counted, x)
    z = (y * w).sum()
    Counted.ran = 0
    (of_w,) = autograd.grad(z, w, retain_graph=True)
    assert of_w.tolist() == [2, 4]
    assert Counted.ran == 0  # the way to x
    (of_y,) = autograd.grad(z, y, retain_graph=True)
    assert of_y.tolist() == [3, 4]
    assert Counted.ran == 0  # below y
    autograd.grad(z, x)
    assert Counted.ran == 1


def test_an_op_on_the_way_is_asked_only_for_what_is_needed() -> None:
    x, y = leaf(1), leaf(2)
    out = apply(TwoWays, x, y)
    node = out.grad_fn
    autograd.grad(out, y, retain_graph=True)
    assert TwoWays.asked == (False, True)
    assert node.needs_input_grad == (True, True)  # as it was
    out.backward()
    assert TwoWays.asked == (True, True)


def test_what_was_not_walked_is_not_freed() -> None:
    x, w = leaf(1, 2), leaf(3, 4)
    y = x * x
    autograd.grad((y * w).sum(), w)
    assert autograd.grad(y.sum(), x)[0].tolist() == [2, 4]
    with pytest.raises(RuntimeError, match="freed"):
        autograd.grad(y.sum(), x)


def test_retain_graph() -> None:
    x = leaf(1, 2)
    y = (x * x).sum()
    first = autograd.grad(y, x, retain_graph=True)
    assert autograd.grad(y, x)[0].tolist() == first[0].tolist() == [2, 4]
    with pytest.raises(RuntimeError, match="freed"):
        autograd.grad(y, x)


def test_several_outputs_add_up() -> None:
    x = leaf(1, 2)
    y, z = x * 2, (x * x).sum()
    weights = tinyllm.tensor([10.0, 20.0])
    (grad,) = autograd.grad([y, z], x, [weights, None])
    assert grad.tolist() == [22, 44]
    (grad,) = autograd.grad([x, x], x, [weights, weights])  # a leaf may be the output
    assert grad.tolist() == [20, 40]
    first, second = leaf(1, 2, 3, 4).split(2)  # two outputs of one node
    (of_first,) = autograd.grad((first * second).sum(), first)
    assert of_first.tolist() == [3, 4]


def test_unused_inputs() -> None:
    x, w = leaf(1, 2), leaf(3, 4)
    other = x * 5
    y = (x * x).sum()
    with pytest.raises(RuntimeError, match=r"input 1, of shape \(2,\), was not used.*allow_unused"):
        autograd.grad(y, [x, w], retain_graph=True)
    got = autograd.grad(y, [w, x, other], allow_unused=True, retain_graph=True)
    assert got[0] is got[2] is None
    assert got[1].tolist() == [2, 4]
    got = autograd.grad(y, [w, x], materialize_grads=True, retain_graph=True)
    assert got[0].tolist() == [0, 0]
    assert got[0].dtype == tinyllm.float64
    with pytest.raises(ValueError, match="materialize_grads"):
        autograd.grad(y, [w], materialize_grads=True, allow_unused=False)


def test_what_grad_refuses() -> None:
    x = leaf(1, 2)
    y = x * 2
    for mistake, kind, words in [
        (lambda: autograd.grad(y.sum(), x, create_graph=True), RuntimeError, "double backward"),
        (lambda: autograd.grad(y, x), RuntimeError, r"shape \(2,\).*sum"),
        (lambda: autograd.grad(y, x, tinyllm.ones(3)), RuntimeError, r"\(3,\).*\(2,\)"),
        (lambda: autograd.grad([y], x, [None, None]), RuntimeError, "1 tensors and 2 gradients"),
        (lambda: autograd.grad(y.sum(), []), RuntimeError, "inputs.*empty"),
        (lambda: autograd.grad(y.sum(), tinyllm.ones(2)), RuntimeError, "input 0.*requires_grad_"),
        (lambda: autograd.grad(tinyllm.ones(()), x), RuntimeError, "requires no gradient"),
        (lambda: autograd.grad(y.sum(), 3), TypeError, "inputs must be a Tensor"),
        (lambda: autograd.grad(3, x), TypeError, "outputs must be a Tensor"),
        (lambda: autograd.grad(y, x, is_grads_batched=True), NotImplementedError, "batched"),
        (lambda: autograd.grad(y.sum(), x, only_inputs=False), ValueError, "only_inputs"),
    ]:
        with pytest.raises(kind, match=words):
            mistake()


def test_hooks_run_on_the_way_and_nowhere_else() -> None:
    x, w = leaf(1, 2), leaf(3, 4)
    y = x * 2
    y.register_hook(lambda grad: grad * 10)
    seen = []
    w.register_hook(seen.append)
    z = (y * w).sum()
    of_x, of_y = autograd.grad(z, [x, y])
    assert of_y.tolist() == [30, 40]
    assert of_x.tolist() == [60, 80]
    assert not seen


def test_a_retained_gradient_is_what_all_hooks_leave() -> None:
    x = leaf(1, 2)
    y = x * 2
    y.retain_grad()
    y.retain_grad()  # once is enough
    y.register_hook(lambda grad: grad * 10)
    assert y.retains_grad
    assert not x.retains_grad
    z = y + 1
    z.retain_grad()
    z.sum().backward(retain_graph=True)
    assert y.grad.tolist() == [10, 10]
    assert not np.shares_memory(z.grad.array, y.grad.array)
    z.sum().backward()
    assert y.grad.tolist() == [20, 20]
    with pytest.raises(RuntimeError, match="requires no gradient"):
        tinyllm.ones(2).retain_grad()


def test_results_share_no_memory() -> None:
    x, w = leaf(1, 2), leaf(3, 4)
    h, k = x * 1, w * 1
    y = h + k  # whose backward gives both the very same array
    start = tinyllm.ones(2, dtype=tinyllm.float64)
    got = autograd.grad(y, [x, w, h, k, y], start)
    arrays = [start.array, *(grad.array for grad in got)]
    for i, a in enumerate(arrays):
        for b in arrays[:i]:
            assert not np.shares_memory(a, b)


def test_a_long_chain() -> None:
    x = tinyllm.ones(1, requires_grad=True)
    y = x
    for _ in range(50_000):
        y = y + 1
    assert autograd.grad(y.sum(), x)[0].item() == 1


def test_backward_of_several_tensors() -> None:
    x, w = leaf(1, 2), leaf(3, 4)
    autograd.backward([x * w, (x * x).sum()], [tinyllm.ones(2), None])
    assert x.grad.tolist() == [5, 8]
    assert w.grad.tolist() == [1, 2]
    autograd.backward((x * w).sum())  # adds
    assert x.grad.tolist() == [8, 12]
    with pytest.raises(RuntimeError, match="1 tensors and 2 gradients"):
        autograd.backward(x * w, [None, None])
    with pytest.raises(TypeError, match="sequence"):
        autograd.backward([3])
    with pytest.raises(ValueError, match="grad_tensors"):
        autograd.backward(x * w, grad_variables=[None])


@pytest.mark.parametrize("way", ["method", "function"])
def test_backward_towards_some_inputs(way) -> None:
    def backward(y, inputs):
        if way == "method":
            y.backward(inputs=inputs)
        else:
            autograd.backward([y], inputs=inputs)

    x, w = leaf(1, 2), leaf(3, 4)
    backward((x * w).sum(), [w])
    assert x.grad is None
    assert w.grad.tolist() == [1, 2]
    autograd.backward([x, w], [tinyllm.ones(2)] * 2, inputs=[w])  # leaves as roots
    assert x.grad is None
    assert w.grad.tolist() == [2, 3]
    y = x * 2
    backward((y * y).sum(), y)
    assert y.grad.tolist() == [4, 8]
    assert x.grad is None
    with pytest.raises(RuntimeError, match="empty"):
        backward((x * w).sum(), [])


def test_the_names_are_where_pytorch_has_them() -> None:
    for name in autograd.__all__:
        assert getattr(autograd, name).__doc__ or name == "GradcheckError"
    assert autograd.gradcheck is tinyllm.gradcheck.gradcheck
    assert autograd.no_grad is tinyllm.no_grad
