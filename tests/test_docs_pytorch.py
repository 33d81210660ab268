"""docs/pytorch.md says what is so: its tables, and the sentences and programs around them."""

from __future__ import annotations

import importlib.util
import inspect
import re

import numpy as np
import pytest

import tinyllm
from tinyllm import nn

if importlib.util.find_spec("torch") is None:
    pytest.skip(
        "PyTorch is not here to compare with: pip install -e '.[torch]'", allow_module_level=True
    )

import pytorch_differences
import pytorch_table
import torch
from pytorch_differences import ACCOUNTED, DIFFERENCES, LEFT_OUT, NOT_COMPARED, NOT_PUBLIC, ROOMS
from pytorch_signatures import Comparison, compare
from pytorch_table import find, here, is_here, joined, rooms

TEXT = pytorch_table.PAGE.read_text(encoding="utf-8")
HERE = [(room, name) for room in rooms() for name in here(room)]
NAMES = [joined(room.path, name) for room, name in HERE]


def section(title):
    return re.search(rf"^## {title}.*?(?=^## |\Z)", TEXT, re.S | re.M)[0]


def quoted(text):
    """The names between backticks, without their daggers."""
    return {name.removesuffix("†") for name in re.findall(r"`([^`\n]+)`", text)}


# The tables


def test_the_page_is_up_to_date():
    if f"PyTorch {pytorch_table.pytorch_version()}." not in TEXT:
        pytest.skip("the page was made with another PyTorch")
    assert pytorch_table.written(TEXT) == TEXT, "run: python tests/pytorch_table.py"


@pytest.mark.parametrize(("room", "name"), HERE, ids=NAMES)
def test_what_is_here_is_what_pytorch_has(room, name):
    ours, theirs = pytorch_table.pair(room, name)
    assert name in quoted(section("What is here"))
    if callable(theirs) and not isinstance(ours, property | np.dtype):
        assert callable(ours), "PyTorch's can be called"
        assert inspect.isclass(ours) == inspect.isclass(theirs) or name in ("no_grad", "dtype")
    full = joined(room.path, name)
    if full in NOT_COMPARED.split():
        return
    found, told = pytorch_table.comparison(room, name), pytorch_table.declared(room, name)
    assert found is not None, f"{full}: PyTorch tells no parameters: name it in NOT_COMPARED"
    assert found == told, (
        f"{full}: mend its parameters, or correct its entry in DIFFERENCES: without "
        f"{sorted(found.without)}, adds {sorted(found.adds)}, reordered {found.reordered}"
    )
    for parameter in (*told.without, *told.adds):
        assert parameter in quoted(section("What differs, name by name"))


def test_every_public_name_that_pytorch_has_is_on_the_page():
    on_page = quoted(section("What is here"))
    for room in ROOMS:
        ours, theirs = find(tinyllm, room.path), find(torch, room.path)
        for name, value in vars(ours).items() if inspect.ismodule(ours) else ():
            if name.startswith("_") or not hasattr(theirs, name) or inspect.ismodule(value):
                continue
            made_here = getattr(value, "__module__", None) == ours.__name__
            if name in ours.__all__ if hasattr(ours, "__all__") else made_here:
                assert name in on_page, joined(room.path, name)


def test_every_room_that_pytorch_has_is_a_room_of_the_page():
    known = {room.path for room in ROOMS}
    for path in ("", *(room.path for room in rooms() if not room.members)):
        room = find(tinyllm, path)
        for name in getattr(room, "__all__", []) if path else dir(room):
            full = joined(path, name)
            if name.startswith("_") or find(torch, full) is None or full in ABSENT_ROOMS:
                continue
            ours, theirs = find(tinyllm, full), find(torch, full)
            if inspect.ismodule(ours) and inspect.ismodule(theirs) and _is_ours(ours):
                assert full in known, full


ABSENT_ROOMS = {"hub", "ops", "utils"}  # other things, and one that holds rooms alone


def _is_ours(module):
    return module.__name__.startswith("tinyllm.")


def test_what_is_left_out_is_absent():
    rows = section("What is left out").splitlines()[6:]
    named = [name for row in rows if row.startswith("| ") for name in quoted(row.split(" | ")[1])]
    assert len(named) > 150
    for shown in named:
        pattern = re.sub(r"^F\.", "nn.functional.", shown)
        meant = pytorch_table.matching(pattern)
        assert meant, f"PyTorch has no {pattern}"
        assert not [name for name in meant if is_here(name)], pattern


@pytest.mark.parametrize("path", ACCOUNTED.split())
def test_every_public_name_of_pytorch_is_accounted_for(path):
    text = section("What is left out")
    patterns = {re.sub(r"^F\.", "nn.functional.", name) for name in quoted(text)}
    out = {name for pattern in patterns for name in pytorch_table.matching(pattern)}
    listed = getattr(find(torch, path), "__all__", None)
    if path == "nn.functional":  # whose list has few of its names
        listed = [n for n, value in vars(torch.nn.functional).items() if inspect.isroutine(value)]
    if path == "nn":
        listed = [n for n, value in vars(torch.nn).items() if inspect.isclass(value)]
    assert len(listed) >= 4
    for name in listed:
        full = joined(path, name)
        if not name.startswith("_") and full not in NOT_PUBLIC.split():
            assert is_here(full) or full in out, full


def test_what_is_written_by_hand_is_about_pytorch():
    for name in (*DIFFERENCES, *NOT_COMPARED.split(), *NOT_PUBLIC.split()):
        assert find(torch, name) is not None, name
    for row in LEFT_OUT:
        for pattern in row.names.split():
            assert pytorch_table.matching(pattern), pattern
    for module in pytorch_differences.ROWS:
        if importlib.util.find_spec(module.rsplit(".", 1)[0]):
            assert module.startswith("tinyllm")


# The comparison itself: it must be able to fail


@pytest.mark.parametrize(
    ("ours", "found"),
    [
        (lambda input, dim, index: 0, Comparison()),
        (lambda input, dim, index, *, out=None: 0, Comparison()),
        (lambda input, axis, index: 0, Comparison({"dim"}, {"axis"})),
        (lambda input, index, dim: 0, Comparison(reordered=True)),
        (lambda input, dim: 0, Comparison({"index"})),
        (lambda input, dim, *, index: 0, Comparison(reordered=True)),
        (lambda input, dim, index, mode=0: 0, Comparison(adds={"mode"})),
    ],
)
def test_comparing_parameters(ours, found):
    found = Comparison(frozenset(found.without), frozenset(found.adds), found.reordered)
    assert compare(ours, torch.gather, "gather") == found


def test_comparing_the_forms_that_pytorch_tells_in_other_ways():
    def view(self, *sizes):
        pass

    assert compare(view, torch.Tensor.view, "view", method=True) == Comparison()
    assert not compare(lambda a, b: 0, torch.set_default_dtype, "set_default_dtype").without
    assert compare(nn.Linear, torch.nn.Linear, "Linear") == Comparison()
    assert compare(nn.Linear, torch.nn.Bilinear, "Bilinear")
    assert compare(len, torch.nn.Linear, "Linear")
    assert compare(nn.Linear, object(), "nothing") is None


# The sentences


@pytest.mark.parametrize("program", re.findall(r"```python\n(.*?)```", TEXT, re.S))
def test_programs_run(program):
    names = {}
    exec(program, names)
    if "loss" in names:
        assert names["loss"].item() < 0.5
    else:
        assert np.array_equal(names["ours"].weight.detach(), names["theirs"].weight.detach())


def test_one_device():
    assert tinyllm.zeros(2, device="cpu").device == tinyllm.zeros(2, device=None).device == "cpu"
    with pytest.raises(ValueError, match="device"):
        tinyllm.zeros(2, device="cuda")


def test_dtypes_are_numpys():
    assert tinyllm.float32 == np.dtype("float32")
    assert isinstance(tinyllm.zeros(2).dtype, np.dtype)
    assert type(tinyllm.zeros(2).shape) is tuple


def test_kinds_of_errors():
    x, table = tinyllm.ones(2, 3), nn.Embedding(5, 2)
    with pytest.raises(ValueError, match="matmul"):
        x @ x
    with pytest.raises(TypeError):
        nn.Linear(3, 2)(x.long())
    with pytest.raises(IndexError):
        table(tinyllm.tensor([5]))
    with pytest.raises(RuntimeError):
        x.sum().backward()


def test_in_place_changes():
    x = tinyllm.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="in-place"):
        x.add_(1)
    with tinyllm.no_grad():
        x.add_(1)
    assert x.tolist() == [2, 2]
    assert tinyllm.ones(2).exp_().tolist() == pytest.approx([np.e] * 2)


def test_first_derivatives_only():
    with pytest.raises(RuntimeError, match="create_graph"):
        tinyllm.ones(1, requires_grad=True).sum().backward(create_graph=True)


def test_random_numbers():
    first = [tinyllm.manual_seed(3), tinyllm.randn(3).tolist()][1]
    torch.manual_seed(3)
    assert torch.randn(3).tolist() != first
    tinyllm.manual_seed(3)
    assert tinyllm.randn(3).tolist() == first


def test_absent_parameters_are_refused():
    listed = section("What differs everywhere").split("<!-- absent parameters -->")[1]
    assert {"out", "layout", "memory_format"} <= quoted(listed)
    with pytest.raises(TypeError, match="out"):
        tinyllm.add(tinyllm.ones(1), tinyllm.ones(1), out=tinyllm.ones(1))
