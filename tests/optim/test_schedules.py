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
        scheduler.optimizer.step()
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
    opt.step()
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
        opt.step()
        a.step()
        b.step()
    assert opt.param_groups[0]["lr"] == pytest.approx(2 * (1 + math.cos(math.pi * 2 / 10)) / 2)


def test_stairs():
    scheduler = lr_scheduler.StepLR(optimizer(2.0), step_size=2, gamma=0.5)
    assert rates(scheduler, 6) == [2, 2, 1, 1, 0.5, 0.5]
    scheduler = lr_scheduler.MultiStepLR(optimizer(2.0), [1, 4, 4], gamma=0.5)
    assert rates(scheduler, 6) == [2, 1, 1, 1, 0.25, 0.25]
    scheduler = lr_scheduler.ConstantLR(optimizer(2.0), factor=0.5, total_iters=3)
    assert rates(scheduler, 5) == [1, 1, 1, 2, 2]
    scheduler = lr_scheduler.ConstantLR(optimizer(2.0), factor=0, total_iters=3)
    assert rates(scheduler, 5) == [0, 0, 0, 2, 2]


def test_powers():
    assert rates(lr_scheduler.ExponentialLR(optimizer(2.0), 0.5), 4) == [2, 1, 0.5, 0.25]
    scheduler = lr_scheduler.PolynomialLR(optimizer(2.0), total_iters=4, power=2.0)
    assert rates(scheduler, 6) == pytest.approx([2, 2 * 9 / 16, 0.5, 2 / 16, 0, 0])


def test_restarts_come_later_and_later():
    scheduler = lr_scheduler.CosineAnnealingWarmRestarts(optimizer(2.0), 2, T_mult=2)
    half = [2 * (1 + math.cos(math.pi * t / 4)) / 2 for t in range(4)]
    assert rates(scheduler, 8) == pytest.approx(
        [2, 1, *half, 2, 2 * (1 + math.cos(math.pi / 8)) / 2]
    )


def test_one_cycle_by_hand():
    opt = optim.AdamW([nn.Parameter(tinyllm.zeros(1))])
    scheduler = lr_scheduler.OneCycleLR(
        opt, 1.0, 11, pct_start=5 / 11, anneal_strategy="linear", div_factor=5.0,
        final_div_factor=2.0, base_momentum=0.5, max_momentum=0.9,
    )  # fmt: skip
    found = []
    for _ in range(10):
        found.append((opt.param_groups[0]["lr"], opt.param_groups[0]["betas"]))
        opt.step()
        scheduler.step()
    lrs = [0.2, 0.4, 0.6, 0.8, 1.0, 0.85, 0.7, 0.55, 0.4, 0.25]
    momenta = [0.9, 0.8, 0.7, 0.6, 0.5, 0.9 - 0.4 * 5 / 6]
    assert [lr for lr, _ in found] == pytest.approx(lrs)
    assert [betas[0] for _, betas in found[:6]] == pytest.approx(momenta)
    assert {betas[1] for _, betas in found} == {0.999}
    assert scheduler.get_last_lr() == pytest.approx([0.1])


def test_a_rise_of_no_length_is_over_at_once():
    scheduler = lr_scheduler.OneCycleLR(
        optimizer(2.0), 1.0, 10, pct_start=0.1, cycle_momentum=False
    )
    assert scheduler.get_last_lr() == [1.0]


def test_plateau_waits_and_then_lowers_the_rate():
    opt = optimizer(2.0, 1.0)
    scheduler = lr_scheduler.ReduceLROnPlateau(opt, factor=0.5, patience=1, min_lr=[0.9, 0.0])
    found = []
    for loss in (5.0, 4.0, 4.0, 3.9999, 3.0, 3.0, tinyllm.tensor(3.0), float("nan"), 2.0):
        scheduler.step(loss)
        found.append(scheduler.get_last_lr())
    assert found == [*[[2, 1]] * 3, *[[1, 0.5]] * 3, *[[0.9, 0.25]] * 3]


@pytest.mark.parametrize(
    "make",
    [
        lambda opt: lr_scheduler.LinearLR(opt, 0.25, 0.75, total_iters=5),
        lambda opt: lr_scheduler.StepLR(opt, 3, 0.5),
        lambda opt: lr_scheduler.MultiStepLR(opt, [2, 7, 7], 0.5),
        lambda opt: lr_scheduler.ConstantLR(opt, 0.3, 7),
        lambda opt: lr_scheduler.ExponentialLR(opt, 0.9),
        lambda opt: lr_scheduler.PolynomialLR(opt, 11, 1.5),
        lambda opt: lr_scheduler.CosineAnnealingLR(opt, 5, 0.1),
    ],
)
def test_each_rate_out_of_the_one_before_follows_the_formula(make):
    opt = optimizer(2.0, 0.5)
    scheduler = make(opt)
    for _ in range(25):
        assert scheduler.get_last_lr() == pytest.approx(scheduler.closed_form(), 1e-9, 1e-12)
        opt.step()
        scheduler.step()


def test_chained_schedules_multiply():
    opt = optimizer(2.0)
    scheduler = lr_scheduler.ChainedScheduler(
        [lr_scheduler.ConstantLR(opt, 0.5, 2), lr_scheduler.ExponentialLR(opt, 0.5)]
    )
    assert rates(scheduler, 4) == [1, 0.5, 0.5, 0.25]


SCHEDULES = {
    "warm-up and cosine": warmup_and_cosine,
    "step": lambda opt: lr_scheduler.StepLR(opt, 3),
    "milestones": lambda opt: lr_scheduler.MultiStepLR(opt, [2, 7, 9]),
    "constant": lambda opt: lr_scheduler.ConstantLR(opt, 0.3, 7),
    "exponential": lambda opt: lr_scheduler.ExponentialLR(opt, 0.9),
    "polynomial": lambda opt: lr_scheduler.PolynomialLR(opt, 11, 1.5),
    "restarts": lambda opt: lr_scheduler.CosineAnnealingWarmRestarts(opt, 2, 2),
    "one cycle": lambda opt: lr_scheduler.OneCycleLR(opt, 0.5, 14, three_phase=True),
    "chained": lambda opt: lr_scheduler.ChainedScheduler(
        [lr_scheduler.MultiStepLR(opt, [2, 7, 9]), lr_scheduler.LinearLR(opt, total_iters=8)]
    ),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_state_dict_round_trip_through_json(name):
    whole = rates(SCHEDULES[name](optimizer(2.0)), 12)
    opt = optimizer(2.0)
    scheduler = SCHEDULES[name](opt)
    rates(scheduler, 5)
    state = json.loads(json.dumps(scheduler.state_dict()))
    settings = json.loads(json.dumps(opt.state_dict()["param_groups"]))
    resumed_opt = optimizer(2.0)
    resumed = SCHEDULES[name](resumed_opt)
    resumed_opt.load_state_dict({"state": {}, "param_groups": settings})
    resumed.load_state_dict(state)
    assert rates(resumed, 7) == whole[5:]


def test_a_plateaus_state_goes_through_json():
    def run(scheduler, losses):
        return [scheduler.step(loss) or scheduler.get_last_lr() for loss in losses]

    losses = [3.0, 2.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    for cut in (0, 4, 8):
        made = [
            lr_scheduler.ReduceLROnPlateau(optimizer(2.0, 1.0), patience=1, cooldown=2)
            for _ in range(3)
        ]
        whole = run(made[0], losses)
        begun = run(made[1], losses[:cut])
        state = json.loads(json.dumps(made[1].state_dict()))
        settings = made[1].optimizer.state_dict()["param_groups"]
        made[2].optimizer.load_state_dict({"state": {}, "param_groups": settings})
        made[2].load_state_dict(state)
        assert begun + run(made[2], losses[cut:]) == whole
    assert whole[-1] != whole[0]


def test_a_state_of_another_schedule_is_refused_and_changes_nothing():
    opt = optimizer(2.0)
    step = lr_scheduler.StepLR(opt, 3)
    exponential = lr_scheduler.ExponentialLR(opt, 0.9)
    with pytest.raises(ValueError, match="lacks step_size of StepLR.*another schedule"):
        step.load_state_dict({**exponential.state_dict(), "last_epoch": 9})
    assert step.last_epoch == 0
    one = lr_scheduler.ChainedScheduler([step])
    two = lr_scheduler.ChainedScheduler([step, exponential])
    with pytest.raises(ValueError, match="has 2 schedules, and this ChainedScheduler has 1"):
        one.load_state_dict(two.state_dict())
    with pytest.raises(ValueError, match="lacks _schedulers"):
        one.load_state_dict(step.state_dict())
    by_group = lr_scheduler.LambdaLR(optimizer(1.0, 2.0), lambda t: 1.0)
    with pytest.raises(ValueError, match="has 2 lr_lambdas, and this LambdaLR 1"):
        lr_scheduler.LambdaLR(opt, lambda t: 1.0).load_state_dict(by_group.state_dict())


def test_a_schedule_stepped_before_the_optimizer_is_told():
    scheduler = lr_scheduler.StepLR(optimizer(1.0), 3)
    with pytest.warns(UserWarning, match=r"before `optimizer.step\(\)`: the first rate"):
        scheduler.step()


@pytest.mark.filterwarnings("error::UserWarning")
def test_an_optimizer_of_the_learners_own_as_written_for_pytorch():
    class Signs(optim.Optimizer):
        def __init__(self, params):
            super().__init__(params, {})

        @tinyllm.no_grad()
        def step(self):
            for group in self.param_groups:
                for p in group["params"]:
                    self.state[p]["count"] = self.state[p].get("count", 0) + 1
                    p.sub_(p.grad.sign() * group["lr"])

    p = nn.Parameter(tinyllm.ones(2))
    p.grad = tinyllm.tensor([3.0, -0.5])
    opt = Signs([{"params": [p], "lr": 0.5}])
    scheduler = lr_scheduler.ExponentialLR(opt, 0.5)
    for _ in range(2):
        opt.step()
        scheduler.step()
    assert p.tolist() == [0.25, 1.75]
    assert opt.state_dict()["state"] == {0: {"count": 2}}
    again = Signs([p])
    again.load_state_dict(opt.state_dict())
    again.step()
    assert again.state[p]["count"] == 3


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
    with pytest.raises(ValueError, match="positive integer step_size, but got 0"):
        lr_scheduler.StepLR(opt, 0)
    with pytest.raises(ValueError, match="T_max.*must not be 0"):
        lr_scheduler.CosineAnnealingLR(opt, 0)
    with pytest.raises(ValueError, match="factor must be between 0 and 1, not 2"):
        lr_scheduler.ConstantLR(opt, 2)
    with pytest.raises(ValueError, match="max_lr has 2 values, param_groups has 1"):
        lr_scheduler.OneCycleLR(opt, [0.1, 0.2], 10)
    with pytest.raises(ValueError, match="total_steps OR"):
        lr_scheduler.OneCycleLR(opt, 0.1)
    with pytest.raises(ValueError, match="Tried to step 2 times.*1"):
        rates(lr_scheduler.OneCycleLR(opt, 0.1, 1), 3)
    with pytest.raises(ValueError, match="Adagrad has neither: give cycle_momentum=False"):
        lr_scheduler.OneCycleLR(optim.Adagrad([nn.Parameter(tinyllm.zeros(1))]), 0.1, 10)
    with pytest.raises(ValueError, match=r"needs a metric.*index 0: step it by itself"):
        lr_scheduler.SequentialLR(opt, [lr_scheduler.ReduceLROnPlateau(opt)], [])
    chain = lr_scheduler.ChainedScheduler([linear])
    sequence = lr_scheduler.SequentialLR(opt, [linear, chain], [1])
    with pytest.raises(NotImplementedError, match="in a SequentialLR it can only come first"):
        rates(sequence, 2)
    with pytest.raises(KeyError, match="initial_lr"):
        lr_scheduler.CosineAnnealingLR(other, 10, last_epoch=3)
