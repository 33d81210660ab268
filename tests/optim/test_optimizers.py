import json

import numpy as np
import pytest

import tinyllm
from tinyllm import kernels, nn, optim


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


def test_amsgrad_remembers_the_largest_gradient():
    p, q = parameter(0.0), parameter(0.0)
    made = [
        optim.Adam([each], lr=1.0, betas=(0.0, 0.5), eps=0.0, amsgrad=amsgrad)
        for each, amsgrad in ((p, True), (q, False))
    ]
    for gradient in (8.0, 1.0):
        for each, optimizer in zip((p, q), made, strict=True):
            before = each.item()
            set_grad(each, gradient)
            optimizer.step()
            if gradient == 1:  # v = 32 then 16.5; without bias 43 and 22
                largest = 32 if each is p else 16.5
                assert before - each.item() == pytest.approx((0.75 / largest) ** 0.5)


def test_maximize_goes_uphill_with_the_decay_downhill():
    p, q = parameter(1.0), parameter(1.0)
    optim.SGD([p], lr=0.1, weight_decay=0.5, maximize=True).step()
    for each, maximize in ((p, True), (q, False)):
        set_grad(each, 2.0)
        optim.SGD([each], lr=0.1, weight_decay=0.5, maximize=maximize).step()
        assert each.grad.item() == 2  # left as it was
    assert p.item() == pytest.approx(1 + 0.1 * (2 - 0.5))
    assert q.item() == pytest.approx(1 - 0.1 * (2 + 0.5))


def test_rmsprop_by_hand():
    p = parameter(1.0)
    optimizer = optim.RMSprop([p], lr=0.1, alpha=0.75, eps=0.5)
    for _ in range(2):  # v = 4, then 7
        set_grad(p, 4.0)
        optimizer.step()
    assert p.item() == pytest.approx(1 - 0.1 * (4 / 2.5 + 4 / (7**0.5 + 0.5)))


def test_the_variance_in_rmsprop_is_never_negative():
    p = nn.Parameter(tinyllm.tensor(np.linspace(0.1, 3, 999)))
    optimizer = optim.RMSprop([p], centered=True, alpha=0.3)
    for _ in range(60):  # of a steady gradient it is 0, but for rounding
        p.grad = tinyllm.tensor(np.linspace(0.1, 3, 999))
        optimizer.step()
    assert np.isfinite(p.detach().numpy()).all()


def test_adagrad_by_hand():
    p = parameter(1.0)
    optimizer = optim.Adagrad([p], lr=0.1, lr_decay=1.0, initial_accumulator_value=7.0)
    assert optimizer.state_dict()["state"][0]["sum"].item() == 7
    for _ in range(2):  # the sum is 16, then 25
        set_grad(p, 3.0)
        optimizer.step()
    assert p.item() == pytest.approx(1 - 0.1 * 3 / 4 - 0.1 / 2 * 3 / 5)


@pytest.mark.parametrize("shape", [(6, 9), (9, 6), (7, 7), (1, 8)])
def test_muons_steps_are_nearly_orthogonal(shape):
    rng = np.random.default_rng(0)
    array = rng.standard_normal(shape) * np.logspace(0, -2, shape[1])
    p = nn.Parameter(tinyllm.tensor(array))
    p.grad = tinyllm.tensor(array)
    optim.Muon([p], lr=1.0, weight_decay=0.0).step()
    step = array - p.detach().numpy()
    ratio = max(1, shape[0] / shape[1]) ** 0.5
    u, _, vt = np.linalg.svd(array, full_matrices=False)
    assert np.abs(step / ratio - u @ vt).max() < 0.5
    assert np.linalg.svd(step / ratio, compute_uv=False).max() < 1.3
    assert np.linalg.svd(step / ratio, compute_uv=False).min() > 0.3


@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_muon_wakes_no_thread_pool_of_numpys(precision, monkeypatch, request):
    """A definition multiplies by NumPy's BLAS, whose threads then spin against our own pool."""
    if request.config.getoption("--reference-kernels"):
        pytest.skip("definitions are what is asked for")

    def definition(*arguments):
        raise AssertionError("a definition was used")

    for kernel in kernels.KERNELS.values():
        monkeypatch.setattr(kernel, "definition", definition)
    matrices = [nn.Parameter(tinyllm.randn(*shape)) for shape in ((12, 5), (5, 12), (7, 7))]
    for matrix in matrices:
        matrix.grad = tinyllm.randn(*matrix.shape)
    optim.Muon(matrices, lr=0.1, precision=precision).step()


def test_muon_survives_a_gradient_of_zeros_and_an_empty_matrix():
    p, q = nn.Parameter(tinyllm.ones(2, 3)), nn.Parameter(tinyllm.ones(0, 3))
    p.grad, q.grad = tinyllm.zeros(2, 3), tinyllm.zeros(0, 3)
    optim.Muon([p, q], lr=0.1, weight_decay=0.5).step()
    np.testing.assert_allclose(p.detach().numpy(), np.full((2, 3), 0.95), rtol=1e-6)


def test_infinite_and_missing_numbers_pass_quietly_and_are_seen():
    for make in (optim.Muon, optim.RMSprop, optim.Adagrad, optim.Adam, optim.SGD):
        for bad in (np.nan, np.inf):
            p = nn.Parameter(tinyllm.ones(2, 2))
            p.grad = tinyllm.tensor(np.array([[bad, 1.0], [1.0, 1.0]], np.float32))
            make([p]).step()
            assert not np.isfinite(p.detach().numpy()[0, 0]), make


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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "make",
    [
        lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
        lambda p: optim.SGD(p, lr=0.1),
        lambda p: optim.AdamW(p, lr=0.1),
        lambda p: optim.Adam(p, lr=0.1, amsgrad=True, maximize=True),
        lambda p: optim.RMSprop(p, lr=0.1, momentum=0.5, centered=True),
        lambda p: optim.Adagrad(p, lr=0.1, lr_decay=0.1, initial_accumulator_value=0.5),
        lambda p: optim.Muon(p[:1], lr=0.1),
    ],
)
def test_state_dict_round_trip_goes_on_bit_for_bit(make, dtype):
    """Through files, where numbers that are keys become text, and 0-d arrays become numbers."""
    whole = model_like(dtype)
    train(make(whole), whole, range(9))
    broken = model_like(dtype)
    optimizer = make(broken)
    train(optimizer, broken, range(4))
    state = optimizer.state_dict()
    settings = json.loads(json.dumps(state["param_groups"]))  # all but the arrays is JSON
    kept = {
        str(number): {
            name: tensor.numpy().copy() if tensor.ndim else json.loads(json.dumps(tensor.item()))
            for name, tensor in each.items()
        }
        for number, each in state["state"].items()
    }
    again = [nn.Parameter(p.detach().clone()) for p in broken]
    resumed = make(again)
    resumed.param_groups[0]["lr"] = 77.0  # to be overwritten
    resumed.load_state_dict({"state": kept, "param_groups": settings})
    train(optimizer, broken, range(4, 9))  # what was loaded is a copy
    train(resumed, again, range(4, 9))
    for p, q, r in zip(whole, broken, again, strict=True):
        assert p.tolist() == q.tolist() == r.tolist()
        assert r.dtype == dtype


def model_like(dtype):
    arrays = np.arange(6.0).reshape(2, 3), np.array(2.0), np.zeros((0, 3))
    return [nn.Parameter(tinyllm.tensor(np.array(array, dtype))) for array in arrays]


def train(optimizer, params, steps):
    for step in steps:
        for p in params:
            noise = np.sin(np.arange(float(p.numel())) + step).reshape(p.shape)
            p.grad = tinyllm.tensor(np.array(noise + np.sin(p.detach().numpy()), p.dtype.name))
        optimizer.step()


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
    broken = {0: {"step": 1.0, "exp_avg": 0.5, "exp_avg_sq": 0.5}}
    bad = optim.AdamW([p])
    bad.load_state_dict({**state, "state": broken})
    with pytest.raises(ValueError, match=r"exp_avg is 0.5 for a parameter of shape \(2,\)"):
        bad.step()
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
    with pytest.raises(TypeError, match=r"str; give model.parameters\(\)"):
        optim.SGD(nn.Linear(2, 3).state_dict())
    with pytest.raises(ValueError, match="Some param names are missing"):
        optim.SGD([("weight", p), parameter(1.0)])
    with pytest.raises(ValueError, match="give named_parameters"):
        optim.SGD([{"params": [("weight", p)]}, {"params": [parameter(1.0)]}])
    with pytest.raises(ValueError, match=r"2D parameters.*\(1,\); give embeddings.*to AdamW"):
        optim.Muon([p])
    with pytest.raises(ValueError, match="2D parameters"):
        optim.Muon([parameter([1.0])]).add_param_group({"params": p})
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
        (lambda p: optim.AdamW(p, lr=float("nan")), "Invalid learning rate: nan"),
        (lambda p: optim.AdamW([{"params": p, "lr": -2.0}]), "Invalid learning rate: -2"),
        (lambda p: optim.SGD(p, lr=tinyllm.ones(2)), "Tensor lr must be 1-element"),
        (lambda p: optim.RMSprop(p, alpha=-1), "Invalid alpha value: -1"),
        (lambda p: optim.RMSprop(p, momentum=-1), "Invalid momentum value: -1"),
        (lambda p: optim.Adagrad(p, lr_decay=-1), "Invalid lr_decay value: -1"),
        (
            lambda p: optim.Adagrad(p, initial_accumulator_value=-1),
            "Invalid initial_accumulator_value value: -1",
        ),
        (lambda p: optim.Muon(p, adjust_lr_fn="moon"), 'moon is not supported.*"match_rms_adamw"'),
        (lambda p: optim.Muon(p, ns_coefficients=(1, 2)), "exactly 3 values"),
        (lambda p: optim.Muon(p, ns_steps=100), "ns_steps must be less than 100"),
    ],
)
def test_wrong_settings_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make([parameter(1.0)])


def test_switches_that_cannot_be_are_named():
    with pytest.raises(RuntimeError, match="double backward"):
        optim.SGD([parameter(1.0)], differentiable=True)
    with pytest.raises(RuntimeError, match="cannot be `True` together"):
        optim.AdamW([parameter(1.0)], fused=True, foreach=True)


def test_repr_lists_the_settings():
    assert repr(optim.SGD([parameter(1.0)], lr=0.5)) == (
        "SGD (\nParameter Group 0\n    dampening: 0\n    differentiable: False\n"
        "    foreach: None\n    fused: None\n    lr: 0.5\n    maximize: False\n"
        "    momentum: 0\n    nesterov: False\n    weight_decay: 0\n)"
    )
