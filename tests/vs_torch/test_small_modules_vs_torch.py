"""Small modules, losses as modules, nn.utils and nn.init against PyTorch."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch

import tinyllm
from tinyllm import nn

rng = np.random.default_rng(11)
TOLERANCES = {"float32": {"rtol": 1e-5, "atol": 1e-6}, "float64": {"rtol": 1e-12, "atol": 1e-14}}

# name: (how to make it, given (nn, tensor)), shapes of the inputs
MODULES = {
    "Identity": (lambda nn, t: nn.Identity(54, unused=0.1), [(3, 5)]),
    "Flatten": (lambda nn, t: nn.Flatten(), [(2, 3, 5, 7)]),
    "Flatten part": (lambda nn, t: nn.Flatten(0, -2), [(2, 3, 5)]),
    "Unflatten": (lambda nn, t: nn.Unflatten(1, (3, 5)), [(2, 15, 7)]),
    "Unflatten rest": (lambda nn, t: nn.Unflatten(-1, [7, -1]), [(2, 21)]),
    "ReLU": (lambda nn, t: nn.ReLU(inplace=False), [(3, 5)]),
    "LeakyReLU": (lambda nn, t: nn.LeakyReLU(), [(3, 5)]),
    "LeakyReLU slope": (lambda nn, t: nn.LeakyReLU(0.3), [(3, 5)]),
    "ELU": (lambda nn, t: nn.ELU(), [(3, 5)]),
    "ELU alpha": (lambda nn, t: nn.ELU(0.5), [(3, 5)]),
    "Softplus": (lambda nn, t: nn.Softplus(), [(3, 5)]),
    "Softplus settings": (lambda nn, t: nn.Softplus(2.0, threshold=0.5), [(3, 5)]),
    "LogSigmoid": (lambda nn, t: nn.LogSigmoid(), [(3, 5)]),
    "LogSoftmax": (lambda nn, t: nn.LogSoftmax(dim=1), [(2, 3, 5)]),
    "Softmax": (lambda nn, t: nn.Softmax(-1), [(2, 3, 5)]),
    "CosineSimilarity": (lambda nn, t: nn.CosineSimilarity(), [(3, 5), (3, 5)]),
    "CosineSimilarity settings": (lambda nn, t: nn.CosineSimilarity(0, 2.0), [(3, 5), (3, 5)]),
    "MSELoss": (lambda nn, t: nn.MSELoss(), [(3, 5), (3, 5)]),
    "L1Loss": (lambda nn, t: nn.L1Loss(reduction="sum"), [(3, 5), (3, 5)]),
    "SmoothL1Loss": (lambda nn, t: nn.SmoothL1Loss(beta=0.3), [(3, 5), (3, 5)]),
    "HuberLoss": (lambda nn, t: nn.HuberLoss("none", 0.3), [(3, 5), (3, 5)]),
    "KLDivLoss": (lambda nn, t: nn.KLDivLoss(reduction="batchmean", log_target=True), [(3, 5)] * 2),
    "BCEWithLogitsLoss": (
        lambda nn, t: nn.BCEWithLogitsLoss(t([1.0, 2.0, 3.0]), pos_weight=t([0.5, 2.0, 1.0])),
        [(5, 3), (5, 3)],
    ),
}
CLASSES = {  # losses that take class indices
    "NLLLoss": lambda nn, t: nn.NLLLoss(),
    "NLLLoss weight": lambda nn, t: nn.NLLLoss(t([1.0, 2.0, 0.5]), ignore_index=1),
    "NLLLoss none": lambda nn, t: nn.NLLLoss(reduction="none"),
    "CrossEntropyLoss": lambda nn, t: nn.CrossEntropyLoss(t([1.0, 2.0, 0.5]), label_smoothing=0.1),
}
INPLACE = {
    "ReLU": lambda nn: nn.ReLU(True),
    "SiLU": lambda nn: nn.SiLU(inplace=True),
    "ELU": lambda nn: nn.ELU(0.5, True),
    "LeakyReLU": lambda nn: nn.LeakyReLU(0.3, True),
}


def double(ns):
    return lambda values: ns.tensor(values, dtype=ns.float64)


def same(ours, theirs, dtype="float64"):
    a, b = ours.detach().numpy(), theirs.detach().numpy()
    assert a.shape == b.shape
    assert a.dtype == b.dtype
    np.testing.assert_allclose(a, b, **TOLERANCES[dtype])


def compare(make, dtype, inputs, extra=()):
    """Values, gradients, repr and keys of one module of both libraries."""
    results = []
    for ns in (tinyllm, torch):
        module = make(ns.nn, double(ns)).to(getattr(ns, dtype))
        leaves = [ns.from_numpy(x.copy()).requires_grad_() for x in inputs]
        y = module(*leaves, *(ns.from_numpy(x) for x in extra))
        covector = np.cos(np.arange(y.numel())).reshape(tuple(y.shape)).astype(dtype)
        y.backward(ns.from_numpy(covector))
        results.append((module, [y, *(x.grad for x in leaves)]))
    (ours, values), (theirs, expected) = results
    for a, b in zip(values, expected, strict=True):
        same(a, b, dtype)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", MODULES)
def test_module(name, dtype):
    make, shapes = MODULES[name]
    compare(make, dtype, [rng.standard_normal(shape).astype(dtype) for shape in shapes])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(7, 3), (2, 3, 5)])
@pytest.mark.parametrize("name", CLASSES)
def test_losses_of_classes(name, shape, dtype):
    ids = rng.integers(0, 3, (shape[0], *shape[2:]))
    compare(CLASSES[name], dtype, [rng.standard_normal(shape).astype(dtype)], [ids])


@pytest.mark.parametrize("name", INPLACE)
def test_inplace_gives_the_same_result_and_leaves_the_input(name):
    x = rng.standard_normal((3, 5))
    ours = tinyllm.tensor(x, requires_grad=True)
    y = INPLACE[name](nn)(ours)
    same(y, INPLACE[name](torch.nn)(torch.tensor(x)))
    np.testing.assert_array_equal(ours.detach().numpy(), x)
    y.sum().backward()
    assert repr(INPLACE[name](nn)) == repr(INPLACE[name](torch.nn))


@pytest.mark.parametrize(
    "name",
    [
        "Identity", "Flatten", "Unflatten", "ReLU", "SiLU", "LeakyReLU", "ELU", "Softplus",
        "CosineSimilarity", "MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "KLDivLoss",
        "NLLLoss", "CrossEntropyLoss", "BCEWithLogitsLoss", "ParameterList",
    ],
)  # fmt: skip
def test_constructor_arguments_are_pytorchs(name):
    ours = inspect.signature(getattr(nn, name)).parameters
    theirs = inspect.signature(getattr(torch.nn, name)).parameters
    assert [(p.name, p.default) for p in ours.values()] == [
        (p.name, p.default) for p in theirs.values()
    ]


@pytest.mark.parametrize(
    "name",
    [
        "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm",
        "parameters_to_vector", "vector_to_parameters", "rnn.pad_sequence",
    ],
)  # fmt: skip
def test_arguments_of_utils_are_pytorchs(name):
    def arguments(module):
        for part in name.split("."):
            module = getattr(module, part)
        return [(p.name, p.default) for p in inspect.signature(module).parameters.values()]

    assert arguments(nn.utils) == arguments(torch.nn.utils)


@pytest.mark.parametrize("name", [n for n in vars(nn.init) if n.endswith("_")] + ["calculate_gain"])
def test_arguments_of_init_are_pytorchs(name):
    if name.startswith("_"):
        return
    ours = inspect.signature(getattr(nn.init, name)).parameters
    theirs = inspect.signature(getattr(torch.nn.init, name)).parameters
    assert [(p.name, p.default) for p in ours.values()] == [
        (p.name, p.default) for p in theirs.values()
    ]


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("rest", [(), (3,), (3, 2)])
def test_pad_sequence(rest, batch_first, side):
    sequences = [rng.standard_normal((n, *rest)) for n in (2, 5, 0, 3)]
    results = []
    for ns in (tinyllm, torch):
        leaves = [ns.from_numpy(x).requires_grad_() for x in sequences]
        y = ns.nn.utils.rnn.pad_sequence(leaves, batch_first, -7.5, side)
        y.backward(ns.from_numpy(np.arange(float(y.numel())).reshape(y.shape)))
        results.append([y, *(x.grad for x in leaves)])
    for ours, theirs in zip(*results, strict=True):
        if ours is not None:  # an empty sequence may go without a gradient
            same(ours, theirs)
        else:
            assert theirs.numel() == 0


def test_pad_sequence_of_ids_and_mistakes():
    from tinyllm.nn.utils.rnn import pad_sequence

    y = pad_sequence([tinyllm.tensor([1, 2]), tinyllm.tensor([3])], batch_first=True)
    assert y.dtype == np.int64
    assert y.tolist() == [[1, 2], [3, 0]]
    assert pad_sequence(tinyllm.ones(2, 3)).shape == (3, 2)
    with pytest.raises(ValueError, match=r"sequence 1 is \(2, 4\), and the first is \(2, 3\)"):
        pad_sequence([tinyllm.ones(2, 3), tinyllm.ones(2, 4)])
    with pytest.raises(ValueError, match="at least one"):
        pad_sequence([])
    with pytest.raises(ValueError, match="'right' or 'left'"):
        pad_sequence([tinyllm.ones(2)], padding_side="top")
    with pytest.raises(TypeError, match="needs a Tensor"):
        pad_sequence([[1, 2]])


def test_parameters_as_one_vector_and_back():
    def both(ns):
        model = ns.nn.Linear(3, 5)
        with ns.no_grad():
            for i, p in enumerate(model.parameters()):
                p.copy_(ns.from_numpy(np.arange(float(p.numel())).reshape(p.shape) + i))
        vector = ns.nn.utils.parameters_to_vector(model.parameters())
        vector.sum().backward()
        ns.nn.utils.vector_to_parameters(vector.detach() * 2, model.parameters())
        return [vector, model.weight, model.bias, model.weight.grad]

    for ours, theirs in zip(both(tinyllm), both(torch), strict=True):
        same(ours, theirs, "float32")
    with pytest.raises(ValueError, match=r"have 20 elements, and vec is \(21,\)"):
        nn.utils.vector_to_parameters(tinyllm.ones(21), nn.Linear(3, 5).parameters())
    with pytest.raises(TypeError, match="vec must be a Tensor"):
        nn.utils.vector_to_parameters([1.0], nn.Linear(3, 5).parameters())


GRADS = [rng.standard_normal(shape) for shape in ((3, 5), (7,), (2, 1, 11))]


@pytest.mark.parametrize("norm_type", [0.0, 0.5, 1, 2, 3.0, float("inf"), float("-inf")])
@pytest.mark.parametrize("bad", [None, float("nan"), float("inf")])
def test_total_norm_and_clipping_by_it(norm_type, bad):
    results = []
    for ns in (tinyllm, torch):
        parameters = [ns.from_numpy(x * 0).requires_grad_() for x in GRADS]
        for parameter, x in zip(parameters, GRADS, strict=True):
            parameter.grad = ns.from_numpy(x.copy())
        if bad is not None:
            parameters[1].grad[3] = bad
        grads = [p.grad for p in parameters]
        norm = ns.nn.utils.get_total_norm(grads, norm_type)
        if bad is not None and not np.isfinite(norm.item()):
            with pytest.raises(RuntimeError):
                ns.nn.utils.get_total_norm(grads, norm_type, error_if_nonfinite=True)
        ns.nn.utils.clip_grads_with_norm_(parameters, 0.7, norm)
        results.append([norm, *grads])
    for ours, theirs in zip(*results, strict=True):
        same(ours, theirs)


def test_clip_grad_value():
    results = []
    for ns in (tinyllm, torch):
        parameters = [ns.from_numpy(x * 0).requires_grad_() for x in (*GRADS, GRADS[0])]
        for parameter, x in zip(parameters, GRADS, strict=False):
            parameter.grad = ns.from_numpy(np.where(x > 2, np.nan, x))
        ns.nn.utils.clip_grad_value_(parameters, 0.4)
        ns.nn.utils.clip_grad_value_(parameters[1], 0.3)
        assert parameters[3].grad is None
        results.append([p.grad for p in parameters[:3]])
    for ours, theirs in zip(*results, strict=True):
        same(ours, theirs)


def test_clip_grad_norm_of_no_gradient():
    for ns in (tinyllm, torch):
        parameter = ns.ones(3).requires_grad_()
        assert ns.nn.utils.clip_grad_norm_([parameter], 1.0, foreach=False).item() == 0
        assert ns.nn.utils.clip_grad_norm_(parameter, 1.0).item() == 0


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (5, 2, 3), (2, 5, 3)])
def test_orthogonal(shape):
    rows = nn.init.orthogonal_(tinyllm.zeros(*shape, dtype="float64"), gain=3).numpy()
    rows = rows.reshape(shape[0], -1)
    product = rows @ rows.T if rows.shape[0] <= rows.shape[1] else rows.T @ rows
    np.testing.assert_allclose(product, 9 * np.eye(len(product)), atol=1e-12)


def test_orthogonal_matrices_are_drawn_evenly():
    corners = [nn.init.orthogonal_(tinyllm.zeros(2, 2))[0, 0].item() for _ in range(400)]
    assert 0.4 < np.mean(np.array(corners) > 0) < 0.6


def test_sparse_and_eye():
    tinyllm.manual_seed(3)
    ours, theirs = nn.init.sparse_(tinyllm.ones(31, 7), 0.3), torch.ones(31, 7)
    torch.nn.init.sparse_(theirs, 0.3)
    assert (ours.numpy() == 0).sum(0).tolist() == (theirs.numpy() == 0).sum(0).tolist()
    values = nn.init.sparse_(tinyllm.ones(400, 300), 0.5, std=0.2).numpy()
    assert abs(values[values != 0].std() - 0.2) < 0.005
    same(nn.init.eye_(tinyllm.ones(3, 5)), torch.nn.init.eye_(torch.ones(3, 5)), "float32")


@pytest.mark.parametrize("name", ["eye_", "orthogonal_", "sparse_", "xavier_uniform_"])
def test_init_wants_a_matrix(name):
    more = (0.1,) if name == "sparse_" else ()
    for ns in (tinyllm, torch):
        with pytest.raises(ValueError):
            getattr(ns.nn.init, name)(ns.ones(3), *more)


def test_gains_as_there():
    for name in ("conv1d", "conv_transpose3d", "linear", "selu"):
        assert nn.init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    assert nn.init.calculate_gain("leaky_relu", 0.3) == torch.nn.init.calculate_gain(
        "leaky_relu", 0.3
    )
    for ns in (tinyllm, torch):
        for arguments in (("leaky_relu", True), ("leaky_relu", "a"), ("swish",)):
            with pytest.raises(ValueError):
                ns.nn.init.calculate_gain(*arguments)


def test_parameter_list():
    def build(ns):
        class Model(ns.nn.Module):
            def __init__(self):
                super().__init__()
                self.weights = ns.nn.ParameterList([ns.ones(2, 3), ns.nn.Parameter(ns.ones(5))])
                self.weights.append(ns.zeros(()))
                self.weights += [ns.ones(1)]
                self.weights.extend([ns.ones(7)])
                self.weights[1] = ns.nn.Parameter(ns.ones(4))

        return Model()

    ours, theirs = build(tinyllm), build(torch)
    names = [[(n, tuple(p.shape)) for n, p in m.named_parameters()] for m in (ours, theirs)]
    assert names[0] == names[1]
    assert repr(ours) == repr(theirs).replace("torch.", "")
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for model in (ours, theirs):
        assert len(model.weights) == 5
        assert [tuple(p.shape) for p in model.weights[-2:]] == [(1,), (7,)]
        assert all(p.requires_grad for p in model.weights)
        with pytest.raises(IndexError):
            model.weights[5]
        with pytest.raises(TypeError):
            model.weights.extend(3)


@pytest.mark.parametrize("strict", [True, False])
def test_load_state_dict_with_assign(strict):
    def both(ns):
        model = ns.nn.Sequential(ns.nn.Linear(3, 5), ns.nn.LayerNorm(5))
        model[1].bias.requires_grad_(False)
        given = {name: ns.ones(*p.shape, dtype=ns.float64) for name, p in model.named_parameters()}
        frozen = ns.nn.Parameter(ns.ones(5, dtype=ns.float64), requires_grad=False)
        given["1.weight"] = frozen  # keeps what the module's own said
        if not strict:
            del given["0.bias"]
            given["more"] = ns.ones(2)
        before = dict(model.named_parameters())
        keys = model.load_state_dict(given, strict=strict, assign=True)
        now = dict(model.named_parameters())
        with ns.no_grad():
            given["0.weight"][0, 0] = 7  # the same memory
        return (
            list(keys.missing_keys), list(keys.unexpected_keys),
            [(n, str(p.dtype).replace("torch.", ""), p.requires_grad) for n, p in now.items()],
            [n for n in now if now[n] is before[n]], model[0].weight[0, 0].item(),
            type(model[0].weight).__name__,
        )  # fmt: skip

    assert both(tinyllm) == both(torch)


def test_parameters_and_buffers_by_name():
    for ns in (tinyllm, torch):
        model = ns.nn.Sequential(ns.nn.Linear(3, 5), ns.nn.CrossEntropyLoss(ns.ones(5)))
        assert model.get_parameter("0.weight") is model[0].weight
        assert model.get_buffer("1.weight") is model[1].weight
        assert model.get_submodule("0") is model[0]
        assert model.get_submodule("") is model
        assert model.cpu() is model
        for wrong in ("0.wait", "7.weight", "0"):
            with pytest.raises(AttributeError):
                model.get_parameter(wrong)
        with pytest.raises(AttributeError):
            model.get_buffer("0.weight")
        assert str(model.half()[0].weight.dtype).endswith("float16")


def test_unflatten_wants_ints():
    for ns in (tinyllm, torch):
        with pytest.raises(TypeError):
            ns.nn.Unflatten(1, 6)
        with pytest.raises(TypeError):
            ns.nn.Unflatten(1, (2, "a"))
    with pytest.raises(TypeError, match="dim must be an int, not float"):
        nn.Unflatten(1.0, (2, 3))


def test_unflatten_that_does_not_fit():
    with pytest.raises(ValueError, match=r"dim 1 of input \(2, 7\) has 7 elements"):
        nn.Unflatten(1, (2, 3))(tinyllm.ones(2, 7))
    for sizes in ((-1, -1), (-1, 3), ()):
        with pytest.raises(ValueError, match="cannot be cut"):
            nn.Unflatten(1, sizes)(tinyllm.ones(2, 7))
    assert nn.Unflatten(0, (2, 3))(tinyllm.ones(6, 0)).shape == (2, 3, 0)
