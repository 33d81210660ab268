"""Right functions pass, wrong ones are told apart, and misuse is refused with a reason."""

import numpy as np
import pytest

from tinyllm.gradcheck import GradcheckError, gradcheck, gradcheck_report
from tinyllm.ops.function import Function
from tinyllm.tensor import Tensor, apply


def leaf(*shape, seed=0, dtype=np.float64):
    array = np.random.default_rng(seed).normal(size=shape)
    return Tensor(np.asarray(array, dtype), requires_grad=True)


class Square(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, grad_y):
        (x,) = ctx.saved_tensors
        return 2 * x * grad_y


class SquareForgetting(Square):
    @staticmethod
    def backward(ctx, grad_y):
        (x,) = ctx.saved_tensors
        return x * grad_y


class SumAndCumulative(Function):
    """Two outputs of different shapes."""

    @staticmethod
    def forward(ctx, x):
        return x.sum(axis=-1), x.cumsum(axis=-1)

    @staticmethod
    def backward(ctx, grad_sum, grad_cumulative):
        return grad_sum[..., None] + grad_cumulative[..., ::-1].cumsum(axis=-1)[..., ::-1]


class Product(Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a * b

    @staticmethod
    def backward(ctx, grad_y):
        a, b = ctx.saved_tensors
        return grad_y * b, grad_y * a


def square(x):
    return apply(Square, x)


def test_right_functions_pass():
    assert gradcheck(square, leaf(3, 5)) is True
    assert gradcheck(square, (leaf(),))
    assert gradcheck(square, leaf(0, 3))
    assert gradcheck(lambda x: apply(SumAndCumulative, x), leaf(2, 7))
    x = leaf(3)
    assert gradcheck(lambda a, b: apply(Product, a, b), (x, x))
    assert gradcheck(lambda a, b: apply(Product, a, b), (x, Tensor(np.ones(3))))


def test_non_contiguous_inputs_are_moved_in_place():
    x = Tensor(np.random.default_rng(0).normal(size=(5, 3)).T, requires_grad=True)
    before = x.array.copy()
    assert not x.array.flags.c_contiguous
    assert gradcheck(square, x)
    np.testing.assert_array_equal(x.array, before)


def test_a_function_may_close_over_its_input():
    weight = leaf(3)
    assert gradcheck(lambda w, x: apply(Product, weight, x), (weight, leaf(3, seed=1)))


def test_sampling_is_said_and_follows_the_seed():
    report = gradcheck_report(square, leaf(10, 20), samples=64)
    assert report.ok
    assert report.elements == 64
    assert "64 of 200 elements, sampled" in str(report)
    assert "all 15 elements" in str(gradcheck_report(square, leaf(3, 5)))

    class WrongAtOne(Square):
        @staticmethod
        def backward(ctx, grad_y):
            grad_x = Square.backward(ctx, grad_y)
            grad_x[7, 3] += 1
            return grad_x

    def found(seed):
        wrong = lambda x: apply(WrongAtOne, x)  # noqa: E731
        return not gradcheck_report(wrong, leaf(10, 20), samples=100, seed=seed).ok

    verdicts = [found(seed) for seed in range(8)]
    assert [found(seed) for seed in range(8)] == verdicts
    assert len(set(verdicts)) == 2  # other seeds draw other elements
    assert not gradcheck(
        lambda x: apply(WrongAtOne, x), leaf(10, 20), samples=200, raise_exception=False
    )


def test_failure_raises_with_the_report_or_returns_false():
    with pytest.raises(GradcheckError, match="analytic .* numeric") as caught:
        gradcheck(lambda x: apply(SquareForgetting, x), leaf(3, 5))
    assert isinstance(caught.value, RuntimeError)
    entry = caught.value.report.inputs[0]
    assert not entry.ok
    assert (entry.checked, entry.failed) == (15, 15)
    assert entry.analytic == pytest.approx(entry.numeric / 2)
    wrong = gradcheck(lambda x: apply(SquareForgetting, x), leaf(3), raise_exception=False)
    assert wrong is False


def test_only_the_wrong_input_is_blamed():
    class WrongSecond(Product):
        @staticmethod
        def backward(ctx, grad_y):
            a, b = ctx.saved_tensors
            return grad_y * b, -grad_y * a

    inputs = leaf(4), leaf(4, seed=1)
    report = gradcheck_report(lambda a, b: apply(WrongSecond, a, b), inputs)
    assert [x.ok for x in report.inputs] == [True, False]
    assert report.inputs[1].name == "input 1"


def test_zeros_do_not_pass_where_the_sum_is_constant():
    class Share(Function):
        """x / sum(x): its sum is 1 whatever x is, so `out.sum()` would let this pass."""

        @staticmethod
        def forward(ctx, x):
            return x / x.sum(axis=-1, keepdims=True)

        @staticmethod
        def backward(ctx, grad_y):
            return np.zeros_like(grad_y)

    x = Tensor(np.random.default_rng(0).uniform(1, 2, (2, 5)), requires_grad=True)
    with pytest.raises(GradcheckError, match="zero gradient"):
        gradcheck(lambda x: apply(Share, x), x)


def test_infinite_outputs_are_left_out_and_said():
    class MaskFirst(Function):
        @staticmethod
        def forward(ctx, x):
            y = x * 3
            y[0] = -np.inf
            return y

        @staticmethod
        def backward(ctx, grad_y):
            grad_x = grad_y * 3
            grad_x[0] = 0
            return grad_x

    report = gradcheck_report(lambda x: apply(MaskFirst, x), leaf(3, 2))
    assert report.ok
    assert "2 infinite outputs of 6 left out" in str(report)


def test_infinite_inputs_stay_put():
    x = leaf(4)
    x.array[1] = -np.inf

    class Exp(Function):
        @staticmethod
        def forward(ctx, x):
            y = np.exp(x)
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, grad_y):
            return grad_y * ctx.saved_tensors[0]

    assert gradcheck(lambda x: apply(Exp, x), x)


# Misuse


def test_float32_is_refused_or_checked_along_directions():
    x = leaf(3, 5, dtype=np.float32)
    with pytest.raises(TypeError, match=r"input 0 of shape \(3, 5\) is float32.*directional=True"):
        gradcheck(square, x)
    report = gradcheck_report(square, x, directional=True)
    assert report.ok
    assert "4 directions through 15 elements" in str(report)
    with pytest.raises(GradcheckError, match=r"1/2"):
        gradcheck(lambda x: apply(SquareForgetting, x), x, directional=True)


def test_directions_catch_a_small_slip():
    class Slip(Square):
        @staticmethod
        def backward(ctx, grad_y):
            grad_x = Square.backward(ctx, grad_y)
            grad_x[0] *= -1
            return grad_x

    for dtype in (np.float32, np.float64):
        assert not gradcheck(
            lambda x: apply(Slip, x),
            leaf(3, 5, dtype=dtype),
            directional=True,
            raise_exception=False,
        )


def test_no_input_to_check():
    with pytest.raises(ValueError, match="no input requires a gradient"):
        gradcheck(square, Tensor(np.ones(3)))


def test_computed_and_overlapping_inputs_are_refused():
    with pytest.raises(ValueError, match="is computed"):
        gradcheck(square, square(leaf(3)))
    with pytest.raises(ValueError, match="shares memory"):
        gradcheck(square, Tensor(np.broadcast_to(np.ones(1), (3,)), requires_grad=True))
    with pytest.raises(ValueError, match="holds NaN"):
        gradcheck(square, Tensor(np.array([np.nan]), requires_grad=True))


def test_randomness_is_detected():
    rng = np.random.default_rng(0)

    def noisy(x):
        return apply(Product, x, Tensor(rng.normal(size=x.shape)))

    with pytest.raises(GradcheckError, match="draws random numbers"):
        gradcheck(noisy, leaf(3))


def test_outputs_that_cannot_be_checked():
    with pytest.raises(GradcheckError, match="no gradient at all"):
        gradcheck(lambda x: square(x).detach(), leaf(3))
    with pytest.raises(TypeError, match="must return a Tensor"):
        gradcheck(lambda x: 1.0, leaf(3))
    with pytest.raises(GradcheckError, match="NaN"):
        gradcheck(lambda x: square(Tensor(np.array([np.nan]), requires_grad=True)), leaf(3))
