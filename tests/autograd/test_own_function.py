"""autograd.Function: an op of one's own, written as in PyTorch."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import tinyllm
from tinyllm import autograd
from tinyllm.autograd import Function
from tinyllm.autograd.function import once_differentiable
from tinyllm.gradcheck import GradcheckError, gradcheck


def leaf(*shape):
    return tinyllm.randn(*shape, dtype=tinyllm.float64, requires_grad=True)


class Exp(Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_y):
        (y,) = ctx.saved_tensors
        return grad_y * y


class Scaled(Function):
    """x * n, with a number and a flag among the arguments."""

    @staticmethod
    def forward(ctx, x, n, negative=False):
        ctx.n = -n if negative else n
        return x * ctx.n

    @staticmethod
    def backward(ctx, grad_y):
        return grad_y * ctx.n, None, None


class Product(Function):
    """x * w in the form with setup_context."""

    @staticmethod
    def forward(x, w, times=1):
        return x * w * times

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, w, ctx.times = inputs
        assert not output.requires_grad
        ctx.save_for_backward(x, w)

    @staticmethod
    def backward(ctx, grad_y):
        x, w = ctx.saved_tensors
        grad_x = grad_y * w * ctx.times if ctx.needs_input_grad[0] else None
        grad_w = grad_y * x * ctx.times if ctx.needs_input_grad[1] else None
        return grad_x, grad_w, None


class SumAndDifference(Function):
    @staticmethod
    def forward(ctx, x, y):
        return x + y, x - y

    @staticmethod
    def backward(ctx, grad_sum, grad_difference):
        return grad_sum + grad_difference, grad_sum - grad_difference


class Sorted(Function):
    """Values and places: the second output carries no gradient."""

    @staticmethod
    def forward(ctx, x):
        values, places = x.sort()
        as_floats = places.double()
        ctx.mark_non_differentiable(places, as_floats)
        ctx.save_for_backward(places)
        return values, places, as_floats

    @staticmethod
    def backward(ctx, grad_values, grad_places, grad_floats):
        assert grad_floats.tolist() == [0.0] * len(grad_floats)
        (places,) = ctx.saved_tensors
        grad_x = tinyllm.zeros_like(grad_values)
        grad_x[places] = grad_values
        return grad_x


class AsItIs(Function):
    @staticmethod
    def forward(ctx, x):
        return x

    @staticmethod
    def backward(ctx, grad_y):
        return 3 * grad_y


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        (Exp.apply, [(2, 3)]),
        (Exp.apply, [()]),
        (Exp.apply, [(0, 3)]),
        (lambda x: Scaled.apply(x, 3), [(2, 3)]),
        (lambda x: Scaled.apply(x, 3, negative=True), [(2, 3)]),
        (lambda x, w: Product.apply(x, w, 2), [(2, 3), (2, 3)]),
        (lambda x, w: Product.apply(x, times=2, w=w), [(2, 3), (2, 3)]),
        (SumAndDifference.apply, [(5,), (5,)]),
        (lambda x, y: SumAndDifference.apply(x, y)[1], [(5,), (5,)]),
        (lambda x: Sorted.apply(x)[0], [(7,)]),
        (lambda x: Exp.apply(Exp.apply(x * 0.1)) + Exp.apply(x), [(2, 3)]),
        (lambda x: Product.apply(x, x), [(2, 3)]),
        (lambda x: Exp.apply(x.t()[::2]), [(2, 3)]),
    ],
)
def test_gradcheck(function, shapes) -> None:
    assert gradcheck(function, [leaf(*shape) for shape in shapes])


def test_gradcheck_finds_a_wrong_one() -> None:
    with pytest.raises(GradcheckError):  # the gradient of x is not 3
        gradcheck(AsItIs.apply, leaf(3))


def test_its_place_in_the_graph() -> None:
    x = leaf(2, 3)
    y = Exp.apply(x)
    assert y.requires_grad
    assert not y.is_leaf
    assert y.grad_fn.name() == "ExpBackward"
    assert "ExpBackward" in repr(y)
    assert y.grad_fn.saved_tensors[0].tolist() == y.tolist()
    assert not Product.apply(x, x).grad_fn.saved_tensors[0].requires_grad  # only the values
    assert Scaled.apply(x, 4).grad_fn.n == 4  # ctx's own attributes
    assert not Exp.apply(x.detach()).requires_grad
    with tinyllm.no_grad():
        assert not Exp.apply(x).requires_grad


def test_nothing_inside_forward_or_backward_is_recorded() -> None:
    class Looks(Function):
        @staticmethod
        def forward(ctx, x):
            assert not tinyllm.is_grad_enabled()
            assert x.requires_grad  # it is the very tensor that was given
            y = x * 2
            assert not y.requires_grad
            return y

        @staticmethod
        def backward(ctx, grad_y):
            assert not tinyllm.is_grad_enabled()
            assert not grad_y.requires_grad
            return grad_y * 2

    Looks.apply(leaf(3)).sum().backward()
    assert tinyllm.is_grad_enabled()


def test_an_input_returned_as_it_is() -> None:
    x = leaf(3)
    y = AsItIs.apply(x)
    assert y is not x
    assert np.shares_memory(x.array, y.array)
    assert x.is_leaf
    y.sum().backward()
    assert x.grad.tolist() == [3, 3, 3]
    plain = x.detach()
    assert AsItIs.apply(plain) is not plain


def test_outputs_without_a_gradient() -> None:
    x = leaf(5)
    values, places, floats = Sorted.apply(x)
    assert values.requires_grad
    assert not places.requires_grad
    assert not floats.requires_grad
    assert floats.grad_fn is None

    class WithANumber(Scaled):
        @staticmethod
        def forward(ctx, x):
            return x * 2, 5, (x > 0)

        @staticmethod
        def backward(ctx, grad_y, of_number, of_mask):
            assert of_number is None
            assert of_mask.dtype == tinyllm.bool
            return grad_y * 2

    y, five, mask = WithANumber.apply(x)
    assert five == 5
    assert not mask.requires_grad
    y.sum().backward()
    assert x.grad.tolist() == [2] * 5


def test_unused_outputs_are_zeros_or_none() -> None:
    given = []

    class Two(Function):
        materialize = True

        @classmethod
        def of(cls, materialize):
            cls.materialize = materialize
            return cls.apply

        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(Two.materialize)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, first, second):
            given.append((first, second))
            return second * 3

    x = leaf(2)
    Two.of(True)(x)[1].sum().backward()
    assert given[0][0].tolist() == [0, 0]
    Two.of(False)(x)[1].sum().backward()
    assert given[1][0] is None
    assert x.grad.tolist() == [6, 6]


def test_needs_input_grad() -> None:
    seen = []

    class Asks(Product):
        @staticmethod
        def setup_context(ctx, inputs, output):
            seen.append(ctx.needs_input_grad)
            Product.setup_context(ctx, inputs, output)

    x, w = leaf(3), leaf(3)
    Asks.apply(x, w.detach()).sum().backward()
    Asks.apply(x.detach(), w).sum().backward()
    assert seen == [(True, False, False), (False, True, False)]
    y = Asks.apply(x, w)
    assert autograd.grad(y.sum(), w)[0].tolist() == x.tolist()


def test_saved_tensors_changed_in_place_are_noticed() -> None:
    x = leaf(3)
    w = tinyllm.ones(3, dtype=tinyllm.float64)
    y = Product.apply(x, w)
    w.add_(1)
    with pytest.raises(RuntimeError, match=r"ProductBackward.*in place"):
        y.sum().backward()
    y = Exp.apply(x)
    with tinyllm.no_grad():
        y[0] = 0  # the output itself was saved
    with pytest.raises(RuntimeError, match=r"ExpBackward.*in place"):
        y.sum().backward()
    y = Scaled.apply(x, 2)  # saves nothing
    with tinyllm.no_grad():
        x.add_(1)
    y.sum().backward()


def test_what_was_saved_is_freed() -> None:
    x = leaf(3)
    y = Exp.apply(x)
    node = y.grad_fn
    y.sum().backward(retain_graph=True)
    assert node.saved_tensors
    y.sum().backward()
    with pytest.raises(RuntimeError, match="retain_graph"):
        y.sum().backward()
    with pytest.raises(RuntimeError, match="freed"):
        node.saved_tensors  # noqa: B018
    gone = weakref.ref(Exp.apply(x).grad_fn)
    gc.disable()
    try:
        assert gone() is None  # no cycle holds the graph
    finally:
        gc.enable()


def wrong(returned):
    """A Function whose backward returns something wrong."""

    class Wrong(Scaled):
        @staticmethod
        def backward(ctx, grad_y):
            return returned(grad_y)

    return Wrong


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (lambda g: g, r"WrongBackward returned an incorrect number.*expected 2.*got 1"),
        (lambda g: (g, None, g), r"WrongBackward.*incorrect number.*got 3"),
        (lambda g: (g, g), r"WrongBackward.*different from None at position 1"),
        (lambda g: (g.numpy(), None), r"WrongBackward.*ndarray.*Tensor or None"),
        (lambda g: [g, None], r"WrongBackward.*incorrect number"),
        (lambda g: (g.sum(0), None), r"WrongBackward.*shape \(3,\).*shape \(2, 3\)"),
        (lambda g: (g.float(), None), r"WrongBackward.*float32.*float64"),
    ],
)
def test_a_wrong_gradient_names_the_op(returned, words) -> None:
    with pytest.raises(RuntimeError, match=words):
        wrong(returned).apply(leaf(2, 3), 2).sum().backward()


def test_spare_nones_and_no_gradient_at_all_are_fine() -> None:
    x = leaf(2, 3)
    wrong(lambda g: (g * 2, None, None, None)).apply(x, 2).sum().backward()
    assert (x.grad == 2).all()
    x.grad = None
    wrong(lambda g: (None, None)).apply(x, 2).sum().backward()
    assert x.grad is None


def test_leaves_do_not_keep_what_backward_still_holds() -> None:
    constant = tinyllm.ones(2, 3, dtype=tinyllm.float64)
    x = leaf(2, 3)
    wrong(lambda g: (constant, None)).apply(x, 2).sum().backward()
    x.grad.mul_(100)
    assert constant.tolist() == [[1] * 3] * 2


def test_what_is_refused() -> None:
    class Bare(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

    class SavesANumber(Bare):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x, 3)

    class ReturnsAList(Bare):
        @staticmethod
        def forward(ctx, x):
            return [x * 2]

    class InPlace(Bare):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.mul_(2)

    class TakesByName(Bare):
        @staticmethod
        def forward(ctx, x, other=None):
            return x * other

    x = leaf(3)
    with pytest.raises(NotImplementedError, match="backward"):
        Bare.apply(x).sum().backward()
    with pytest.raises(NotImplementedError, match="forward"):
        Function.apply(x)
    with pytest.raises(TypeError, match=r"SavesANumber.*argument 1.*int"):
        SavesANumber.apply(x)
    with pytest.raises(TypeError, match=r"ReturnsAList.*list.*tuple"):
        ReturnsAList.apply(x)
    with pytest.raises(RuntimeError, match=r"InPlace.*in place.*new tensor"):
        InPlace.apply(x * 1)
    with pytest.raises(RuntimeError, match=r"Exp\.apply"):
        Exp()(x)
    with pytest.raises(TypeError, match=r"TakesByName: other requires.*by position"):
        TakesByName.apply(x, other=x)
    plain = tinyllm.ones(3)
    assert InPlace.apply(plain) is plain
    assert plain.tolist() == [2, 2, 2]
