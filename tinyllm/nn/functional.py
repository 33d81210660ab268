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
from tinyllm.nn.distances import huber_loss, l1_loss, mse_loss, smooth_l1_loss
from tinyllm.nn.likelihoods import binary_cross_entropy_with_logits, kl_div, nll_loss
from tinyllm.nn.loss_functions import cross_entropy
from tinyllm.nn.padding import one_hot, pad
from tinyllm.ops.activation import GELU as GELUFunction  # noqa: N811
from tinyllm.ops.activation import SiLU as SiLUFunction
from tinyllm.ops.attention import ScaledDotProductAttention
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
    "rms_norm",
    "scaled_dot_product_attention",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "tanh",
]


def _check_floating(who: str, name: str, x: Tensor, other: Tensor | None = None) -> None:
    if not isinstance(x, Tensor):
        raise TypeError(f"{who}: {name} must be a Tensor, not {type(x).__name__}")
    dtype = x.array.dtype
    if dtype.kind != "f":
        raise TypeError(f"{who}: {name} must be floating-point, not {dtype}; try .float()")
    if other is not None and other.array.dtype != dtype:
        raise TypeError(
            f"{who}: {name} is {dtype} but the weights are {other.dtype}; "
            f"convert one of them, for example {name}.to({other.dtype.name!r})"
        )


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Apply y = x W^T + b to the last dimension; integers stay integers.

    Shapes:  input (..., in), weight (out, in), bias (out) -> (..., out)
    Raises:  ValueError where the shapes disagree, TypeError where the dtypes do.
    PyTorch: torch.nn.functional.linear
    """
    if isinstance(weight, Tensor) and weight.array.dtype.kind in "iu":
        return _linear_of_integers(input, weight, bias)
    _check_floating("linear", "input", input, weight)
    if weight.array.ndim != 2:
        raise ValueError(f"linear: weight must be (out, in), not of shape {weight.shape}")
    if input.array.ndim == 0 or input.array.shape[-1] != weight.array.shape[1]:
        raise ValueError(
            f"linear: input (..., in) = {input.shape} and weight (out, in) = {weight.shape} "
            f"disagree on in: {input.shape[-1] if input.ndim else 'no dimension'} != "
            f"{weight.shape[1]}"
        )
    if bias is not None and bias.array.shape != weight.array.shape[:1]:
        raise ValueError(
            f"linear: bias (out,) = {bias.shape} and weight (out, in) = {weight.shape} "
            f"disagree on out"
        )
    return apply(LinearFunction, input, weight, bias)


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
    _check_floating("gelu", "input", input)
    if approximate not in ("none", "tanh"):
        raise ValueError(f"gelu: approximate must be 'none' or 'tanh', not {approximate!r}")
    return apply(GELUFunction, input, approximate=approximate)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Apply x sigmoid(x), also called swish. PyTorch: torch.nn.functional.silu, never in place."""
    _check_floating("silu", "input", input)
    return apply(SiLUFunction, input)


def _normalized(who: str, input: Tensor, normalized_shape: Sequence[int] | int) -> tuple[int, ...]:
    """Check the trailing shape; return it as a tuple."""
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    _check_floating(who, "input", input)
    if not shape or input.array.shape[-len(shape) :] != shape:
        raise ValueError(
            f"{who}: the last dimensions of input {input.shape} must be normalized_shape {shape}"
        )
    return shape


def _flat_weight(who: str, name: str, weight: Tensor | None, shape: tuple, input: Tensor):
    if weight is None:
        return None
    if weight.array.shape != shape:
        raise ValueError(f"{who}: {name} has shape {weight.shape}, normalized_shape is {shape}")
    _check_floating(who, "input", input, weight)
    return weight if len(shape) == 1 else weight.reshape(-1)


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
    shape = _normalized("layer_norm", input, normalized_shape)
    weight = _flat_weight("layer_norm", "weight", weight, shape, input)
    bias = _flat_weight("layer_norm", "bias", bias, shape, input)
    if len(shape) == 1:
        return apply(LayerNormFunction, input, weight, bias, eps=eps)
    rows = input.reshape(*input.shape[: -len(shape)], math.prod(shape))
    return apply(LayerNormFunction, rows, weight, bias, eps=eps).reshape(input.shape)


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
    shape = _normalized("rms_norm", input, normalized_shape)
    weight = _flat_weight("rms_norm", "weight", weight, shape, input)
    eps = float(np.finfo(input.dtype).eps) if eps is None else eps
    if len(shape) == 1:
        return apply(RMSNormFunction, input, weight, eps=eps)
    rows = input.reshape(*input.shape[: -len(shape)], math.prod(shape))
    return apply(RMSNormFunction, rows, weight, eps=eps).reshape(input.shape)


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero each element with probability p and scale the rest by 1 / (1 - p).

    Raises:  ValueError if p is no probability.
    PyTorch: torch.nn.functional.dropout, never in place; other random numbers than PyTorch's.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p is a probability, between 0 and 1, not {p}")
    if not training or p == 0:
        return input
    _check_floating("dropout", "input", input)
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


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Compute softmax(query key^T * scale + mask) value, head by head.

    Shapes:  query (B, H, T, D), key (B, H, S, D), value (B, H, S, Dv) -> (B, H, T, Dv); other
             numbers of leading dimensions too, and they broadcast
    Args:    attn_mask: broadcastable to (B, H, T, S); bool: True = may attend (the opposite of
             MultiheadAttention's); floating-point: added to the scores.
             is_causal: query t sees keys 0 .. t, counted from the first of each, even if T != S.
             scale: 1 / sqrt(D) by default.
             enable_gqa: key and value may have fewer heads, each serving H / Hk query heads.
    Raises:  ValueError where shapes disagree, TypeError for dtypes, RuntimeError if both a mask and
             is_causal are given.
    PyTorch: torch.nn.functional.scaled_dot_product_attention. A query that may attend to nothing
             gives 0 there and here.
    Source:  Vaswani et al. 2017, eq. 1, arXiv:1706.03762
    """
    if not enable_gqa:
        query, key, value = _same_leading_dims(query, key, value)
    _check_attention(query, key, value, attn_mask, dropout_p, is_causal, enable_gqa)
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else float(scale)
    seed = random.default_generator.next_seed() if dropout_p else 0
    settings = {"is_causal": is_causal, "scale": scale, "dropout_p": dropout_p, "seed": seed}
    if query.ndim == 4:
        return apply(ScaledDotProductAttention, query, key, value, attn_mask, **settings)
    *lead, T, Dv = (*query.shape[:-1], value.shape[-1])
    if attn_mask is not None and attn_mask.ndim > 2:
        attn_mask = attn_mask.expand(*lead, T, key.shape[-2])
    query, key, value, attn_mask = (
        x if x is None else _as_four(x) for x in (query, key, value, attn_mask)
    )
    out = apply(ScaledDotProductAttention, query, key, value, attn_mask, **settings)
    return out.reshape(*lead, T, Dv)


def _same_leading_dims(*three: Tensor) -> tuple[Tensor, ...]:
    """The three with their dims before the last two broadcast, if they do."""
    shapes = [x.array.shape if isinstance(x, Tensor) else () for x in three]
    leads = [shape[:-2] for shape in shapes]
    if leads[0] == leads[1] == leads[2] or min(len(shape) for shape in shapes) < 2:
        return three
    try:
        lead = np.broadcast_shapes(*leads)
    except ValueError:  # the check that follows says what disagrees
        return three
    return tuple(x.expand(*lead, *x.shape[-2:]) for x in three)


def _as_four(x: Tensor) -> Tensor:
    """x (..., T, D) with exactly two leading dimensions: heads stay, all before them is batch."""
    if x.ndim <= 3:
        return x.reshape(1, *((1,) if x.ndim == 2 else ()), *x.shape)
    return x.reshape(-1, *x.shape[-3:])


def _check_attention(query, key, value, attn_mask, dropout_p, is_causal, enable_gqa) -> None:
    who = "scaled_dot_product_attention"
    _check_floating(who, "query", query)
    for name, x in (("key", key), ("value", value)):
        if not isinstance(x, Tensor) or x.dtype != query.dtype:
            got = x.dtype if isinstance(x, Tensor) else type(x).__name__
            raise TypeError(f"{who}: query is {query.dtype} but {name} is {got}")
    q, k, v = query.array.shape, key.array.shape, value.array.shape
    if len(q) < 2 or len(k) != len(q) or len(v) != len(q):
        raise ValueError(
            f"{who}: query {q}, key {k} and value {v} need the same number of dimensions, "
            "(..., length, width)"
        )
    if k[-1] != q[-1]:
        raise ValueError(
            f"{who}: query (B, H, T, D) = {q} and key (B, H, S, D) = {k} disagree on D: "
            f"{q[-1]} != {k[-1]}"
        )
    if k[-2] != v[-2]:
        raise ValueError(
            f"{who}: key (B, H, S, D) = {k} and value (B, H, S, Dv) = {v} disagree on S: "
            f"{k[-2]} != {v[-2]}"
        )
    heads_fit = len(q) < 3 or (
        k[-3] == v[-3] and (q[-3] == k[-3] or (enable_gqa and k[-3] and q[-3] % k[-3] == 0))
    )
    if not heads_fit or q[:-3] != k[:-3] or q[:-3] != v[:-3]:
        raise ValueError(
            f"{who}: query (B, H, T, D) = {q}, key (B, H, S, D) = {k} and value (B, H, S, Dv) = "
            f"{v} disagree on B or H; for fewer key heads than query heads pass enable_gqa=True "
            "with H a multiple of theirs"
        )
    if not 0 <= dropout_p < 1:
        raise ValueError(f"{who}: dropout_p must be at least 0 and below 1, not {dropout_p}")
    if attn_mask is not None:
        _check_mask(who, attn_mask, query, (*q[:-1], k[-2]), is_causal)


def _check_mask(
    who: str, attn_mask: Tensor, query: Tensor, scores: tuple[int, ...], is_causal: bool
) -> None:
    if is_causal:
        raise RuntimeError(f"{who}: give attn_mask or is_causal=True, not both; merge them first")
    if attn_mask.dtype != bool and attn_mask.dtype != query.dtype:
        raise TypeError(
            f"{who}: attn_mask must be bool or {query.dtype} like the query, not {attn_mask.dtype}"
        )
    try:
        fits = np.broadcast_shapes(attn_mask.array.shape, scores) == scores
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"{who}: attn_mask {attn_mask.shape} does not broadcast to the scores (B, H, T, S) = "
            f"{scores}; a mask for padding (B, S) is passed as mask[:, None, None, :]"
        )
