"""Backward references against small steps: a formula that grades is not its own witness."""

import numpy as np
import pytest

import tinyllm
from tinyllm.course import exercise
from tinyllm.course.comparing import difference
from tinyllm.models import Decoder, DecoderConfig

STEP = 1e-6


def softmax(x):
    return exercise("my_softmax").reference(x)


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_softmax_backward_is_what_small_steps_give(seed):
    backward = exercise("softmax_backward")
    for case in backward.drawn(seed):
        y, grad_y = case.arguments
        with np.errstate(divide="ignore"):
            x = np.log(y)  # softmax gives y back; a share of 0 is a score of -inf
        np.testing.assert_allclose(softmax(x), y, atol=1e-15)
        by_steps = np.zeros_like(y)
        for place in np.ndindex(y.shape):
            move = np.zeros_like(y)
            move[place] = STEP
            change = softmax(x + move) - softmax(x - move)
            by_steps[place] = (change * grad_y).sum() / (2 * STEP)
        np.testing.assert_allclose(backward.reference(y, grad_y), by_steps, rtol=0, atol=1e-9)


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_cross_entropy_backward_is_what_small_steps_give(seed):
    loss, backward = exercise("my_cross_entropy").reference, exercise("cross_entropy_backward")
    for case in backward.drawn(seed):
        logits, targets = case.arguments
        step = STEP * np.abs(logits).max()
        by_steps = np.zeros_like(logits)
        for place in np.ndindex(logits.shape):
            move = np.zeros_like(logits)
            move[place] = step
            change = loss(logits + move, targets) - loss(logits - move, targets)
            by_steps[place] = change / (2 * step)
        found = backward.reference(logits, targets)
        np.testing.assert_allclose(found, by_steps, rtol=0, atol=1e-7)


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_rms_norm_backward_is_what_small_steps_give(seed):
    norm, backward = exercise("my_rms_norm").reference, exercise("rms_norm_backward")
    for case in backward.drawn(seed):
        x, weight, grad_y, eps = case.arguments

        def loss(x, weight, grad_y=grad_y, eps=eps):
            return (norm(x, weight, eps) * grad_y).sum()

        step = STEP * np.abs(x).max()
        grad_x, grad_weight = backward.reference(x, weight, grad_y, eps)
        for place in np.ndindex(x.shape):
            move = np.zeros_like(x)
            move[place] = step
            by_steps = (loss(x + move, weight) - loss(x - move, weight)) / (2 * step)
            assert abs(grad_x[place] - by_steps) < 1e-6 * max(1.0, np.abs(grad_x).max())
        for place in np.ndindex(weight.shape):
            move = np.zeros_like(weight)
            move[place] = STEP
            by_steps = (loss(x, weight + move) - loss(x, weight - move)) / (2 * STEP)
            assert abs(grad_weight[place] - by_steps) < 1e-7


def test_scatter_is_the_transpose_of_the_lookup():
    """<grad_y, look_up(table)> = <scatter(grad_y), table>, for any table."""
    scatter = exercise("scatter_to_rows")
    for case in scatter.drawn():
        grad_y, ids, V = case.arguments
        table = np.random.default_rng(0).normal(size=(V, grad_y.shape[-1]))
        found = (scatter.reference(grad_y, ids, V) * table).sum()
        np.testing.assert_allclose(found, (grad_y * table[ids]).sum(), rtol=1e-12)


def test_references_agree_with_the_package():
    """Positions, rotation, norms, MLP and block: the course's own formulas against tinyllm's."""
    positions = tinyllm.nn.sinusoidal_positions(7, 6).numpy()
    np.testing.assert_allclose(exercise("wave_positions").reference(7, 6), positions, atol=1e-6)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 5, 1, 6))  # (B, T, N, D)
    rotary = tinyllm.nn.RotaryEmbedding(6, 16)
    by_hand = exercise("turn_pairs").reference(x[:, :, 0], np.arange(3, 8))
    turned = rotary(tinyllm.tensor(x), start=3).numpy()[:, :, 0]
    np.testing.assert_allclose(by_hand, turned, atol=1e-12)
    tinyllm.manual_seed(0)
    config = DecoderConfig(vocab_size=8, context_length=8, layers=2, heads=3, width=12)
    decoder = Decoder(config)
    block = decoder.blocks[0].double()
    p = {name: value.numpy() for name, value in block.state_dict().items()}
    x = rng.normal(size=(2, 7, 12))  # (B, T, C)
    with tinyllm.no_grad():
        expected = block(tinyllm.tensor(x)).numpy()
    np.testing.assert_allclose(exercise("my_block").reference(x, p, 3), expected, atol=1e-10)


def test_starting_values_are_those_of_the_package():
    decoder = Decoder(DecoderConfig(vocab_size=300, context_length=64, layers=3, heads=4, width=64))
    for name, parameter in decoder.named_parameters():
        mean, std = exercise("starting_values").reference(name, 3)
        numbers = parameter.detach().numpy()
        assert abs(numbers.mean() - mean) < 0.1 * max(std, 1e-9), name
        assert abs(numbers.std() - std) <= 0.05 * std, name


@pytest.mark.parametrize("layers", [1, 3])
def test_the_gpt_of_lesson_10_is_tinyllms_and_so_are_its_gradients(layers):
    """With weights that are far from their small starting values, in 64 bits."""
    sizes = {"context_length": 7, "layers": layers, "heads": 2, "width": 8, "positions": "learned"}
    config = DecoderConfig(vocab_size=6, norm="rms", activation="relu2", bias=False, **sizes)
    model = Decoder(config).double()
    rng = np.random.default_rng(layers)
    p = {}
    with tinyllm.no_grad():
        for name, value in model.named_parameters():
            if value.ndim == 2:
                value.copy_(tinyllm.tensor(0.5 * rng.normal(size=value.shape)))
            p[name] = value
    paths = {"qkv": "attention.qkv", "out": "attention.out", "up": "mlp.up", "down": "mlp.down"}

    def named(of):
        blocks = [
            {name: of(p[f"blocks.{i}.{path}.weight"]) for name, path in paths.items()}
            for i in range(layers)
        ]
        tables = of(p["token_embedding.weight"]), of(p["position_embedding.weight"])
        return {"tokens": tables[0], "positions": tables[1], "blocks": blocks}

    weights = named(lambda value: value.detach().numpy())
    inputs, targets = rng.integers(6, size=(2, 3, 5))
    targets[0, 2:] = -100
    logits, stream = exercise("gpt_forward").reference(weights, inputs, 2)
    theirs = model(tinyllm.tensor(inputs)).detach().numpy()
    np.testing.assert_allclose(logits, theirs, rtol=1e-9, atol=1e-12)
    assert len(stream) == layers + 1
    loss = model.loss(tinyllm.tensor(inputs), tinyllm.tensor(targets))
    loss.backward()
    found = exercise("gpt_gradients").reference(weights, inputs, targets, 2)
    expected = named(lambda value: value.grad.numpy())
    assert difference(found, (loss.item(), expected), 1e-8, 1e-12) is None
