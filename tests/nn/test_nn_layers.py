import math

import numpy as np
import pytest

import tinyllm
from tinyllm import nn
from tinyllm.nn import init


def test_default_initialisation_has_pytorchs_bounds():
    tinyllm.manual_seed(1)
    layer = nn.Linear(400, 300)
    bound = 1 / math.sqrt(400)
    for values in (layer.weight.detach().numpy(), layer.bias.detach().numpy()):
        assert np.abs(values).max() <= bound
        assert np.abs(values).max() > 0.95 * bound
    assert abs(layer.weight.detach().numpy().std() - bound / math.sqrt(3)) < 1e-3 * bound * 10
    rows = nn.Embedding(500, 200).weight.detach().numpy()
    assert abs(rows.mean()) < 0.02
    assert abs(rows.std() - 1) < 0.02
    norm = nn.LayerNorm((3, 5))
    assert (norm.weight.detach().numpy() == 1).all()
    assert (norm.bias.detach().numpy() == 0).all()


def test_padding_row_starts_at_zero_and_gets_no_gradient():
    layer = nn.Embedding(7, 3, padding_idx=-2)
    assert layer.padding_idx == 5
    assert layer.weight[5].tolist() == [0, 0, 0]
    layer(tinyllm.tensor([[5, 1], [1, 5]])).sum().backward()
    grad = layer.weight.grad.numpy()
    assert (grad[5] == 0).all()
    assert (grad[1] == 2).all()
    with pytest.raises(ValueError, match="padding_idx 7"):
        nn.Embedding(7, 3, padding_idx=7)


def test_embedding_from_pretrained_shares_and_freezes():
    rows = tinyllm.randn(5, 3)
    layer = nn.Embedding.from_pretrained(rows)
    assert layer.weight.array is rows.array
    assert not layer.weight.requires_grad
    assert nn.Embedding.from_pretrained(rows, freeze=False).weight.requires_grad


def test_dropout_acts_in_training_only():
    layer = nn.Dropout(0.25)
    x = tinyllm.ones(100, 100)
    y = layer(x).numpy()
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 0.02
    assert layer.eval()(x) is x
    with pytest.raises(ValueError, match="between 0 and 1, but got 1.5"):
        nn.Dropout(1.5)


def test_layers_in_float64():
    layer = nn.Sequential(nn.Linear(3, 5, dtype=tinyllm.float64), nn.LayerNorm(5).double())
    assert layer(tinyllm.ones(2, 3, dtype=tinyllm.float64)).dtype == np.float64
    with pytest.raises(TypeError, match="float32 but the weights are float64"):
        layer(tinyllm.ones(2, 3))


@pytest.mark.parametrize(
    ("fill", "std"),
    [
        (lambda w: init.uniform_(w, -2, 4), 6 / math.sqrt(12)),
        (lambda w: init.normal_(w, 1, 0.5), 0.5),
        (lambda w: init.xavier_uniform_(w, 2), 2 * math.sqrt(2 / 700)),
        (lambda w: init.xavier_normal_(w), math.sqrt(2 / 700)),
        (lambda w: init.kaiming_uniform_(w, nonlinearity="relu"), math.sqrt(2 / 400)),
        (lambda w: init.kaiming_normal_(w, a=0.5), math.sqrt(2 / 1.25 / 400)),
        (lambda w: init.kaiming_normal_(w, 1, "fan_out"), math.sqrt(1 / 300)),
        (lambda w: init.trunc_normal_(w, 0, 1, -1, 1), 0.5396),
    ],
)
def test_initial_std(fill, std):
    tinyllm.manual_seed(3)
    weight = nn.Parameter(tinyllm.zeros(300, 400))
    assert fill(weight) is weight
    assert weight.requires_grad
    assert weight.is_leaf
    assert abs(weight.detach().numpy().std() / std - 1) < 0.01


def test_init_bounds_constants_and_errors():
    weight = tinyllm.zeros(30, 40)
    assert np.abs(init.trunc_normal_(weight, 0, 0.02, -0.03, 0.03).numpy()).max() <= 0.03
    assert (init.constant_(weight, 3).numpy() == 3).all()
    assert (init.ones_(weight).numpy() == 1).all()
    assert (init.zeros_(weight).numpy() == 0).all()
    with pytest.raises(ValueError, match="absolute values"):
        init.trunc_normal_(weight, 0, 1, 50, 60)
    with pytest.raises(ValueError, match="two dimensions"):
        init.xavier_uniform_(tinyllm.zeros(3))
    with pytest.raises(ValueError, match="fan_in"):
        init.kaiming_uniform_(weight, mode="fan")
    with pytest.raises(ValueError, match="nonlinearity 'swish'"):
        init.calculate_gain("swish")


def test_init_follows_the_seed_and_the_generator():
    tinyllm.manual_seed(5)
    first = nn.Linear(3, 5).weight.tolist()
    second = nn.Linear(3, 5).weight.tolist()
    tinyllm.manual_seed(5)
    assert nn.Linear(3, 5).weight.tolist() == first != second
    a, b = (init.normal_(tinyllm.zeros(7), generator=tinyllm.Generator(11)) for _ in range(2))
    assert a.tolist() == b.tolist()


def gradients(*values):
    parameters = [nn.Parameter(tinyllm.zeros(len(v))) for v in values]
    for parameter, value in zip(parameters, values, strict=True):
        parameter.grad = tinyllm.tensor(value)
    return parameters


def test_clipping_scales_all_gradients_together():
    parameters = [*gradients([3.0, 0.0], [0.0, 0.0, 4.0]), nn.Parameter(tinyllm.zeros(2))]
    norm = nn.utils.clip_grad_norm_(iter(parameters), 1.0)
    assert norm.item() == 5
    np.testing.assert_allclose(parameters[0].grad.numpy(), [0.6, 0], rtol=1e-5)
    np.testing.assert_allclose(parameters[1].grad.numpy(), [0, 0, 0.8], rtol=1e-5)
    assert parameters[2].grad is None
    assert nn.utils.clip_grad_norm_(parameters, 2.0).item() == pytest.approx(1)
    np.testing.assert_allclose(parameters[0].grad.numpy(), [0.6, 0], rtol=1e-5)  # below: unchanged
    assert nn.utils.clip_grad_norm_(parameters, 9.0, norm_type=1).item() == pytest.approx(1.4)
    assert nn.utils.clip_grad_norm_(parameters, 9.0, math.inf).item() == pytest.approx(0.8)
    assert nn.utils.clip_grad_norm_([], 1.0).item() == 0


@pytest.mark.parametrize("norm_type", [2, 1, math.inf])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_clipping_tells_of_gradients_that_are_not_finite(bad, norm_type):
    parameters = gradients([1.0, 2.0], [bad, 1.0])
    with pytest.raises(RuntimeError, match="cannot be clipped"):
        nn.utils.clip_grad_norm_(parameters, 1.0, norm_type, error_if_nonfinite=True)
    assert parameters[0].grad.tolist() == [1, 2]
    assert not math.isfinite(nn.utils.clip_grad_norm_(parameters, 1.0, norm_type).item())


def test_losses_as_modules():
    logits, targets = tinyllm.randn(5, 3), tinyllm.tensor([0, 2, -100, 1, 1])
    loss = nn.CrossEntropyLoss(reduction="sum", label_smoothing=0.1)
    expected = nn.functional.cross_entropy(logits, targets, reduction="sum", label_smoothing=0.1)
    assert loss(logits, targets).item() == expected.item()
    assert nn.MSELoss()(tinyllm.ones(3), tinyllm.zeros(3)).item() == 1
    assert nn.Softmax(dim=0)(tinyllm.zeros(4, 3)).tolist() == [[0.25] * 3] * 4
