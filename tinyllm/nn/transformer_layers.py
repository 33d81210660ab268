"""The layers of the Transformer: one of the encoder, one of the decoder.

Letters: B batch, S source length, T target length, C = d_model. Inputs are (length, B, C), with
batch_first=True (B, length, C), or (length, C) without a batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinyllm.nn import functional as F
from tinyllm.nn.attention import MultiheadAttention
from tinyllm.nn.dropout import Dropout
from tinyllm.nn.linear import Linear
from tinyllm.nn.masks import Lengths, check_attn_mask, check_padding_mask
from tinyllm.nn.module import Module
from tinyllm.nn.normalization import LayerNorm
from tinyllm.tensor import Tensor

Activation = str | Callable[[Tensor], Tensor]


class _Layer(Module):
    """What encoder and decoder layers share: branches that add to a stream, each with a norm."""

    norm_first: bool

    def _branch(self, x: Tensor, norm: Module, branch: Callable, *args: Any) -> Tensor:
        """x + branch(norm(x)), or as first published norm(x + branch(x))."""
        if self.norm_first:
            return x + branch(norm(x), *args)
        return norm(x + branch(x, *args))

    def _sa_block(
        self,
        x: Tensor,
        attn_mask: Tensor | None,
        key_padding_mask: Tensor | None,
        is_causal: bool = False,
    ) -> Tensor:
        """Self-attention. It and the other blocks have PyTorch's names: subclasses replace them."""
        attention = self.self_attn
        y, _ = attention(x, x, x, key_padding_mask, False, attn_mask, is_causal=is_causal)
        return self.dropout1(y)

    def _lengths(self, name: str, x: Tensor) -> Lengths:
        """(B, length) of an input, B = None without a batch."""
        who, C = type(self).__name__, self.self_attn.embed_dim
        if not isinstance(x, Tensor):
            raise TypeError(f"{who}: {name} must be a Tensor, not {type(x).__name__}")
        batch_first = self.self_attn.batch_first
        layout = "(B, length, C)" if batch_first else "(length, B, C)"
        if x.ndim not in (2, 3) or x.shape[-1] != C:
            raise ValueError(
                f"{who}: {name} must be {layout}, or (length, C) without a batch, with "
                f"C = d_model = {C}, not of shape {x.shape}"
            )
        if x.ndim == 2:
            return None, x.shape[0]
        return x.shape[:2] if batch_first else x.shape[1::-1]

    def _check_masks(
        self,
        name: str,
        query: Lengths,
        key: Lengths,
        dtype: np.dtype,
        masks: tuple,
        padding_name: str,
    ) -> None:
        """Check what one attention gets, so that a message has the name the caller gave it."""
        attn_mask, padding, is_causal = masks
        who, attention = type(self).__name__, self.self_attn
        heads = attention.num_heads
        check_attn_mask(who, name, attn_mask, query, key, heads, dtype, is_causal)
        check_padding_mask(who, padding_name, padding, key, dtype, attention.batch_first)


class TransformerEncoderLayer(_Layer):
    """Let positions look at each other, then transform each alone; both add to the stream.

    norm(x + attention(x)), then norm(x + linear2(activation(linear1(x)))); with norm_first
    x + attention(norm(x)) and so on, which trains more steadily in deep stacks.

    Args:    activation: "relu", "gelu", or a function of a tensor.
    Shapes:  (S, B, C) -> (S, B, C), (B, S, C) with batch_first, or (S, C)
    Raises:  ValueError if nhead does not divide d_model, or for an unknown activation.
    PyTorch: torch.nn.TransformerEncoderLayer; it has no other path for evaluation here.
    Source:  Vaswani et al. 2017, section 3.1, arXiv:1706.03762; norm_first: Xiong et al. 2020,
             arXiv:2002.04745
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        where = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout, bias, batch_first=batch_first, **where
        )
        self.linear1 = Linear(d_model, dim_feedforward, bias, **where)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **where)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, **where)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, **where)
        self.dropout1, self.dropout2 = Dropout(dropout), Dropout(dropout)
        self.activation = _activation(activation)

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Run both branches. Masks as in MultiheadAttention: True = may not be looked at."""
        lengths = self._lengths("src", src)
        masks = (src_mask, src_key_padding_mask, is_causal)
        self._check_masks("src_mask", lengths, lengths, src.dtype, masks, "src_key_padding_mask")
        x = self._branch(src, self.norm1, self._sa_block, *masks)
        return self._branch(x, self.norm2, self._ff_block)

    def _ff_block(self, x: Tensor) -> Tensor:
        hidden = self.activation(self.linear1(x))  # (..., dim_feedforward)
        return self.dropout2(self.linear2(self.dropout(hidden)))  # (..., C)


class TransformerDecoderLayer(_Layer):
    """Let target positions look at each other, then at the memory, then transform each alone.

    Args:    activation: "relu", "gelu", or a function of a tensor.
    Shapes:  tgt (T, B, C), memory (S, B, C) -> (T, B, C); (B, T, C) and so on with batch_first;
             (T, C) and so on without a batch
    Raises:  ValueError if nhead does not divide d_model, or for an unknown activation.
    PyTorch: torch.nn.TransformerDecoderLayer
    Source:  Vaswani et al. 2017, section 3.1, arXiv:1706.03762
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        where = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout, bias, batch_first=batch_first, **where
        )
        self.multihead_attn = MultiheadAttention(
            d_model, nhead, dropout, bias, batch_first=batch_first, **where
        )
        self.linear1 = Linear(d_model, dim_feedforward, bias, **where)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **where)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, **where)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, **where)
        self.norm3 = LayerNorm(d_model, layer_norm_eps, bias=bias, **where)
        self.dropout1, self.dropout2 = Dropout(dropout), Dropout(dropout)
        self.dropout3 = Dropout(dropout)
        self.activation = _activation(activation)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Run the three branches.

        Shapes:  tgt_mask (T, T), memory_mask (T, S): rows are the positions that look.
        """
        query, key = self._lengths("tgt", tgt), self._lengths("memory", memory)
        if query[0] != key[0]:
            raise ValueError(
                f"{type(self).__name__}: tgt {tgt.shape} and memory {memory.shape} disagree on the "
                f"batch, with batch_first={self.self_attn.batch_first}: {query[0]} != {key[0]}"
            )
        own = (tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        other = (memory_mask, memory_key_padding_mask, memory_is_causal)
        self._check_masks("tgt_mask", query, query, tgt.dtype, own, "tgt_key_padding_mask")
        self._check_masks("memory_mask", query, key, tgt.dtype, other, "memory_key_padding_mask")
        x = self._branch(tgt, self.norm1, self._sa_block, *own)
        x = self._branch(x, self.norm2, self._mha_block, memory, *other)
        return self._branch(x, self.norm3, self._ff_block)

    def _mha_block(
        self,
        x: Tensor,
        mem: Tensor,
        attn_mask: Tensor | None,
        key_padding_mask: Tensor | None,
        is_causal: bool = False,
    ) -> Tensor:
        attention = self.multihead_attn
        y, _ = attention(x, mem, mem, key_padding_mask, False, attn_mask, is_causal=is_causal)
        return self.dropout2(y)

    def _ff_block(self, x: Tensor) -> Tensor:
        hidden = self.activation(self.linear1(x))  # (..., dim_feedforward)
        return self.dropout3(self.linear2(self.dropout(hidden)))  # (..., C)


def _activation(activation: Activation) -> Callable[[Tensor], Tensor]:
    if not isinstance(activation, str):
        return activation
    if activation not in ("relu", "gelu"):
        raise ValueError(
            f"activation should be 'relu', 'gelu' or a function of a tensor, not {activation!r}"
        )
    return F.relu if activation == "relu" else F.gelu
