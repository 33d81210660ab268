import json

import numpy as np
import pytest

import tinyllm
from tinyllm import nn, optim


def parameter(*values):
    return nn.Parameter(tinyllm.tensor(list(values)))


def set_grad(p, *values):
    p.grad = tinyllm.tensor(list(values))


def test_sgd_by_hand():
    p = parameter(1.0, 2.0)
    optimizer = optim.SGD([p], lr=0.1, momentum=0.5, weight_decay=0.25)
    set_grad(p, 1.0, -1.0)
    optimizer.step()  # g = grad + p / 4 = (1.25, -0.5) = b
    np.testing.assert_allclose(p.detach().numpy(), [0.875, 2.05], rtol=1e-6)
    optimizer.step()  # g = (1.21875, -0.4875), b = b / 2 + g = (1.84375, -0.7375)
    np.testing.assert_allclose(p.detach().numpy(), [0.690625, 2.12375], rtol=1e-6)


def test_momentum_is_not_the_gradient_itself():
    p = parameter(0.0)
    optimizer = optim.SGD([p], lr=1.0, momentum=1.0)
    set_grad(p, 2.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=False)  # in place
    optimizer.step()
    assert p.item() == -4


def test_first_step_of_adam_is_the_learning_rate():
    p = parameter(1.0, 2.0)
    optimizer = optim.Adam([p], lr=0.1)
    set_grad(p, 1e-3, -50.0)
    optimizer.step()
    np.testing.assert_allclose(p.detach().numpy(), [0.9, 2.1], rtol=1e-4)


def test_decay_acts_on_the_weights_in_adamw_and_through_the_gradient_in_adam():
    p, q = parameter(10.0), parameter(10.0)
    decoupled = optim.AdamW([p], lr=0.1, weight_decay=0.5)
    coupled = optim.Adam([q], lr=0.1, weight_decay=0.5)
    for each, optimizer in ((p, decoupled), (q, coupled)):
        set_grad(each, 0.0)
        optimizer.step()
    assert p.item() == pytest.approx(10 * (1 - 0.1 * 0.5))
    assert q.item() == pytest.approx(10 - 0.1)


def test_parameters_without_gradient_are_left_alone():
    p, q = parameter(1.0), parameter(2.0)
    optimizer = optim.AdamW([p, q], weight_decay=0.5)
    set_grad(p, 1.0)
    optimizer.step()
    assert q.item() == 2
    assert q not in optimizer.state
    set_grad(q, 1.0)
    optimizer.step()
    assert optimizer.state[p]["step"].item() == 2
    assert optimizer.state[q]["step"].item() == 1


def test_a_tied_parameter_is_stepped_once():
    net = nn.Module()
    net.a, net.b = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    net.b.weight = net.a.weight
    nn.init.ones_(net.a.weight)
    optimizer = optim.SGD(net.parameters(), lr=0.5)
    net.b(net.a(tinyllm.ones(1))).sum().backward()  # w * w: the gradient is 2 w
    optimizer.step()
    assert net.a.weight.item() == 1 - 0.5 * 2
    assert len(optimizer.param_groups[0]["params"]) == 1


def test_groups_have_their_own_settings():
    p, q = parameter(1.0), parameter(1.0)
    optimizer = optim.SGD([{"params": [p], "lr": 1.0}, {"params": q}], lr=0.1)
    r = parameter(1.0)
    optimizer.add_param_group({"params": r, "lr": 0.01})
    for each in (p, q, r):
        set_grad(each, 1.0)
    optimizer.step()
    assert [each.item() for each in (p, q, r)] == pytest.approx([0, 0.9, 0.99])
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.item() == 0
    optimizer.zero_grad()
    assert p.grad is None


def test_the_closure_is_run_with_gradients():
    p = parameter(3.0)
    optimizer = optim.SGD([p], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 9
    assert p.item() == pytest.approx(3 - 0.1 * 6)


def test_a_step_between_forward_and_backward_is_noticed():
    p = parameter(3.0)
    optimizer = optim.SGD([p], lr=0.1)
    loss = (p * p).sum()
    set_grad(p, 1.0)
    optimizer.step()
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


def train(optimizer, p, steps):
    for step in range(steps):
        set_grad(p, *np.sin(np.arange(3.0) + step + p.tolist()).tolist())
        optimizer.step()


@pytest.mark.parametrize(
    "make",
    [
        lambda p: optim.SGD([p], lr=0.1, momentum=0.9),
        lambda p: optim.SGD([p], lr=0.1),
        lambda p: optim.AdamW([p], lr=0.1),
    ],
)
def test_state_dict_round_trip_goes_on_bit_for_bit(make):
    whole = parameter(1.0, 2.0, 3.0)
    train(make(whole), whole, 9)
    p = parameter(1.0, 2.0, 3.0)
    optimizer = make(p)
    train(optimizer, p, 4)
    state = optimizer.state_dict()
    settings = json.loads(json.dumps(state["param_groups"]))  # all but the arrays is JSON
    kept = {
        str(number): {name: tensor.numpy().copy() for name, tensor in each.items()}
        for number, each in state["state"].items()
    }
    q = nn.Parameter(p.detach().clone())
    resumed = make(q)
    resumed.param_groups[0]["lr"] = 77.0  # to be overwritten
    resumed.load_state_dict({"state": kept, "param_groups": settings})
    q_end, w_end = q, whole
    for step in range(4, 9):
        set_grad(q, *np.sin(np.arange(3.0) + step + q.tolist()).tolist())
        resumed.step()
    assert q_end.tolist() == w_end.tolist()


def test_state_dict_numbers_parameters_across_groups():
    p, q = parameter(1.0), parameter(2.0)
    optimizer = optim.AdamW([{"params": [p]}, {"params": [q], "lr": 0.5}])
    set_grad(q, 1.0)
    optimizer.step()
    state = optimizer.state_dict()
    assert [group["params"] for group in state["param_groups"]] == [[0], [1]]
    assert list(state["state"]) == [1]
    assert set(state["state"][1]) == {"step", "exp_avg", "exp_avg_sq"}
    assert state["param_groups"][1]["lr"] == 0.5


def test_state_that_does_not_fit_is_refused_and_changes_nothing():
    p = parameter(1.0, 2.0)
    optimizer = optim.AdamW([p])
    set_grad(p, 1.0, 1.0)
    optimizer.step()
    state = optimizer.state_dict()
    with pytest.raises(ValueError, match=r"groups of \[1\] parameters.*\[2\]"):
        optim.AdamW([parameter(1.0), parameter(1.0)]).load_state_dict(state)
    other = optim.AdamW([parameter(1.0, 2.0, 3.0)], lr=5.0)
    with pytest.raises(ValueError, match=r"exp_avg of shape \(2,\).*\(3,\)"):
        other.load_state_dict(state)
    assert other.param_groups[0]["lr"] == 5
    assert not other.state


def test_wrong_parameters_are_named():
    p = parameter(1.0)
    with pytest.raises(ValueError, match="empty parameter list"):
        optim.SGD([])
    with pytest.raises(TypeError, match="one Tensor"):
        optim.SGD(p)
    with pytest.raises(ValueError, match="twice in one"):
        optim.SGD([p, p])
    with pytest.raises(ValueError, match="more than one parameter group"):
        optim.SGD([{"params": [p]}, {"params": [p]}])
    with pytest.raises(ValueError, match="non-leaf"):
        optim.SGD([p * 2])
    with pytest.raises(TypeError, match=r"tuple; give model.parameters\(\)"):
        optim.SGD(nn.Linear(2, 3).named_parameters())
    with pytest.raises(TypeError, match="set has none"):
        optim.SGD([{"params": {p}}])
    p.grad = tinyllm.ones(7)
    with pytest.raises(ValueError, match=r"gradient \(7,\)"):
        optim.AdamW([p]).step()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: optim.SGD(p, lr=-1), "Invalid learning rate: -1"),
        (lambda p: optim.SGD(p, momentum=-1), "Invalid momentum"),
        (lambda p: optim.SGD(p, nesterov=True), "Nesterov momentum requires a momentum"),
        (lambda p: optim.Adam(p, betas=(0.9, 1.0)), "Invalid beta parameter at index 1: 1.0"),
        (lambda p: optim.Adam(p, eps=-1), "Invalid epsilon"),
        (lambda p: optim.AdamW(p, weight_decay=-1), "Invalid weight_decay"),
    ],
)
def test_wrong_settings_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make([parameter(1.0)])


def test_repr_lists_the_settings():
    assert repr(optim.SGD([parameter(1.0)], lr=0.5)) == (
        "SGD (\nParameter Group 0\n    dampening: 0\n    lr: 0.5\n    momentum: 0\n"
        "    nesterov: False\n    weight_decay: 0\n)"
    )
