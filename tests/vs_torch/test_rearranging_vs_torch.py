"""Functions that rearrange, repeat, pad and write by index, against PyTorch: values, gradients,
dtypes, views, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from test_functions_vs_torch import Case, test_values_and_gradients, ties

import tinyllm
import tinyllm.nn.functional as tinyllm_functional

compare = test_values_and_gradients
del test_values_and_gradients  # or it would run here once more
FUNCTIONAL = {tinyllm: tinyllm_functional, torch: torch.nn.functional}


def F(ns: Any) -> Any:  # noqa: N802
    return FUNCTIONAL[ns]


def pad(name: str, shape: tuple[int, ...], *args: Any, **params: Any) -> Case:
    return Case(f"pad {name}", lambda ns, x: F(ns).pad(x, *args, **params), [shape])


def ids(ns: Any, *values: Any) -> Any:
    return ns.tensor(values if len(values) != 1 else values[0])


VIEWS = [
    Case("unflatten", lambda ns, x: ns.unflatten(x, 1, (2, 3)), [(4, 6, 5)]),
    Case("unflatten -1", lambda ns, x: x.unflatten(-1, (2, -1, 1)), [(4, 6)]),
    Case("unflatten empty", lambda ns, x: x.unflatten(0, (3, 0)), [(0, 6)]),
    Case("movedim", lambda ns, x: ns.movedim(x, 0, -1), [(2, 3, 5)]),
    Case("movedim several", lambda ns, x: ns.moveaxis(x, (0, -1), (2, 0)), [(2, 3, 5, 7)]),
    Case("movedim 0-d", lambda ns, x: x.movedim(0, -1), [()]),
    Case("swapdims", lambda ns, x: x.swapdims(0, 1) * ns.swapaxes(x, 0, 1), [(2, 3)]),
    Case("narrow", lambda ns, x: ns.narrow(x, -1, 1, 3), [(2, 5)]),
    Case("narrow from the end", lambda ns, x: x.narrow(0, -2, 2), [(5, 2)]),
    Case("narrow to nothing", lambda ns, x: x.narrow(0, 5, 0), [(5, 2)]),
    Case("narrow tensor", lambda ns, x: ns.narrow(x, 0, ns.tensor(1), 2), [(5, 2)]),
    Case("select", lambda ns, x: ns.select(x, 1, -2), [(2, 5, 3)]),
    Case("select to 0-d", lambda ns, x: x.select(0, 3), [(5,)]),
    Case("diagonal", lambda ns, x: ns.diagonal(x), [(3, 5)]),
    Case("diagonal offset", lambda ns, x: x.diagonal(-1, 1, -1), [(2, 4, 5)]),
    Case("diagonal outside", lambda ns, x: x.diagonal(9), [(2, 4)]),
    Case("meshgrid", lambda ns, x, y: ns.meshgrid(x, y, indexing="ij"), [(3,), (5,)]),
    Case("meshgrid xy", lambda ns, *x: ns.meshgrid(x, indexing="xy"), [(3,), (), (2,), (5,)]),
    Case("meshgrid empty", lambda ns, *x: ns.meshgrid(*x, indexing="xy"), [(3,), (0,)]),
    Case("meshgrid one", lambda ns, x: ns.meshgrid(x, indexing="xy"), [(3,)]),
    Case("reshape by name", lambda ns, x: ns.reshape(x, shape=(6,)), [(2, 3)]),
    Case("permute by name", lambda ns, x: ns.permute(x, dims=(1, 0)), [(2, 3)]),
]
COPIES = [
    Case("diag of a vector", lambda ns, x: ns.diag(x, 1), [(4,)]),
    Case("diag of a matrix", lambda ns, x: x.diag(-1), [(4, 3)]),
    Case("diag_embed", lambda ns, x: ns.diag_embed(x, -2), [(2, 3)]),
    Case("diag_embed dims", lambda ns, x: x.diag_embed(1, 0, 2), [(2, 3)]),
    Case("hstack", lambda ns, x, y: ns.hstack([x, y]), [(2, 3), (2, 4)]),
    Case("hstack vectors", lambda ns, *x: ns.hstack(x), [(3,), (), (2,)]),
    Case("vstack", lambda ns, *x: ns.vstack(x), [(2, 3), (3,), (1, 3)]),
    Case("vstack 0-d", lambda ns, *x: ns.vstack(x), [(), ()]),
    Case("repeat", lambda ns, x: x.repeat(2, 3), [(2, 5)]),
    Case("repeat new dims", lambda ns, x: x.repeat((4, 1, 2)), [(2, 5)]),
    Case("repeat by name", lambda ns, x: x.repeat(repeats=(2,)), [()]),
    Case("repeat 0 times", lambda ns, x: x.repeat(2, 0), [(2, 5)]),
    Case("repeat empty", lambda ns, x: x.repeat(2, 3), [(0, 5)]),
    Case("tile", lambda ns, x: ns.tile(x, (2,)), [(2, 5)]),
    Case("tile more", lambda ns, x: x.tile(2, 1, 3), [(2, 5)]),
    Case("tile by name", lambda ns, x: x.tile(dims=(2, 2)), [(3,)]),
    Case("repeat_interleave", lambda ns, x: ns.repeat_interleave(x, 2, 1), [(2, 3, 5)]),
    Case("repeat_interleave once", lambda ns, x: x.repeat_interleave(1, dim=0), [(2, 3)]),
    Case("repeat_interleave flat", lambda ns, x: x.repeat_interleave(3), [(2, 3)]),
    Case("repeat_interleave 0-d", lambda ns, x: x.repeat_interleave(3), [()]),
    Case("repeat_interleave 0 times", lambda ns, x: x.repeat_interleave(0, -1), [(2, 3)]),
    Case(
        "repeat_interleave tensor",
        lambda ns, x: x.repeat_interleave(ids(ns, 2, 0, 3), dim=-2, output_size=5),
        [(2, 3, 5)],
    ),
    Case(
        "repeat_interleave of one count",
        lambda ns, x: (x.repeat_interleave(ids(ns, [2])), x.repeat_interleave(ids(ns, 2), 1)),
        [(2, 3)],
    ),
    Case("flip", lambda ns, x: ns.flip(x, (0, -1)), [(2, 3, 5)]),
    Case("flip method", lambda ns, x: x.flip(1) + x.flip([0]) + x.flip(dims=(0, 1)), [(2, 3)]),
    Case("flip nothing", lambda ns, x: ns.flip(x, ()), [(2, 3)]),
    Case("flip 0-d", lambda ns, x: ns.flip(x, (0,)), [()]),
    Case("flip empty", lambda ns, x: ns.flip(x, (0,)), [(0, 3)]),
    Case("roll", lambda ns, x: ns.roll(x, 2, 1), [(2, 5)]),
    Case("roll flat", lambda ns, x: x.roll(-3), [(2, 5)]),
    Case("roll several", lambda ns, x: ns.roll(x, (1, -7), dims=(0, -1)), [(2, 3, 5)]),
    Case("roll one dim twice", lambda ns, x: ns.roll(x, (1, 1), (0, 0)), [(5, 2)]),
    Case("roll 0-d", lambda ns, x: ns.roll(x, 1), [()]),
    Case("roll empty", lambda ns, x: ns.roll(x, 1, 0), [(0, 3)]),
]
PADS = [
    pad("constant", (2, 3), (1, 2)),
    pad("value", (2, 3), [0, 1, 2, 0], value=-1.5),
    pad("inf", (2, 3), [0, 1], "constant", float("inf")),
    pad("all dims", (2, 3, 4), (1, 2, 3, 4, 5, 6), "constant", 2),
    pad("cut", (4, 5), (-1, -2, 1, -3)),
    pad("cut and widen", (5,), (-4, 3)),
    pad("cut all", (5,), (-4, -1)),
    pad("nothing", (2, 3), ()),
    pad("0-d", (), ()),
    pad("empty", (0, 3), (1, 1, 2, 0)),
    *(
        pad(f"{mode} {shape}", shape, widths, mode)
        for mode in ("reflect", "replicate", "circular")
        for shape, widths in [
            ((2, 4), (2, 1)),
            ((2, 3, 4), (3, 0)),
            ((2, 3, 4), (1, 2, 2, 1)),
            ((2, 3, 4, 5), (0, 3, 1, 0)),
            ((2, 3, 2, 4), (-1, 2, 0, 1)),
            ((2, 3, 4), (1, -3)),
            ((2, 3, 4, 2, 2), (1, 0, 0, 1, 2, 3)),
            ((0, 3, 4), (1, 2)),
        ]
    ),
    pad("reflect cut and widen", (2, 5), (3, -1), "reflect"),
    pad("replicate far", (2, 3), (7, 5), "replicate"),
    pad("replicate from what was cut", (2, 3), (-3, 5), "replicate"),
    pad("circular all", (2, 3), (3, 3), "circular"),
]
INDEX = [[0, 2, 1], [3, 1, 0]]  # of one dim, each position once
REPEATED = [[0, 2, 2], [3, 3, 3]]
BY_INDEX = [
    Case("gather 0-d", lambda ns, x: ns.gather(x, 0, ids(ns, 0)), [()]),
    Case("gather of 0-d", lambda ns, x: ns.gather(x, -1, ids(ns, 0, 0)), [()]),
    Case("gather 0-d of 1-d", lambda ns, x: x.gather(0, ids(ns, 2)), [(4,)]),
    Case("gather nothing", lambda ns, x: x.gather(0, ns.zeros(2, 0, 3, dtype=ns.int64)), [(4, 2)]),
    Case("gather int32", lambda ns, x: x.gather(0, ids(ns, 2, 2).to(ns.int32)), [(4,)]),
    Case("index_select 0-d", lambda ns, x: ns.index_select(x, 0, ids(ns, [0])), [()]),
    Case("index_select by 0-d", lambda ns, x: x.index_select(1, ids(ns, 2)), [(2, 3)]),
    Case("take_along_dim", lambda ns, x: ns.take_along_dim(x, ids(ns, INDEX), 1), [(2, 4)]),
    Case(
        "take_along_dim flat",
        lambda ns, x: ns.take_along_dim(x.contiguous(), ids(ns, 5, 5, 0)),
        [(2, 4)],
    ),
    Case(
        "take_along_dim from the end",
        lambda ns, x: x.take_along_dim(ids(ns, [[-1, 0, -4]]), dim=-1),
        [(2, 4)],
    ),
    Case(
        "take_along_dim input broadcasts",
        lambda ns, x: x.take_along_dim(ids(ns, INDEX), 1),
        [(1, 4)],
    ),
    Case(
        "take_along_dim of argsort",
        lambda ns, x: x.take_along_dim(x.argsort(0), 0),
        [(5, 3)],
    ),
    ties("masked_select", lambda ns, x: ns.masked_select(x, x > 0), [(4, 5)]),
    ties("masked_select rows", lambda ns, x: x.masked_select(x[:, :1] > 0), [(4, 5)]),
    ties("masked_select grows", lambda ns, x, y: x.masked_select(y > 0), [(5,), (4, 1)]),
    Case("masked_select 0-d", lambda ns, x: x.masked_select(x == x), [()]),
    Case("masked_select none", lambda ns, x: x.masked_select(x != x), [(2, 3)]),
    ties("nonzero", lambda ns, x: (ns.nonzero(x), ns.argwhere(x), x.nonzero()), [(4, 5)]),
    ties("nonzero as_tuple", lambda ns, x: ns.nonzero(x, as_tuple=True), [(4, 5)]),
    ties("nonzero indexes", lambda ns, x: x[x.nonzero(as_tuple=True)], [(4, 5)]),
    Case("nonzero 0-d", lambda ns, x: (x.nonzero(), x.argwhere(), *x.nonzero(as_tuple=True)), [()]),
    Case("nonzero of 0", lambda ns, x: ((x * 0).nonzero(), (x * 0).argwhere()), [()]),
    Case("nonzero empty", lambda ns, x: (x.nonzero(), *x.nonzero(as_tuple=True)), [(0, 3)]),
    Case("scatter", lambda ns, x, y: ns.scatter(x, 1, ids(ns, INDEX), y), [(2, 4), (2, 3)]),
    Case(
        "scatter larger src",
        lambda ns, x, y: x.scatter(-1, ids(ns, INDEX), y.detach()),
        [(3, 4), (4, 5)],
    ),
    Case("scatter dim 0", lambda ns, x, y: x.scatter(0, ids(ns, INDEX), y), [(4, 3), (2, 3)]),
    Case("scatter number", lambda ns, x: x.scatter(1, ids(ns, REPEATED), 2.5), [(2, 4)]),
    Case("scatter value", lambda ns, x: x.scatter(0, ids(ns, 3, 1), value=-1), [(4,)]),
    Case("scatter 0-d", lambda ns, x, y: x.scatter(0, ids(ns, 0), y), [(), ()]),
    Case("scatter by 0-d", lambda ns, x: x.scatter(0, ids(ns, 3), 2), [(4,)]),
    Case(
        "scatter nothing",
        lambda ns, x, y: x.scatter(0, ns.zeros(0, 2, dtype=ns.int64), y.detach()),
        [(4,), (3,)],
    ),
    Case(
        "scatter_add",
        lambda ns, x, y: ns.scatter_add(x, 1, ids(ns, REPEATED), y),
        [(2, 4), (2, 3)],
    ),
    Case(
        "scatter_add larger src",
        lambda ns, x, y: x.scatter_add(0, ids(ns, REPEATED), y.detach()),
        [(4, 5), (3, 4)],
    ),
    Case("scatter_add 0-d", lambda ns, x, y: x.scatter_add(0, ids(ns, [0]), y), [(), (1,)]),
    Case("index_add", lambda ns, x, y: ns.index_add(x, 0, ids(ns, 2, 0, 2), y), [(4, 5), (3, 5)]),
    Case(
        "index_add alpha",
        lambda ns, x, y: x.index_add(-1, ids(ns, 2, 2), y, alpha=-0.5),
        [(4, 3), (4, 2)],
    ),
    Case("index_add 0-d", lambda ns, x, y: x.index_add(0, ids(ns, 0), y, alpha=2), [(), ()]),
    Case("index_add none", lambda ns, x, y: x.index_add(0, ids(ns, []).long(), y), [(3,), (0,)]),
    Case("index_fill", lambda ns, x: ns.index_fill(x, 1, ids(ns, 0, -1, 0), 2.5), [(2, 4)]),
    Case("index_fill tensor", lambda ns, x, y: x.index_fill(0, ids(ns, 1), y), [(2, 4, 3), ()]),
    Case("index_fill 0-d", lambda ns, x: x.index_fill(0, ids(ns, [0]), 1), [()]),
    ties("masked_scatter", lambda ns, x, y: ns.masked_scatter(x, x > 0, y), [(3, 4), (2, 3, 4)]),
    ties(
        "masked_scatter mask broadcasts",
        lambda ns, x, y: x.masked_scatter(x[0] > 0, y),
        [(3, 4), (12,)],
    ),
    ties(
        "masked_scatter input broadcasts",
        lambda ns, x, y: x.masked_scatter(y > 0, y),
        [(4,), (3, 4)],
    ),
    Case("x[mask 0-d]", lambda ns, x: x[ns.tensor(True)], [(3, 4)]),
    Case("flatten 0-d", lambda ns, x: x.flatten(-1, 0), [()]),
]
CASES = [*VIEWS, *COPIES, *PADS, *BY_INDEX]


@pytest.mark.parametrize("transposed", [False, True], ids=["contiguous", "transposed"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_rearranging(case: Case, dtype: str, transposed: bool) -> None:
    compare(case, dtype, transposed)


# Other dtypes: a few of each kind

OF_ANY_DTYPE = {
    "repeat": lambda ns, x: (x.repeat(2, 1), x.tile(2), x.repeat_interleave(2, 0)),
    "turned": lambda ns, x: (x.flip(0), x.roll(1), x.diagonal(), ns.diag_embed(x)),
    "pad": lambda ns, x: (F(ns).pad(x, (1, -1)), F(ns).pad(x, (1, 1), value=1)),
    "scatter": lambda ns, x: (x.scatter(1, ids(ns, INDEX), x), x.scatter(0, ids(ns, [[1]]), 1)),
    "scatter reduce": lambda ns, x: (
        x.scatter(1, ids(ns, REPEATED), x, reduce="add"),
        x.scatter(1, ids(ns, REPEATED), x, reduce="multiply"),
        x.scatter(1, ids(ns, REPEATED), 3, reduce="multiply"),
    ),
    "add": lambda ns, x: (
        x.scatter_add(1, ids(ns, REPEATED), x),
        x.index_add(0, ids(ns, 1, 1), x),
    ),
    "fill": lambda ns, x: (x.index_fill(1, ids(ns, 1), 1), x.masked_scatter(x == x, x.flip(1))),
    "picked": lambda ns, x: (x.masked_select(x != 0), x.nonzero(), x.take_along_dim(ids(ns, 3))),
    "modes": lambda ns, x: tuple(
        F(ns).pad(x, (1, 2), mode) for mode in ("reflect", "replicate", "circular")
    ),
}


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        (name, dtype)
        for name in OF_ANY_DTYPE
        for dtype in ("int64", "int32", "uint8", "bool", "float16")
        if (name, dtype) != ("modes", "bool")  # PyTorch does not reflect these
    ],
)
@pytest.mark.filterwarnings("ignore:The reduce argument")
def test_other_dtypes(name: str, dtype: str) -> None:
    results = []
    for ns in (tinyllm, torch):
        x = ns.tensor([[0, 3, 1, 2], [2, 0, 0, 5]]).to(getattr(ns, dtype))
        results.append(OF_ANY_DTYPE[name](ns, x))
    for ours, theirs in zip(*results, strict=True):
        assert str(theirs.dtype) == f"torch.{ours.dtype}"
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


FRACTIONS = {
    "scatter": lambda ns, x: x.scatter(0, ids(ns, [1]), -2.7),
    "index_fill": lambda ns, x: x.index_fill(0, ids(ns, [1]), 2.7),
    "pad": lambda ns, x: F(ns).pad(x, (1, 1), value=2.7),
}


@pytest.mark.parametrize("name", FRACTIONS)
def test_a_fraction_into_integers_is_cut_off_as_there(name: str) -> None:
    ours, theirs = (FRACTIONS[name](ns, ns.arange(3)) for ns in (tinyllm, torch))
    assert ours.tolist() == theirs.tolist()
    assert ours.dtype == tinyllm.int64


def test_one_hot() -> None:
    for values, more in [([2, 0, 3], ()), ([[1], [0]], (5,)), (2, ()), ([0, 0], ()), ([], (3,))]:
        ours, theirs = (F(ns).one_hot(ns.tensor(values).long(), *more) for ns in (tinyllm, torch))
        assert ours.shape == tuple(theirs.shape)
        assert ours.dtype == tinyllm.int64
        assert ours.tolist() == theirs.tolist()


def test_repeat_interleave_of_counts_alone() -> None:
    ours, theirs = (ns.repeat_interleave(ids(ns, 2, 0, 3)) for ns in (tinyllm, torch))
    assert ours.tolist() == theirs.tolist()
    assert ours.dtype == tinyllm.int64


def test_the_last_of_a_position_written_twice_stays_as_there() -> None:
    for index in ([[1, 1, 1], [0, 2, 0]], [[2, 2, 2], [2, 2, 2]]):
        for dim in (0, 1):
            ours, theirs = (
                ns.zeros(3, 3).scatter(dim, ids(ns, index), ns.arange(6.0).reshape(2, 3))
                for ns in (tinyllm, torch)
            )
            np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


# What shares memory, and what does not: a change of the result is seen in x, or not

SHARING = {
    "unflatten": lambda ns, x: x.unflatten(1, (2, 3)),
    "unflatten of a transpose": lambda ns, x: x.t().unflatten(0, (2, 3)),
    "movedim": lambda ns, x: x.movedim(0, 1),
    "narrow": lambda ns, x: x.narrow(1, 1, 2),
    "select": lambda ns, x: x.select(1, 2),
    "select to 0-d": lambda ns, x: x.select(1, 2).select(0, 1),
    "diagonal": lambda ns, x: x.diagonal(1),
    "diagonal of a part": lambda ns, x: x[:, 1:].diagonal(-1),
    "swapdims": lambda ns, x: x.swapdims(0, 1),
    "diag": lambda ns, x: x.diag(),
    "repeat": lambda ns, x: x.repeat(1, 1),
    "tile": lambda ns, x: x.tile(1),
    "repeat_interleave": lambda ns, x: x.repeat_interleave(1, 0),
    "flip": lambda ns, x: x.flip(()),
    "roll": lambda ns, x: x.roll(0, 0),
    "roll flat": lambda ns, x: x.roll(0),
    "pad": lambda ns, x: F(ns).pad(x, (0, 0)),
    "pad circular": lambda ns, x: F(ns).pad(x, (0, 0), "circular"),
    "scatter": lambda ns, x: x.scatter(0, ns.zeros(0, 0, dtype=ns.int64), x),
    "scatter_add": lambda ns, x: x.scatter_add(0, ns.zeros(0, 0, dtype=ns.int64), x),
    "index_fill": lambda ns, x: x.index_fill(0, ids(ns, []).long(), 0),
    "gather": lambda ns, x: x[0].gather(0, ns.arange(6)),
}


@pytest.mark.parametrize("name", SHARING)
def test_sharing_of_memory(name: str) -> None:
    after = []
    for ns in (tinyllm, torch):
        x = ns.arange(12.0).reshape(2, 6)
        y = SHARING[name](ns, x)
        y.fill_(-1)
        after.append((x.numpy(), y.numpy()))
    for ours, theirs in zip(*after, strict=True):
        np.testing.assert_array_equal(ours, theirs)


# In place

IN_PLACE = {
    "scatter_": lambda ns, x: x.scatter_(1, ids(ns, INDEX), x.clone() * 10),
    "scatter_ number": lambda ns, x: x.scatter_(0, ids(ns, [[1, 0, 1]]), 7),
    "scatter_ add": lambda ns, x: x.scatter_(1, ids(ns, REPEATED), 7, reduce="add"),
    "scatter_add_": lambda ns, x: x.scatter_add_(1, ids(ns, REPEATED), x.clone()),
    "index_add_": lambda ns, x: x.index_add_(1, ids(ns, 2, 2), ns.ones(2, 2), alpha=3),
    "index_fill_": lambda ns, x: x.index_fill_(1, ids(ns, -1, 0), 5),
    "masked_scatter_": lambda ns, x: x.masked_scatter_(x > 3, ns.arange(6.0)),
    "tril_": lambda ns, x: x.tril_(),
    "triu_": lambda ns, x: x.triu_(1),
    "of a view": lambda ns, x: x[:, 1:].scatter_(1, ids(ns, [[0], [1]]), -1),
    "of a diagonal": lambda ns, x: x.diagonal().mul_(10),
    "of a part by a part": lambda ns, x: x.narrow(1, 0, 2).copy_(x.narrow(1, 1, 2).clone()),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name: str) -> None:
    after = []
    for ns in (tinyllm, torch):
        x = ns.arange(8.0).reshape(2, 4)
        IN_PLACE[name](ns, x)
        after.append(x.numpy())
    np.testing.assert_array_equal(*after)


# Refused by both

REFUSED = {
    "step backwards": lambda ns, x: x[::-1],
    "step backwards in a write": lambda ns, x: x.__setitem__(slice(None, None, -2), 0),
    "flip twice": lambda ns, x: ns.flip(x, (0, -2)),
    "flatten 0-d": lambda ns, x: x[0, 0].flatten(0, 2),
    "unflatten": lambda ns, x: x.unflatten(1, (2, 3)),
    "unflatten two free": lambda ns, x: x.unflatten(1, (-1, -1)),
    "movedim": lambda ns, x: x.movedim((0, 1), (0,)),
    "movedim twice": lambda ns, x: x.movedim((0, 0), (0, 1)),
    "narrow": lambda ns, x: x.narrow(1, 2, 3),
    "narrow below": lambda ns, x: x.narrow(1, -5, 1),
    "select": lambda ns, x: x.select(1, 4),
    "diagonal": lambda ns, x: x[0].diagonal(),
    "diagonal of one dim": lambda ns, x: x.diagonal(0, 1, -1),
    "diag": lambda ns, x: ns.diag(x[None]),
    "repeat fewer": lambda ns, x: x.repeat(2),
    "repeat below 0": lambda ns, x: x.repeat(2, -1),
    "repeat_interleave below 0": lambda ns, x: x.repeat_interleave(-1),
    "repeat_interleave length": lambda ns, x: x.repeat_interleave(ids(ns, 1, 2, 3), 0),
    "repeat_interleave fractions": lambda ns, x: x.repeat_interleave(ns.ones(2), 0),
    "repeat_interleave output_size": lambda ns, x: x.repeat_interleave(2, 0, output_size=5),
    "roll": lambda ns, x: x.roll((1, 2), 0),
    "pad odd": lambda ns, x: F(ns).pad(x, (1,)),
    "pad too many dims": lambda ns, x: F(ns).pad(x, (1,) * 6),
    "pad cuts too much": lambda ns, x: F(ns).pad(x, (-3, -2)),
    "pad reflect": lambda ns, x: F(ns).pad(x, (4, 0), "reflect"),
    "pad circular": lambda ns, x: F(ns).pad(x, (0, 5), "circular"),
    "pad replicate of nothing": lambda ns, x: F(ns).pad(x[:, :0], (0, 5), "replicate"),
    "pad replicate to nothing": lambda ns, x: F(ns).pad(x, (-2, -2), "replicate"),
    "pad reflect of a vector": lambda ns, x: F(ns).pad(x[0], (1, 1), "reflect"),
    "pad value": lambda ns, x: F(ns).pad(x, (1, 1), "circular", 2.0),
    "one_hot": lambda ns, x: F(ns).one_hot(ids(ns, 3), 3),
    "one_hot below 0": lambda ns, x: F(ns).one_hot(ids(ns, -1, 2)),
    "one_hot fractions": lambda ns, x: F(ns).one_hot(x),
    "one_hot of nothing": lambda ns, x: F(ns).one_hot(ids(ns, []).long()),
    "gather": lambda ns, x: x.gather(1, ids(ns, [[4]])),
    "gather shape": lambda ns, x: x.gather(1, ids(ns, [[0], [0], [0]])),
    "scatter": lambda ns, x: x.scatter(1, ids(ns, [[4]]), 0),
    "scatter below 0": lambda ns, x: x.scatter(1, ids(ns, [[-1]]), 0),
    "scatter dims": lambda ns, x: x.scatter(1, ids(ns, 1), 0),
    "scatter src": lambda ns, x: x.scatter(1, ids(ns, [[1, 1]]), x[:, :1]),
    "scatter dtype": lambda ns, x: x.scatter(1, ids(ns, [[1]]), x.long()),
    "scatter fractions": lambda ns, x: x.scatter(1, x, 0),
    "scatter multiply": lambda ns, x: (
        x.requires_grad_().scatter(1, ids(ns, [[1]]), 2, reduce="multiply").sum().backward()
    ),
    "scatter reduce": lambda ns, x: x.scatter(1, ids(ns, [[1]]), 2, reduce="mean"),
    "scatter_add": lambda ns, x: x.scatter_add(1, ids(ns, [[4]]), x),
    "scatter_add dtype": lambda ns, x: x.scatter_add(1, ids(ns, [[1]]), x.double()),
    "index_add": lambda ns, x: x.index_add(0, ids(ns, 2), x[:1]),
    "index_add below 0": lambda ns, x: x.index_add(0, ids(ns, [-1]), x[:1]),
    "index_add shapes": lambda ns, x: x.index_add(0, ids(ns, 1, 1), x[:1]),
    "index_add other dims": lambda ns, x: x.index_add(0, ids(ns, 1), x[:1, :2]),
    "index_add dtype": lambda ns, x: x.index_add(0, ids(ns, [1]), x[:1].long()),
    "index_fill": lambda ns, x: x.index_fill(0, ids(ns, [2]), 0),
    "index_fill 2-d": lambda ns, x: x.index_fill(0, ids(ns, [[1]]), 0),
    "index_fill tensor": lambda ns, x: x.index_fill(0, ids(ns, [1]), x[0]),
    "index_select 2-d": lambda ns, x: x.index_select(0, ids(ns, [[1]])),
    "index_select of 0-d": lambda ns, x: x[0, 0].index_select(0, ids(ns, 0, 0)),
    "take_along_dim dims": lambda ns, x: x.take_along_dim(ids(ns, 0, 1), 0),
    "take_along_dim 0-d": lambda ns, x: x[0, 0].take_along_dim(ids(ns, 0), 0),
    "take_along_dim flat": lambda ns, x: x.take_along_dim(ids(ns, 0, -1)),
    "take_along_dim shapes": lambda ns, x: x.take_along_dim(ids(ns, [[0, 1, 1]]), 0),
    "masked_select": lambda ns, x: x.masked_select(x),
    "masked_select shapes": lambda ns, x: x.masked_select(x[:, :3] > 0),
    "masked_scatter": lambda ns, x: x.masked_scatter(x >= 0, x[0]),
    "masked_scatter dtype": lambda ns, x: x.masked_scatter(x >= 0, x.long()),
    "meshgrid": lambda ns, x: ns.meshgrid(x, x[0], indexing="ij"),
    "meshgrid dtypes": lambda ns, x: ns.meshgrid(x[0], x[0].long(), indexing="ij"),
    "meshgrid indexing": lambda ns, x: ns.meshgrid(x[0], indexing="yx"),
    "vstack": lambda ns, x: ns.vstack([x, x[0, :2]]),
    "scatter_ on a leaf": lambda ns, x: x.requires_grad_().scatter_(1, ids(ns, [[1]]), 2),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_both(name: str) -> None:
    for ns in (tinyllm, torch):
        x = ns.arange(8.0).reshape(2, 4)
        with pytest.raises((ValueError, TypeError, IndexError, RuntimeError, NotImplementedError)):
            REFUSED[name](ns, x)
