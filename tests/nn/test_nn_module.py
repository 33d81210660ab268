import copy

import numpy as np
import pytest

import tinyllm
from tinyllm import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 5)
        self.second = nn.Sequential(nn.Linear(5, 7, bias=False), nn.ReLU())
        self.scale = nn.Parameter(tinyllm.ones(7))
        self.register_buffer("steps", tinyllm.zeros(2))
        self.register_buffer("scratch", tinyllm.zeros(11), persistent=False)

    def forward(self, x):
        return self.second(self.first(x)) * self.scale


def test_names_come_in_order_own_before_children():
    net = Net()
    names = ["scale", "first.weight", "first.bias", "second.0.weight"]
    assert [name for name, _ in net.named_parameters()] == names
    assert [name for name, _ in net.named_buffers()] == ["steps", "scratch"]
    assert list(net.state_dict()) == ["scale", "steps", *names[1:]]  # scratch is not persistent
    assert [name for name, _ in net.named_children()] == ["first", "second"]
    assert [name for name, _ in net.named_modules()] == [
        "", "first", "second", "second.0", "second.1",
    ]  # fmt: skip
    assert [name for name, _ in net.named_parameters(prefix="net", recurse=False)] == ["net.scale"]
    assert list(net.modules())[0] is net
    assert len(list(net.parameters())) == 4
    assert net.get_submodule("second.0") is net.second[0]
    assert net.get_submodule("") is net


def test_tied_parameters_and_modules_count_once():
    net = nn.Module()
    net.a, net.b = nn.Linear(3, 5, bias=False), nn.Linear(3, 5, bias=False)
    net.b.weight = net.a.weight
    net.c = net.a
    assert [name for name, _ in net.named_parameters()] == ["a.weight"]
    every = [name for name, _ in net.named_parameters(remove_duplicate=False)]
    assert every == ["a.weight", "b.weight", "c.weight"]
    assert [name for name, _ in net.named_modules()] == ["", "a", "b"]
    assert list(net.state_dict()) == ["a.weight", "b.weight", "c.weight"]


def test_attributes_move_between_registries_and_go():
    net = Net()
    net.scale = None
    assert "scale" in net._parameters
    assert net.scale is None
    net.scale = nn.Linear(2, 3)
    assert "scale" in net._modules
    assert "scale" not in net._parameters
    del net.scale
    assert not hasattr(net, "scale")
    assert "scale.weight" not in net.state_dict()
    net.steps = tinyllm.ones(2)
    assert net.state_dict()["steps"].tolist() == [1, 1]
    del net.scratch
    net.register_buffer("scratch", tinyllm.ones(3))
    assert "scratch" in net.state_dict()


def test_wrong_assignments_are_refused():
    net = Net()
    with pytest.raises(TypeError, match="cannot assign a Tensor as parameter 'scale' .*Parameter"):
        net.scale = tinyllm.ones(7)
    with pytest.raises(TypeError, match="as child module 'first'"):
        net.first = 3
    with pytest.raises(TypeError, match="as buffer 'steps'"):
        net.steps = np.ones(2)
    with pytest.raises(KeyError, match="attribute 'forward' already exists"):
        net.register_parameter("forward", nn.Parameter(tinyllm.ones(1)))
    with pytest.raises(KeyError, match='contain "."'):
        net.add_module("a.b", nn.ReLU())
    with pytest.raises(TypeError, match="Parameter or None"):
        net.register_parameter("other", tinyllm.ones(1))
    assert net.scale.tolist() == [1] * 7


def test_a_typo_names_close_attributes():
    layer = nn.Linear(3, 5)
    with pytest.raises(AttributeError, match="'Linear' object has no attribute 'wieght'.*'weight'"):
        layer.wieght  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'zzz'$"):
        layer.zzz  # noqa: B018
    assert not hasattr(layer, "zzz")


def test_forgetting_super_init_is_named():
    class Hasty(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(2, 3)

    with pytest.raises(AttributeError, match=r"super\(\).__init__\(\)"):
        Hasty()


def test_forward_that_is_missing_is_named():
    with pytest.raises(NotImplementedError, match="Module has no forward"):
        nn.Module()(1)


def test_train_eval_apply_requires_grad_zero_grad():
    net = Net()
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    net.train()
    assert all(module.training for module in net.modules())
    seen = []
    net.apply(lambda module: seen.append(type(module).__name__))
    assert seen == ["Linear", "Linear", "ReLU", "Sequential", "Net"]
    net(tinyllm.ones(2, 3)).sum().backward()
    assert net.first.weight.grad is not None
    net.zero_grad(set_to_none=False)
    assert (net.first.weight.grad.numpy() == 0).all()
    net.zero_grad()
    assert net.first.weight.grad is None
    net.requires_grad_(False)
    assert not any(p.requires_grad for p in net.parameters())


def test_to_converts_in_place_and_keeps_identity_and_ties():
    net = Net()
    net.other = nn.Linear(3, 5)
    net.other.weight = net.first.weight
    net.register_buffer("ids", tinyllm.arange(3))
    before = list(net.parameters())
    assert net.double() is net
    assert all(old is new for old, new in zip(before, net.parameters(), strict=True))
    assert {p.dtype.name for p in net.parameters()} == {"float64"}
    assert net.steps.dtype == np.float64
    assert net.ids.dtype == np.int64
    assert net.other.weight is net.first.weight
    assert net.to("cpu", tinyllm.float32).scale.dtype == np.float32
    assert net.to(tinyllm.zeros(1, dtype=tinyllm.float64)).scale.dtype == np.float64
    with pytest.raises(TypeError, match="only floating-point"):
        net.to(tinyllm.int64)
    with pytest.raises(ValueError, match="cuda"):
        net.to("cuda")


def test_converted_parameters_share_nothing_with_what_they_were():
    layer = nn.Linear(3, 5)
    alias = layer.weight.detach()
    layer.double()
    loss = layer(tinyllm.ones(2, 3, dtype=tinyllm.float64, requires_grad=True)).sum()
    alias.add_(1)  # other memory: the graph does not care
    loss.backward()
    assert (layer.weight.grad.array == 2).all()
    assert not np.array_equal(layer.weight.array, alias.array)


def test_a_parameter_is_a_leaf_that_shares_memory():
    values = tinyllm.zeros(3)
    parameter = nn.Parameter(values)
    assert parameter.requires_grad
    assert parameter.is_leaf
    assert type(parameter + 1) is tinyllm.Tensor
    values.array[0] = 5
    assert parameter.tolist() == [5, 0, 0]
    assert repr(parameter).startswith("Parameter containing:\ntensor(")
    assert not nn.Parameter(values, requires_grad=False).requires_grad


def test_deepcopy_is_independent():
    net = Net()
    twin = copy.deepcopy(net)
    twin.scale.array[...] = 9
    assert net.scale.tolist() == [1] * 7
    assert dict(twin.named_parameters())["scale"] is twin.scale
    assert twin.first.weight is twin.first._parameters["weight"]


def test_repr():
    assert repr(Net()) == (
        "Net(\n"
        "  (first): Linear(in_features=3, out_features=5, bias=True)\n"
        "  (second): Sequential(\n"
        "    (0): Linear(in_features=5, out_features=7, bias=False)\n"
        "    (1): ReLU()\n"
        "  )\n"
        ")"
    )
