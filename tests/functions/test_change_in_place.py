"""Change in place: where it works, whom it is seen by, and where it is refused with the reason."""

from __future__ import annotations

import numpy as np
import pytest

import tinyllm
from tinyllm.nn import functional as F


def test_slices_alias() -> None:
    x = tinyllm.zeros(3, 4)
    row, column, everything = x[0], x[:, 1], x.view(12)
    row[2] = 5
    column.fill_(7)
    everything[-1] = 9
    assert x.tolist() == [[0, 7, 5, 0], [0, 7, 0, 0], [0, 7, 0, 9]]
    x[0, 0, ...].fill_(1)  # 0-d, and still a view
    assert x[0, 0].item() == 1
    x[0, 1].fill_(2)
    assert x[0, 1].item() == 2


def test_picking_by_tensor_copies() -> None:
    x = tinyllm.zeros(3)
    x[[0, 1]].fill_(5)
    x[x == 0].fill_(5)
    assert x.tolist() == [0, 0, 0]


def test_from_numpy_and_numpy_share_memory() -> None:
    array = np.zeros(3)
    x = tinyllm.from_numpy(array)
    x[1] = 4
    assert array[1] == 4
    assert x.numpy() is array
    copied = tinyllm.tensor(array)
    array[0] = 8
    assert x[0].item() == 8
    assert copied[0].item() == 0


def test_a_leaf_that_requires_a_gradient_is_refused_while_recording() -> None:
    x = tinyllm.ones(3, requires_grad=True)
    for change in (
        lambda: x.add_(1),
        lambda: x.__setitem__(0, 1),
        lambda: x.__iadd__(1),
        lambda: x.zero_(),
        lambda: x.normal_(),
        lambda: x[:2].mul_(2),
        lambda: x.narrow(0, 0, 1).zero_(),
        lambda: x.scatter_(0, tinyllm.tensor([1]), 0),
        lambda: x.index_fill_(0, tinyllm.tensor([1]), 0),
    ):
        with pytest.raises(RuntimeError, match="in-place change would not be recorded"):
            change()
    with tinyllm.no_grad():
        x -= 0.5
        x[0] = 3
    assert x.tolist() == [3, 0.5, 0.5]
    assert x.is_leaf
    assert x.requires_grad


def test_a_computed_tensor_is_refused_while_recording() -> None:
    y = tinyllm.ones(3, requires_grad=True) * 2
    with pytest.raises(RuntimeError, match="part of a graph.*out-of-place"):
        y += 1


def test_a_value_that_requires_a_gradient_is_refused_while_recording() -> None:
    w = tinyllm.ones(3, requires_grad=True)
    x = tinyllm.zeros(2, 3)
    for change in (
        lambda: x.__setitem__(0, w),
        lambda: x.add_(w),
        lambda: x.copy_(w),
        lambda: x.mul_(w * 2),
        lambda: x.fill_(w.sum()),
        lambda: x.masked_fill_(x == 0, w.sum()),
        lambda: x.scatter_(0, tinyllm.tensor([[1, 0, 1]]), w[None]),
        lambda: x.scatter_add_(0, tinyllm.tensor([[1, 0, 1]]), src=w[None]),
        lambda: x.index_add_(0, tinyllm.tensor([1]), w[None]),
        lambda: x.masked_scatter_(x == 0, w.repeat(2)),
    ):
        with pytest.raises(RuntimeError, match="gradient would be lost"):
            change()
    assert x.tolist() == [[0, 0, 0], [0, 0, 0]]
    with tinyllm.no_grad():
        x[0] = w
    x[1] = w.detach() * 2
    assert x.tolist() == [[1, 1, 1], [2, 2, 2]]


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.add_(1),
        lambda x: x.__setitem__(0, 5),
        lambda x: x[1:].zero_(),
        lambda x: x.detach().mul_(3),
        lambda x: x.data.fill_(2),
        lambda x: x.reshape(3, 1).squeeze(-1).sub_(1),
        lambda x: x.narrow(0, 1, 2).zero_(),
        lambda x: x.select(0, 1).fill_(7),
        lambda x: x.reshape(3, 1).diagonal().fill_(7),
        lambda x: x.reshape(1, 3).movedim(0, 1).mul_(2),
        lambda x: x.unflatten(0, (1, 3)).mul_(2),
        lambda x: x.index_fill_(0, tinyllm.tensor([1]), 7),
        lambda x: x.scatter_add_(0, tinyllm.tensor([1]), tinyllm.ones(1)),
    ],
)
def test_a_saved_tensor_that_changed_is_noticed(change) -> None:
    weight = tinyllm.ones(3, requires_grad=True)
    x = tinyllm.arange(3.0)
    y = (weight * x).sum()  # saves x
    with tinyllm.no_grad():
        change(x)
    with pytest.raises(RuntimeError, match="MulBackward saved was changed in place"):
        y.backward()


def test_a_saved_output_that_changed_is_noticed() -> None:
    x = tinyllm.ones(3, requires_grad=True)
    y = x.exp()
    with tinyllm.no_grad():
        y.mul_(2)
    with pytest.raises(RuntimeError, match="ExpBackward"):
        y.sum().backward()


@pytest.mark.parametrize("pick", [lambda x, i: x[i], lambda x, i: x[None][:, i]])
@pytest.mark.parametrize("index", [[2, 0, 2], [True, False, True]])
def test_an_index_may_change_before_the_backward(pick, index) -> None:
    x, index = tinyllm.ones(3, requires_grad=True), tinyllm.tensor(index)
    times = [1, 0, 1] if index.dtype == tinyllm.bool else [1, 0, 2]
    y = pick(x, index).sum()
    index.fill_(1)
    y.backward()
    assert x.grad.tolist() == times


def test_a_change_of_another_tensor_is_no_matter() -> None:
    x = tinyllm.ones(3, requires_grad=True)
    other = tinyllm.ones(3)
    y = (x * other.clone()).sum() + (x + other).sum()
    other.fill_(7)
    y.backward()
    assert x.grad.tolist() == [2, 2, 2]


def test_an_expanded_tensor_is_refused() -> None:
    x = tinyllm.zeros(1, 3).expand(4, 3)
    with pytest.raises(RuntimeError, match=r"share memory.*clone"):
        x[0] = 1
    x.clone()[0] = 1
    with pytest.raises(RuntimeError, match=r"share memory.*clone"):
        x.diagonal().fill_(1)
    with pytest.raises(RuntimeError, match=r"share memory.*clone"):
        tinyllm.meshgrid(tinyllm.ones(2), tinyllm.ones(3))[0].scatter_(0, tinyllm.tensor([[1]]), 0)


def test_dtype_and_shape_stay() -> None:
    x = tinyllm.arange(3)
    with pytest.raises(TypeError, match=r"add_: the result is float32.*int64"):
        x.add_(0.5)
    with pytest.raises(TypeError, match="div_"):
        x /= 2
    with pytest.raises(TypeError, match=r"fill_: 0.5 does not fit.*int64"):
        x.fill_(0.5)
    with pytest.raises(ValueError, match=r"mul_: .*\(2, 3\) does not broadcast into \(3,\)"):
        x.mul_(tinyllm.ones(2, 3, dtype=tinyllm.int64))
    with pytest.raises(ValueError, match=r"copy_: .*\(4,\) does not broadcast into \(3,\)"):
        x.copy_(tinyllm.arange(4))
    with pytest.raises(ValueError, match=r"setitem: .*shape \(3,\)"):
        x[:2] = tinyllm.arange(3)
    with pytest.raises(IndexError, match=r"setitem: .*out of bounds"):
        x[3] = 1
    assert x.tolist() == [0, 1, 2]


def test_augmented_assignment_keeps_the_object() -> None:
    x = tinyllm.ones(3)
    same = x
    x += 1
    x *= tinyllm.tensor(3.0)
    x -= np.float64(1)
    x /= 5
    assert x is same
    assert x.dtype == tinyllm.float32
    assert x.tolist() == [1, 1, 1]


def test_every_augmented_assignment_changes_the_object() -> None:
    x, mask = tinyllm.tensor([7, -7, 3]), tinyllm.tensor([True, False, True])
    aliases = x.detach(), x, mask.detach(), mask
    x //= 2
    x **= 2
    x %= 5
    x |= 8
    x ^= 1
    x &= 13
    mask &= tinyllm.tensor([True, True, False])
    mask |= tinyllm.tensor([False, True, False])
    mask ^= True
    assert x is aliases[1]
    assert mask is aliases[3]
    assert x.tolist() == aliases[0].tolist() == [13, 8, 8]
    assert mask.tolist() == aliases[2].tolist() == [False, False, True]
    with pytest.raises(TypeError, match=r"bitwise_and_: the result is int64.*bool cannot hold"):
        mask &= 1


def test_forms_obey_the_graph() -> None:
    w = tinyllm.ones(3, requires_grad=True)
    x = tinyllm.arange(3.0)
    for change in (lambda: w.exp_(), lambda: (w * 2).floor_(), lambda: w.__ipow__(2)):
        with pytest.raises(RuntimeError, match="in-place change would not be recorded"):
            change()
    for change in (lambda: x.pow_(w), lambda: x.lerp_(w, 0.5), lambda: x.addcmul_(x, w)):
        with pytest.raises(RuntimeError, match="gradient would be lost"):
            change()
    assert x.tolist() == [0, 1, 2]
    y = (w * x).sum()
    x.square_()
    with pytest.raises(RuntimeError, match="MulBackward saved was changed in place"):
        y.backward()
    with tinyllm.no_grad():
        assert w.sqrt_() is w
    assert w.requires_grad


def test_methods_return_the_tensor() -> None:
    x = tinyllm.ones(3)
    assert x.add_(1).sub_(1).mul_(2).div_(2).clamp_(0, 1).fill_(3).zero_().copy_(x) is x
    assert x.normal_().uniform_().masked_fill_(x > 2, 0) is x


def test_ids_and_targets_that_change_before_the_backward() -> None:
    """A loader may fill the same arrays with the next batch: the gradient is that of this one."""
    weight = tinyllm.randn(5, 3, requires_grad=True)
    ids, targets = tinyllm.tensor([1, 3, 1]), tinyllm.tensor([0, 2, 1])
    grads = []
    for change in (False, True):
        weight.grad = None
        loss = F.cross_entropy(F.embedding(ids, weight), targets)
        if change:
            ids.fill_(4)
            targets.fill_(2)
        loss.backward()
        grads.append(weight.grad.tolist())
    assert grads[0] == grads[1]
    assert any(grads[0][1])
