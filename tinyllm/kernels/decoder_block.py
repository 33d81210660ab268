"""A decoder's block on the few tokens that are written next, in one call.

Written token by token, a small model spends more time between its kernels than in them. Here the
same loops run one after the other within compiled code, with the same results to the bit.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tinyllm.kernels.activation import (
    gelu,
    gelu_elements,
    gelu_tanh,
    gelu_tanh_elements,
    relu_squared,
    relu_squared_elements,
    silu,
    silu_elements,
)
from tinyllm.kernels.attention import SMALL_HEADS
from tinyllm.kernels.blas import hold_to_one_thread
from tinyllm.kernels.head_norm import rms_norm_heads, rms_norm_heads_rows
from tinyllm.kernels.jit import inlined, sequence
from tinyllm.kernels.kernel import kernel
from tinyllm.kernels.matmul import (
    FEW_ROWS,
    SMALL_PRODUCT,
    linear,
    linear_few_rows,
    linear_parts,
    nothing,
)
from tinyllm.kernels.memory import empty_like
from tinyllm.kernels.normalization import (
    layer_norm,
    layer_norm_rows,
    rms_norm,
    rms_norm_rows,
)
from tinyllm.kernels.rotary import rotate, rotate_rows
from tinyllm.kernels.self_attention import (
    NO_PREFIX,
    cached_attention,
    cached_attention_heads,
)
from tinyllm.kernels.threads import SMALL, get_num_threads

BLOCK_ACTIVATIONS = ("gelu", "gelu_tanh", "relu2", "swiglu")
_GELU, _GELU_TANH, _RELU2, _SWIGLU = range(4)


class BlockSettings(NamedTuple):
    """What a block is made of.

    centred:  LayerNorm rather than RMSNorm
    qk_gain:  the root mean square of queries and keys; None leaves them as they are
    """

    heads: int
    centred: bool
    eps: float
    qk_gain: float | None
    activation: str


class BlockWeights(NamedTuple):
    """A block's arrays; None for a bias or a gate that is not there."""

    norm_1: np.ndarray
    norm_1_bias: np.ndarray | None
    qkv: np.ndarray
    qkv_bias: np.ndarray | None
    out: np.ndarray
    out_bias: np.ndarray | None
    norm_2: np.ndarray
    norm_2_bias: np.ndarray | None
    up: np.ndarray
    up_bias: np.ndarray | None
    gate: np.ndarray | None
    gate_bias: np.ndarray | None
    down: np.ndarray
    down_bias: np.ndarray | None


@kernel
def decoder_block(x, keys, values, starts, cos, sin, settings, *weights):
    """x + attention(norm(x)), and to that + mlp(norm of it), as models/decoder_block.py has it.

    x (B, T, C); keys and values (B, Hk, capacity, D), changed, and starts (B,), as in
    `cached_attention`; cos and sin (T, D/2) or (B, T, D/2), or None; settings: BlockSettings;
    weights: BlockWeights' -> y (B, T, C)
    """
    w, (heads, _, _, qk_gain, _) = BlockWeights(*weights), settings
    (B, T, _), (_, kv_heads, _, D) = x.shape, keys.shape
    qkv = linear(_normalised(x, w.norm_1, w.norm_1_bias, settings), w.qkv, w.qkv_bias, None)
    cut = qkv.reshape(B, T, heads + 2 * kv_heads, D)
    if qk_gain is not None:
        cut = rms_norm_heads(cut, heads + kv_heads, settings.eps, qk_gain)[0]
    if cos is not None:
        cos, sin = cos.reshape(-1, D // 2), sin.reshape(-1, D // 2)
        one_row = cut.reshape(B * T // len(cos), len(cos), *cut.shape[2:])
        cut = rotate(one_row, cos, sin, heads + kv_heads)
    y = cached_attention(cut.reshape(qkv.shape), keys, values, starts, heads, None)
    x = linear(y, w.out, w.out_bias, x)
    h = _normalised(x, w.norm_2, w.norm_2_bias, settings)
    return linear(_hidden(h, w, settings.activation), w.down, w.down_bias, x)


def _normalised(x, weight, bias, settings):
    if settings.centred:
        bias = np.zeros_like(weight) if bias is None else bias
        return layer_norm(x, weight, bias, settings.eps)[0]
    return rms_norm(x, weight, settings.eps)[0]


def _hidden(h, w, activation):
    up = linear(h, w.up, w.up_bias, None)
    if activation == "swiglu":
        return silu(linear(h, w.gate, w.gate_bias, None)) * up
    return {"gelu": gelu, "gelu_tanh": gelu_tanh, "relu2": relu_squared}[activation](up)


@decoder_block.fast_with_blas
def decoder_block(x, keys, values, starts, cos, sin, settings, *weights):
    if not (x.size and keys.flags.c_contiguous and values.flags.c_contiguous):
        return decoder_block.definition(x, keys, values, starts, cos, sin, settings, *weights)
    hold_to_one_thread()
    none, no_rows = nothing(x.dtype)
    weights = BlockWeights(*[none if w is None else np.ascontiguousarray(w) for w in weights])
    if not weights.gate.size:
        weights = weights._replace(gate=no_rows)
    if cos is None:
        cos = sin = no_rows
    else:
        cos, sin = cos.reshape(-1, cos.shape[-1]), sin.reshape(-1, sin.shape[-1])
    heads, centred, eps, qk_gain, activation = settings
    qk_gain, activation = 0.0 if qk_gain is None else qk_gain, BLOCK_ACTIVATIONS.index(activation)
    y = empty_like(x)
    _decoder_block(
        get_num_threads(), np.ascontiguousarray(x), keys, values, starts, NO_PREFIX, cos, sin,
        no_rows, *weights, heads, centred, eps, qk_gain, activation, y,
    )  # fmt: skip
    return y


@inlined
def _threads_for(size, small, threads):
    return 1 if size < small else threads


@inlined
def _norm_of(x, weight, bias, centred, eps, threads):
    y, rstd = np.empty_like(x), np.empty(len(x), x.dtype)
    threads = _threads_for(x.size, SMALL, threads)
    if centred:
        mean = np.empty(len(x), x.dtype)
        bias = bias if bias.size else np.zeros_like(weight)
        layer_norm_rows(len(x), threads, x, weight, bias, eps, y, mean, rstd)
    else:
        rms_norm_rows(len(x), threads, x, weight, eps, y, rstd)
    return y


@inlined
def _linear_of(x, weight, bias, onto, threads):
    y = np.empty((len(x), len(weight)), x.dtype)
    threads = _threads_for(x.size * len(weight), SMALL_PRODUCT, threads)
    if len(x) <= FEW_ROWS:
        linear_few_rows(len(weight), threads, x, weight, bias, onto, y)
    else:
        linear_parts(threads, threads, x, weight, bias, onto, y, threads, False)
    return y


@inlined
def _attention_of(qkv, keys, values, starts, no_prefix, cos, sin, heads, eps, qk_gain, threads):
    """What the heads gather: qkv (B, T, (H + 2 Hk) D) -> (B, T, H D)."""
    (B, T, width), (_, kv_heads, _, D) = qkv.shape, keys.shape
    turned = heads + kv_heads
    few = _threads_for(qkv.size, SMALL, threads)
    if qk_gain:
        before, scale = qkv.reshape(B * T, width // D, D), np.empty((B * T, turned), qkv.dtype)
        qkv = np.empty_like(qkv)
        after = qkv.reshape(before.shape)
        rms_norm_heads_rows(B * T, few, before, eps, qk_gain, after, scale)
    if cos.size:
        before = qkv.reshape(B * T // len(cos), len(cos), width // D, D)
        qkv = np.empty_like(qkv)
        rotate_rows(B * T, few, before, cos, sin, turned, qkv.reshape(before.shape))
    y = np.empty((B, T, heads * D), qkv.dtype)
    work = heads // kv_heads * T * (starts.max() + T) * D
    several = min(B * kv_heads, _threads_for(B * kv_heads * work, SMALL_HEADS, threads))
    cached_attention_heads(
        B * kv_heads, several, qkv, keys, values, starts, no_prefix, y, 1 / math.sqrt(D)
    )
    return y


@inlined
def _hidden_of(h, up, up_bias, gate, gate_bias, nothing, activation, threads):
    x = _linear_of(h, up, up_bias, nothing, threads)
    y, flat = np.empty_like(x), x.reshape(-1)
    few = _threads_for(x.size, SMALL, threads)
    if activation == _SWIGLU:
        gates = _linear_of(h, gate, gate_bias, nothing, threads).reshape(-1)
        silu_elements(x.size, few, gates, y.reshape(-1))
        y *= x
    elif activation == _RELU2:
        relu_squared_elements(x.size, few, flat, y.reshape(-1))
    elif activation == _GELU_TANH:
        gelu_tanh_elements(x.size, few, flat, y.reshape(-1))
    else:
        gelu_elements(x.size, few, flat, y.reshape(-1))
    return y


@sequence
def _decoder_block(
    threads, x, keys, values, starts, no_prefix, cos, sin, no_rows, norm_1, norm_1_bias,
    qkv, qkv_bias, out, out_bias, norm_2, norm_2_bias, up, up_bias, gate, gate_bias,
    down, down_bias, heads, centred, eps, qk_gain, activation, result,
):  # fmt: skip
    B, T, C = x.shape
    x = x.reshape(B * T, C)
    h = _norm_of(x, norm_1, norm_1_bias, centred, eps, threads)
    packed = _linear_of(h, qkv, qkv_bias, no_rows, threads).reshape(B, T, len(qkv))
    y = _attention_of(
        packed, keys, values, starts, no_prefix, cos, sin, heads, eps, qk_gain, threads
    )
    x = _linear_of(y.reshape(B * T, C), out, out_bias, x, threads)
    h = _norm_of(x, norm_2, norm_2_bias, centred, eps, threads)
    hidden = _hidden_of(h, up, up_bias, gate, gate_bias, no_rows, activation, threads)
    result[:] = _linear_of(hidden, down, down_bias, x, threads).reshape(B, T, C)
