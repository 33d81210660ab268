import numpy as np
import pytest

import tinyllm
from tinyllm import nn


def test_forward_hooks_see_and_replace():
    layer, seen = nn.Linear(3, 5), []
    before = layer.register_forward_pre_hook(lambda m, args: seen.append(args[0].shape))
    after = layer.register_forward_hook(lambda m, args, out: seen.append(out.shape))
    x = tinyllm.ones(2, 3)
    plain = layer(x)
    assert seen == [(2, 3), (2, 5)]
    before.remove()
    after.remove()
    after.remove()  # twice does nothing
    layer(x)
    assert len(seen) == 2
    with_twice = layer.register_forward_pre_hook(lambda m, args: args[0] * 2)
    np.testing.assert_allclose(
        layer(x).detach().numpy() - plain.detach().numpy(),
        np.broadcast_to(layer.weight.detach().numpy().sum(axis=1), (2, 5)),
        rtol=1e-5,
    )
    with_twice.remove()
    layer.register_forward_hook(lambda m, args, out: out * 0)
    layer.register_forward_hook(lambda m, args, out: out + 1, prepend=True)
    assert (layer(x).detach().numpy() == 0).all()


def test_forward_hooks_with_kwargs():
    class Scaled(nn.Module):
        def forward(self, x, factor=1.0):
            return x * factor

    module, seen = Scaled(), []
    module.register_forward_pre_hook(
        lambda m, args, kwargs: (args, {"factor": kwargs["factor"] + 1}), with_kwargs=True
    )
    module.register_forward_hook(lambda m, args, kwargs, out: seen.append(kwargs), with_kwargs=True)
    assert module(tinyllm.ones(2), factor=2.0).tolist() == [3, 3]
    assert seen == [{"factor": 3.0}]


def test_backward_hook_sees_the_modules_own_gradients_only():
    layer, seen = nn.Linear(3, 3), []
    layer.register_full_backward_hook(lambda m, gi, go: seen.append((m, gi, go)))
    x = tinyllm.randn(2, 3, requires_grad=True)
    covector = tinyllm.randn(2, 3)
    ((x + layer(x)) * covector).sum().backward()  # x is used outside the layer too
    ((module, (grad_input,), (grad_output,)),) = seen
    assert module is layer
    np.testing.assert_array_equal(grad_output.numpy(), covector.numpy())
    expected = covector.numpy() @ layer.weight.detach().numpy()
    np.testing.assert_allclose(grad_input.numpy(), expected, rtol=1e-5)
    np.testing.assert_allclose(x.grad.numpy(), expected + covector.numpy(), rtol=1e-5)


def test_backward_hook_on_a_first_layer_and_after_removal():
    layer, seen = nn.Embedding(5, 3), []
    handle = layer.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go)))
    layer(tinyllm.tensor([1, 4])).sum().backward()
    ((grad_input, (grad_output,)),) = seen
    assert grad_input == (None,)
    assert grad_output.shape == (2, 3)
    handle.remove()
    layer(tinyllm.tensor([1, 4])).sum().backward()
    assert len(seen) == 1


def test_backward_hook_replaces_and_serves_several_inputs_and_outputs():
    class Mixed(nn.Module):
        def forward(self, x, n, y):
            return x * n, y * x

    module, seen = Mixed(), []

    def hook(m, grad_input, grad_output):
        seen.append((grad_input, grad_output))
        return (grad_input[0] * 0, None, grad_input[2])

    module.register_full_backward_hook(hook)
    x = tinyllm.tensor([2.0], requires_grad=True)
    y = tinyllm.tensor([3.0], requires_grad=True)
    first, second = module(x, 5, y)
    (first + second * 7).sum().backward()
    (((grad_x, grad_n, grad_y), (grad_first, grad_second)),) = seen
    assert grad_n is None
    assert grad_x.tolist() == [5 + 7 * 3]
    assert grad_y.tolist() == [7 * 2]
    assert (grad_first.tolist(), grad_second.tolist()) == ([1], [7])
    assert x.grad.tolist() == [0]
    assert y.grad.tolist() == [14]


def test_backward_hook_of_wrong_length_is_an_error():
    layer = nn.Linear(3, 5)
    layer.register_full_backward_hook(lambda m, gi, go: (gi[0], gi[0]))
    with pytest.raises(RuntimeError, match="returned 2 gradients for 1 inputs"):
        layer(tinyllm.ones(2, 3, requires_grad=True)).sum().backward()
