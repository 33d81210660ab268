"""What needs no PyTorch of the bridges: NumPy's protocols, and the words without PyTorch."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import tinyllm
from tinyllm import nn


def test_asarray_shares_memory_and_copies_when_it_must() -> None:
    x = tinyllm.arange(6.0).reshape(2, 3)
    assert np.asarray(x) is x.array
    assert np.shares_memory(np.array(x, copy=False), x.array)
    assert not np.shares_memory(np.array(x), x.array)
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    assert np.asarray(x, dtype=np.float32) is x.array
    with pytest.raises(ValueError, match="without a copy"):
        np.array(x, dtype=np.float64, copy=False)
    assert np.asarray(tinyllm.tensor(3)).shape == ()
    assert np.asarray(tinyllm.zeros(0, 2)).shape == (0, 2)
    with pytest.raises(RuntimeError, match=r"\.detach\(\)"):
        np.asarray(tinyllm.ones(2, requires_grad=True))


def test_from_numpy() -> None:
    array = np.arange(6.0)[::-2]
    x = tinyllm.from_numpy(array)
    x[0] = 10
    assert array[0] == 10
    assert x.tolist() == [10, 3, 1]
    matrix = tinyllm.from_numpy(np.ones((1, 2)).view(np.matrix))
    assert type(matrix.array) is np.ndarray
    assert matrix[0].shape == (2,)
    for wrong in (
        np.ones(2, complex), np.array(["a"]), np.array([None]), np.ones(2, np.longdouble),
        np.array(["2020-01-01"], "datetime64[D]"),
    ):  # fmt: skip
        with pytest.raises(TypeError, match="from_numpy.*not a dtype of tensors"):
            tinyllm.from_numpy(wrong)
    with pytest.raises(ValueError, match=r"byte order.*tensor\(\)"):
        tinyllm.from_numpy(np.ones(2, ">f4"))
    with pytest.raises(TypeError, match=r"list.*tensor\(\)"):
        tinyllm.from_numpy([1.0])


def test_a_read_only_array_refuses_to_be_changed() -> None:
    array = np.ones(3)
    array.flags.writeable = False
    x = tinyllm.from_numpy(array)
    with pytest.raises(RuntimeError, match=r"read-only.*\.clone\(\)"):
        x.add_(1)
    assert (x + 1).tolist() == [2, 2, 2]


def test_dlpack() -> None:
    x = tinyllm.arange(6).reshape(2, 3)
    array = np.from_dlpack(x)
    assert np.shares_memory(array, x.array)
    assert x.__dlpack_device__() == (1, 0)
    y = tinyllm.from_dlpack(np.arange(3.0))
    assert y.tolist() == [0, 1, 2]
    assert np.shares_memory(tinyllm.from_dlpack(x).array, x.array)
    with pytest.raises(BufferError, match=r"detach\(\)"):
        np.from_dlpack(tinyllm.ones(2, requires_grad=True))
    with pytest.raises(TypeError, match="complex128"):
        tinyllm.from_dlpack(np.ones(2, complex))


def test_without_pytorch(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match="to_torch: PyTorch is not installed"):
        tinyllm.ones(2).to_torch()
    with pytest.raises(TypeError, match="from_torch: needs a torch.Tensor, got ndarray"):
        tinyllm.from_torch(np.ones(2))
    layer = nn.Linear(2, 1)
    layer.load_state_dict({"weight": np.ones((1, 2)), "bias": np.zeros(1)})
    with pytest.raises(RuntimeError, match="expected a Tensor or an ndarray"):
        layer.load_state_dict({"weight": [[1, 1]], "bias": np.zeros(1)})
