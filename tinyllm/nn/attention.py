"""Multi-head attention, as PyTorch's layer: projections, heads side by side, masks, weights.

Letters: B batch, T queries, S keys, C = embed_dim, H heads, D = C / H.
"""

from __future__ import annotations

import math
from typing import Any

from tinyllm.functions import cat, zeros
from tinyllm.nn import functional as F
from tinyllm.nn import init
from tinyllm.nn.linear import Linear
from tinyllm.nn.masks import Lengths, check_attn_mask, check_padding_mask, merged
from tinyllm.nn.module import Module
from tinyllm.nn.parameter import empty_parameter
from tinyllm.tensor import Tensor

WHO = "MultiheadAttention"


class MultiheadAttention(Module):
    """Let each query gather values, weighted by how well their keys fit it, in H heads at once.

    out = concat(head_1 .. head_H) W_O, head_i = softmax(q_i k_i^T / sqrt(D) + mask) v_i, where q_i,
    k_i, v_i are the i-th D columns of query W_Q^T, key W_K^T, value W_V^T. The three projections
    stand one below the other in `in_proj_weight` (3 C, C): self-attention is one product.

    Args:    dropout: probability with which a weight is dropped while training.
             add_bias_kv: append a learned key and value to every sequence.
             add_zero_attn: append a key and a value of zeros.
             kdim, vdim: widths of key and value, by default C; otherwise the projections are
             separate parameters.
             batch_first: inputs (B, T, C) rather than (T, B, C).
    Raises:  ValueError if num_heads does not divide embed_dim.
    PyTorch: torch.nn.MultiheadAttention; in evaluation PyTorch may take another path, whose fully
             masked rows differ from those in training. Here there is one path.
    Source:  Vaswani et al. 2017, section 3.2.2, arXiv:1706.03762
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _check_sizes(embed_dim, num_heads, dropout)
        self.embed_dim, self.num_heads = embed_dim, num_heads
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self.dropout, self.batch_first = dropout, batch_first
        self.add_zero_attn = add_zero_attn
        self.head_dim = embed_dim // num_heads
        where = {"device": device, "dtype": dtype}
        packed = self.kdim == self.vdim == embed_dim
        # PyTorch's names, whichever are used; the order is that of its state_dict
        for name, width in (("q", embed_dim), ("k", self.kdim), ("v", self.vdim)):
            weight = None if packed else empty_parameter(embed_dim, width, **where)
            self.register_parameter(f"{name}_proj_weight", weight)
        self.register_parameter(
            "in_proj_weight", empty_parameter(3 * embed_dim, embed_dim, **where) if packed else None
        )
        self.register_parameter(
            "in_proj_bias", empty_parameter(3 * embed_dim, **where) if bias else None
        )
        for name in ("bias_k", "bias_v"):
            appended = empty_parameter(1, 1, embed_dim, **where) if add_bias_kv else None
            self.register_parameter(name, appended)
        self.out_proj = Linear(embed_dim, embed_dim, bias, **where)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the projections anew, evenly as Glorot and Bengio did; biases start at 0."""
        for weight in (
            self.in_proj_weight,
            self.q_proj_weight,
            self.k_proj_weight,
            self.v_proj_weight,
        ):
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        if self.bias_k is not None:
            init.xavier_normal_(self.bias_k)
            init.xavier_normal_(self.bias_v)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend; return the output, and the weights if they are needed, else None.

        Shapes:  query (T, B, C), key (S, B, kdim), value (S, B, vdim) -> (T, B, C); with
                 batch_first (B, T, C) and so on; without a batch (T, C) and so on. Weights
                 (B, T, S), or with average_attn_weights=False (B, H, T, S).
        Args:    key_padding_mask: (B, S), bool: True = no query may look at it; or numbers added.
                 attn_mask: (T, S), or (B * H, T, S) for each head; likewise.
                 need_weights: False is quicker: the weights then never exist as a whole.
                 is_causal: says that attn_mask is the causal mask, so that it need not be read;
                 without one it is an error, as in PyTorch.
        Raises:  ValueError where shapes disagree, TypeError for dtypes.
        """
        first, second = self._check(query, key, value)  # (B, T), (B, S); B = None: not batched
        batched = query.ndim == 3
        dtype = query.dtype
        check_attn_mask(
            WHO, "attn_mask", attn_mask, first, second, self.num_heads, dtype, is_causal
        )
        check_padding_mask(
            WHO, "key_padding_mask", key_padding_mask, second, dtype, self.batch_first
        )
        if not batched:
            key_is_query, value_is_key = key is query, value is key
            query = self._with_batch(query)
            key = query if key_is_query else self._with_batch(key)
            value = key if value_is_key else self._with_batch(value)
            if key_padding_mask is not None:
                key_padding_mask = key_padding_mask.unsqueeze(0)  # (1, S)
        if is_causal and key_padding_mask is None and not need_weights:
            mask = None
        else:
            is_causal = False
            mask = merged(attn_mask, key_padding_mask, self.num_heads, dtype)
        q, k, v = self._heads(query, key, value)  # (B, H, T, D), (B, H, S, D) twice
        k, v, mask = self._appended(k, v, mask)
        dropout = self.dropout if self.training else 0.0
        weights = None
        if need_weights:
            y, weights = _attend_with_weights(q, k, v, mask, dropout)
            weights = weights.mean(1) if average_attn_weights else weights
            weights = weights if batched else weights.squeeze(0)
        else:
            y = F.scaled_dot_product_attention(q, k, v, mask, dropout, is_causal)
        # heads side by side again: (B, H, T, D) -> (B, T, H, D) or (T, B, H, D) -> (.., .., C)
        y = y.permute(*((0, 2, 1, 3) if self.batch_first else (2, 0, 1, 3)))
        y = self.out_proj(y.reshape(*query.shape))
        return (y if batched else y.squeeze(0 if self.batch_first else 1)), weights

    def _with_batch(self, x: Tensor) -> Tensor:
        return x.unsqueeze(0 if self.batch_first else 1)

    def _heads(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Project, and cut into heads: views in all cases, of as few products as possible."""
        C, weight, bias = self.embed_dim, self.in_proj_weight, self.in_proj_bias
        if weight is not None and value is key and key is query:
            q, k, v = self._cut(F.linear(query, weight, bias), 3)
            return q, k, v
        if weight is not None and value is key:
            weights = weight.split([C, 2 * C])
            biases = (None, None) if bias is None else bias.split([C, 2 * C])
            (q,) = self._cut(F.linear(query, weights[0], biases[0]), 1)
            k, v = self._cut(F.linear(key, weights[1], biases[1]), 2)
            return q, k, v
        weights = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        weights = weights if weight is None else weight.chunk(3)
        biases = (None,) * 3 if bias is None else bias.chunk(3)
        q, k, v = (
            self._cut(F.linear(*each), 1)[0]
            for each in zip((query, key, value), weights, biases, strict=True)
        )
        return q, k, v

    def _cut(self, projected: Tensor, parts: int) -> tuple[Tensor, ...]:
        """Cut (B, T, parts * C), or (T, B, parts * C), into `parts` times (B, H, T, D)."""
        outer, inner, _ = projected.shape
        if parts == 1:
            x = projected.view(outer, inner, self.num_heads, self.head_dim)
            return (x.permute(*((0, 2, 1, 3) if self.batch_first else (1, 2, 0, 3))),)
        x = projected.view(outer, inner, parts, self.num_heads, self.head_dim)
        return x.permute(*((2, 0, 3, 1, 4) if self.batch_first else (2, 1, 3, 0, 4))).unbind()

    def _appended(
        self, k: Tensor, v: Tensor, mask: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Append the learned key and value, and the zeros, which every query may see."""
        B, H, _, D = k.shape
        before = k.shape[2]
        if self.bias_k is not None:
            k = cat((k, self.bias_k.view(1, H, 1, D).expand(B, H, 1, D)), dim=2)
            v = cat((v, self.bias_v.view(1, H, 1, D).expand(B, H, 1, D)), dim=2)
        if self.add_zero_attn:
            nothing = zeros(B, H, 1, D, dtype=k.dtype)
            k, v = cat((k, nothing), dim=2), cat((v, nothing), dim=2)
        if mask is not None and k.shape[2] > before:
            seen = zeros(*mask.shape[:-1], k.shape[2] - before, dtype=mask.dtype)
            mask = cat((mask, seen), dim=-1)
        return k, v, mask

    def _check(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Lengths, Lengths]:
        """Check the inputs; return (B, T) and (B, S), B = None for unbatched ones."""
        named = (
            ("query", query, self.embed_dim),
            ("key", key, self.kdim),
            ("value", value, self.vdim),
        )
        for name, x, width in named:
            if not isinstance(x, Tensor):
                raise TypeError(f"{WHO}: {name} must be a Tensor, not {type(x).__name__}")
            if x.ndim not in (2, 3) or x.ndim != query.ndim:
                raise ValueError(
                    f"{WHO}: query, key and value must all be (T, B, C), with batch_first "
                    f"(B, T, C), or all (T, C): query {query.shape}, {name} {x.shape}"
                )
            if x.shape[-1] != width:
                raise ValueError(
                    f"{WHO}: {name} {x.shape} must have {width} features, not {x.shape[-1]}: "
                    "embed_dim for the query, kdim and vdim for key and value"
                )
        if key.shape[:-1] != value.shape[:-1]:
            raise ValueError(
                f"{WHO}: key {key.shape} and value {value.shape} disagree on length or batch: "
                "each key belongs to one value"
            )
        if query.ndim == 2:
            return (None, query.shape[0]), (None, key.shape[0])
        order = slice(0, 2) if self.batch_first else slice(1, None, -1)
        first, second = query.shape[order], key.shape[order]
        if first[0] != second[0]:
            layout = "(B, length, C)" if self.batch_first else "(length, B, C)"
            raise ValueError(
                f"{WHO}: query {query.shape} and key {key.shape}, {layout} as "
                f"batch_first={self.batch_first}, disagree on B: {first[0]} != {second[0]}"
            )
        return first, second


def _check_sizes(embed_dim: int, num_heads: int, dropout: float) -> None:
    if embed_dim <= 0 or num_heads <= 0:
        raise ValueError(
            f"{WHO}: embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and "
            f"num_heads={num_heads}"
        )
    if embed_dim % num_heads:
        raise ValueError(
            f"{WHO}: embed_dim must be divisible by num_heads, the heads share it evenly: "
            f"{embed_dim} = {num_heads} * {embed_dim // num_heads} + {embed_dim % num_heads}"
        )
    if not 0 <= dropout < 1:
        raise ValueError(f"{WHO}: dropout must be at least 0 and below 1, not {dropout}")


def _attend_with_weights(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dropout: float
) -> tuple[Tensor, Tensor]:
    """Attention step by step, with the weights (B, H, T, S), after dropout as in PyTorch."""
    scores = (q * math.sqrt(1 / q.shape[-1])) @ k.transpose(-2, -1)  # (B, H, T, S)
    weights = F.softmax(scores if mask is None else scores + mask, dim=-1)
    weights = F.dropout(weights, dropout)
    return weights @ v, weights  # (B, H, T, D)
