"""Losses as modules."""

from __future__ import annotations

from tinyllm.nn import functional as F
from tinyllm.nn.module import Module
from tinyllm.tensor import Tensor


class CrossEntropyLoss(Module):
    """The cross-entropy between logits and class indices or probabilities, in nats.

    Args:    weight: (V), one factor for each class, kept as a buffer.
             ignore_index: a target that counts for nothing.
             reduction: "mean" over the targets that count, "sum" or "none".
             label_smoothing: the share of the target spread evenly over all classes.
    Shapes:  logits (N, V, ...), target (N, ...) integers or (N, V, ...) probabilities
    PyTorch: torch.nn.CrossEntropyLoss
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: None = None,
        ignore_index: int = -100,
        reduce: None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        if size_average is not None or reduce is not None:
            raise ValueError("CrossEntropyLoss: size_average and reduce are gone; use `reduction`")
        self.register_buffer("weight", weight)
        self.ignore_index, self.reduction = ignore_index, reduction
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compare logits with targets."""
        return F.cross_entropy(
            input,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class MSELoss(Module):
    """The mean squared difference. PyTorch: torch.nn.MSELoss; shapes must be equal here."""

    def __init__(
        self, size_average: None = None, reduce: None = None, reduction: str = "mean"
    ) -> None:
        super().__init__()
        if size_average is not None or reduce is not None:
            raise ValueError("MSELoss: size_average and reduce are gone; use `reduction`")
        self.reduction = reduction

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compare input with target."""
        return F.mse_loss(input, target, reduction=self.reduction)
