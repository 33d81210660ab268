"""Operators, promotion and indexing against NumPy and by hand: what holds without PyTorch too."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinyllm
from tinyllm.ops.function import unbroadcast
from tinyllm.ops.promotion import promote_types, result_type


@pytest.mark.parametrize(
    ("operands", "expected"),
    [
        ((np.ones(2, "f4"), 2.5), "f4"),
        ((np.ones(2, "i8"), 2.5), "f4"),  # the default float
        ((np.ones(2, "i8"), np.ones(2, "f4")), "f4"),  # NumPy would say float64
        ((np.ones(2, "f4"), np.ones((), "f8")), "f4"),  # a 0-d array is weaker in its category
        ((np.ones(2, "i4"), np.ones((), "f8")), "f8"),  # but not across
        ((np.ones((), "f4"), np.ones((), "f8")), "f8"),
        ((np.ones(2, "i2"), 3), "i2"),
        ((np.ones(2, "?"), 3), "i8"),
        ((np.ones(2, "?"), True), "?"),
        ((np.ones(2, "u1"), np.ones(2, "i1")), "i2"),
        ((np.ones(2, "f2"), np.ones(2, "i8")), "f2"),
        ((np.ones(2, "?"), np.ones((), "i4"), 1.5), "f4"),
    ],
)
def test_result_type(operands, expected: str) -> None:
    got = result_type(*operands, default=np.dtype("f4"))
    assert got == np.dtype(expected)
    assert result_type(*operands[::-1], default=np.dtype("f4")) == got


def test_promote_types() -> None:
    assert promote_types(np.dtype("i8"), np.dtype("f4")) == np.dtype("f4")
    assert promote_types(np.dtype("f2"), np.dtype("f8")) == np.dtype("f8")


@settings(max_examples=60, deadline=None)
@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=4), st.data())
def test_any_broadcast(shapes, data) -> None:
    a_shape, b_shape = shapes.input_shapes
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    a, b = rng.standard_normal(a_shape), rng.standard_normal(b_shape)
    x, y = tinyllm.tensor(a, requires_grad=True), tinyllm.tensor(b, requires_grad=True)
    z = x * y
    np.testing.assert_array_equal(z.detach().numpy(), a * b)
    z.sum().backward()
    np.testing.assert_allclose(
        x.grad.numpy(), unbroadcast(np.broadcast_to(b, z.shape), a_shape), atol=1e-12
    )
    # by definition: the sum over every place to which the element was repeated
    total = np.zeros(a_shape)
    places = np.broadcast_to(np.arange(a.size).reshape(a_shape), z.shape)
    np.add.at(total.reshape(-1), places.ravel(), np.broadcast_to(b, z.shape).ravel())
    np.testing.assert_allclose(x.grad.numpy(), total, atol=1e-12)


def test_operators_and_their_reflections() -> None:
    x = tinyllm.tensor([1.0, 2.0, 4.0])
    assert (x + 1).tolist() == (1 + x).tolist() == [2, 3, 5]
    assert (x - 1).tolist() == [0, 1, 3]
    assert (1 - x).tolist() == [0, -1, -3]
    assert (8 / x).tolist() == [8, 4, 2]
    assert (2**x).tolist() == [2, 4, 16]
    assert (x**2).tolist() == [1, 4, 16]
    assert (7 // x).tolist() == [7, 3, 1]
    assert (7 % x).tolist() == [0, 1, 3]
    assert (-x).tolist() == [-1, -2, -4]
    assert abs(-x).tolist() == [1, 2, 4]
    assert (x @ x).item() == 21
    assert ((x > 1) & (x < 4) | (x == 1)).tolist() == [True, True, False]
    assert (~(x > 1) ^ True).tolist() == [False, True, True]
    assert (tinyllm.tensor([6]) & 3).tolist() == [2]


def test_numpy_steps_back() -> None:
    x = tinyllm.tensor([1.0, 2.0], requires_grad=True)
    array = np.array([3.0, 4.0], np.float32)
    for result in (array * x, x * array, np.float32(2) * x, array @ x):
        assert isinstance(result, tinyllm.Tensor)
        assert result.requires_grad
    assert (np.float64(2) * x).dtype == tinyllm.float32  # a NumPy scalar is a number
    assert (array == x).tolist() == [False, False]


def test_foreign_operands() -> None:
    x = tinyllm.ones(2)
    assert (x == None) is False  # noqa: E711
    assert (x != "a") is True
    for operate in (lambda: x + "a", lambda: [1] + x, lambda: x @ 2, lambda: x < None):
        with pytest.raises(TypeError):
            operate()
    with pytest.raises(TypeError, match=r"add: needs a Tensor or a number, got list; wrap it"):
        tinyllm.add(x, [1, 2])


def test_tensors_are_keys_by_identity() -> None:
    x, y = tinyllm.ones(2), tinyllm.ones(2)
    assert len({x, y, x}) == 2
    assert {x: 1}[x] == 1


def test_truth_length_iteration_numbers() -> None:
    x = tinyllm.tensor([[1, 2], [3, 4]])
    assert len(x) == 2
    assert [row.tolist() for row in x] == [[1, 2], [3, 4]]
    assert [10, 20, 30][x[0, 0]] == 20
    assert float(x[1, 1]) == 4.0
    assert int(tinyllm.tensor(3.7)) == 3
    assert bool(tinyllm.tensor([0.0])) is False
    assert f"{tinyllm.tensor(3.14159):.2f}" == "3.14"
    with pytest.raises(RuntimeError, match=r"\.any\(\) or \.all\(\)"):
        bool(x)
    with pytest.raises(TypeError, match="0-d"):
        len(tinyllm.tensor(1))
    with pytest.raises(TypeError, match="0-d"):
        list(tinyllm.tensor(1))
    with pytest.raises(RuntimeError, match="4 elements"):
        x.item()
    with pytest.raises(TypeError, match="index"):
        [1, 2][tinyllm.tensor(1.0)]


@pytest.mark.parametrize(
    "index",
    [
        0,
        -1,
        slice(1, None),
        (0, 1),
        (..., 2),
        None,
        (slice(None), None, 1),
        [0, 2],
        ([0, 1], [2, 2]),
    ],
)
def test_indexing_is_numpys(index) -> None:
    array = np.arange(60.0).reshape(3, 4, 5)
    assert tinyllm.tensor(array)[index].tolist() == array[index].tolist()


def test_an_int_beside_an_array_moves_no_dim() -> None:
    x = tinyllm.zeros(3, 4, 5)
    assert x[0, :, [1, 2]].shape == (4, 2)  # NumPy: (2, 4)
    x[0, :, [1, 2]] = tinyllm.ones(4, 2)
    assert x.sum().item() == 8


def test_picking_twice_adds_gradients() -> None:
    x = tinyllm.zeros(3, requires_grad=True)
    x[[0, 0, 2]].sum().backward()
    assert x.grad.tolist() == [2, 0, 1]
    x.grad = None
    x.gather(0, tinyllm.tensor([1, 1, 1])).sum().backward()
    assert x.grad.tolist() == [0, 3, 0]
    x.grad = None
    x.index_select(0, tinyllm.tensor([2, 2])).sum().backward()
    assert x.grad.tolist() == [0, 0, 2]


def test_views_share_and_copies_do_not() -> None:
    x = tinyllm.arange(6.0).reshape(2, 3)
    for view in (x[0], x[:, 1], x.T, x.view(6), x.unsqueeze(0), x.permute(1, 0), x.expand(2, 2, 3)):
        assert np.shares_memory(view.array, x.array)
    for copy in (x.clone(), x[[0]], x[x > 0], x.T.contiguous(), x.to(tinyllm.float64)):
        assert not np.shares_memory(copy.array, x.array)
    assert x.contiguous() is x
    assert x.to(tinyllm.float32) is x
    assert x.to(tinyllm.float32, copy=True) is not x
    assert x.T.clone().is_contiguous()


def test_ties() -> None:
    x = tinyllm.tensor([2.0, 5.0, 5.0], requires_grad=True)
    x.max().backward()
    assert x.grad.tolist() == [0, 0.5, 0.5]
    x.grad = None
    x.max(0).values.backward()
    assert x.grad.tolist() == [0, 1, 0]
    x.grad = None
    tinyllm.maximum(x, tinyllm.tensor([2.0, 9.0, 1.0])).sum().backward()
    assert x.grad.tolist() == [0.5, 0, 1]


def test_logsumexp_of_nothing_but_minus_infinity() -> None:
    x = tinyllm.full((2, 3), -float("inf"))
    x[1] = 0
    x.requires_grad_()
    y = x.logsumexp(1)
    assert y[0].item() == -float("inf")
    y.sum().backward()
    assert x.grad[0].tolist() == [0, 0, 0]
    np.testing.assert_allclose(x.grad[1].numpy(), 1 / 3, rtol=1e-6)


def test_sorting_is_stable_and_nan_is_largest() -> None:
    nan = float("nan")
    x = tinyllm.tensor([3.0, nan, 1.0, 3.0])
    assert x.sort().indices.tolist() == [2, 0, 3, 1]
    assert x.sort(descending=True).indices.tolist() == [1, 0, 3, 2]
    assert tinyllm.topk(x, 2).indices.tolist() == [1, 0]
    assert tinyllm.topk(x, 2, largest=False).values.tolist() == [1, 3]
