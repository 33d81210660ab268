"""Tensors and state_dicts to PyTorch and back."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

import tinyllm
from tinyllm import nn

DTYPES = ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"]
LAYOUTS = {
    "whole": lambda x: x,
    "transposed": lambda x: x.transpose(0, 1),
    "sliced": lambda x: x[:, ::2],
    "0-d": lambda x: x[0, 0],
    "empty": lambda x: x[:0],
}


def numbers(dtype):
    return torch.arange(12).reshape(3, 4).remainder(5).to(getattr(torch, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_there_and_back_over_the_same_memory(dtype, layout) -> None:
    theirs = LAYOUTS[layout](numbers(dtype))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = tinyllm.from_torch(theirs)
        back = ours.to_torch()
        also = tinyllm.to_torch(ours)
    assert ours.dtype == getattr(tinyllm, dtype)
    assert ours.tolist() == theirs.tolist() == back.tolist()
    assert back.dtype == theirs.dtype
    assert back.stride() == theirs.stride() or theirs.numel() == 0
    assert back.data_ptr() == theirs.data_ptr() == also.data_ptr()
    if theirs.numel():
        ours.fill_(1)
        assert theirs.flatten()[0] == back.flatten()[0] == 1


def test_what_pytorch_cannot_share_is_copied() -> None:
    x = tinyllm.arange(6.0)
    backwards = tinyllm.from_numpy(x.array[::-1])
    expanded = tinyllm.ones(1, 3).expand(4, 3)
    packed = np.zeros(3, np.dtype([("a", "u1"), ("b", "f4")]))["b"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for y in (backwards, expanded, tinyllm.from_numpy(packed)):
            theirs = y.to_torch()
            assert theirs.tolist() == y.tolist()
            theirs.add_(1)
    assert x.tolist() == [0, 1, 2, 3, 4, 5]


def test_an_expanded_tensor_can_be_read_but_not_changed() -> None:
    x = tinyllm.from_torch(torch.ones(1, 3).expand(4, 3))
    assert x.sum().item() == 12
    with pytest.raises(RuntimeError, match=r"\.clone\(\)"):
        x.add_(1)


def test_what_is_refused() -> None:
    leaf = torch.ones(2, requires_grad=True)
    sparse = torch.eye(3).to_sparse()
    for value, kind, words in [
        (leaf, RuntimeError, r"requires a gradient.*tensor\.detach\(\)"),
        (torch.nn.Linear(2, 1).weight, RuntimeError, r"detach\(\)"),
        (torch.ones(2, dtype=torch.bfloat16), TypeError, r"bfloat16.*\.float\(\)"),
        (torch.ones(2, dtype=torch.complex64), TypeError, r"complex64.*\.real"),
        (torch.ones(2).to(torch.float8_e4m3fn), TypeError, r"float8_e4m3fn.*cast it"),
        (sparse, TypeError, r"sparse.*\.to_dense\(\)"),
        (torch.eye(3).to_sparse_csr(), TypeError, r"sparse.*\.to_dense\(\)"),
        (torch.ones(2, device="meta"), TypeError, "meta.*no values"),
        (torch.ones(2, dtype=torch.complex64).conj().imag, TypeError, r"resolve_neg\(\)"),
        (np.ones(2), TypeError, "needs a torch.Tensor, got ndarray"),
    ]:
        with pytest.raises(kind, match=f"from_torch: .*{words}"):
            tinyllm.from_torch(value)
    assert tinyllm.from_torch(leaf.detach()).tolist() == [1, 1]
    with pytest.raises(RuntimeError, match=r"to_torch: .*detach\(\)"):
        tinyllm.ones(2, requires_grad=True).to_torch()
    with pytest.raises(TypeError, match="to_torch: needs a Tensor, got ndarray"):
        tinyllm.to_torch(np.ones(2))


def test_numpy_and_dlpack_between_both() -> None:
    x = tinyllm.arange(6.0)
    for theirs in (torch.from_numpy(np.asarray(x)), torch.from_dlpack(x)):
        assert theirs.data_ptr() == x.array.ctypes.data
        assert theirs.tolist() == x.tolist()
    assert torch.tensor(x.array).tolist() == x.tolist()
    theirs = torch.arange(4)
    ours = tinyllm.from_dlpack(theirs)
    assert ours.tolist() == [0, 1, 2, 3]
    assert ours.array.ctypes.data == theirs.data_ptr()
    leaf = torch.ones(2, requires_grad=True)
    with pytest.raises(BufferError):
        tinyllm.from_dlpack(leaf)
    with pytest.raises(BufferError):
        torch.from_dlpack(tinyllm.ones(2, requires_grad=True))


def both():
    torch.manual_seed(0)
    return (
        nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval(),
        torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval(),
    )


def assert_same_outputs(ours, theirs) -> None:
    x = torch.randn(2, 3, 8)
    expected = theirs(x).detach().numpy()
    np.testing.assert_allclose(
        ours(tinyllm.from_torch(x)).detach().numpy(), expected, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("assign", [False, True])
def test_a_state_dict_of_pytorch(assign) -> None:
    ours, theirs = both()
    keys = ours.load_state_dict(theirs.state_dict(), assign=assign)
    assert not keys.missing_keys
    assert not keys.unexpected_keys
    assert_same_outputs(ours, theirs)
    if assign:
        assert all(isinstance(p, nn.Parameter) and p.requires_grad for p in ours.parameters())
    else:  # copied
        with torch.no_grad():
            theirs.linear1.weight.zero_()
        assert ours.linear1.weight.abs().sum() > 0


def test_parameters_themselves_may_be_given() -> None:
    ours, theirs = both()
    ours.load_state_dict(dict(theirs.named_parameters()))
    assert_same_outputs(ours, theirs)


def test_a_state_dict_for_pytorch() -> None:
    ours, theirs = both()
    theirs.load_state_dict({name: x.to_torch() for name, x in ours.state_dict().items()})
    assert_same_outputs(ours, theirs)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64"])
def test_other_float_dtypes_are_cast(dtype) -> None:
    ours, theirs = both()
    theirs = theirs.to(getattr(torch, dtype))
    ours.load_state_dict(theirs.state_dict())
    assert ours.linear1.weight.dtype == tinyllm.float32
    assert ours.linear1.weight.tolist() == theirs.linear1.weight.float().tolist()


def test_what_does_not_fit_is_listed_and_nothing_copied() -> None:
    ours, theirs = both()
    before = {name: x.tolist() for name, x in ours.state_dict().items()}
    state = theirs.state_dict()
    state["linear1.weight"] = state["linear1.weight"].to_sparse()
    state["linear2.weight"] = torch.ones(3, 3)
    state["norm1.weight"] = state["norm1.weight"].to(torch.complex64)
    with pytest.raises(RuntimeError) as caught:
        ours.load_state_dict(state)
    text = str(caught.value)
    assert "cannot copy linear1.weight: the tensor is sparse" in text
    assert "size mismatch for linear2.weight" in text
    assert "cannot copy norm1.weight: the tensor is torch.complex64" in text
    assert {name: x.tolist() for name, x in ours.state_dict().items()} == before
