"""Training with any optimizer and any schedule goes on bit for bit in new objects."""

import json

import numpy as np
import pytest

import tinyllm
from tinyllm import nn, optim
from tinyllm.optim import lr_scheduler as s

STEPS, CUT = 12, 5
OPTIMIZERS = {
    "SGD": {"lr": 0.05, "momentum": 0.9, "nesterov": True},
    "Adam": {"amsgrad": True},
    "AdamW": {},
    "RMSprop": {"centered": True, "momentum": 0.5},
    "Adagrad": {"lr_decay": 0.1},
    "Muon": {"lr": 0.02},
}
SCHEDULES = {
    "LambdaLR": lambda opt: s.LambdaLR(opt, lambda t: 1 / (t + 1)),
    "LinearLR": lambda opt: s.LinearLR(opt, total_iters=7),
    "StepLR": lambda opt: s.StepLR(opt, 3),
    "MultiStepLR": lambda opt: s.MultiStepLR(opt, [2, 7]),
    "ConstantLR": lambda opt: s.ConstantLR(opt, total_iters=8),
    "ExponentialLR": lambda opt: s.ExponentialLR(opt, 0.9),
    "PolynomialLR": lambda opt: s.PolynomialLR(opt, 9, 2.0),
    "CosineAnnealingLR": lambda opt: s.CosineAnnealingLR(opt, 8),
    "CosineAnnealingWarmRestarts": lambda opt: s.CosineAnnealingWarmRestarts(opt, 2, 2),
    "OneCycleLR": lambda opt: s.OneCycleLR(
        opt, 0.02, STEPS, cycle_momentum=not isinstance(opt, optim.Adagrad)
    ),
    "ReduceLROnPlateau": lambda opt: s.ReduceLROnPlateau(opt, factor=0.5, patience=1),
    "ChainedScheduler": lambda opt: s.ChainedScheduler([s.StepLR(opt, 2), s.LinearLR(opt)]),
    "SequentialLR": lambda opt: s.SequentialLR(
        opt, [s.LinearLR(opt), s.CosineAnnealingLR(opt, 6)], [7]
    ),
}


class Run:
    """A small network, its optimizer and its schedule."""

    def __init__(self, kind, schedule):
        tinyllm.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(4, 6), nn.GELU(), nn.Linear(6, 3))
        params = [p for p in self.net.parameters() if p.ndim == 2 or kind != "Muon"]
        groups = [{"params": params[:1], "lr": 0.01}, {"params": params[1:]}]
        self.optimizer = getattr(optim, kind)(groups, **OPTIMIZERS[kind])
        self.schedule = SCHEDULES[schedule](self.optimizer)

    def train(self, steps):
        for step in steps:
            x = tinyllm.tensor(np.random.default_rng(step).standard_normal((8, 4)).astype("f4"))
            loss = (self.net(x) - 1).pow(2).mean()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            plateau = isinstance(self.schedule, s.ReduceLROnPlateau)
            self.schedule.step(loss + step) if plateau else self.schedule.step()

    def saved(self):
        """Arrays, and all else as JSON."""
        state = self.optimizer.state_dict()
        arrays = {
            f"{number}.{name}": value.numpy().copy()
            for number, kept in state["state"].items()
            for name, value in kept.items()
        }
        weights = {name: value.numpy().copy() for name, value in self.net.state_dict().items()}
        return weights, arrays, json.dumps([state["param_groups"], self.schedule.state_dict()])

    def load(self, weights, arrays, text):
        groups, schedule = json.loads(text)
        state = {}
        for key, array in arrays.items():
            number, name = key.split(".")
            state.setdefault(number, {})[name] = array
        self.net.load_state_dict(weights)
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})
        self.schedule.load_state_dict(schedule)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_training_resumes_bit_for_bit(kind, schedule):
    whole = Run(kind, schedule)
    start = whole.net[0].weight.detach().clone()
    whole.train(range(STEPS))
    broken = Run(kind, schedule)
    broken.train(range(CUT))
    resumed = Run(kind, schedule)
    resumed.load(*broken.saved())
    resumed.train(range(CUT, STEPS))
    for p, q in zip(whole.net.parameters(), resumed.net.parameters(), strict=True):
        assert p.tolist() == q.tolist()
    assert whole.schedule.get_last_lr() == resumed.schedule.get_last_lr()
    assert not tinyllm.equal(start, whole.net[0].weight)


def test_every_optimizer_and_schedule_is_here():
    assert OPTIMIZERS.keys() == set(optim.__all__) - {"Optimizer", "lr_scheduler"}
    assert SCHEDULES.keys() == set(s.__all__) - {"LRScheduler"}
