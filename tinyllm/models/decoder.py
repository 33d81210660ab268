"""The decoder, GPT-2 or Llama by config: Transformer blocks that predict the next token.

Shapes: B batch, T tokens given now, C width, V vocabulary.
"""

from __future__ import annotations

import math

import numpy as np

from tinyllm import nn
from tinyllm.functions import arange
from tinyllm.models.decoder_block import Block, norm_by
from tinyllm.models.decoder_config import DecoderConfig
from tinyllm.models.decoder_step import step
from tinyllm.nn import functional as F
from tinyllm.nn import init
from tinyllm.tensor import Tensor

IGNORE = -100  # a target that counts for nothing, as in F.cross_entropy


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
        self.norm = norm_by(config)
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
        writing = cache is not None and prefix is None and wanted is None
        for layer, block in enumerate(self.blocks):
            if writing:
                x = step(block, x, cache)  # (B, T, C)
            else:
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
