"""Every diagnosis, each brought about by a Function that is wrong in just that way."""

import numpy as np
import pytest

from tinyllm.gradcheck import GradcheckError, gradcheck
from tinyllm.ops.function import Function
from tinyllm.tensor import Tensor, apply


def leaf(*shape, seed=0):
    return Tensor(np.random.default_rng(seed).normal(size=shape), requires_grad=True)


def function(forward, backward):
    """A Function of two lambdas: forward(*arrays), backward(grad_y, *arrays)."""

    class Wrong(Function):
        @staticmethod
        def forward(ctx, *arrays):
            ctx.save_for_backward(*arrays)
            return forward(*arrays)

        @staticmethod
        def backward(ctx, grad_y):
            return backward(grad_y, *ctx.saved_tensors)

    return lambda *inputs: apply(Wrong, *inputs)


def diagnosis(forward, backward, *inputs, **params):
    with pytest.raises(GradcheckError) as caught:
        gradcheck(function(forward, backward), inputs, **params)
    return str(caught.value)


def softmax(x):
    exps = np.exp(x - x.max(axis=-1, keepdims=True))
    return exps / exps.sum(axis=-1, keepdims=True)


def normalised(x):
    return (x - x.mean(axis=-1, keepdims=True)) / x.std(axis=-1, keepdims=True)


# Constant factors and signs


def test_factor_half():
    said = diagnosis(lambda x: x * x, lambda g, x: g * x, leaf(3, 5))
    assert "constant factor: analytic = 0.5 * numeric, which is 1/2" in said


def test_factor_two():
    said = diagnosis(lambda x: x * x, lambda g, x: 4 * g * x, leaf(3, 5))
    assert "constant factor: analytic = 2 * numeric, which is 2" in said


def test_factor_of_a_mean():
    said = diagnosis(
        lambda x: x.mean(axis=-1), lambda g, x: np.repeat(g[:, None], 7, axis=1), leaf(3, 7)
    )
    assert "analytic = 7 * numeric" in said
    assert "7, the size of axis 1 of shape (3, 7): a division by it (a mean) is missing" in said


def test_factor_one_over_n():
    said = diagnosis(
        lambda x: x.sum(axis=-1), lambda g, x: np.repeat(g[:, None], 7, axis=1) / 7, leaf(3, 7)
    )
    assert "1/7, 7 being the size of axis 1" in said


def test_factor_root_and_number_of_elements():
    said = diagnosis(lambda x: x / np.sqrt(11), lambda g, x: g, leaf(3, 11))
    assert "sqrt(11)" in said
    said = diagnosis(lambda x: np.asarray((x**2).mean()), lambda g, x: g * 2 * x, leaf(3, 5))
    assert "15, the number of elements" in said


def test_factor_of_bessel():
    said = diagnosis(
        lambda x: x.var(axis=-1, ddof=1),
        lambda g, x: g[:, None] * 2 * (x - x.mean(axis=-1, keepdims=True)) / 9,
        leaf(2, 9),
    )
    assert "8/9" in said
    assert "Bessel" in said


def test_factor_with_sign():
    said = diagnosis(lambda x: x * x, lambda g, x: -4 * g * x, leaf(5))
    assert "constant factor and sign: analytic = -2 * numeric, which is -2" in said


def test_factor_without_a_name():
    said = diagnosis(lambda x: x * 0.7183, lambda g, x: g, leaf(5))
    assert "constant factor: analytic = 1.39218 * numeric\n" in said + "\n"


def test_factor_in_a_part():
    said = diagnosis(
        lambda x: np.where(x > 0, x, 0.5 * x), lambda g, x: g * np.where(x > 0, 1, 0.25), leaf(4, 5)
    )
    assert "1/2" in said
    assert "wrong just where the input is negative" in said


def test_sign():
    said = diagnosis(lambda a, b: a - b, lambda g, a, b: (g, g), leaf(3), leaf(3, seed=1))
    assert "input 1 (3,)" in said
    assert "sign: analytic = -numeric" in said


def test_sign_of_some_elements():
    said = diagnosis(np.abs, lambda g, x: g, leaf(4, 5))
    assert "sign: wrong at" in said


# Elements in the wrong place


def test_transposed_by_value():
    said = diagnosis(lambda x: 2 * x.T, lambda g, x: 2 * g, leaf(5, 5))
    assert "transposed: the right numbers, with axes in the order (1, 0)" in said


def test_transposed_by_reshape():
    said = diagnosis(lambda x: 2 * x.T, lambda g, x: 2 * g.reshape(x.shape), leaf(3, 5))
    assert "a reshape where a transpose was meant" in said


def test_transposed_shape():
    said = diagnosis(lambda x: 2 * x.T, lambda g, x: 2 * g, leaf(3, 5))
    assert "transposed: (5, 3) holds the sizes of (3, 5)" in said


def test_matmul_gradient_transposed():
    said = diagnosis(
        lambda a, b: a @ b, lambda g, a, b: (g @ b.T, g.T @ a), leaf(5, 5), leaf(5, 5, seed=1)
    )
    assert "input 1 (5, 5): all 25 elements, 2" in said
    assert "transposed" in said


# Broadcasting


def test_broadcast_not_summed_by_shape():
    said = diagnosis(
        lambda a, b: a * b, lambda g, a, b: (g * b, g * a), leaf(3, 5), leaf(5, seed=1)
    )
    assert (
        "not summed over a broadcast axis: (5,) was broadcast to (3, 5); sum over axes (0,)" in said
    )
    said = diagnosis(
        lambda a, b: a * b, lambda g, a, b: (g * b, (g * a).sum(0)), leaf(3, 5), leaf(3, 1, seed=1)
    )
    assert "transposed" not in said


def test_broadcast_not_summed_by_value():
    said = diagnosis(lambda a, b: a + b, lambda g, a, b: (g, g[0]), leaf(3, 5), leaf(5, seed=1))
    assert (
        "not summed over a broadcast axis: the input reaches every position of axis 0 of the "
        "output (3, 5), and the gradient holds the contribution of position 0 alone"
    ) in said


def test_batch_axis_not_summed():
    said = diagnosis(
        lambda x, w: x @ w,
        lambda g, x, w: (g @ w.T, x[-1].T @ g[-1]),
        leaf(2, 3, 5),
        leaf(5, 4, seed=1),
    )
    assert "position 1 alone" in said


def test_broadcast_averaged():
    said = diagnosis(
        lambda a, b: a + b, lambda g, a, b: (g, g.mean(axis=0)), leaf(7, 5), leaf(5, seed=1)
    )
    assert "1/7, 7 being the size of axis 0" in said


# Overwritten


def test_repeated_index_overwritten():
    ids = np.array([3, 1, 3, 0, 3, 1])

    def backward(grad_y, weight):
        grad_weight = np.zeros_like(weight)
        grad_weight[ids] = grad_y
        return grad_weight

    said = diagnosis(lambda weight: weight[ids], backward, leaf(5, 4))
    assert "overwritten where it should accumulate: each wrong element feeds several" in said
    assert "wrong just at [1, 3] of axis 0" in said


def test_tensor_passed_twice_counted_once():
    x = leaf(5)
    said = diagnosis(lambda a, b: a * np.exp(b), lambda g, a, b: (g * np.exp(b), 0 * b), x, x)
    assert "inputs 0 and 1 (one tensor)" in said
    assert "overwritten where it should accumulate" in said
    assert "through input 0 alone" in said


# Missing terms


def test_softmax_without_its_dot():
    said = diagnosis(softmax, lambda g, x: g * softmax(x), leaf(3, 7))
    assert "missing term: numeric - analytic is proportional to the output along axis 1" in said


def test_missing_mean():
    said = diagnosis(lambda x: x - x.mean(axis=-1, keepdims=True), lambda g, x: g, leaf(3, 7))
    assert "missing term: numeric - analytic is constant along axis 1" in said


def test_layer_norm_without_its_means():
    said = diagnosis(normalised, lambda g, x: g / x.std(axis=-1, keepdims=True), leaf(4, 7))
    assert "a constant plus a multiple of the input along axis 1" in said


def test_rms_norm_without_its_projection():
    def rms(x):
        return np.sqrt((x * x).mean(axis=-1, keepdims=True))

    said = diagnosis(lambda x: x / rms(x), lambda g, x: g / rms(x), leaf(4, 7))
    assert "missing term: numeric - analytic is proportional to the input along axis 1" in said


def test_missing_residual():
    said = diagnosis(lambda x: x + np.sin(3 * x), lambda g, x: g * 3 * np.cos(3 * x), leaf(4, 7))
    assert "missing term: numeric - analytic is proportional to grad_y" in said


# Points, zeros, None


def test_kink():
    x = Tensor(np.array([-1.0, 0.0, 2.0]), requires_grad=True)
    said = diagnosis(lambda x: np.maximum(x, 0), lambda g, x: g * (x > 0), x)
    assert "a kink at the point: at input value 0 " in said
    assert "as good as any" in said


def test_a_kink_does_not_hide_a_mistake_elsewhere():
    x = Tensor(np.array([-1.0, 0.0, 2.0, 3.0]), requires_grad=True)
    said = diagnosis(lambda x: np.maximum(x, 0) ** 1, lambda g, x: -g * (x > 0), x)
    assert "kink" not in said
    assert "sign" in said


def test_steep_is_no_kink():
    x = Tensor(np.array([0.01, 0.02, 0.5]), requires_grad=True)
    said = diagnosis(lambda x: 1 / x, lambda g, x: g / x**2, x)
    assert "sign" in said


def test_zero_gradient():
    said = diagnosis(np.exp, lambda g, x: np.zeros_like(x), leaf(3))
    assert "zero gradient: the backward returns zeros" in said


def test_zero_gradient_of_some():
    said = diagnosis(lambda x: 3 * x, lambda g, x: 3 * g * (np.arange(4) < 3), leaf(2, 4))
    assert "zero gradient; wrong just at [3] of axis 1" in said


def test_no_gradient():
    said = diagnosis(lambda a, b: a * b, lambda g, a, b: (g * b, None), leaf(3), leaf(3, seed=1))
    assert "input 1" in said
    assert "no gradient at all (None)" in said
    assert "analytic None" in said


def test_gradient_not_finite():
    said = diagnosis(lambda x: x * x, lambda g, x: g * 2 * x * np.array([1, np.inf, 1]), leaf(3))
    assert "not finite" in said


def test_no_pattern():
    said = diagnosis(np.sin, lambda g, x: g * np.cos(x * x + 1), leaf(4, 5))
    assert "no pattern known" in said


def test_wrong_dtype_and_count():
    said = diagnosis(np.sin, lambda g, x: (g * np.cos(x)).astype(np.float32), leaf(3))
    assert "dtype float32" in said
    assert "likely cause" not in said
    said = diagnosis(np.sin, lambda g, x: (g, g), leaf(3))
    assert "2 gradients for 1 inputs" in said


# What a backward must leave alone


def test_grad_y_changed_in_place():
    def backward(grad_y, x):
        grad_y *= 2
        return grad_y

    assert "changed the gradient it was given" in diagnosis(lambda x: 2 * x, backward, leaf(3))


def test_saved_changed_in_place():
    class Saved(Function):
        @staticmethod
        def forward(ctx, x):
            y = np.exp(x)
            ctx.save_for_backward(y.copy())
            return y

        @staticmethod
        def backward(ctx, grad_y):
            (y,) = ctx.saved_tensors
            y *= grad_y
            return y.copy()

    with pytest.raises(GradcheckError, match="changes its saved arrays in place"):
        gradcheck(lambda x: apply(Saved, x), leaf(3))


def test_input_changed_in_place():
    def forward(x):
        x += 1
        return x * 1

    with pytest.raises(GradcheckError, match="(changed an input in place|different outputs)"):
        gradcheck(function(forward, lambda g, x: g), leaf(3))


def test_large_inputs_are_diagnosed_from_samples():
    said = diagnosis(lambda x: x * x, lambda g, x: 3 * g * x, leaf(60, 50))
    assert "64 of 3000 elements, sampled" in said
    assert "analytic = 1.5 * numeric" in said
