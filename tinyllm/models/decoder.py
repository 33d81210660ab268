"""The decoder, GPT-2 or Llama by config: Transformer blocks that predict the next token.

Shapes: B batch, T tokens given now, S tokens to look at (those in the cache and the T new ones),
C width, H heads, Hk key and value heads, D = C / H head size, V vocabulary.
"""

from __future__ import annotations

import math

import numpy as np

from tinyllm import nn
from tinyllm.functions import arange
from tinyllm.models.decoder_config import DecoderConfig
from tinyllm.nn import functional as F
from tinyllm.nn import init
from tinyllm.tensor import Tensor

IGNORE = -100  # a target that counts for nothing, as in F.cross_entropy


def _norm(config: DecoderConfig) -> nn.Module:
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


def _place(cache: nn.KeyValueCache, tokens: int) -> int | np.ndarray:
    """Where new tokens begin; of rows that differ in length, where each token stands."""
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
            qkv = self._turned(qkv, 0 if cache is None else _place(cache, qkv.shape[1]))
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
        self.norm_1 = _norm(config)
        self.attention = Attention(config, layer, rotary)
        self.norm_2 = _norm(config)
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


class Decoder(nn.Module):
    """A language model: for each token the logits of the token that comes next.

    With config.prefix_end what stands up to the first such token is read in both directions, as an
    encoder would read it: a prefix language model. With a cache it is to be read in one piece.

    Source:  Radford et al. 2019 (GPT-2); Touvron et al. 2023, arXiv:2302.13971 (Llama); Raffel et
             al. 2020, section 3.2.1, arXiv:1910.10683 (prefixes)
    """

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.width)
        rotary = None
        if config.positions == "learned":
            self.position_embedding = nn.Embedding(config.context_length, config.width)
        else:
            rotary = nn.RotaryEmbedding(config.head_size, config.context_length, config.rope_base)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config, layer, rotary) for layer in range(config.layers))
        self.norm = _norm(config)
        if not config.tie_embeddings:
            self.head = nn.Linear(config.width, config.vocab_size, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights anew, as GPT-2 does.

        N(0, 0.02^2), the embeddings of tokens N(0, embedding_std^2), biases 0. Each block adds two
        branches to the stream; the layer that ends a branch starts smaller, by 1 / sqrt(2 layers),
        so that the stream's variance does not grow with depth; or at 0 (zero_init_branches), so
        that at first nothing is added to it.
        """
        end_std = 0.02 / math.sqrt(2 * self.config.layers)
        if self.config.zero_init_branches:
            end_std = 0.0
        for name, parameter in self.named_parameters():
            if name.endswith(("attention.out.weight", "mlp.down.weight")):
                init.normal_(parameter, 0.0, end_std)
            elif name == "token_embedding.weight":
                init.normal_(parameter, 0.0, self.config.embedding_std)
            elif parameter.ndim == 2:
                init.normal_(parameter, 0.0, 0.02)
            elif name.endswith("bias"):
                init.zeros_(parameter)
            else:
                init.ones_(parameter)  # the norms' weights

    def forward(self, ids: Tensor, cache: nn.KeyValueCache | None = None) -> Tensor:
        """Compute the logits after each token.

        Args:    cache: holds the tokens before `ids`, which continue them, and is extended.
        Shapes:  ids (B, T) -> (B, T, V)
        Raises:  ValueError beyond context_length, IndexError for an id outside the vocabulary.
        """
        return self.logits(self.hidden(ids, cache))

    def hidden(
        self,
        ids: Tensor,
        cache: nn.KeyValueCache | None = None,
        wanted: np.ndarray | None = None,
    ) -> Tensor:
        """Compute what the blocks make of the tokens; see `forward`.

        Args:    wanted: (B, T) bool: the tokens that are asked for. The others are spared what
                 the last block would think of them.
        Shapes:  ids (B, T) -> (B, T, C), or (N, C) of the N tokens that are wanted
        """
        start = cache.length if cache is not None else 0
        self._check(ids, start)
        x = self.token_embedding(ids)  # (B, T, C)
        if self.config.positions == "learned":
            T = ids.shape[1]
            positions = arange(T) if cache is None else Tensor(cache.positions(T))  # (T) or (B, T)
            x = x + self.position_embedding(positions)  # (B, T, C) + (T, C) or (B, T, C)
        x = self.dropout(x)
        prefix = None if start else self._prefix(ids.array)
        last = self.config.layers - 1
        for layer, block in enumerate(self.blocks):
            x = block(x, cache, prefix, wanted if layer == last else None)  # (B, T, C)
        return self.norm(x)

    def logits(self, x: Tensor) -> Tensor:
        """Compute the logits of what the blocks made: (..., C) -> (..., V)."""
        if self.config.tie_embeddings:
            return F.linear(x, self.token_embedding.weight)
        return self.head(x)

    def loss(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Compute the mean cross-entropy of the next tokens, in nats per token.

        Shapes:  ids and targets (B, T) -> (); a target of -100 counts for nothing
        """
        counted = targets.numpy() != IGNORE
        if counted.all():
            x, targets = self.hidden(ids).flatten(0, 1), targets.flatten()  # (B T, C), (B T)
        else:  # most of a dialogue asks for nothing
            x, targets = self.hidden(ids, wanted=counted), targets[counted]  # (N, C), (N)
        return F.cross_entropy(self.logits(x), targets)

    def new_cache(self, batch_size: int = 1, capacity: int | None = None) -> nn.KeyValueCache:
        """Make an empty key-value cache for this model; by default for a whole context."""
        config = self.config
        return nn.KeyValueCache(
            config.layers,
            batch_size,
            config.kv_heads,
            config.context_length if capacity is None else capacity,
            config.head_size,
            self.token_embedding.weight.dtype,
        )

    def num_parameters(self) -> int:
        """Count the trained numbers, tied ones once."""
        return sum(parameter.numel() for parameter in self.parameters())

    def _prefix(self, ids: np.ndarray) -> np.ndarray | None:
        """How many tokens of each row stand up to its first prefix_end: (B,), 0 if it has none."""
        if self.config.prefix_end is None:
            return None
        ends = ids == self.config.prefix_end  # (B, T)
        return np.where(ends.any(axis=1), ends.argmax(axis=1) + 1, 0)

    def _check(self, ids: Tensor, start: int) -> None:
        if not isinstance(ids, Tensor):
            raise TypeError(
                f"Decoder: ids must be a Tensor of token ids, not {type(ids).__name__}; "
                "make one with tinyllm.tensor(ids)"
            )
        if ids.ndim != 2 or not ids.array.size:
            raise ValueError(
                f"Decoder: ids must be (B, T) with at least one token, not of shape {ids.shape}; "
                "a single sequence (T,) is passed as ids[None, :]"
            )
        T, context_length = ids.shape[1], self.config.context_length
        if start + T > context_length:
            cached = f"{start} tokens in the cache and " if start else ""
            raise ValueError(
                f"Decoder: {cached}{T} tokens in ids exceed context_length {context_length}: "
                "cut the text to its last tokens, or make a model with a longer context"
            )

    def extra_repr(self) -> str:
        """Say the settings that the layers do not show."""
        return f"context_length={self.config.context_length}, heads={self.config.heads}"
