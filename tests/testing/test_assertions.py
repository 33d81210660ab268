"""tinyllm.testing: right work passes, and each mistake fails with the sentence that names it."""

import subprocess
import sys

import numpy as np
import pytest

import tinyllm
from tinyllm import nn
from tinyllm.autograd import Function
from tinyllm.testing import assert_close, assert_gradients, assert_same_as, assert_shapes


def says(function, *arguments, **settings):
    """The message of the AssertionError that a check must raise."""
    with pytest.raises(AssertionError) as caught:
        function(*arguments, **settings)
    return str(caught.value)


X = tinyllm.tensor([[1.0, -2.0, 3.0], [4.0, 5.0, -6.5]])


# assert_close


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (X, X.clone()),
        (X, X + 1e-6),
        (X.double(), X.double() + 1e-8),
        (1.0, 1.0 + 1e-9),
        (np.arange(3), np.arange(3)),
        ([X, 2.0, "a"], [X, 2.0, "a"]),
        ({"a": (X,)}, {"a": [X]}),
        (np.array([np.inf, -np.inf]), np.array([np.inf, -np.inf])),
        (None, None),
    ],
)
def test_what_is_close(actual, expected):
    assert_close(actual, expected)


@pytest.mark.parametrize(
    ("actual", "expected", "words"),
    [
        (X, X + 1e-3, "off by the same -0.001"),
        (X.double(), X.double() + 1e-6, "6 of 6 values of the result differ"),
        (-X, X, "every sign is turned round"),
        (X * 0, X, "all zeros"),
        (X / 3, X, "0.3333 times what it should be, which is 1 / the size of axis 1"),
        (X * 2**0.5, X, "which is the square root of the size of axis 0"),
        (X.t(), X, "shape (3, 2), expected (2, 3): the same sizes in another order"),
        (X.sum(1, keepdim=True), X.sum(1), "axis of size 1 too many or too few; look at keepdim"),
        (X.reshape(6), X, "is a reshape missing?"),
        (X.t().reshape(2, 3), X, "a reshape where a transpose was meant"),
        (X[:, :2].t(), X[:, :2], "with the axes in another order, (1, 0): a transpose"),
        (X.double(), X, "float64, expected float32: some constant"),
        (X.long(), X, "int64, expected float32: a floor division"),
        (X / 0, X, "got inf, expected 1, off by inf"),
        (X - X / 0 + X / 0, X, "NaN: 0 / 0, inf - inf"),
        (float("nan"), float("nan"), "got nan, expected nan"),
        (None, X, "None, expected a Tensor of shape (2, 3): is the return missing?"),
        ([X], [X, X], "1 items, expected 2"),
        ({"a": [X, X + 1]}, {"a": [X, X]}, "values of the result['a'][1] differ"),
        ({"a": 1}, {"b": 1}, "the keys ['a'], expected ['b']"),
        ("a", "b", "'a', expected 'b'"),
        (np.array([1, 2]), np.array([1, 3]), "index (1,): got 2, expected 3, off by 1, 0.33"),
        (np.array([True, False]), np.array([True, True]), "got 0, expected 1"),
    ],
)
def test_what_is_not_close(actual, expected, words):
    with np.errstate(all="ignore"):
        assert words in says(assert_close, actual, expected)


def test_where_the_largest_difference_is():
    other = X.clone()
    other[1] += tinyllm.tensor([0.5, 0.25, 2.0])
    message = says(assert_close, other, X, msg="row 1")
    assert message.startswith("row 1\n3 of 6 values of the result differ")
    assert "at index (1, 2): got -4.5, expected -6.5, off by 2, 0.31 of it" in message
    assert "all that is wrong stands at 1 of axis 0" in message


def test_tolerances():
    assert_close(X, X + 0.01, rtol=0, atol=0.011)
    assert "allowed: 0.009 + 0" in says(assert_close, X, X + 0.01, rtol=0, atol=0.009)
    assert_close(X.double(), X, check_dtype=False)
    assert_close(np.array([np.nan]), np.array([np.nan]), equal_nan=True)
    with pytest.raises(ValueError, match="give rtol and atol, or neither"):
        assert_close(X, X, rtol=1e-3)


def test_agrees_with_torch_on_what_is_close():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    verdicts = set()
    for dtype in (np.float16, np.float32, np.float64):
        for scale in (1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2):
            one = rng.normal(size=5).astype(dtype)
            other = (one * (1 + rng.normal(size=5) * scale)).astype(dtype)
            try:
                torch.testing.assert_close(torch.from_numpy(one), torch.from_numpy(other))
                assert_close(one, other)
                verdicts.add("close")
            except AssertionError:
                says(assert_close, torch.from_numpy(one), other)
                verdicts.add("not")
    assert verdicts == {"close", "not"}


# assert_gradients


def softmax(x):
    weights = np.exp(x - x.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def softmax_backward(grad, x):
    y = softmax(x)
    return y * (grad - (grad * y).sum(axis=-1, keepdims=True))


def test_right_gradients():
    assert_gradients(lambda x: x.softmax(-1), (3, 5))
    assert_gradients(softmax, (3, 5), backward=softmax_backward)
    assert_gradients(lambda x, w: x @ w, (3, 5), (5, 2))
    assert_gradients(
        lambda x, w: x @ w, (3, 5), (5, 2), backward=lambda g, x, w: (g @ w.T, x.T @ g)
    )
    assert_gradients(nn.LayerNorm(5), (2, 5))
    assert_gradients(nn.functional.embedding, tinyllm.tensor([[0, 2]]), tinyllm.randn(3, 4))
    assert_gradients(lambda x: (x * x, x.sum()), X)  # float32 goes in, float64 is checked
    assert X.dtype == np.float32
    assert not X.requires_grad


class ConstantGradient(Function):
    @staticmethod
    def forward(ctx, x):
        return x.softmax(-1)

    @staticmethod
    def backward(ctx, grad_y):
        return grad_y * 0  # the gradient of the plain sum: nothing but the covector sees it


class Scaled(nn.Module):
    """A layer whose gain gets a wrong gradient."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(tinyllm.ones(3))

    def forward(self, x):
        return x * self.gain.detach() + 0 * self.gain


@pytest.mark.parametrize(
    ("function", "inputs", "backward", "words"),
    [
        (ConstantGradient.apply, [(3, 5)], None, "ConstantGradient.apply: gradcheck: gradients"),
        (ConstantGradient.apply, [(3, 5)], None, "zero gradient: the backward returns zeros"),
        (lambda x: x.detach(), [(3,)], None, "no output requires one"),
        (Scaled(), [(2, 3)], None, "parameter gain (3,): all 3 elements, 3 of them wrong"),
        (softmax, [(3, 5)], lambda g, x: softmax(x) * g, "as - y * sum(grad_y * y)"),
        (softmax, [(3, 5)], lambda g, x: -softmax_backward(g, x), "sign: analytic = -numeric"),
        (np.square, [(3,)], lambda g, x: g * x, "a factor 2 left out"),
        (lambda x, b: x + b, [(3, 5), (5,)], lambda g, x, b: (g, g), "not summed over a broadcast"),
        (np.multiply, [(3,), (3,)], lambda g, a, b: g * b, "input 1 (3,): all 3 elements"),
        (lambda x: x.__imul__(2), [(3,)], lambda g, x: 2 * g, "input 0 was changed by the call"),
    ],
)
def test_wrong_gradients(function, inputs, backward, words):
    assert words in says(assert_gradients, function, *inputs, backward=backward)


def test_one_tensor_in_two_places():
    x = tinyllm.randn(3)
    assert_gradients(lambda a, b: a * b, x, x)
    message = says(assert_gradients, lambda a, b: a * b.detach(), x, x)
    assert "inputs 0 and 1 (one tensor)" in message


def test_the_seed_changes_the_inputs():
    seen = []
    for seed in (0, 0, 1):
        assert_gradients(lambda x: (seen.append(x.array[0, 0]), x * x)[1], (2, 2), seed=seed)
        seen.append(None)
    first = [seen[0], seen[seen.index(None) + 1]]
    assert first[0] == first[1]
    assert seen[-2] != first[0]


# assert_same_as


def gelu(x):
    return x * 0.5 * (1 + (x / 2**0.5).erf())


def test_the_same_as_a_reference():
    assert_same_as(gelu, nn.functional.gelu, [((3, 5),), (tinyllm.randn(4),)])
    assert_same_as(nn.Linear(3, 4), nn.Linear(3, 4), [((2, 3),)])
    assert_same_as(softmax, lambda x: softmax(x) + 0, [(np.zeros((2, 2)),)], arrays=True)


@pytest.mark.parametrize(
    ("mine", "words"),
    [
        (lambda x: gelu(x) + 1e-3, "off by the same 0.001"),
        (lambda x: gelu(x).float(), "float32, expected float64"),
        (lambda x: gelu(x).detach(), "was the graph cut by .detach()"),
        (lambda x: gelu(x.detach()) + 0 * x, "the gradient of input 0 differ"),
        (lambda x: (gelu(x.detach()), x)[0] + tinyllm.zeros(1, requires_grad=True), "no gradient"),
        (lambda x: (x.detach().mul_(1.5), gelu(x / 1.5))[1], "input 0 was changed by the call"),
    ],
)
def test_not_the_same(mine, words):
    message = says(assert_same_as, mine, nn.functional.gelu, [((3, 5),)])
    assert "not as gelu in case 0, the function(float64 (3, 5))" in message
    assert words in message


def test_a_random_covector_is_sent_back():
    """Of the plain sum the gradient is zero for both, and the mistake would pass."""
    message = says(assert_same_as, ConstantGradient.apply, lambda x: x.softmax(-1), [((3, 5),)])
    assert "the gradient of input 0" in message
    assert "all zeros" in message


def test_the_case_that_differs_is_named():
    def clipped(x):
        return x.clamp(max=1.0)

    cases = [(tinyllm.tensor([0.5]),), (tinyllm.tensor([2.0]),)]
    message = says(assert_same_as, clipped, lambda x: x * 1, cases)
    assert "clipped is not as the function in case 1, clipped([2.])" in message
    with pytest.raises(ValueError, match="there is no case"):
        assert_same_as(gelu, gelu, [])
    with pytest.raises(ValueError, match="rtol and atol, or neither"):
        assert_same_as(gelu, gelu, [((3,),)], atol=1.0)


class NoBias(nn.Linear):
    def forward(self, input):
        return nn.functional.linear(input, self.weight) + 0 * self.bias


def test_layers_with_the_same_weights():
    message = says(assert_same_as, nn.Linear(3, 4), nn.Linear(3, 4, bias=False), [((2, 3),)])
    assert "other names or shapes" in message
    reference = nn.Linear(3, 4)
    reference.bias.detach().zero_()  # values agree, and only the parameter's gradient tells
    message = says(assert_same_as, NoBias(3, 4), reference, [((2, 3),)])
    assert "the gradient of parameter bias" in message


def test_the_same_as_torch():
    torch = pytest.importorskip("torch")
    assert_same_as(gelu, torch.nn.functional.gelu, [((3, 5),)], torch=True)
    assert_same_as(nn.Linear(3, 4), torch.nn.Linear(3, 4), [((2, 3),)], torch=True)
    assert_same_as(softmax, lambda x: x.softmax(-1), [((3, 5),)], torch=True, arrays=True)
    message = says(assert_same_as, gelu, torch.tanh, [((3, 5),)], torch=True)
    assert "gelu is not as tanh" in message
    message = says(assert_same_as, nn.Linear(3, 4), torch.nn.LayerNorm(3), [((3,),)], torch=True)
    assert "yours:     {'weight': (4, 3)" in message


# assert_shapes


def split(x, heads):
    B, T, C = x.shape
    return x.reshape(B, T, heads, C // heads).transpose(1, 2)


def attend(q, k, v):
    return (q @ k.mT).softmax(-1) @ v


@pytest.mark.parametrize(
    ("function", "pattern", "sizes"),
    [
        (lambda x: split(x, 5), "B T (H D) -> B H T D", {"H": 5}),
        (attend, "B T D, B S D, B S V -> B T V", {}),
        (lambda x: x.sum(), "B T -> ", {}),
        (lambda x: float(x.sum()), "B T -> ", {}),
        (lambda x: x.mean(1, keepdim=True), "B T C -> B 1 C", {}),
        (lambda x: (x, x.mT), "T C -> T C, C T", {}),
        (nn.Linear(3, 5), "B 3 -> B C", {"C": 5}),
    ],
)
def test_right_shapes(function, pattern, sizes):
    assert_shapes(function, pattern, **sizes)


def test_inputs_of_other_kinds():
    assert_shapes(softmax, "B V -> B V", arrays=True)
    ids = lambda shape: tinyllm.randint(0, 50, shape)  # noqa: E731
    assert_shapes(nn.Embedding(50, 13), "B T -> B T C", make=ids, C=13)


@pytest.mark.parametrize(
    ("function", "pattern", "words"),
    [
        (
            lambda x: split(x, 5).transpose(1, 2),
            "B T (H D) -> B H T D",
            "gave (2, 3, 5, 7) = (B, T, H, D), expected (2, 5, 3, 7) = (B, H, T, D)\n"
            "  it looks like this: axes 1 and 2 have changed places",
        ),
        (lambda x: x, "B T (H D) -> B H T D", "a reshape, and perhaps a transpose"),
        (lambda x: x, "B T (H D) -> B T H D", "axes 2 and 3 are still one: a reshape"),
        (lambda x: split(x, 5).transpose(1, 2), "B T (H D) -> B T (H D)", "should be one"),
        (lambda x: x, "B T (H D) -> (H D) B T", "a transpose with another order"),
        (lambda x: x.mean(1), "B T (H D) -> B 1 (H D)", "wants keepdim=True"),
        (lambda x: x.mean(1, keepdim=True), "B T (H D) -> B (H D)", "of size 1 too many"),
        (lambda x: x.mean(1), "B T (H D) -> B T (H D)", "axis 1, T, is gone"),
        (lambda x: x, "B T (H D) -> B (H D)", "axis 1, T, should be gone"),
        (lambda x: x[:, 1:], "B T (H D) -> B T (H D)", "= (B, B, (H D))"),
        (lambda x: x[:, :, :-2], "B T (H D) -> B T (H D)", "(B, T, ?)"),
        (lambda x: None, "B T (H D) -> B T", "a NoneType, expected (2, 3) = (B, T): is the return"),
        (lambda x: (x, x), "B T (H D) -> B T (H D)", "returned 2 results, expected 1"),
        (lambda x: x @ x, "B T (H D) -> B T T", "raised ValueError: matmul"),
    ],
)
def test_wrong_shapes(function, pattern, words):
    message = says(assert_shapes, function, pattern, H=5)
    assert words in message
    if "returned 2" not in message:
        assert "called with (2, 3, 35) = (B, T, (H D)); sizes: H=5, B=2, T=3, D=7" in message


def test_no_two_names_have_one_size():
    sizes = []
    assert_shapes(
        lambda *xs: (sizes.append([x.shape for x in xs]), xs[0])[1], "a b, c d -> a b", b=2
    )
    assert len({size for shape in sizes[0] for size in shape}) == 4


@pytest.mark.parametrize(
    ("pattern", "sizes", "words"),
    [
        ("B T", {}, 'not of the form "B T C -> B H T D"'),
        ("B ... -> B", {}, "'...' in 'B ... -> B' is neither a name nor a number"),
        ("B -> B C", {}, "C stands on the right only: give the size"),
        ("B -> B", {"H": 5}, "H=5: no axis is called H"),
    ],
)
def test_patterns_that_cannot_be_read(pattern, sizes, words):
    with pytest.raises(ValueError) as caught:
        assert_shapes(lambda x: x, pattern, **sizes)
    assert words in str(caught.value)


def test_neither_pytest_nor_torch_is_needed():
    code = (
        "import sys\nsys.modules['pytest'] = sys.modules['torch'] = None\n"
        "import tinyllm, tinyllm.testing\n"
        "tinyllm.testing.assert_gradients(lambda x: x * x, (2,))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
