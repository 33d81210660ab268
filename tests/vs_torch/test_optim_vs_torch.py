import numpy as np
import pytest
import torch

import tinyllm
from tinyllm import optim

STEPS = 25
SHAPES = [(5, 3), (7,), (2, 1, 11)]
OPTIMIZERS = {
    "sgd": ("SGD", {"lr": 0.1}),
    "sgd momentum": ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
    "sgd nesterov": ("SGD", {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1}),
    "adam": ("Adam", {"lr": 0.05}),
    "adam l2": ("Adam", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.2}),
    "adamw": ("AdamW", {"lr": 0.05}),
    "adamw decay": ("AdamW", {"lr": 0.05, "betas": (0.5, 0.9), "eps": 1e-6, "weight_decay": 0.3}),
}
TOLERANCES = {"float32": {"rtol": 1e-5, "atol": 1e-6}, "float64": {"rtol": 1e-12, "atol": 1e-13}}


def values(dtype):
    rng = np.random.default_rng(1)
    return [rng.standard_normal(shape).astype(dtype) for shape in SHAPES]


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
        grad = (0.5 * array + noise).astype(array.dtype)
        parameter.grad = None if index == 1 and step < 4 else module.tensor(grad)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps(name, dtype):
    kind, settings = OPTIMIZERS[name]
    ours, a = made(tinyllm, optim, kind, settings, values(dtype))
    theirs, b = made(torch, torch.optim, kind, settings, values(dtype))
    for step in range(STEPS):
        set_grads(tinyllm, ours, step)
        set_grads(torch, theirs, step)
        a.step()
        b.step()
        for p, q in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(
                p.detach().numpy(), q.detach().numpy(), **TOLERANCES[dtype], err_msg=f"{step}"
            )
            assert p.dtype == dtype


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_state_dict_has_pytorchs_structure_and_moves_over(name):
    kind, settings = OPTIMIZERS[name]
    theirs, b = made(torch, torch.optim, kind, settings, values("float64"))
    for step in range(6):
        set_grads(torch, theirs, step)
        b.step()
    state = b.state_dict()
    as_arrays = {
        number: {key: v.numpy() if v is not None else None for key, v in kept.items()}
        for number, kept in state["state"].items()
    }
    ours, a = made(tinyllm, optim, kind, settings, [q.detach().numpy() for q in theirs])
    a.load_state_dict({"state": as_arrays, "param_groups": state["param_groups"]})
    for step in range(6, 12):
        set_grads(tinyllm, ours, step)
        set_grads(torch, theirs, step)
        a.step()
        b.step()
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-12)
    back, state = a.state_dict(), b.state_dict()
    assert list(back["state"]) == list(state["state"])
    for number, kept in state["state"].items():
        assert {k for k, v in kept.items() if v is not None} <= set(back["state"][number])
    for own, group in zip(back["param_groups"], state["param_groups"], strict=True):
        assert own["params"] == group["params"]
        assert own["lr"] == group["lr"]


def linear(s, opt):
    return s.LinearLR(opt, start_factor=0.1, end_factor=0.9, total_iters=7)


def cosine(s, opt):
    return s.CosineAnnealingLR(opt, T_max=9, eta_min=0.001)


SCHEDULES = {
    "linear": lambda s, opt: [linear(s, opt)],
    "linear default": lambda s, opt: [s.LinearLR(opt)],
    "cosine, twice up and down": lambda s, opt: [cosine(s, opt)],
    "lambda": lambda s, opt: [s.LambdaLR(opt, lambda t: 0.95**t)],
    "lambda by group": lambda s, opt: [s.LambdaLR(opt, [lambda t: 1 / (t + 1), lambda t: t])],
    "two at once": lambda s, opt: [linear(s, opt), cosine(s, opt)],
    "lambda and cosine at once": lambda s, opt: [
        s.LambdaLR(opt, lambda t: 1 / (t + 1)), cosine(s, opt),
    ],
    "warm-up and cosine": lambda s, opt: [
        s.SequentialLR(opt, [linear(s, opt), cosine(s, opt)], milestones=[7])
    ],
    "cosine restarted": lambda s, opt: [
        s.SequentialLR(opt, [cosine(s, opt), cosine(s, opt), cosine(s, opt)], milestones=[5, 20])
    ],
    "three in a row": lambda s, opt: [
        s.SequentialLR(
            opt, [linear(s, opt), s.LambdaLR(opt, lambda t: 0.5**t), linear(s, opt)], [3, 8]
        )
    ],
    "first schedule never runs": lambda s, opt: [
        s.SequentialLR(opt, [linear(s, opt), cosine(s, opt)], milestones=[0])
    ],
    "a sequence inside a sequence": lambda s, opt: [
        s.SequentialLR(
            opt,
            [s.SequentialLR(opt, [linear(s, opt), cosine(s, opt)], [4]), cosine(s, opt)],
            milestones=[11],
        )
    ],
}  # fmt: skip


def rates(module, optim, make, steps, resume_at=None):
    parameters = [module.tensor([1.0], requires_grad=True) for _ in range(2)]
    groups = [{"params": parameters[:1]}, {"params": parameters[1:], "lr": 0.3}]
    opt = optim.SGD(groups, lr=0.7)
    found = []
    schedules = make(optim.lr_scheduler, opt)
    for step in range(steps):
        if step == resume_at:
            states = [schedule.state_dict() for schedule in schedules]
            settings = opt.state_dict()
            opt = optim.SGD([{"params": parameters[:1]}, {"params": parameters[1:]}], lr=0.7)
            opt.param_groups[1]["lr"] = 0.3
            schedules = make(optim.lr_scheduler, opt)
            opt.load_state_dict(settings)
            for schedule, state in zip(schedules, states, strict=True):
                schedule.load_state_dict(state)
        found.append([group["lr"] for group in opt.param_groups])
        found.append([schedule.get_last_lr() for schedule in schedules][-1])
        opt.step()
        for schedule in schedules:
            schedule.step()
    return found


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", ["LinearLR", "CosineAnnealingLR", "LambdaLR"])
def test_schedules_resumed_by_last_epoch(kind):
    settings = {"CosineAnnealingLR": {"T_max": 9}, "LambdaLR": {"lr_lambda": lambda t: 0.9**t}}
    found = []
    for module, library in ((tinyllm, optim), (torch, torch.optim)):
        group = {"params": [module.tensor([1.0], requires_grad=True)], "lr": 0.4}
        opt = library.SGD([{**group, "initial_lr": 0.7}], lr=0.1)
        schedule = getattr(library.lr_scheduler, kind)
        schedule = schedule(opt, **settings.get(kind, {}), last_epoch=2)
        rates = [schedule.get_last_lr()]
        for _ in range(12):
            opt.step()
            schedule.step()
            rates.append(schedule.get_last_lr())
        found.append(rates)
    assert found[0] == found[1]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_give_exactly_the_same_rates(name):
    ours = rates(tinyllm, optim, SCHEDULES[name], 45)
    theirs = rates(torch, torch.optim, SCHEDULES[name], 45)
    assert ours == theirs
    assert rates(tinyllm, optim, SCHEDULES[name], 45, resume_at=13) == theirs
