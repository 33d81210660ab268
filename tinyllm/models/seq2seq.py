"""The encoder-decoder: one stack reads a source, another writes a target while looking at it.

Shapes: B batch, S source tokens, T target tokens, C width, H heads, D = C / H, V target vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinyllm import nn
from tinyllm.models.config import ModelConfig
from tinyllm.nn import functional as F
from tinyllm.nn import init
from tinyllm.tensor import Tensor

POSITIONS = ("sinusoidal", "learned")


@dataclass
class Seq2SeqConfig(ModelConfig):
    """Sizes and style of a `Seq2Seq`."""

    vocab_size: int  # V, of the target
    source_vocab_size: int | None = None  # None: one vocabulary and one embedding for both sides
    context_length: int = 256  # the longest S and the longest T
    encoder_layers: int = 3
    decoder_layers: int = 3
    heads: int = 4  # H
    width: int = 128  # C, an even multiple of heads
    hidden_width: int | None = None  # inside a layer; None: 4 C
    dropout: float = 0.1
    activation: str = "relu"  # or "gelu"
    norm_first: bool = True  # False: after each branch, as first published
    positions: str = "sinusoidal"  # or "learned"
    tie_embeddings: bool = True  # the output layer's weight is the target embedding's
    label_smoothing: float = 0.1  # the share of each target spread evenly over the vocabulary
    pad_id: int = 0  # fills up shorter texts of a batch
    start_id: int = 1  # a target begins with it
    end_id: int = 2  # and ends with it

    def __post_init__(self) -> None:
        who = type(self).__name__
        if self.hidden_width is None:
            self.hidden_width = 4 * self.width
        names = ("vocab_size", "context_length", "encoder_layers", "decoder_layers", "heads")
        self.check_sizes((*names, "width", "hidden_width"))
        if self.source_vocab_size is not None:
            self.check_sizes(["source_vocab_size"])
        if self.width % self.heads or self.width % 2:
            raise ValueError(
                f"{who}: width {self.width} must be even and a multiple of heads {self.heads}"
            )
        for name in ("dropout", "label_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(
                    f"{who}: {name} must be at least 0 and below 1, not {getattr(self, name)!r}"
                )
        if self.positions not in POSITIONS:
            raise ValueError(f"{who}: positions must be one of {POSITIONS}, not {self.positions!r}")
        smallest = min(self.vocab_size, self.source_vocab_size or self.vocab_size)
        for name, most in (
            ("pad_id", smallest), ("start_id", self.vocab_size), ("end_id", self.vocab_size),
        ):  # fmt: skip
            if not 0 <= getattr(self, name) < most:
                raise ValueError(
                    f"{who}: {name} = {getattr(self, name)} is no token of the {most} that there "
                    "are"
                )


class Seq2SeqCache:
    """What decoding keeps: the target's keys and values, and the source's, made once."""

    def __init__(
        self,
        target: nn.KeyValueCache,
        source: list[tuple[Tensor, Tensor]],
        may_attend: Tensor | None,
    ) -> None:
        self.target, self.source, self.may_attend = target, source, may_attend

    @property
    def length(self) -> int:
        """How many target tokens are kept."""
        return self.target.length

    def select(self, rows: Sequence[int]) -> None:
        """Make a batch of these rows, in this order; a row may come more than once."""
        rows = np.asarray(rows, np.int64)
        self.target.select(rows)
        self.source = [(Tensor(k.array[rows]), Tensor(v.array[rows])) for k, v in self.source]
        if self.may_attend is not None:
            self.may_attend = Tensor(self.may_attend.array[rows])


class CachedDecoderLayer(nn.TransformerDecoderLayer):
    """PyTorch's decoder layer, which can also go on from a cache.

    Shapes:  x (B, T, C) -> (B, T, C)
    """

    def source_keys_and_values(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Project the encoded source (B, S, C), once for all target tokens: twice (B, H, S, D)."""
        attention, C = self.multihead_attn, memory.shape[-1]
        packed = F.linear(memory, attention.in_proj_weight[C:], attention.in_proj_bias[C:])
        B, S = memory.shape[:2]
        heads = packed.view(B, S, 2, attention.num_heads, -1).permute(2, 0, 3, 1, 4)
        return heads[0].contiguous(), heads[1].contiguous()

    def step(self, x: Tensor, cache: Seq2SeqCache, layer: int) -> Tensor:
        """Decode new tokens, whose keys and values the cache takes up."""
        x = self._branch(x, self.norm1, self._attend_to_target, cache, layer)
        x = self._branch(x, self.norm2, self._attend_to_source, cache, layer)
        return self._branch(x, self.norm3, self._ff_block)

    def _attend_to_target(self, x: Tensor, cache: Seq2SeqCache, layer: int) -> Tensor:
        attention = self.self_attn
        qkv = F.linear(x, attention.in_proj_weight, attention.in_proj_bias)  # (B, T, 3 C)
        return attention.out_proj(cache.target.attend(layer, qkv, attention.num_heads))

    def _attend_to_source(self, x: Tensor, cache: Seq2SeqCache, layer: int) -> Tensor:
        attention, (B, T, C) = self.multihead_attn, x.shape
        q = F.linear(x, attention.in_proj_weight[:C], attention.in_proj_bias[:C])  # (B, T, C)
        q = q.view(B, T, attention.num_heads, -1).transpose(1, 2)  # (B, H, T, D)
        y = F.scaled_dot_product_attention(q, *cache.source[layer], cache.may_attend)
        return attention.out_proj(y.transpose(1, 2).reshape(B, T, C))


class Seq2Seq(nn.Module):
    """Translate: the probability of each target token, given the source and the target so far.

    The two stacks are `nn.Transformer`'s, with PyTorch's names. Around them are embeddings, scaled
    by sqrt(C), positions, and an output layer.

    Source:  Vaswani et al. 2017, arXiv:1706.03762; tied output: Press & Wolf 2017,
             arXiv:1608.05859; norm first: Xiong et al. 2020, arXiv:2002.04745
    """

    def __init__(self, config: Seq2SeqConfig) -> None:
        super().__init__()
        self.config = config
        C = config.width
        self.target_embedding = nn.Embedding(config.vocab_size, C)
        if config.source_vocab_size is not None:
            self.source_embedding = nn.Embedding(config.source_vocab_size, C)
        if config.positions == "learned":
            self.position_embedding = nn.Embedding(config.context_length, C)
        else:
            self.positions = nn.SinusoidalPositions(config.context_length, C, batch_first=True)
        self.dropout = nn.Dropout(config.dropout)
        layer = CachedDecoderLayer(
            C, config.heads, config.hidden_width, config.dropout, config.activation,
            batch_first=True, norm_first=config.norm_first,
        )  # fmt: skip
        self.transformer = nn.Transformer(
            C, config.heads, config.encoder_layers, config.decoder_layers, config.hidden_width,
            config.dropout, config.activation,
            custom_decoder=nn.TransformerDecoder(layer, config.decoder_layers, nn.LayerNorm(C)),
            batch_first=True, norm_first=config.norm_first,
        )  # fmt: skip
        if not config.tie_embeddings:
            self.head = nn.Linear(C, config.vocab_size, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights anew: Glorot's in the stacks, N(0, 1/C) for embeddings and output."""
        self.transformer.reset_parameters()
        for name, parameter in self.named_parameters():
            if "embedding" in name or name == "head.weight":
                init.normal_(parameter, 0.0, self.config.width**-0.5)

    def forward(
        self, source: Tensor, decoder_input: Tensor, source_padding: Tensor | None = None
    ) -> Tensor:
        """Compute the logits after each target token.

        Args:    decoder_input: the target from its start token on, without its last token.
                 source_padding: True at padding, which nothing looks at. Padding at the end of
                 targets needs no mask: no token looks ahead.
        Shapes:  source and source_padding (B, S), decoder_input (B, T) -> (B, T, V)
        Raises:  ValueError beyond context_length or where shapes disagree, IndexError for an id
                 outside its vocabulary.
        """
        memory = self.encode(source, source_padding)  # (B, S, C)
        self._check("decoder_input", decoder_input, 0)
        if decoder_input.shape[0] != source.shape[0]:
            raise ValueError(
                f"Seq2Seq: source (B, S) = {source.shape} and decoder_input (B, T) = "
                f"{decoder_input.shape} disagree on B"
            )
        T = decoder_input.shape[1]
        x = self._embedded(self.target_embedding, decoder_input, np.arange(T))  # (B, T, C)
        causal = nn.Transformer.generate_square_subsequent_mask(T, dtype=x.dtype)
        x = self.transformer.decoder(
            x,
            memory,
            tgt_mask=causal,
            memory_key_padding_mask=_where_needed(source_padding),
            tgt_is_causal=True,
        )  # (B, T, C)
        return self._logits(x)

    def loss(
        self,
        source: Tensor,
        decoder_input: Tensor,
        labels: Tensor,
        source_padding: Tensor | None = None,
    ) -> Tensor:
        """Compute the mean cross-entropy of the labels, smoothed while training, in nats per token.

        Shapes:  source (B, S), decoder_input and labels (B, T) -> (); a label of -100 counts for
                 nothing
        """
        logits = self(source, decoder_input, source_padding)  # (B, T, V)
        return F.cross_entropy(
            logits.view(-1, self.config.vocab_size),
            labels.reshape(-1),
            label_smoothing=self.config.label_smoothing if self.training else 0.0,
        )

    def encode(self, source: Tensor, source_padding: Tensor | None = None) -> Tensor:
        """Turn source tokens (B, S) into vectors (B, S, C) that know the whole source."""
        self._check("source", source, 0)
        if source_padding is not None and source_padding.shape != source.shape:
            raise ValueError(
                f"Seq2Seq: source_padding {source_padding.shape} and source (B, S) = "
                f"{source.shape} disagree"
            )
        shared = self.config.source_vocab_size is None
        embedding = self.target_embedding if shared else self.source_embedding
        x = self._embedded(embedding, source, np.arange(source.shape[1]))  # (B, S, C)
        padding = _where_needed(source_padding)
        return self.transformer.encoder(x, src_key_padding_mask=padding)  # (B, S, C)

    def new_cache(
        self, source: Tensor, source_padding: Tensor | None = None, capacity: int | None = None
    ) -> Seq2SeqCache:
        """Read the source (B, S), and keep what decoding looks at; for use without gradients."""
        memory, config = self.encode(source, source_padding), self.config
        target = nn.KeyValueCache(
            config.decoder_layers,
            source.shape[0],
            config.heads,
            config.context_length if capacity is None else capacity,
            config.width // config.heads,
            memory.dtype,
        )
        layers = self.transformer.decoder.layers
        padding = _where_needed(source_padding)
        may_attend = None if padding is None else Tensor(~padding.array[:, None, None, :])
        source_parts = [layer.source_keys_and_values(memory) for layer in layers]
        return Seq2SeqCache(target, source_parts, may_attend)

    def step(self, decoder_input: Tensor, cache: Seq2SeqCache) -> Tensor:
        """Compute the logits after target tokens (B, T) that continue those in the cache."""
        self._check("decoder_input", decoder_input, cache.length)
        positions = cache.target.positions(decoder_input.shape[1])
        x = self._embedded(self.target_embedding, decoder_input, positions)  # (B, T, C)
        decoder = self.transformer.decoder
        for number, layer in enumerate(decoder.layers):
            x = layer.step(x, cache, number)
        return self._logits(decoder.norm(x))  # (B, T, V)

    def cross_attention(
        self, source: Tensor, decoder_input: Tensor, source_padding: Tensor | None = None
    ) -> np.ndarray:
        """Show what each target token looks at: weights (layers, B, H, T, S), rows summing to 1."""
        memory = self.encode(source, source_padding)
        T, padding = decoder_input.shape[1], _where_needed(source_padding)
        x = self._embedded(self.target_embedding, decoder_input, np.arange(T))
        causal = nn.Transformer.generate_square_subsequent_mask(T, dtype=x.dtype)
        weights = []
        for layer in self.transformer.decoder.layers:
            x = layer._branch(x, layer.norm1, layer._sa_block, causal, None, True)
            query = layer.norm2(x) if layer.norm_first else x
            _, seen = layer.multihead_attn(
                query, memory, memory, padding, average_attn_weights=False
            )
            weights.append(seen.array)
            x = layer._branch(x, layer.norm2, layer._mha_block, memory, None, padding)
            x = layer._branch(x, layer.norm3, layer._ff_block)
        return np.stack(weights)

    def num_parameters(self) -> int:
        """Count the trained numbers, tied ones once."""
        return sum(parameter.numel() for parameter in self.parameters())

    def _embedded(self, embedding: nn.Embedding, ids: Tensor, positions: np.ndarray) -> Tensor:
        scale = math.sqrt(self.config.width)  # embeddings are small, positions are of size 1
        x = embedding(ids) * scale  # (B, T, C)
        if self.config.positions == "learned":
            x = x + self.position_embedding(Tensor(positions)) * scale
        else:
            x = self.positions(x, positions)
        return self.dropout(x)  # (B, T, C)

    def _logits(self, x: Tensor) -> Tensor:
        if self.config.tie_embeddings:
            return F.linear(x, self.target_embedding.weight)  # (B, T, V)
        return self.head(x)  # (B, T, V)

    def _check(self, name: str, ids: Tensor, start: int) -> None:
        if not isinstance(ids, Tensor):
            raise TypeError(f"Seq2Seq: {name} must be a Tensor of ids, not {type(ids).__name__}")
        if ids.ndim != 2 or not ids.array.size:
            raise ValueError(
                f"Seq2Seq: {name} must be (B, length) with at least one token, not of shape "
                f"{ids.shape}"
            )
        if start + ids.shape[1] > self.config.context_length:
            raise ValueError(
                f"Seq2Seq: {start + ids.shape[1]} tokens of {name} exceed context_length "
                f"{self.config.context_length}: cut the text into parts, or make a model with a "
                "longer context"
            )


def _where_needed(padding: Tensor | None) -> Tensor | None:
    """The mask, if it hides anything: without one attention is quicker."""
    return padding if padding is not None and padding.array.any() else None
