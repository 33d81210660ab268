"""Further activations as functions, and what measures vectors. `functional.py` gives them on.

`inplace=True` is accepted for PyTorch's sake, and the input stays as it was all the same: a tensor
that a graph needs cannot change, so the result is always another tensor.
"""

from __future__ import annotations

from tinyllm.functions.arguments import check_broadcast
from tinyllm.functions.norms import vector_norm
from tinyllm.functions.pointwise import clamp, where
from tinyllm.functions.pointwise import relu as pointwise_relu
from tinyllm.ops.activation import ELU, LeakyReLU, LogSigmoid, Softplus
from tinyllm.tensor import Tensor, apply


def _check_floating(who: str, x: Tensor, name: str = "input") -> None:
    if not isinstance(x, Tensor):
        raise TypeError(f"{who}: {name} must be a Tensor, not {type(x).__name__}")
    if x.array.dtype.kind != "f":
        raise TypeError(f"{who}: {name} must be floating-point, not {x.dtype}; try .float()")


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Apply max(x, 0). PyTorch: torch.nn.functional.relu, never in place."""
    return pointwise_relu(input)


def softplus(input: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    """Apply log(1 + exp(beta x)) / beta, a smooth ReLU; x itself where beta x > threshold.

    PyTorch: torch.nn.functional.softplus
    """
    _check_floating("softplus", input)
    return apply(Softplus, input, beta=beta, threshold=threshold)


def logsigmoid(input: Tensor) -> Tensor:
    """Apply log sigmoid(x), finite for every finite x. PyTorch: torch.nn.functional.logsigmoid."""
    _check_floating("logsigmoid", input)
    return apply(LogSigmoid, input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Apply x above 0, negative_slope x below.

    PyTorch: torch.nn.functional.leaky_relu, never in place.
    """
    _check_floating("leaky_relu", input)
    return apply(LeakyReLU, input, slope=negative_slope)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Apply x above 0, alpha (exp(x) - 1) below. PyTorch: torch.nn.functional.elu, never in place.

    Source:  Clevert, Unterthiner and Hochreiter 2015, arXiv:1511.07289
    """
    _check_floating("elu", input)
    return apply(ELU, input, alpha=alpha)


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """Divide each vector along dim by its p-norm, which counts as eps at least.

    PyTorch: torch.nn.functional.normalize
    """
    _check_floating("normalize", input)
    return input / clamp(vector_norm(input, p, dim, keepdim=True), min=eps)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Compute x1 . x2 / (max(|x1|, eps) max(|x2|, eps)) of the vectors along dim; they broadcast.

    PyTorch: torch.nn.functional.cosine_similarity
    """
    _check_floating("cosine_similarity", x1, "x1")
    _check_floating("cosine_similarity", x2, "x2")
    shape = check_broadcast("cosine_similarity", ("x1", x1.shape), ("x2", x2.shape))
    directions = []
    for x in (x1, x2):
        x = x.expand(shape)
        length = vector_norm(x, 2, dim, keepdim=True)
        # As in PyTorch eps changes the value alone: the gradient is that of the length
        known = length.detach()
        directions.append(x / where(known < eps, length + (eps - known), length))
    return (directions[0] * directions[1]).sum(dim)
