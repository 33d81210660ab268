"""Tensors made from data, of one value, in sequence."""

from __future__ import annotations

import numpy as np
import pytest

import tinyllm


def test_dtypes_inferred_from_python_data() -> None:
    assert tinyllm.tensor(1).dtype == tinyllm.int64
    assert tinyllm.tensor([1, 2.5]).dtype == tinyllm.float32
    assert tinyllm.tensor([True]).dtype == tinyllm.bool
    assert tinyllm.tensor([]).dtype == tinyllm.float32
    assert tinyllm.tensor(np.zeros(2)).dtype == tinyllm.float64
    assert tinyllm.tensor([1, 2], dtype=tinyllm.float64).dtype == tinyllm.float64


def test_default_dtype() -> None:
    tinyllm.set_default_dtype(tinyllm.float64)
    try:
        assert tinyllm.tensor(1.0).dtype == tinyllm.float64
        assert tinyllm.zeros(2).dtype == tinyllm.float64
        assert (tinyllm.arange(3) / 2).dtype == tinyllm.float64
    finally:
        tinyllm.set_default_dtype(tinyllm.float32)
    with pytest.raises(TypeError, match="floating-point"):
        tinyllm.set_default_dtype(tinyllm.int64)


def test_tensor_copies_and_as_tensor_shares() -> None:
    array = np.zeros(3, np.float32)
    copied, shared = tinyllm.tensor(array), tinyllm.as_tensor(array)
    cast = tinyllm.as_tensor(array, dtype=tinyllm.float64)
    array[0] = 1
    assert copied[0].item() == 0
    assert shared[0].item() == 1
    assert cast[0].item() == 0
    assert tinyllm.as_tensor(shared) is shared


def test_lists_of_tensors() -> None:
    parts = [tinyllm.tensor(1.5), tinyllm.tensor(2.5, requires_grad=True)]
    x = tinyllm.tensor(parts)
    assert x.tolist() == [1.5, 2.5]
    assert x.dtype == tinyllm.float32
    assert not x.requires_grad


def test_data_that_is_no_tensor() -> None:
    with pytest.raises(ValueError, match="ragged"):
        tinyllm.tensor([[1, 2], [3]])
    with pytest.raises(TypeError, match="cannot make numbers of str"):
        tinyllm.tensor("abc")
    with pytest.raises(TypeError, match="complex"):
        tinyllm.tensor(np.zeros(2, complex))
    with pytest.raises(TypeError, match="numbers"):
        tinyllm.tensor([None])
    with pytest.raises(TypeError, match="NumPy array"):
        tinyllm.from_numpy([1, 2])
    with pytest.raises(TypeError, match="not a dtype"):
        tinyllm.zeros(2, dtype="float33")


def test_foreign_byte_order_is_turned() -> None:
    assert tinyllm.tensor(np.arange(3, dtype=">f4")).tolist() == [0, 1, 2]
    assert tinyllm.tensor(np.arange(3, dtype=">f4")).dtype == tinyllm.float32


def test_the_one_device() -> None:
    assert str(tinyllm.zeros(2, device="cpu").device) == "cpu"
    assert tinyllm.zeros(2).to("cpu").device.type == "cpu"
    for make in (
        lambda: tinyllm.zeros(2, device="cuda"),
        lambda: tinyllm.tensor(1, device="cuda:0"),
        lambda: tinyllm.randn(2, device="mps"),
        lambda: tinyllm.zeros(2).to("cuda"),
    ):
        with pytest.raises(ValueError, match="processor"):
            make()


def test_sizes() -> None:
    assert tinyllm.zeros(2, 3).shape == tinyllm.zeros((2, 3)).shape == tinyllm.zeros([2, 3]).shape
    assert tinyllm.ones(()).shape == ()
    assert tinyllm.zeros(tinyllm.tensor(2), np.int64(3)).shape == (2, 3)
    assert tinyllm.empty(0, 3).shape == (0, 3)
    with pytest.raises(TypeError, match=r"zeros: sizes must be ints, got \(2.5,\)"):
        tinyllm.zeros(2.5)
    with pytest.raises(ValueError, match="negative"):
        tinyllm.zeros(-1)


def test_arange() -> None:
    assert tinyllm.arange(2, 8, 3).tolist() == [2, 5]
    assert tinyllm.arange(0, 1, 0.25).tolist() == [0, 0.25, 0.5, 0.75]
    assert tinyllm.arange(3).dtype == tinyllm.int64
    assert tinyllm.arange(3.0).dtype == tinyllm.float32
    assert tinyllm.arange(3, 3).shape == (0,)
    assert tinyllm.arange(0.9, 3.2, 1.9, dtype=tinyllm.int64).tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="steps of -1"):
        tinyllm.arange(0, 3, -1)
    with pytest.raises(ValueError, match="steps of 0"):
        tinyllm.arange(0, 3, 0)
    with pytest.raises(TypeError, match="end"):
        tinyllm.arange()


def test_requires_grad() -> None:
    x = tinyllm.tensor([1.0], requires_grad=True)
    for made in (
        x,
        tinyllm.zeros_like(x, requires_grad=True),
        tinyllm.randn(2, requires_grad=True),
    ):
        assert made.requires_grad
        assert made.is_leaf
    assert not tinyllm.zeros_like(x).requires_grad


def test_fill_value_decides_the_dtype() -> None:
    assert tinyllm.full((2,), 1).dtype == tinyllm.int64
    assert tinyllm.full((2,), 1.0).dtype == tinyllm.float32
    assert tinyllm.full((2,), True).dtype == tinyllm.bool
    assert tinyllm.full_like(tinyllm.zeros(2), 1).dtype == tinyllm.float32
