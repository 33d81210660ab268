import pytest

import tinyllm
from tinyllm import nn


def layers(count):
    return [nn.Linear(size + 1, size + 2) for size in range(count)]


def test_sequential_runs_in_order():
    model = nn.Sequential(*layers(4))
    assert model(tinyllm.ones(3, 1)).shape == (3, 5)
    assert len(model) == 4
    assert isinstance(model[1:3], nn.Sequential)
    assert model[1:3](tinyllm.ones(2)).shape == (4,)
    assert model[-1] is model[3]
    assert [name for name, _ in model[1:3].named_children()] == ["1", "2"]  # as in PyTorch
    with pytest.raises(IndexError, match="index 4 is out of range for 4"):
        model[4]


def test_sequential_with_names():
    model = nn.Sequential({"up": nn.Linear(2, 3), "down": nn.Linear(3, 2)})
    assert list(model.state_dict()) == ["up.weight", "up.bias", "down.weight", "down.bias"]
    assert model.up is model[0]
    assert len(nn.Sequential({})) == 0


def test_module_list_changes_like_a_list():
    a, b, c, d = layers(4)
    modules = nn.ModuleList([a, b])
    assert modules.append(d) is modules
    modules.insert(2, c)
    assert list(modules) == [a, b, c, d]
    assert [name for name, _ in modules.named_children()] == ["0", "1", "2", "3"]
    del modules[0]
    assert list(modules) == [b, c, d]
    assert [name for name, _ in modules.named_children()] == ["0", "1", "2"]
    assert modules.pop(-1) is d
    modules[1] = a
    assert list(modules) == [b, a]
    modules += [d]
    assert isinstance(modules[1:], nn.ModuleList)
    assert list(modules[1:]) == [a, d]
    assert list(modules + nn.ModuleList([c])) == [b, a, d, c]
    modules.extend(nn.ModuleList([c]))
    assert len(modules) == 4
    del modules[1:3]
    assert list(modules) == [b, c]
    assert len(list(modules.parameters())) == 4
    with pytest.raises(TypeError, match="int is not|cannot assign a int as child module"):
        modules.append(3)


def test_module_dict_changes_like_a_dict():
    a, b, c, _ = layers(4)
    modules = nn.ModuleDict({"a": a})
    modules["b"] = b
    modules.update([("c", c)])
    assert list(modules) == ["a", "b", "c"] == list(modules.keys())
    assert list(modules.values()) == [a, b, c]
    assert dict(modules.items())["c"] is c
    assert "b" in modules
    assert modules.pop("b") is b
    assert "b" not in modules
    with pytest.raises(KeyError):
        del modules["b"]
    assert list(modules.state_dict()) == ["a.weight", "a.bias", "c.weight", "c.bias"]
    modules.clear()
    assert len(modules) == 0


def test_module_list_folds_equal_neighbours():
    modules = nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Linear(2, 3), nn.ReLU()])
    assert repr(modules) == (
        "ModuleList(\n"
        "  (0-1): 2 x ReLU()\n"
        "  (2): Linear(in_features=2, out_features=3, bias=True)\n"
        "  (3): ReLU()\n"
        ")"
    )
    assert repr(nn.ModuleList()) == "ModuleList()"
