"""What a decoder is a stack of: causal self-attention, an MLP, and the block of both.

Shapes: B batch, T tokens given now, S tokens to look at (those in the cache and the T new ones),
C width, H heads, Hk key and value heads, D = C / H head size.
"""

from __future__ import annotations

import numpy as np

from tinyllm import nn
from tinyllm.models.decoder_config import DecoderConfig
from tinyllm.nn import functional as F
from tinyllm.tensor import Tensor


def norm_by(config: DecoderConfig) -> nn.Module:
    """Make the norm that a config names."""
    if config.norm == "rms":
        return nn.RMSNorm(config.width, config.norm_eps)
    return nn.LayerNorm(config.width, config.norm_eps, bias=config.bias)


def _branch_end(layer: nn.Linear, x: Tensor, stream: Tensor | None, dropout: nn.Dropout) -> Tensor:
    """stream + dropout(layer(x)): where nothing is dropped, the sum is taken within the product."""
    if stream is None:
        return dropout(layer(x))
    if dropout.p and dropout.training:
        return stream + dropout(layer(x))
    return layer(x, onto=stream)


def place_in(cache: nn.KeyValueCache, tokens: int) -> int | np.ndarray:
    """Say where new tokens begin; of rows that differ in length, where each token stands."""
    return cache.length if cache.even else cache.positions(tokens)


class Attention(nn.Module):
    """Causal self-attention: each token gathers from itself and the tokens before it.

    Shapes:  x (B, T, C), stream (B, T, C), to which the result is added, or None -> (B, T, C);
             prefix (B,): how many tokens at a row's start are seen by all of it; None: no row has
             such
    Source:  Vaswani et al. 2017, section 3.2, arXiv:1706.03762; for Hk < H Ainslie et al. 2023,
             arXiv:2305.13245
    """

    def __init__(
        self, config: DecoderConfig, layer: int, rotary: nn.RotaryEmbedding | None
    ) -> None:
        super().__init__()
        self.layer = layer  # this layer's place in the cache
        self.heads, self.kv_heads = config.heads, config.kv_heads
        self.head_size, self.dropout = config.head_size, config.dropout
        self.rotary = rotary
        self.qk_norm = nn.HeadNorm(config.norm_eps, config.qk_gain) if config.qk_norm else None
        packed = (self.heads + 2 * self.kv_heads) * self.head_size
        self.qkv = nn.Linear(config.width, packed, config.bias)  # one product in place of three
        self.out = nn.Linear(config.width, config.width, config.bias)
        self.residual_dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        x: Tensor,
        stream: Tensor | None = None,
        cache: nn.KeyValueCache | None = None,
        prefix: np.ndarray | None = None,
    ) -> Tensor:
        """Attend, to the tokens in the cache too if one is given."""
        qkv = self.qkv(x)  # (B, T, (H + 2 Hk) D)
        if self.qk_norm is not None:
            qkv = self._normalised(qkv)
        if self.rotary is not None:
            qkv = self._turned(qkv, 0 if cache is None else place_in(cache, qkv.shape[1]))
        if cache is not None:
            y = cache.attend(self.layer, qkv, self.heads, prefix)  # (B, T, C)
        else:
            dropout = self.dropout if self.training else 0.0
            y = F.self_attention(qkv, self.heads, self.kv_heads, dropout, True, prefix)
        return _branch_end(self.out, y, stream, self.residual_dropout)  # (B, T, C)

    def _normalised(self, qkv: Tensor) -> Tensor:
        """Give queries and keys length qk_gain sqrt(D)."""
        heads = qkv.view(*qkv.shape[:2], -1, self.head_size)  # (B, T, H + 2 Hk, D)
        return self.qk_norm(heads, self.heads + self.kv_heads).view(qkv.shape)

    def _turned(self, qkv: Tensor, start: int | np.ndarray) -> Tensor:
        """Turn queries and keys by their positions: from `start` on, or as given for each token."""
        B, T, width = qkv.shape
        heads = qkv.view(B, T, width // self.head_size, self.head_size)  # (B, T, H + 2 Hk, D)
        return self.rotary(heads, start, self.heads + self.kv_heads).view(B, T, width)


class MLP(nn.Module):
    """Two linear layers with a nonlinearity between, on each token alone; or SwiGLU's three.

    down(gelu(up(x))),  or  down(max(up(x), 0)^2),  or  down(silu(gate(x)) * up(x))

    Shapes:  x (B, T, C), stream (B, T, C), to which the result is added, or None -> (B, T, C)
    Source:  Vaswani et al. 2017, eq. 2; SwiGLU: Shazeer 2020, eq. 6, arXiv:2002.05202;
             squared ReLU: So et al. 2021, arXiv:2109.08668
    """

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.activation = config.activation
        self.up = nn.Linear(config.width, config.hidden_width, config.bias)
        if self.activation == "swiglu":
            self.gate = nn.Linear(config.width, config.hidden_width, config.bias)
        self.down = nn.Linear(config.hidden_width, config.width, config.bias)
        self.residual_dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, stream: Tensor | None = None) -> Tensor:
        """Transform each token."""
        if self.activation == "swiglu":
            hidden = F.silu(self.gate(x)) * self.up(x)  # (B, T, hidden_width)
        elif self.activation == "relu2":
            hidden = F.relu_squared(self.up(x))  # (B, T, hidden_width)
        else:
            approximate = "tanh" if self.activation == "gelu_tanh" else "none"
            hidden = F.gelu(self.up(x), approximate)  # (B, T, hidden_width)
        return _branch_end(self.down, hidden, stream, self.residual_dropout)  # (B, T, C)


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)): both add to a stream that runs through.

    Shapes:  (B, T, C) -> (B, T, C), or (N, C) of the N tokens that are wanted
    """

    def __init__(
        self, config: DecoderConfig, layer: int, rotary: nn.RotaryEmbedding | None
    ) -> None:
        super().__init__()
        self.norm_1 = norm_by(config)
        self.attention = Attention(config, layer, rotary)
        self.norm_2 = norm_by(config)
        self.mlp = MLP(config)

    def forward(
        self,
        x: Tensor,
        cache: nn.KeyValueCache | None = None,
        prefix: np.ndarray | None = None,
        wanted: np.ndarray | None = None,
    ) -> Tensor:
        """Let tokens look at each other, then each think for itself; or those alone, (B, T) bool,
        that are wanted."""
        x = self.attention(self.norm_1(x), x, cache, prefix)  # (B, T, C)
        if wanted is not None:
            x = x[wanted]  # (N, C)
        return self.mlp(self.norm_2(x), x)  # (B, T, C) or (N, C)
