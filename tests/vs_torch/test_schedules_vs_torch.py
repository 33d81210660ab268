"""Every schedule gives exactly PyTorch's rates and momenta, from the start and resumed."""

import json
import math
import warnings

import pytest
import torch

import tinyllm
from tinyllm import optim

STEPS = 60
SIDES = [(tinyllm, optim), (torch, torch.optim)]
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def linear(s, opt):
    return s.LinearLR(opt, start_factor=0.1, end_factor=0.9, total_iters=7)


def cosine(s, opt):
    return s.CosineAnnealingLR(opt, T_max=9, eta_min=0.001)


class Remembering:
    """A function of the step with something to keep."""

    def __init__(self):
        self.calls = 0

    def __call__(self, step):
        self.calls += 1
        return 1 / self.calls


# Each gives the schedules that act on an optimizer, stepped in this order.
SCHEDULES = {
    "linear": lambda s, opt: [linear(s, opt)],
    "linear default": lambda s, opt: [s.LinearLR(opt)],
    "linear to 0": lambda s, opt: [s.LinearLR(opt, 1.0, 0.0, total_iters=11)],
    "cosine, up and down": lambda s, opt: [cosine(s, opt)],
    "cosine of one step": lambda s, opt: [s.CosineAnnealingLR(opt, 1)],
    "lambda": lambda s, opt: [s.LambdaLR(opt, lambda t: 0.95**t)],
    "lambda by group": lambda s, opt: [s.LambdaLR(opt, [lambda t: 1 / (t + 1), lambda t: t])],
    "lambda that remembers": lambda s, opt: [s.LambdaLR(opt, [Remembering(), Remembering()])],
    "step": lambda s, opt: [s.StepLR(opt, 7)],
    "step each time": lambda s, opt: [s.StepLR(opt, step_size=1, gamma=0.9)],
    "milestones": lambda s, opt: [s.MultiStepLR(opt, [3, 20, 21])],
    "milestones, one twice": lambda s, opt: [s.MultiStepLR(opt, (30, 5, 30, 0), gamma=0.7)],
    "constant": lambda s, opt: [s.ConstantLR(opt)],
    "constant, long": lambda s, opt: [s.ConstantLR(opt, factor=0.7, total_iters=33)],
    "constant, no steps": lambda s, opt: [s.ConstantLR(opt, factor=0.7, total_iters=0)],
    "exponential": lambda s, opt: [s.ExponentialLR(opt, 0.93)],
    "exponential, rising": lambda s, opt: [s.ExponentialLR(opt, gamma=1.1)],
    "polynomial": lambda s, opt: [s.PolynomialLR(opt)],
    "polynomial, square": lambda s, opt: [s.PolynomialLR(opt, total_iters=40, power=2.0)],
    "polynomial, root": lambda s, opt: [s.PolynomialLR(opt, 13, 0.5)],
    "restarts": lambda s, opt: [s.CosineAnnealingWarmRestarts(opt, 7)],
    "restarts, longer and longer": lambda s, opt: [
        s.CosineAnnealingWarmRestarts(opt, T_0=4, T_mult=2, eta_min=0.01)
    ],
    "restarts, thrice": lambda s, opt: [s.CosineAnnealingWarmRestarts(opt, 1, 3)],
    "one cycle": lambda s, opt: [s.OneCycleLR(opt, 0.5, total_steps=60)],
    "one cycle, linear": lambda s, opt: [
        s.OneCycleLR(opt, 0.5, epochs=10, steps_per_epoch=7, anneal_strategy="linear")
    ],
    "one cycle of three phases": lambda s, opt: [
        s.OneCycleLR(opt, [0.5, 0.1], 63, pct_start=0.25, three_phase=True, div_factor=10.0)
    ],
    "one cycle of three lines": lambda s, opt: [
        s.OneCycleLR(
            opt, 0.5, 61, pct_start=0.4, three_phase=True, anneal_strategy="linear",
            base_momentum=[0.7, 0.6], max_momentum=[0.9, 0.99], final_div_factor=7.0,
        )
    ],
    "one cycle, rising only": lambda s, opt: [s.OneCycleLR(opt, 0.5, 61, pct_start=1.0)],
    "one cycle, falling only": lambda s, opt: [s.OneCycleLR(opt, 0.5, 61, pct_start=0.0)],
    "one cycle, rates alone": lambda s, opt: [
        s.OneCycleLR(opt, 0.5, 60, cycle_momentum=False)
    ],
    "two at once": lambda s, opt: [linear(s, opt), cosine(s, opt)],
    "lambda and cosine at once": lambda s, opt: [
        s.LambdaLR(opt, lambda t: 1 / (t + 1)), cosine(s, opt),
    ],
    "three at once": lambda s, opt: [
        s.ExponentialLR(opt, 0.97), s.StepLR(opt, 10, 0.5), s.ConstantLR(opt, 0.5, 20),
    ],
    "chained": lambda s, opt: [
        s.ChainedScheduler([s.ExponentialLR(opt, 0.97), linear(s, opt), s.StepLR(opt, 10, 0.5)])
    ],
    "chained, its optimizer named": lambda s, opt: [
        s.ChainedScheduler([s.PolynomialLR(opt, 50), s.MultiStepLR(opt, [9])], optimizer=opt)
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
    "all in a row": lambda s, opt: [
        s.SequentialLR(
            opt,
            [
                s.ConstantLR(opt), s.StepLR(opt, 3), s.MultiStepLR(opt, [2, 4]),
                s.ExponentialLR(opt, 0.9), s.PolynomialLR(opt, 7),
                s.CosineAnnealingWarmRestarts(opt, 3),
            ],
            milestones=[6, 13, 20, 29, 39],
        )
    ],
    "one cycle in a row": lambda s, opt: [
        s.SequentialLR(opt, [linear(s, opt), s.OneCycleLR(opt, 0.5, 60)], milestones=[9])
    ],
    "restarts first": lambda s, opt: [
        s.SequentialLR(opt, [s.CosineAnnealingWarmRestarts(opt, 4, 2), linear(s, opt)], [31])
    ],
    "chained first": lambda s, opt: [
        s.SequentialLR(
            opt, [s.ChainedScheduler([linear(s, opt), cosine(s, opt)]), cosine(s, opt)], [12]
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
    "plateau": lambda s, opt: [s.ReduceLROnPlateau(opt, patience=2)],
    "plateau, max": lambda s, opt: [
        s.ReduceLROnPlateau(opt, "max", 0.7, 3, threshold=0.05, cooldown=2)
    ],
    "plateau, absolute": lambda s, opt: [
        s.ReduceLROnPlateau(opt, "min", 0.5, 0, 0.3, "abs", 1, min_lr=[0.05, 0.2])
    ],
    "plateau, absolute max": lambda s, opt: [
        s.ReduceLROnPlateau(opt, "max", 0.5, 1, 0.1, "abs", eps=0.1)
    ],
}  # fmt: skip
OPTIMIZERS = {
    "SGD": {"lr": 0.7, "momentum": 0.9},
    "AdamW": {"lr": 0.7},
    "RMSprop": {"lr": 0.7},
}


def made(module, library, kind):
    parameters = [module.tensor([1.0], requires_grad=True) for _ in range(2)]
    groups = [{"params": parameters[:1]}, {"params": parameters[1:], "lr": 0.3}]
    return getattr(library, kind)(groups, **OPTIMIZERS[kind])


def metric(step):
    """Falls, and rises and falls about that."""
    return 3 * 0.8**step + 0.2 * math.sin(step) if step < 40 else math.nan


def advance(opt, schedules, steps):
    """What the optimizer's groups and the schedules say at each step."""
    found = []
    names = "lr", "initial_lr", "momentum", "betas", "max_lr", "min_lr", "max_momentum"
    for step in steps:
        found.append([[group.get(name) for name in names] for group in opt.param_groups])
        found.append([schedule.get_last_lr() for schedule in schedules])
        opt.step()
        for schedule in schedules:
            if type(schedule).__name__ == "ReduceLROnPlateau":
                schedule.step(metric(step))
            else:
                schedule.step()
    return found


def rates(side, name, kind, through=None, resume_at=None):
    """The run over all steps; at `resume_at` it goes on in new objects, on side `through`."""
    opt = made(*side, kind)
    schedules = SCHEDULES[name](side[1].lr_scheduler, opt)
    if resume_at is None:
        return advance(opt, schedules, range(STEPS))
    found = advance(opt, schedules, range(resume_at))
    states = [schedule.state_dict() for schedule in schedules]
    groups = opt.state_dict()["param_groups"]
    opt = made(*through, kind)
    schedules = SCHEDULES[name](through[1].lr_scheduler, opt)
    opt.load_state_dict({"state": {}, "param_groups": groups})
    for schedule, state in zip(schedules, states, strict=True):
        schedule.load_state_dict(state)
    return found + advance(opt, schedules, range(resume_at, STEPS))


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("name", SCHEDULES)
def test_rates_are_exactly_pytorchs_from_the_start_and_resumed(name, kind):
    ours, theirs = SIDES
    expected = rates(theirs, name, kind)
    assert rates(ours, name, kind) == expected
    for resume_at in (1, 13, 41):
        assert rates(ours, name, kind, ours, resume_at) == expected
        assert rates(theirs, name, kind, ours, resume_at) == expected  # PyTorch's state, here
        assert rates(ours, name, kind, theirs, resume_at) == expected  # our state, there


def test_what_stands_in_the_table_covers_every_schedule():
    seen = set()

    def note(schedules):
        for schedule in schedules:
            seen.add(type(schedule).__name__)
            note(getattr(schedule, "_schedulers", []))

    for make in SCHEDULES.values():
        note(make(optim.lr_scheduler, made(*SIDES[0], "SGD")))
    assert seen == set(optim.lr_scheduler.__all__) - {"LRScheduler"}
    assert seen < set(torch.optim.lr_scheduler.__all__)


@pytest.mark.parametrize("name", SCHEDULES)
def test_states_have_pytorchs_names_and_values(name):
    states = []
    for side in SIDES:
        opt = made(*side, "SGD")
        schedules = SCHEDULES[name](side[1].lr_scheduler, opt)
        advance(opt, schedules, range(5))
        states.append([without_flag(schedule.state_dict()) for schedule in schedules])
    assert states[0] == states[1]
    json.dumps(states[0])


def without_flag(state):
    """PyTorch's schedules note, too, that get_lr is called by step, and say so if it is not."""
    inner = {"_schedulers": [without_flag(s) for s in state.get("_schedulers", [])]}
    kept = {key: value for key, value in state.items() if key != "_get_lr_called_within_step"}
    return {**kept, **(inner if inner["_schedulers"] else {})}


RESUMABLE = {
    "LinearLR": {},
    "CosineAnnealingLR": {"T_max": 9},
    "LambdaLR": {"lr_lambda": lambda t: 0.9**t},
    "StepLR": {"step_size": 3},
    "MultiStepLR": {"milestones": [3, 7]},
    "ConstantLR": {"total_iters": 6},
    "ExponentialLR": {"gamma": 0.9},
    "PolynomialLR": {"total_iters": 9},
    "CosineAnnealingWarmRestarts": {"T_0": 5, "T_mult": 2},
    "OneCycleLR": {"max_lr": 0.5, "total_steps": 30, "cycle_momentum": False},
}


@pytest.mark.parametrize("kind", RESUMABLE)
@pytest.mark.parametrize("last_epoch", [0, 2, 5])
def test_schedules_resumed_by_last_epoch(kind, last_epoch):
    found = []
    for module, library in SIDES:
        group = {"params": [module.tensor([1.0], requires_grad=True)], "lr": 0.4}
        kept = {"initial_lr": 0.7, "max_lr": 0.5, "min_lr": 0.001}
        opt = library.SGD([{**group, **kept}], lr=0.1)
        schedule = getattr(library.lr_scheduler, kind)
        schedule = schedule(opt, **RESUMABLE[kind], last_epoch=last_epoch)
        rates = [schedule.get_last_lr()]
        for _ in range(12):
            opt.step()
            schedule.step()
            rates.append(schedule.get_last_lr())
        found.append(rates)
    assert found[0] == found[1]


@pytest.mark.parametrize("settings", [(7, 1), (3, 2), (1, 3)])
def test_warm_restarts_go_to_a_time_between_steps(settings):
    found = []
    for side in SIDES:
        opt = made(*side, "SGD")
        schedule = side[1].lr_scheduler.CosineAnnealingWarmRestarts(opt, *settings)
        rates = []
        for epoch in [0, 0.25, 3.5, 2, 30.1, None, None, 6, None, 0, None]:
            schedule.step(epoch)
            rates.append([schedule.get_last_lr(), schedule.last_epoch, schedule.T_i])
        found.append(rates)
    assert found[0] == found[1]


def outcome(make, side):
    """The kind of error, or the kind of warning, or "fine"."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            make(side[1].lr_scheduler, made(*side, "SGD"))
        except Exception as error:
            return type(error).__name__
    return [type(warning.message).__name__ for warning in said] or "fine"


def twice(s, opt, before=False):
    schedule = s.StepLR(opt, 3)
    if before:
        opt.step()
    schedule.step()
    schedule.step()


def thrice(schedule):
    for _ in range(3):
        schedule.step()


MISTAKES = {
    "no optimizer": lambda s, opt: s.StepLR(3, 1),
    "no optimizer, one cycle": lambda s, opt: s.OneCycleLR("sgd", 0.1, 10),
    "no optimizer, plateau": lambda s, opt: s.ReduceLROnPlateau(None),
    "resumed without initial_lr": lambda s, opt: s.StepLR(opt, 3, last_epoch=2),
    "too few functions": lambda s, opt: s.LambdaLR(opt, [len]),
    "constant above 1": lambda s, opt: s.ConstantLR(opt, 1.5),
    "constant below 0": lambda s, opt: s.ConstantLR(opt, -0.5),
    "start at 0": lambda s, opt: s.LinearLR(opt, 0.0),
    "end above 1": lambda s, opt: s.LinearLR(opt, end_factor=2.0),
    "T_0 of 0": lambda s, opt: s.CosineAnnealingWarmRestarts(opt, 0),
    "T_0 of 1.5": lambda s, opt: s.CosineAnnealingWarmRestarts(opt, 1.5),
    "T_mult of 0": lambda s, opt: s.CosineAnnealingWarmRestarts(opt, 3, 0),
    "eta_min in words": lambda s, opt: s.CosineAnnealingWarmRestarts(opt, 3, eta_min="low"),
    "epoch before 0": lambda s, opt: s.CosineAnnealingWarmRestarts(opt, 3).step(-1),
    "no steps": lambda s, opt: s.OneCycleLR(opt, 0.1),
    "epochs alone": lambda s, opt: s.OneCycleLR(opt, 0.1, epochs=3),
    "steps of 0": lambda s, opt: s.OneCycleLR(opt, 0.1, 0),
    "steps of 1.5": lambda s, opt: s.OneCycleLR(opt, 0.1, 1.5),
    "epochs of 0": lambda s, opt: s.OneCycleLR(opt, 0.1, epochs=0, steps_per_epoch=5),
    "steps per epoch of 0": lambda s, opt: s.OneCycleLR(opt, 0.1, epochs=5, steps_per_epoch=0),
    "pct_start of 1": lambda s, opt: s.OneCycleLR(opt, 0.1, 9, pct_start=1),
    "pct_start of 1.5": lambda s, opt: s.OneCycleLR(opt, 0.1, 9, pct_start=1.5),
    "unknown strategy": lambda s, opt: s.OneCycleLR(opt, 0.1, 9, anneal_strategy="sin"),
    "three max_lr": lambda s, opt: s.OneCycleLR(opt, [0.1, 0.2, 0.3], 9),
    "three momenta": lambda s, opt: s.OneCycleLR(opt, 0.1, 9, max_momentum=[0.1, 0.2, 0.3]),
    "a step too many": lambda s, opt: thrice(s.OneCycleLR(opt, 0.1, 1)),
    "plateau that grows": lambda s, opt: s.ReduceLROnPlateau(opt, factor=1.0),
    "plateau, unknown mode": lambda s, opt: s.ReduceLROnPlateau(opt, "low"),
    "plateau, unknown threshold": lambda s, opt: s.ReduceLROnPlateau(opt, threshold_mode="x"),
    "plateau, three min_lr": lambda s, opt: s.ReduceLROnPlateau(opt, min_lr=[0, 0, 0]),
    "plateau without a metric": lambda s, opt: s.ReduceLROnPlateau(opt).step(),
    "plateau in a sequence": lambda s, opt: s.SequentialLR(opt, [s.ReduceLROnPlateau(opt)], []),
    "plateau in a chain": lambda s, opt: s.ChainedScheduler([s.ReduceLROnPlateau(opt)]),
    "empty sequence": lambda s, opt: s.SequentialLR(opt, [], []),
    "empty chain": lambda s, opt: s.ChainedScheduler([]),
    "no schedule in a sequence": lambda s, opt: s.SequentialLR(opt, [3], []),
    "no schedule in a chain": lambda s, opt: s.ChainedScheduler([s.StepLR(opt, 3), 3]),
    "milestones missing": lambda s, opt: s.SequentialLR(opt, [linear(s, opt), cosine(s, opt)], []),
    "a chain not first": lambda s, opt: s.SequentialLR(
        opt, [linear(s, opt), s.ChainedScheduler([linear(s, opt)])], [1]
    ).step(),
    "stepped before the optimizer": twice,
    "stepped after the optimizer": lambda s, opt: twice(s, opt, before=True),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_pytorchs_kinds_of_error(name):
    ours, theirs = (outcome(MISTAKES[name], side) for side in SIDES)
    assert ours == theirs
    assert (ours == "fine") == (name == "stepped after the optimizer")


@pytest.mark.parametrize("name", ["SequentialLR", "ChainedScheduler"])
def test_schedules_of_two_optimizers_do_not_combine(name):
    for side in SIDES:
        s, opt, other = side[1].lr_scheduler, made(*side, "SGD"), made(*side, "SGD")
        pair = [s.StepLR(opt, 3), s.StepLR(other, 3)]
        with pytest.raises(ValueError, match="same optimizer"):
            s.ChainedScheduler(pair) if name[0] == "C" else s.SequentialLR(opt, pair, [3])


def test_one_cycle_needs_a_momentum_to_cycle():
    for module, library in SIDES:
        opt = library.Adagrad([module.tensor([1.0], requires_grad=True)])
        with pytest.raises(ValueError, match="must support momentum or beta1"):
            library.lr_scheduler.OneCycleLR(opt, 0.1, 10)


@pytest.mark.parametrize("min_lr", [0.01, [0.01, 0.02]])
def test_a_group_added_to_a_plateau(min_lr):
    found = []
    for module, library in SIDES:
        opt = made(module, library, "SGD")
        schedule = library.lr_scheduler.ReduceLROnPlateau(opt, patience=0, min_lr=min_lr)
        opt.add_param_group({"params": [module.tensor([1.0], requires_grad=True)]})
        try:
            for _ in range(9):
                schedule.step(1.0)
            found.append(schedule.get_last_lr())
        except RuntimeError:
            found.append("RuntimeError")
    assert found[0] == found[1]
    assert (found[0] == "RuntimeError") == isinstance(min_lr, list)
