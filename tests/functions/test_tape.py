"""The tape: what is recorded, walked, freed and refused."""

from __future__ import annotations

import numpy as np
import pytest

import tinyllm
from tinyllm.ops.function import Function
from tinyllm.tensor import apply


def test_a_chain_of_100_000_additions_backpropagates() -> None:
    x = tinyllm.ones(2, requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y + 1
    y.sum().backward()
    assert x.grad.tolist() == [1, 1]
    del y  # taking the graph apart must not overflow either


def test_a_shared_node_waits_for_all_its_users() -> None:
    x = tinyllm.tensor(3.0, requires_grad=True)
    a = x * x
    b = a * a  # x^4
    c = b + a  # a has a user that is near and one that is far
    (c * b).backward()  # x^8 + x^6
    assert x.grad.item() == 8 * 3**7 + 6 * 3**5


def test_diamonds_are_walked_once() -> None:
    x = tinyllm.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(60):  # 2^60 paths
        y = y + y
    y.backward()
    assert x.grad.item() == 2.0**60


def test_gradients_accumulate_over_calls() -> None:
    x = tinyllm.ones(3, requires_grad=True)
    (2 * x).sum().backward()
    (x * x).sum().backward()
    assert x.grad.tolist() == [4, 4, 4]
    x.grad = None
    x.sum().backward()
    assert x.grad.tolist() == [1, 1, 1]


def test_a_second_backward_over_a_freed_graph_is_refused() -> None:
    x = tinyllm.ones(3, requires_grad=True)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        y.backward()


def test_retain_graph() -> None:
    x = tinyllm.ones(3, requires_grad=True)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [4, 4, 4]
    with pytest.raises(RuntimeError, match="freed"):
        y.backward()


def test_saved_arrays_are_freed() -> None:
    x = tinyllm.ones(3, requires_grad=True)
    y = (x * x).sum()
    product = y.grad_fn.next_functions[0][0]
    assert product.name() == "MulBackward"
    assert product.saved
    y.backward()
    assert product.saved is None


def test_only_a_number_has_a_gradient_by_itself() -> None:
    x = tinyllm.ones(3, requires_grad=True)
    y = x * 2
    with pytest.raises(RuntimeError, match=r"shape \(3,\).*\.sum\(\)"):
        y.backward()
    with pytest.raises(RuntimeError, match=r"gradient has shape \(2,\)"):
        y.backward(tinyllm.ones(2))
    y.backward(tinyllm.tensor([1.0, 2.0, 3.0]))
    assert x.grad.tolist() == [2, 4, 6]


def test_backward_needs_a_graph() -> None:
    with pytest.raises(RuntimeError, match="requires no gradient"):
        tinyllm.ones(()).backward()
    x = tinyllm.ones((), requires_grad=True)
    with pytest.raises(RuntimeError, match="no_grad"):
        x.detach().backward()
    with pytest.raises(RuntimeError, match="create_graph"):
        (x * 2).backward(create_graph=True)


def test_a_leaf_may_be_the_objective() -> None:
    x = tinyllm.ones((), requires_grad=True)
    x.backward()
    assert x.grad.item() == 1


def test_no_grad_as_context_and_decorator() -> None:
    x = tinyllm.ones(3, requires_grad=True)
    with tinyllm.no_grad():
        assert not (x * 2).requires_grad
        with tinyllm.enable_grad():
            assert (x * 2).requires_grad
        assert not tinyllm.is_grad_enabled()
    assert tinyllm.is_grad_enabled()

    @tinyllm.no_grad()
    def twice(x: tinyllm.Tensor) -> tinyllm.Tensor:
        """Double."""
        return x * 2

    @tinyllm.no_grad
    def thrice(x: tinyllm.Tensor) -> tinyllm.Tensor:
        return x * 3

    assert not twice(x).requires_grad
    assert not thrice(x).requires_grad
    assert twice.__doc__ == "Double."
    with pytest.raises(ZeroDivisionError), tinyllm.no_grad():
        raise ZeroDivisionError
    assert tinyllm.is_grad_enabled()


def test_set_grad_enabled() -> None:
    x = tinyllm.ones(3, requires_grad=True)
    with tinyllm.set_grad_enabled(False):
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad
    tinyllm.set_grad_enabled(False)
    try:
        assert not (x * 2).requires_grad
    finally:
        tinyllm.set_grad_enabled(True)


def test_what_is_a_leaf() -> None:
    x = tinyllm.ones(3, requires_grad=True)
    y = x * 2
    assert x.is_leaf
    assert not y.is_leaf
    assert y.detach().is_leaf
    assert y.grad_fn.name() == "MulBackward"
    assert x.grad_fn is None
    with pytest.raises(RuntimeError, match="detach"):
        y.requires_grad = False
    y.sum().backward()
    assert y.grad is None


def test_integers_and_bools_carry_no_gradient() -> None:
    for dtype in (tinyllm.int64, tinyllm.bool, tinyllm.uint8):
        with pytest.raises(RuntimeError, match="floating-point"):
            tinyllm.ones(3, dtype=dtype, requires_grad=True)
    x = tinyllm.ones(3, requires_grad=True)
    assert not x.long().requires_grad
    assert not (x > 0).requires_grad
    assert not x.max(0).indices.requires_grad
    assert x.max(0).values.requires_grad


def test_tensor_hooks_see_and_replace_the_gradient() -> None:
    x = tinyllm.ones(3, requires_grad=True)
    y = x * 2
    seen = []
    y.register_hook(lambda grad: seen.append(grad.tolist()))
    handle = y.register_hook(lambda grad: grad * 10)
    x.register_hook(lambda grad: grad + 1)
    (y + y).sum().backward(retain_graph=True)
    assert seen == [[2, 2, 2]]  # once, when both paths have arrived
    assert x.grad.tolist() == [41, 41, 41]
    handle.remove()
    x.grad = None
    (y + y).sum().backward()
    assert x.grad.tolist() == [5, 5, 5]
    with pytest.raises(RuntimeError, match="requires no gradient"):
        tinyllm.ones(3).register_hook(print)


def test_retain_grad() -> None:
    x = tinyllm.ones(3, requires_grad=True)
    y = x * 2
    y.retain_grad()
    (y * y).sum().backward()
    assert y.grad.tolist() == [4, 4, 4]


@pytest.mark.parametrize(
    "use",
    [
        lambda x, y: x + y,  # both get the very same array
        lambda x, y: x - y,
        lambda x, y: tinyllm.cat([x, y]),  # each gets a view of one array
        lambda x, y: tinyllm.stack([x, y]),
        lambda x, y: x.clone() + y.reshape(3, 2).reshape(2, 3),
        lambda x, y: x.T + y.T,
        lambda x, y: x.sum() + y.sum(),  # repeated by broadcasting, which cannot be written to
    ],
)
def test_gradients_of_leaves_never_share_memory(use) -> None:
    x = tinyllm.ones(2, 3, requires_grad=True)
    y = tinyllm.ones(2, 3, requires_grad=True)
    z = use(x, y)
    start = tinyllm.ones(z.shape)
    z.backward(start)
    assert not np.shares_memory(x.grad.array, y.grad.array)
    assert not np.shares_memory(x.grad.array, start.array)
    x.grad.mul_(100)  # as clipping does
    assert abs(y.grad).tolist() == [[1, 1, 1]] * 2
    assert start.sum().item() == start.numel()


def test_a_backward_of_the_wrong_shape_or_dtype_is_named() -> None:
    class Wrong(Function):
        @staticmethod
        def forward(ctx, x, change):
            ctx.change = change
            return x * 2

        @staticmethod
        def backward(ctx, grad_y):
            return ctx.change(grad_y)

    x = tinyllm.ones(2, 3, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"WrongBackward.*\(2,\).*unbroadcast"):
        apply(Wrong, x, change=lambda g: g.sum(1)).sum().backward()
    with pytest.raises(RuntimeError, match="WrongBackward.*float64"):
        apply(Wrong, x, change=lambda g: g.astype(float)).sum().backward()
    with pytest.raises(RuntimeError, match="returned 2 gradients for 1"):
        apply(Wrong, x, change=lambda g: (g, g)).sum().backward()


def test_an_output_that_nothing_used_counts_as_zero() -> None:
    x = tinyllm.arange(6.0).requires_grad_()
    first, _, third = x.split(2)
    (first.sum() + 2 * third.sum()).backward()
    assert x.grad.tolist() == [1, 1, 0, 0, 2, 2]


def test_infinities_raise_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    x = tinyllm.tensor([0.0, -1.0, 1e30], requires_grad=True)
    y = x.log() + 1 / x + x.sqrt() + x * x.exp() + x / x + (x * 1e30) ** 2
    y.sum().backward()
    tinyllm.tensor([float("nan")]).long()
    _ = tinyllm.tensor([float("nan")]) < 1
    assert not recwarn.list
