"""Layers as functions: what `nn` modules call, and what one calls with weights of one's own."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tinyllm import random
from tinyllm.functions import log_softmax, matmul, sigmoid, softmax, tanh
from tinyllm.nn.activation_functions import (
    cosine_similarity,
    elu,
    leaky_relu,
    logsigmoid,
    normalize,
    relu,
    softplus,
)
from tinyllm.nn.attention_functions import scaled_dot_product_attention, self_attention
from tinyllm.nn.distances import huber_loss, l1_loss, mse_loss, smooth_l1_loss
from tinyllm.nn.likelihoods import binary_cross_entropy_with_logits, kl_div, nll_loss
from tinyllm.nn.loss_functions import cross_entropy
from tinyllm.nn.operands import check_floating
from tinyllm.nn.padding import one_hot, pad
from tinyllm.ops.activation import GELU as GELUFunction  # noqa: N811
from tinyllm.ops.activation import ReLUSquared as ReLUSquaredFunction
from tinyllm.ops.activation import SiLU as SiLUFunction
from tinyllm.ops.dropout import Dropout as DropoutFunction
from tinyllm.ops.embedding import Embedding as EmbeddingFunction
from tinyllm.ops.matmul import Linear as LinearFunction
from tinyllm.ops.normalization import LayerNorm as LayerNormFunction
from tinyllm.ops.normalization import RMSNorm as RMSNormFunction
from tinyllm.tensor import Tensor, apply

__all__ = [
    "binary_cross_entropy_with_logits",
    "cosine_similarity",
    "cross_entropy",
    "dropout",
    "elu",
    "embedding",
    "gelu",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "mse_loss",
    "nll_loss",
    "normalize",
    "one_hot",
    "pad",
    "relu",
    "relu_squared",
    "rms_norm",
    "scaled_dot_product_attention",
    "self_attention",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "tanh",
]


def linear(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, onto: Tensor | None = None
) -> Tensor:
    """Apply y = x W^T + b to the last dimension, and add it to `onto` if that is given.

    Integers stay integers.

    Args:    onto: what the result is added to in the same pass, such as the stream that a residual
             branch ends in.
    Shapes:  input (..., in), weight (out, in), bias (out), onto (..., out) -> (..., out)
    Raises:  ValueError where the shapes disagree, TypeError where the dtypes do.
    PyTorch: torch.nn.functional.linear, which has no `onto`; like addmm, it is not broadcast here.
    """
    if isinstance(weight, Tensor) and weight.array.dtype.kind in "iu" and onto is None:
        return _linear_of_integers(input, weight, bias)
    check_floating("linear", "input", input, weight)
    shape, weight_shape = input.array.shape, weight.array.shape
    if len(weight_shape) != 2:
        raise ValueError(f"linear: weight must be (out, in), not of shape {weight_shape}")
    if not shape or shape[-1] != weight_shape[1]:
        raise ValueError(
            f"linear: input (..., in) = {shape} and weight (out, in) = {weight_shape} "
            f"disagree on in: {shape[-1] if shape else 'no dimension'} != {weight_shape[1]}"
        )
    if bias is not None and bias.array.shape != weight_shape[:1]:
        raise ValueError(
            f"linear: bias (out,) = {bias.shape} and weight (out, in) = {weight_shape} "
            f"disagree on out"
        )
    if onto is not None:
        check_floating("linear", "onto", onto, weight)
        if onto.array.shape != (*shape[:-1], weight_shape[0]):
            raise ValueError(
                f"linear: onto {onto.shape} must have the shape of the result, "
                f"{(*shape[:-1], weight_shape[0])}"
            )
    return apply(LinearFunction, input, weight, bias, onto)


def _linear_of_integers(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    if weight.ndim != 2:
        raise ValueError(f"linear: weight must be (out, in), not of shape {weight.shape}")
    product = matmul(input, weight.mT)  # which says where shapes or dtypes disagree
    if bias is None:
        return product
    if bias.dtype != input.dtype:
        raise TypeError(f"linear: input is {input.dtype} but bias is {bias.dtype}")
    return product + bias


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """Apply x Phi(x), Phi the normal distribution function, or its approximation "tanh".

    PyTorch: torch.nn.functional.gelu
    Source:  Hendrycks and Gimpel 2016, arXiv:1606.08415
    """
    check_floating("gelu", "input", input)
    if approximate not in ("none", "tanh"):
        raise ValueError(f"gelu: approximate must be 'none' or 'tanh', not {approximate!r}")
    return apply(GELUFunction, input, approximate=approximate)


def relu_squared(input: Tensor) -> Tensor:
    """Apply max(x, 0)^2. PyTorch: has none; there it is relu(x).square().

    Source:  So et al. 2021, arXiv:2109.08668, section 4.3
    """
    check_floating("relu_squared", "input", input)
    return apply(ReLUSquaredFunction, input)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Apply x sigmoid(x), also called swish. PyTorch: torch.nn.functional.silu, never in place."""
    check_floating("silu", "input", input)
    return apply(SiLUFunction, input)


def _normalized(
    who: str, input: Tensor, normalized_shape: Sequence[int] | int, **affine: Tensor | None
) -> tuple[int, ...]:
    """Check the trailing shape, which weight and bias share; return it as a tuple."""
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    check_floating(who, "input", input)
    if not shape or input.array.shape[-len(shape) :] != shape:
        raise ValueError(
            f"{who}: the last dimensions of input {input.shape} must be normalized_shape {shape}"
        )
    for name, x in affine.items():
        if x is not None:
            if x.array.shape != shape:
                raise ValueError(f"{who}: {name} has shape {x.shape}, normalized_shape is {shape}")
            check_floating(who, "input", input, x)
    return shape


def _as_line(x: Tensor | None) -> Tensor | None:
    return None if x is None else x.reshape(-1)


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int] | int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Give each row mean 0 and variance 1, then scale and shift it.

    y = (x - mean) / sqrt(var + eps) * weight + bias, the variance divided by D, not D - 1.

    Shapes:  input (..., *normalized_shape), weight and bias normalized_shape -> as input
    Raises:  ValueError where the shapes disagree.
    PyTorch: torch.nn.functional.layer_norm
    Source:  Ba, Kiros and Hinton 2016, arXiv:1607.06450
    """
    shape = _normalized("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    if len(shape) == 1:
        return apply(LayerNormFunction, input, weight, bias, eps=eps)
    rows = input.reshape(*input.shape[: -len(shape)], math.prod(shape))
    affine = _as_line(weight), _as_line(bias)
    return apply(LayerNormFunction, rows, *affine, eps=eps).reshape(input.shape)


def rms_norm(
    input: Tensor,
    normalized_shape: Sequence[int] | int,
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """Divide each row by its root mean square: y = x / sqrt(mean(x^2) + eps) * weight.

    Args:    eps: None takes the dtype's machine epsilon, as PyTorch does.
    Shapes:  input (..., *normalized_shape), weight normalized_shape -> as input
    PyTorch: torch.nn.functional.rms_norm
    Source:  Zhang and Sennrich 2019, arXiv:1910.07467
    """
    shape = _normalized("rms_norm", input, normalized_shape, weight=weight)
    eps = float(np.finfo(input.dtype).eps) if eps is None else eps
    if len(shape) == 1:
        return apply(RMSNormFunction, input, weight, eps=eps)
    rows = input.reshape(*input.shape[: -len(shape)], math.prod(shape))
    return apply(RMSNormFunction, rows, _as_line(weight), eps=eps).reshape(input.shape)


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero each element with probability p and scale the rest by 1 / (1 - p).

    Raises:  ValueError if p is no probability.
    PyTorch: torch.nn.functional.dropout, never in place; other random numbers than PyTorch's.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p is a probability, between 0 and 1, not {p}")
    if not training or p == 0:
        return input
    check_floating("dropout", "input", input)
    if p == 1:
        return input * 0
    seed = random.default_generator.next_seed()
    if input.ndim == 0:
        return apply(DropoutFunction, input.reshape(1), p=p, seed=seed).reshape(())
    return apply(DropoutFunction, input, p=p, seed=seed)


def embedding(input: Tensor, weight: Tensor, padding_idx: int | None = None) -> Tensor:
    """Look up rows of `weight` by the ids in `input`.

    Args:    padding_idx: a row that receives no gradient; negative counts from the end.
    Shapes:  input (...) integers, weight (V, C) -> (..., C)
    Raises:  TypeError for ids that are not integers, IndexError for one outside [0, V).
    PyTorch: torch.nn.functional.embedding, without max_norm, scale_grad_by_freq and sparse
    """
    if not isinstance(input, Tensor) or input.dtype.kind not in "iu":
        got = input.dtype if isinstance(input, Tensor) else type(input).__name__
        raise TypeError(f"embedding: ids must be an integer tensor, not {got}")
    if weight.ndim != 2:
        raise ValueError(f"embedding: weight must be (V, C), not of shape {weight.shape}")
    V = weight.shape[0]
    ids = input.array
    # as unsigned numbers negative ids are large: one search finds both ends
    if ids.size and ids.view(f"u{ids.itemsize}").max() >= V:
        where = np.argwhere((ids < 0) | (ids >= V))[0]
        raise IndexError(
            f"embedding: token id {ids[tuple(where)]} at {where.tolist()} is outside [0, {V}): "
            "was the tokenizer trained with another vocabulary?"
        )
    if padding_idx is not None:
        if not -V <= padding_idx < V:
            raise ValueError(f"embedding: padding_idx {padding_idx} is outside [0, {V})")
        padding_idx %= V
    return apply(EmbeddingFunction, weight, ids=ids, padding_idx=padding_idx)
