import numpy as np
import pytest
import torch

import tinyllm
from tinyllm import nn

rng = np.random.default_rng(3)
PADDED_IDS = np.array([[4, 1, 2], [2, 4, 10]])
WEIGHT = rng.random(5)

# name: (how to make it, given either library's nn), inputs
LAYERS = {
    "linear": (lambda nn: nn.Linear(7, 5), (2, 3, 7)),
    "linear without bias": (lambda nn: nn.Linear(7, 5, bias=False), (3, 7)),
    "layer_norm": (lambda nn: nn.LayerNorm(7), (2, 3, 7)),
    "layer_norm over two": (lambda nn: nn.LayerNorm((3, 7), eps=1e-3), (2, 5, 3, 7)),
    "layer_norm without bias": (lambda nn: nn.LayerNorm(7, bias=False), (3, 7)),
    "layer_norm plain": (lambda nn: nn.LayerNorm([7], elementwise_affine=False), (3, 7)),
    "rms_norm": (lambda nn: nn.RMSNorm(7), (2, 3, 7)),
    "rms_norm eps": (lambda nn: nn.RMSNorm((3, 7), eps=0.1), (2, 3, 7)),
    "rms_norm plain": (lambda nn: nn.RMSNorm(7, elementwise_affine=False), (3, 7)),
    "embedding": (lambda nn: nn.Embedding(11, 3), PADDED_IDS),
    "embedding with padding": (lambda nn: nn.Embedding(11, 3, padding_idx=-7), PADDED_IDS),
    "gelu": (lambda nn: nn.GELU(), (3, 7)),
    "gelu tanh": (lambda nn: nn.GELU("tanh"), (3, 7)),
    "relu": (lambda nn: nn.ReLU(), (3, 7)),
    "silu": (lambda nn: nn.SiLU(), (3, 7)),
    "tanh": (lambda nn: nn.Tanh(), (3, 7)),
    "sigmoid": (lambda nn: nn.Sigmoid(), (3, 7)),
    "softmax": (lambda nn: nn.Softmax(dim=1), (2, 3, 7)),
    "dropout in evaluation": (lambda nn: nn.Dropout(0.3).eval(), (3, 7)),
    "sequential": (
        lambda nn: nn.Sequential(nn.Linear(7, 5), nn.Tanh(), nn.Sequential(nn.LayerNorm(5))),
        (3, 7),
    ),
}
LOSSES = {
    "cross_entropy": lambda nn, weight: nn.CrossEntropyLoss(),
    "cross_entropy smoothed": lambda nn, weight: nn.CrossEntropyLoss(
        ignore_index=2, reduction="sum", label_smoothing=0.2
    ),
    "cross_entropy weighted": lambda nn, weight: nn.CrossEntropyLoss(weight, label_smoothing=0.1),
    "cross_entropy by target": lambda nn, weight: nn.CrossEntropyLoss(reduction="none"),
}
TOLERANCES = {"float32": {"rtol": 1e-5, "atol": 1e-6}, "float64": {"rtol": 1e-12, "atol": 1e-14}}


def same(ours, theirs, dtype):
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), **TOLERANCES[dtype])
    assert ours.dtype == theirs.detach().numpy().dtype


def twins(make, dtype):
    torch.manual_seed(3)
    theirs = make(torch.nn).to(getattr(torch, dtype))
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(torch.from_numpy(rng.standard_normal(tuple(parameter.shape))) * 0.1)
    ours = make(nn).to(getattr(tinyllm, dtype))
    ours.load_state_dict({name: value.numpy() for name, value in theirs.state_dict().items()})
    return ours, theirs


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LAYERS)
def test_layer_values_and_gradients(name, dtype):
    make, given = LAYERS[name]
    ours, theirs = twins(make, dtype)
    if isinstance(given, tuple):
        x = rng.standard_normal(given).astype(dtype)
        a, b = tinyllm.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    else:
        a, b = tinyllm.tensor(given), torch.tensor(given)
    y, z = ours(a), theirs(b)
    same(y, z, dtype)
    covector = rng.standard_normal(tuple(z.shape)).astype(dtype)
    if not z.requires_grad:
        assert not y.requires_grad
        return
    y.backward(tinyllm.tensor(covector))
    z.backward(torch.tensor(covector))
    if b.requires_grad:
        same(a.grad, b.grad, dtype)
    for (key, p), (their_key, q) in zip(
        ours.named_parameters(), theirs.named_parameters(), strict=True
    ):
        assert key == their_key
        same(p.grad, q.grad, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LOSSES)
def test_loss_values_and_gradients(name, dtype):
    logits, targets = rng.standard_normal((7, 5)).astype(dtype), np.array([0, 2, 4, 2, 1, 0, 3])
    a, b = tinyllm.tensor(logits, requires_grad=True), torch.tensor(logits, requires_grad=True)
    weight = WEIGHT.astype(dtype)
    y = LOSSES[name](nn, tinyllm.tensor(weight))(a, tinyllm.tensor(targets))
    z = LOSSES[name](torch.nn, torch.tensor(weight))(b, torch.tensor(targets))
    same(y, z, dtype)
    covector = rng.standard_normal(tuple(z.shape)).astype(dtype)
    y.backward(tinyllm.tensor(covector))
    z.backward(torch.tensor(covector))
    same(a.grad, b.grad, dtype)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_mse_loss(reduction):
    x, target = rng.standard_normal((2, 3, 7))[0], rng.standard_normal((3, 7))
    ours = nn.MSELoss(reduction=reduction)(tinyllm.tensor(x), tinyllm.tensor(target))
    theirs = torch.nn.MSELoss(reduction=reduction)(torch.tensor(x), torch.tensor(target))
    same(ours, theirs, "float64")


@pytest.mark.parametrize("name", LAYERS)
def test_repr_and_keys(name):
    make, _ = LAYERS[name]
    assert repr(make(nn)) == repr(make(torch.nn))
    assert list(make(nn).state_dict()) == list(make(torch.nn).state_dict())


def nested(nn):
    block = [nn.Sequential(nn.Linear(3, 3), nn.ReLU()) for _ in range(3)]
    modules = nn.ModuleDict({"blocks": nn.ModuleList(block), "end": nn.LayerNorm(3)})
    modules.add_module("empty", nn.Sequential())
    modules.end.register_buffer("count", None)
    return modules


def test_nested_repr_keys_and_names():
    ours, theirs = nested(nn), nested(torch.nn)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict(prefix="a.")) == list(theirs.state_dict(prefix="a."))
    for method in ("named_modules", "named_children", "named_parameters", "named_buffers"):
        names = [[name for name, _ in getattr(each, method)()] for each in (ours, theirs)]
        assert names[0] == names[1], method


def test_load_state_dict_errors_say_what_pytorchs_say():
    def message(nn, ones):
        model = nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 7))
        state = {"0.weight": ones(3, 5), "0.bias": ones(5), "other": ones(1), "x.y": ones(2)}
        with pytest.raises(RuntimeError) as caught:
            model.load_state_dict(state)
        return str(caught.value).replace(" ", "").replace("torch.Size([3,5])", "(3,5)")

    theirs = message(torch.nn, torch.ones).replace("torch.Size([5,3])", "(5,3)")
    assert message(nn, tinyllm.ones).split() == theirs.split()


def test_backward_hooks_see_the_same():
    def seen_by(nn, tensor, arrays):
        layer, seen = nn.Linear(3, 5), []
        layer.load_state_dict({name: tensor(array) for name, array in arrays.items()})
        layer.register_full_backward_hook(lambda m, gi, go: seen.extend((*gi, *go)))
        layer.register_full_backward_hook(lambda m, gi, go: (gi[0] * 2,))
        x = tensor(np.arange(6.0).reshape(2, 3).astype(np.float32))
        x.requires_grad_(True)
        (layer(x) * 3 + x.sum()).sum().backward()
        return [*seen, x.grad]

    arrays = {
        "weight": rng.standard_normal((5, 3)).astype(np.float32),
        "bias": rng.standard_normal(5).astype(np.float32),
    }
    ours = seen_by(nn, tinyllm.tensor, arrays)
    theirs = seen_by(torch.nn, torch.tensor, arrays)
    for a, b in zip(ours, theirs, strict=True):
        same(a, b, "float32")


@pytest.mark.parametrize("norm_type", [2.0, 1.0, 3.0, float("inf")])
@pytest.mark.parametrize("max_norm", [0.5, 100.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_clip_grad_norm(norm_type, max_norm, dtype):
    grads = [rng.standard_normal(shape).astype(dtype) for shape in ((3, 5), (7,), (2, 1, 11))]
    results = []
    for module, clip in (
        (tinyllm, nn.utils.clip_grad_norm_),
        (torch, torch.nn.utils.clip_grad_norm_),
    ):
        parameters = [module.tensor(np.zeros_like(g), requires_grad=True) for g in grads]
        for parameter, grad in zip(parameters, grads, strict=True):
            parameter.grad = module.tensor(grad)
        norm = clip(parameters, max_norm, norm_type)
        results.append([norm, *(parameter.grad for parameter in parameters)])
    for ours, theirs in zip(*results, strict=True):
        same(ours, theirs, dtype)


@pytest.mark.parametrize("fn", ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"])
def test_gains(fn):
    assert nn.init.calculate_gain(fn) == torch.nn.init.calculate_gain(fn)


@pytest.mark.parametrize(
    "name",
    [
        "xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_",
        "trunc_normal_", "uniform_", "normal_",
    ],
)  # fmt: skip
def test_initialisers_have_the_same_distribution(name):
    torch.manual_seed(7)
    ours = getattr(nn.init, name)(tinyllm.zeros(200, 300, 5)).numpy()
    theirs = getattr(torch.nn.init, name)(torch.zeros(200, 300, 5)).numpy()
    quantiles = np.linspace(0.02, 0.98, 25)
    np.testing.assert_allclose(
        np.quantile(ours, quantiles), np.quantile(theirs, quantiles), atol=0.04 * theirs.std()
    )
