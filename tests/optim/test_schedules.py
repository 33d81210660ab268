import json
import math

import pytest

import tinyllm
from tinyllm import nn, optim
from tinyllm.optim import lr_scheduler


def optimizer(*rates):
    groups = [{"params": [nn.Parameter(tinyllm.zeros(1))], "lr": lr} for lr in rates]
    return optim.SGD(groups, lr=1.0)


def rates(scheduler, steps):
    found = []
    for _ in range(steps):
        found.append(scheduler.get_last_lr()[0])
        scheduler.step()
    return found


def test_linear_rises_to_its_end_and_stays():
    scheduler = lr_scheduler.LinearLR(optimizer(2.0), 0.25, 1.0, total_iters=3)
    assert rates(scheduler, 6) == pytest.approx([0.5, 1.0, 1.5, 2.0, 2.0, 2.0])


def test_cosine_falls_to_its_minimum_and_rises_again():
    scheduler = lr_scheduler.CosineAnnealingLR(optimizer(2.0), T_max=8, eta_min=0.5)
    expected = [0.5 + 1.5 * (1 + math.cos(math.pi * t / 8)) / 2 for t in range(21)]
    assert rates(scheduler, 21) == pytest.approx(expected)


def test_lambda_by_group():
    opt = optimizer(1.0, 10.0)
    scheduler = lr_scheduler.LambdaLR(opt, [lambda t: 1 / (t + 1), lambda t: t])
    scheduler.step()
    assert scheduler.get_last_lr() == [0.5, 10.0]
    assert [group["lr"] for group in opt.param_groups] == [0.5, 10.0]
    with pytest.raises(ValueError, match="Expected 2 lr_lambdas, but got 1"):
        lr_scheduler.LambdaLR(opt, [lambda t: 1])


def warmup_and_cosine(opt):
    return lr_scheduler.SequentialLR(
        opt,
        [
            lr_scheduler.LinearLR(opt, 0.1, 1.0, total_iters=4),
            lr_scheduler.CosineAnnealingLR(opt, T_max=6, eta_min=0.2),
        ],
        milestones=[4],
    )


def test_sequence_hands_over_at_the_milestone():
    expected = [0.2, 0.65, 1.1, 1.55]
    expected += [0.2 + 1.8 * (1 + math.cos(math.pi * t / 6)) / 2 for t in range(7)]
    assert rates(warmup_and_cosine(optimizer(2.0)), 11) == pytest.approx(expected)


def test_two_schedules_multiply():
    opt = optimizer(2.0)
    a = lr_scheduler.LinearLR(opt, 0.5, 1.0, total_iters=2)
    b = lr_scheduler.CosineAnnealingLR(opt, T_max=10)
    for _ in range(2):
        a.step()
        b.step()
    assert opt.param_groups[0]["lr"] == pytest.approx(2 * (1 + math.cos(math.pi * 2 / 10)) / 2)


def test_state_dict_round_trip_through_json():
    whole = rates(warmup_and_cosine(optimizer(2.0)), 12)
    opt = optimizer(2.0)
    scheduler = warmup_and_cosine(opt)
    rates(scheduler, 5)
    state = json.loads(json.dumps(scheduler.state_dict()))
    settings = json.loads(json.dumps(opt.state_dict()["param_groups"]))
    resumed_opt = optimizer(2.0)
    resumed = warmup_and_cosine(resumed_opt)
    resumed_opt.load_state_dict({"state": {}, "param_groups": settings})
    resumed.load_state_dict(state)
    assert rates(resumed, 7) == whole[5:]


def test_lambda_state_has_no_functions():
    scheduler = lr_scheduler.LambdaLR(optimizer(2.0), lambda t: 1.0)
    json.dumps(scheduler.state_dict())
    other = lr_scheduler.LambdaLR(optimizer(2.0), lambda t: float(t))
    rates(scheduler, 3)
    other.load_state_dict(scheduler.state_dict())
    assert rates(other, 2) == [2.0, 8.0]


def test_errors():
    opt, other = optimizer(1.0), optimizer(1.0)
    with pytest.raises(TypeError, match="not an Optimizer"):
        lr_scheduler.CosineAnnealingLR(3, 10)
    with pytest.raises(ValueError, match="start_factor"):
        lr_scheduler.LinearLR(opt, 0.0)
    with pytest.raises(ValueError, match="end_factor"):
        lr_scheduler.LinearLR(opt, end_factor=1.5)
    linear = lr_scheduler.LinearLR(opt)
    with pytest.raises(ValueError, match="2 schedulers need 1 milestones"):
        lr_scheduler.SequentialLR(opt, [linear, linear], [])
    with pytest.raises(ValueError, match="same optimizer"):
        lr_scheduler.SequentialLR(other, [linear], [])
    with pytest.raises(ValueError, match="at least one"):
        lr_scheduler.SequentialLR(opt, [], [])
    with pytest.raises(KeyError, match="initial_lr"):
        lr_scheduler.CosineAnnealingLR(other, 10, last_epoch=3)
