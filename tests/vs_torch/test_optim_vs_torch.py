"""Every optimizer, over the whole product of its options, step by step; and their state_dicts."""

import itertools
import json

import numpy as np
import pytest
import torch

import tinyllm
from tinyllm import optim

STEPS = 20
SHAPES = [(5, 3), (7,), (2, 1, 11), (), (0, 4)]
MATRICES = [(5, 3), (4, 4), (2, 7), (3, 1), (6, 2)]
SWITCH = [False, True]
DECAYS = [0, 0.1]
# Each optimizer's options, and all values that meet each other.
OPTIONS = {
    "SGD": {
        "lr": [0.1], "momentum": [0, 0.8], "dampening": [0, 0.3], "weight_decay": DECAYS,
        "nesterov": SWITCH, "maximize": SWITCH,
    },
    "Adam": {
        "lr": [0.05], "betas": [(0.9, 0.999), (0.5, 0.8)], "eps": [1e-8, 1e-3],
        "weight_decay": DECAYS, "amsgrad": SWITCH, "maximize": SWITCH,
        "decoupled_weight_decay": SWITCH,
    },
    "AdamW": {
        "lr": [0.05], "betas": [(0.9, 0.999), (0.0, 0.8)], "eps": [1e-8, 1e-3],
        "weight_decay": DECAYS, "amsgrad": SWITCH, "maximize": SWITCH,
    },
    "RMSprop": {
        "lr": [0.02], "alpha": [0.99, 0.6], "eps": [1e-8, 1e-2], "weight_decay": DECAYS,
        "momentum": [0, 0.7], "centered": SWITCH, "maximize": SWITCH,
    },
    "Adagrad": {
        "lr": [0.1], "lr_decay": [0, 0.3], "weight_decay": DECAYS,
        "initial_accumulator_value": [0, 0.5], "eps": [1e-10, 1e-2], "maximize": SWITCH,
    },
    "Muon": {
        "lr": [0.05], "weight_decay": DECAYS, "momentum": [0, 0.3, 0.95], "nesterov": SWITCH,
        "ns_steps": [0],  # none in bfloat16, which rounds as sums are ordered: see below
        "eps": [1e-7, 30.0], "adjust_lr_fn": [None, "original", "match_rms_adamw"],
    },
}  # fmt: skip
TOLERANCES = {"float32": {"rtol": 1e-5, "atol": 1e-6}, "float64": {"rtol": 1e-10, "atol": 1e-12}}


def combinations(kind):
    """All settings of an optimizer that PyTorch takes."""
    names = OPTIONS[kind]
    for values in itertools.product(*names.values()):
        settings = dict(zip(names, values, strict=True))
        nesterov = kind == "SGD" and settings["nesterov"]
        if not nesterov or (settings["momentum"] and not settings["dampening"]):
            yield settings


def some(kind, count=9):
    """A few of them; an odd stride, so that no option stands still."""
    found = list(combinations(kind))
    return [*found[:: len(found) // count | 1], found[-1]]


def shapes(kind):
    return MATRICES if kind == "Muon" else SHAPES


def values(kind, dtype):
    rng = np.random.default_rng(1)
    return [np.array(rng.standard_normal(shape), dtype) for shape in shapes(kind)]


def made(module, optim, name, settings, arrays):
    parameters = [module.tensor(array, requires_grad=True) for array in arrays]
    groups = [
        {"params": parameters[:1]},
        {"params": parameters[1:], "lr": 0.02, "weight_decay": 0.07},
    ]
    return parameters, getattr(optim, name)(groups, **settings)


def set_grads(module, parameters, step):
    """Gradients that depend on the step and on the parameter; the second has none at first."""
    rng = np.random.default_rng(step)
    for index, parameter in enumerate(parameters):
        noise = rng.standard_normal(tuple(parameter.shape))
        array = parameter.detach().numpy()
        grad = np.array(0.5 * array + noise, array.dtype)
        parameter.grad = None if index == 1 and step < 4 else module.tensor(grad)


def walk(module, parameters, optimizer, steps):
    for step in steps:
        set_grads(module, parameters, step)
        optimizer.step()


def assert_same(ours, theirs, dtype, words):
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(
            p.detach().numpy(), q.detach().numpy(), **TOLERANCES[dtype], err_msg=words
        )
        assert p.dtype == dtype


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", OPTIONS)
def test_all_combinations_of_options_step_as_pytorch_does(kind, dtype):
    for settings in combinations(kind):
        ours, a = made(tinyllm, optim, kind, settings, values(kind, dtype))
        theirs, b = made(torch, torch.optim, kind, settings, values(kind, dtype))
        for step in range(STEPS):
            walk(tinyllm, ours, a, [step])
            walk(torch, theirs, b, [step])
            assert_same(ours, theirs, dtype, f"{settings} at step {step}")


@pytest.mark.parametrize("kind", OPTIONS)
def test_defaults_and_settings_have_pytorchs_names_and_values(kind):
    arrays = values(kind, "float32")[:1]
    ours = getattr(optim, kind)([tinyllm.tensor(arrays[0], requires_grad=True)])
    theirs = getattr(torch.optim, kind)([torch.tensor(arrays[0], requires_grad=True)])
    assert ours.defaults == theirs.defaults
    assert list(ours.defaults) == list(theirs.defaults)
    assert repr(ours) == repr(theirs)
    assert ours.state_dict()["param_groups"] == theirs.state_dict()["param_groups"]


def in_torch(state_dict):
    """Our state_dict, with torch's tensors."""
    state = {
        number: {name: torch.tensor(np.asarray(value)) for name, value in kept.items()}
        for number, kept in state_dict["state"].items()
    }
    return {"state": state, "param_groups": state_dict["param_groups"]}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", OPTIONS)
def test_a_state_dict_of_pytorch_goes_on_here(kind, dtype):
    for settings in some(kind):
        theirs, b = made(torch, torch.optim, kind, settings, values(kind, dtype))
        walk(torch, theirs, b, range(3))
        arrays = [q.detach().numpy() for q in theirs]
        ours, a = made(tinyllm, optim, kind, {"lr": 7.0}, arrays)
        a.load_state_dict(b.state_dict())  # torch's tensors as they are: NumPy reads them
        walk(torch, theirs, b, range(3, 9))
        walk(tinyllm, ours, a, range(3, 9))
        assert_same(ours, theirs, dtype, str(settings))
        back, state = a.state_dict(), b.state_dict()
        assert back["param_groups"] == state["param_groups"]
        assert {n: list(kept) for n, kept in back["state"].items()} == {
            n: list(kept) for n, kept in state["state"].items()
        }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", OPTIONS)
def test_our_state_dict_goes_on_in_pytorch(kind, dtype):
    for settings in some(kind):
        ours, a = made(tinyllm, optim, kind, settings, values(kind, dtype))
        walk(tinyllm, ours, a, range(3))
        arrays = [p.detach().numpy().copy() for p in ours]
        theirs, b = made(torch, torch.optim, kind, {"lr": 7.0}, arrays)
        b.load_state_dict(in_torch(a.state_dict()))
        walk(torch, theirs, b, range(3, 9))
        walk(tinyllm, ours, a, range(3, 9))
        assert_same(ours, theirs, dtype, str(settings))


def test_adams_state_goes_into_adamw_and_back_as_in_pytorch():
    """AdamW stays decoupled; Adam takes it over from AdamW's settings."""
    for source, target in (("Adam", "AdamW"), ("AdamW", "Adam")):
        found = []
        for module, library in ((tinyllm, optim), (torch, torch.optim)):
            params, first = made(module, library, source, {"weight_decay": 0.5}, [np.ones(3)] * 2)
            walk(module, params, first, range(5))
            second = getattr(library, target)([{"params": params[:1]}, {"params": params[1:]}])
            second.load_state_dict(first.state_dict())
            walk(module, params, second, range(5, 9))
            found.append(params)
        assert_same(*found, "float64", f"{source} to {target}")


@pytest.mark.parametrize("coefficients", [(3.4445, -4.775, 2.0315), (1.5, -0.5, 0.0)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_muon_differs_from_pytorch_in_roundings_alone(dtype, coefficients):
    """Sums in another order round to another bfloat16 now and then: 8 bits, so 1 in 256."""
    settings = {"lr": 0.1, "ns_coefficients": coefficients}
    for arrays, share in ((values("Muon", dtype), 0.01), (large(dtype), 0.5)):
        ours, a = made(tinyllm, optim, "Muon", settings, arrays)
        theirs, b = made(torch, torch.optim, "Muon", settings, arrays)
        different = total = 0
        for step in range(STEPS):
            before = [p.detach().numpy().copy() for p in ours]
            walk(tinyllm, ours, a, [step])
            walk(torch, theirs, b, [step])
            for p, q, old in zip(ours, theirs, before, strict=True):
                found, expected = p.detach().numpy(), q.detach().numpy().copy()
                gap, size = np.abs(found - expected), np.abs(expected - old).max()
                assert gap.max() <= 0.04 * size
                different += (gap > 1e-4 * size).sum()
                total += gap.size
                with torch.no_grad():
                    q.copy_(torch.tensor(found))
        assert different < share * total


def large(dtype):
    rng = np.random.default_rng(3)
    return [np.array(rng.standard_normal(shape), dtype) for shape in [(40, 24), (24, 40), (64, 64)]]


def test_bfloat16_is_rounded_as_pytorch_rounds():
    rng = np.random.default_rng(4)
    bits = rng.integers(0, 2**32, 20000, np.uint64).astype(np.uint32)
    ties = (bits & np.uint32(0xFFFF0000)) | np.uint32(0x8000)
    known = np.array([0, -0.0, np.inf, -np.inf, np.nan, 3.4e38, 1e-40, 1.00390625], np.float32)
    x = np.concatenate([bits.view(np.float32), ties.view(np.float32), known])
    expected = torch.tensor(x).bfloat16().float().numpy()
    found = optim.muon.to_bfloat16(x)
    np.testing.assert_array_equal(found, expected)
    real = ~np.isnan(x)
    np.testing.assert_array_equal(np.signbit(found[real]), np.signbit(expected[real]))


def outcome(make, module, library):
    """The kind of error, or "fine"."""
    try:
        make(module, library)
    except Exception as error:
        return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins")
    return "fine"


def leaf(module, *shape):
    return module.ones(*(shape or (2, 2)), requires_grad=True)


MISTAKES = {
    "no parameters": lambda m, o: o.Muon([]),
    "a tensor": lambda m, o: o.RMSprop(leaf(m)),
    "an array": lambda m, o: o.Adagrad([np.ones(3)]),
    "a set": lambda m, o: o.SGD([{"params": {leaf(m)}}]),
    "not a dict": lambda m, o: o.SGD([{"params": [leaf(m)]}, leaf(m)]),
    "no leaf": lambda m, o: o.SGD([leaf(m) * 2]),
    "in two groups": lambda m, o: (
        lambda p: o.SGD([{"params": [p]}, {"params": [p]}])
    )(leaf(m)),
    "some with names": lambda m, o: o.SGD([("a", leaf(m)), leaf(m)]),
    "all with names": lambda m, o: o.SGD([("a", leaf(m)), ("b", leaf(m))]),
    "a group without names": lambda m, o: o.SGD(
        [{"params": [("a", leaf(m))]}, {"params": [leaf(m)]}]
    ),
    "lr of two": lambda m, o: o.SGD([leaf(m)], lr=m.ones(2)),
    "lr of one": lambda m, o: o.SGD([leaf(m)], lr=m.ones(1)),
    "vector for Muon": lambda m, o: o.Muon([leaf(m, 3)]),
    "unknown adjust_lr_fn": lambda m, o: o.Muon([leaf(m)], adjust_lr_fn="none"),
    "fused and foreach": lambda m, o: o.AdamW([leaf(m)], fused=True, foreach=True),
    "fused": lambda m, o: o.AdamW([leaf(m)], fused=True),
    "nesterov alone": lambda m, o: o.SGD([leaf(m)], nesterov=True),
    "beta of 1": lambda m, o: o.Adam([leaf(m)], betas=(0.9, 1.0)),
    **{
        f"{kind} {name}": lambda m, o, kind=kind, name=name: getattr(o, kind)(
            [leaf(m)], **{name: -1.0}
        )
        for kind, names in {
            "SGD": ["lr", "momentum", "weight_decay"],
            "AdamW": ["lr", "eps", "weight_decay"],
            "RMSprop": ["lr", "alpha", "eps", "weight_decay", "momentum"],
            "Adagrad": ["lr", "lr_decay", "eps", "weight_decay", "initial_accumulator_value"],
            "Muon": ["lr", "momentum", "weight_decay"],
        }.items()
        for name in names
    },
    "fewer groups": lambda m, o: o.SGD([leaf(m)]).load_state_dict(
        {"state": {}, "param_groups": []}
    ),
    "fewer parameters": lambda m, o: o.SGD([leaf(m)]).load_state_dict(
        {"state": {}, "param_groups": [{"lr": 1.0, "params": []}]}
    ),
}  # fmt: skip
FINE = {"all with names", "lr of one", "fused"}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_pytorchs_kinds_of_error(name):
    ours, theirs = (outcome(MISTAKES[name], *side) for side in SIDES)
    assert ours == theirs
    assert (ours == "fine") == (name in FINE)


SIDES = [(tinyllm, optim), (torch, torch.optim)]


def test_names_of_parameters_are_kept_as_pytorch_keeps_them():
    found = []
    for module, library in SIDES:
        pairs = [("a.weight", leaf(module)), ("a.bias", leaf(module))]
        optimizer = library.SGD(pairs, lr=0.1)
        found.append(json.dumps(optimizer.state_dict()["param_groups"], sort_keys=True))
        bare = library.SGD([leaf(module), leaf(module)])
        bare.load_state_dict(optimizer.state_dict())
        found.append(bare.param_groups[0]["param_names"])
    assert found[:2] == found[2:]
