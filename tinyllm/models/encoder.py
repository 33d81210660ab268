"""The encoder, BERT's: every token looks at all others, before and after it.

Shapes: B batch, T tokens, C width, F features of a token, K labels.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinyllm import nn
from tinyllm.functions import arange
from tinyllm.models.config import ModelConfig
from tinyllm.nn import init
from tinyllm.tensor import Tensor

SIZES = ("vocab_size", "context_length", "layers", "heads", "width")


@dataclass
class EncoderConfig(ModelConfig):
    """Sizes of an `Encoder`."""

    vocab_size: int
    context_length: int = 512  # the longest T
    layers: int = 2
    heads: int = 4  # H
    width: int = 128  # C, a multiple of heads
    hidden_width: int | None = None  # inside a layer; None: 4 C
    feature_vocab_size: int = 0  # of ids that describe a token beside its own, as affixes do
    dropout: float = 0.1

    def __post_init__(self) -> None:
        self.check_sizes(SIZES)
        self.check_sizes(["feature_vocab_size"], least=0)
        if self.hidden_width is None:
            self.hidden_width = 4 * self.width
        self.check_sizes(["hidden_width"])
        self.check_multiple("width", of="heads")
        self.check_dropout()


class Encoder(nn.Module):
    """Turn tokens into vectors that know the whole text.

    norm(token + position [+ sum of features]), then Transformer layers with the norm first, which
    train more steadily than BERT's norm last.

    Source:  Devlin et al. 2019, arXiv:1810.04805
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.width)
        self.position_embedding = nn.Embedding(config.context_length, config.width)
        if config.feature_vocab_size:
            self.feature_embedding = nn.Embedding(config.feature_vocab_size, config.width)
        self.norm = nn.LayerNorm(config.width)
        self.dropout = nn.Dropout(config.dropout)
        layer = nn.TransformerEncoderLayer(
            config.width,
            config.heads,
            config.hidden_width,
            config.dropout,
            "gelu",
            batch_first=True,
            norm_first=True,
        )
        self.encoder = nn.TransformerEncoder(layer, config.layers, nn.LayerNorm(config.width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all matrices anew from N(0, 0.02^2), as BERT does; biases 0, norms 1."""
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                init.normal_(parameter, 0.0, 0.02)
            elif name.endswith("bias"):
                init.zeros_(parameter)
            else:
                init.ones_(parameter)

    def forward(
        self, ids: Tensor, padding_mask: Tensor | None = None, features: Tensor | None = None
    ) -> Tensor:
        """Compute each token's vector.

        Args:    padding_mask: True at padding, which no token looks at; its own vectors mean
                 nothing.
                 features: ids that describe each token; their embeddings are added.
        Shapes:  ids and padding_mask (B, T), features (B, T, F) -> (B, T, C)
        Raises:  ValueError beyond context_length, or where shapes disagree; IndexError for an id
                 outside its vocabulary.
        """
        self._check(ids, padding_mask, features)
        x = self.token_embedding(ids) + self.position_embedding(arange(ids.shape[1]))  # (B, T, C)
        if features is not None:
            x = x + self.feature_embedding(features).sum(dim=2)  # (B, T, F, C) -> (B, T, C)
        x = self.dropout(self.norm(x))
        return self.encoder(x, src_key_padding_mask=padding_mask)  # (B, T, C)

    def _check(self, ids: Tensor, padding_mask: Tensor | None, features: Tensor | None) -> None:
        for name, given in (("ids", ids), ("padding_mask", padding_mask), ("features", features)):
            if not isinstance(given, Tensor) and (given is not None or name == "ids"):
                raise TypeError(f"Encoder: {name} must be a Tensor, not {type(given).__name__}")
        if ids.ndim != 2 or not ids.array.size:
            raise ValueError(
                f"Encoder: ids must be (B, T) with at least one token, not of shape {ids.shape}"
            )
        if ids.shape[1] > self.config.context_length:
            raise ValueError(
                f"Encoder: {ids.shape[1]} tokens exceed context_length "
                f"{self.config.context_length}: cut the text into parts"
            )
        if padding_mask is not None and padding_mask.shape != ids.shape:
            raise ValueError(
                f"Encoder: padding_mask {padding_mask.shape} and ids (B, T) = {ids.shape} disagree"
            )
        takes = bool(self.config.feature_vocab_size)
        if takes != (features is not None):
            raise ValueError(
                f"Encoder: feature_vocab_size is {self.config.feature_vocab_size}, so that "
                f"features {'are needed' if takes else 'cannot be taken'}"
            )
        if features is not None and (features.ndim != 3 or features.shape[:2] != ids.shape):
            raise ValueError(
                f"Encoder: features must be (B, T, F) with ids (B, T) = {ids.shape}, not of shape "
                f"{features.shape}"
            )


class TokenClassifier(nn.Module):
    """An encoder and a linear layer: a label for each token.

    Shapes:  ids and padding_mask (B, T), features (B, T, F) -> logits (B, T, K)
    Source:  Devlin et al. 2019, section 5.3 and figure 4d, arXiv:1810.04805
    """

    def __init__(self, config: EncoderConfig, num_labels: int) -> None:
        super().__init__()
        if num_labels < 1:
            raise ValueError(f"TokenClassifier: num_labels must be at least 1, not {num_labels}")
        self.encoder = Encoder(config)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.width, num_labels)
        init.normal_(self.head.weight, 0.0, 0.02)
        init.zeros_(self.head.bias)

    def forward(
        self, ids: Tensor, padding_mask: Tensor | None = None, features: Tensor | None = None
    ) -> Tensor:
        """Compute the logits of each token's label."""
        return self.head(self.dropout(self.encoder(ids, padding_mask, features)))  # (B, T, K)
