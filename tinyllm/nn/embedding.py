"""The embedding table: a vector for each token."""

from __future__ import annotations

from typing import Any

from tinyllm.nn import functional as F
from tinyllm.nn import init
from tinyllm.nn.module import Module
from tinyllm.nn.parameter import Parameter, empty_parameter
from tinyllm.tensor import Tensor


class Embedding(Module):
    """Look up one row of `weight` for each id. The rows start drawn from N(0, 1).

    Args:    padding_idx: a row that starts at 0 and receives no gradient; negative counts from the
             end.
    Shapes:  ids (...) -> (..., embedding_dim); weight (num_embeddings, embedding_dim)
    PyTorch: torch.nn.Embedding, without max_norm, scale_grad_by_freq and sparse
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise ValueError(
                    f"Embedding: padding_idx {padding_idx} is outside [0, {num_embeddings})"
                )
            padding_idx %= num_embeddings
        self.padding_idx = padding_idx
        self.weight = empty_parameter(num_embeddings, embedding_dim, device=device, dtype=dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the rows anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            init.zeros_(self.weight.data[self.padding_idx])

    @classmethod
    def from_pretrained(
        cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None
    ) -> Embedding:
        """Make a layer around given rows, which are shared; by default they are not trained."""
        if embeddings.ndim != 2:
            raise ValueError(
                f"Embedding: embeddings must be (rows, width), not of shape {embeddings.shape}"
            )
        layer = cls(*embeddings.shape, padding_idx)
        layer.weight = Parameter(embeddings.detach(), requires_grad=not freeze)
        return layer

    def forward(self, input: Tensor) -> Tensor:
        """Look the ids up."""
        return F.embedding(input, self.weight, self.padding_idx)  # (..., embedding_dim)

    def extra_repr(self) -> str:
        """Say the settings."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
