import numpy as np
import pytest

import tinyllm
from tinyllm import nn


def net():
    module = nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 7))
    module.register_buffer("count", tinyllm.zeros(2))
    return module


def values(module):
    return {name: tensor.numpy().copy() for name, tensor in module.state_dict().items()}


def test_round_trip_by_tensors_and_by_arrays():
    source, target, third = net(), net(), net()
    source.count.array[...] = 4
    result = target.load_state_dict(source.state_dict())
    assert str(result) == "<All keys matched successfully>"
    third.load_state_dict(values(source))
    for name, value in values(source).items():
        np.testing.assert_array_equal(values(target)[name], value)
        np.testing.assert_array_equal(values(third)[name], value)
    source[0].weight.array[...] = 0
    assert (target[0].weight.array != 0).any(), "loading must copy"


def test_state_dict_shares_memory_and_is_detached():
    module = net()
    state = module.state_dict(prefix="model.")
    assert list(state) == [
        "model.count", "model.0.weight", "model.0.bias", "model.1.weight", "model.1.bias",
    ]  # fmt: skip
    assert not state["model.0.bias"].requires_grad
    module[0].bias.array[...] = 3
    assert state["model.0.bias"].tolist() == [3] * 5
    assert module.state_dict(keep_vars=True)["0.bias"] is module[0].bias


def test_all_that_does_not_fit_is_listed_and_nothing_is_loaded():
    module = net()
    before = values(module)
    state = dict(values(net()))
    del state["0.bias"], state["1.bias"]
    state["2.weight"], state["3.weight"] = np.ones(2), np.ones(3)
    state["0.weight"] = np.ones((3, 5))
    state["1.weight"] = np.ones((7, 11))
    with pytest.raises(RuntimeError) as caught:
        module.load_state_dict(state)
    assert str(caught.value) == (
        "Error(s) in loading state_dict for Sequential:\n\t"
        'Missing key(s) in state_dict: "0.bias", "1.bias".\n\t'
        'Unexpected key(s) in state_dict: "2.weight", "3.weight".\n\t'
        "size mismatch for 0.weight: copying a param with shape (3, 5) from checkpoint, "
        "the shape in current model is (5, 3).\n\t"
        "size mismatch for 1.weight: copying a param with shape (7, 11) from checkpoint, "
        "the shape in current model is (7, 5)."
    )
    for name, value in values(module).items():
        np.testing.assert_array_equal(value, before[name])


def test_not_strict_loads_the_rest_and_tells():
    module = net()
    result = module.load_state_dict({"0.bias": np.full(5, 2.0), "other": np.ones(1)}, strict=False)
    assert result.unexpected_keys == ["other"]
    assert result.missing_keys == ["count", "0.weight", "1.weight", "1.bias"]
    assert module[0].bias.tolist() == [2] * 5
    with pytest.raises(RuntimeError, match="size mismatch for 0.bias"):
        module.load_state_dict({"0.bias": np.ones(6)}, strict=False)


def test_a_prefix_is_recognised():
    state = {f"model.{name}": value for name, value in values(net()).items()}
    with pytest.raises(RuntimeError, match='differ by the prefix "model." alone: remove it'):
        net().load_state_dict(state)


def test_odd_values_are_named():
    state = {**values(net()), "0.bias": [1, 2, 3, 4, 5]}
    with pytest.raises(RuntimeError, match='named "0.bias", expected a Tensor or an ndarray'):
        net().load_state_dict(state)
    state["0.bias"] = np.array(["a"] * 5)
    with pytest.raises(RuntimeError, match="dtype mismatch for 0.bias"):
        net().load_state_dict(state)
    with pytest.raises(TypeError, match="dict-like"):
        net().load_state_dict([1])


def test_dtypes_are_converted_and_transposed_arrays_land_right():
    module = nn.Linear(3, 5)
    weight = np.arange(15.0).reshape(3, 5).T
    module.load_state_dict({"weight": weight, "bias": np.arange(5)})
    assert module.weight.dtype == np.float32
    np.testing.assert_array_equal(module.weight.detach().numpy(), weight)


def test_loading_over_a_saved_tensor_is_noticed_by_backward():
    module = nn.Linear(3, 5)
    loss = module(tinyllm.ones(2, 3, requires_grad=True)).sum()
    module.load_state_dict(values(module))
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()
