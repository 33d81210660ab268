"""Losses as modules: their settings, kept for the functions in `functional.py`."""

from __future__ import annotations

from tinyllm.nn import functional as F
from tinyllm.nn.module import Module
from tinyllm.nn.reductions import check_reduction
from tinyllm.tensor import Tensor


class _Loss(Module):
    """A loss with a reduction: "mean", "sum", "none" or what `also` names."""

    also: tuple[str, ...] = ()

    def __init__(
        self, size_average: None = None, reduce: None = None, reduction: str = "mean"
    ) -> None:
        super().__init__()
        check_reduction(type(self).__name__, reduction, size_average, reduce, *self.also)
        self.reduction = reduction


class CrossEntropyLoss(_Loss):
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
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
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


class MSELoss(_Loss):
    """The squared difference. PyTorch: torch.nn.MSELoss; shapes must be equal here."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compare input with target."""
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(_Loss):
    """The absolute difference. PyTorch: torch.nn.L1Loss; shapes must be equal here."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compare input with target."""
        return F.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """d^2 / (2 beta) for d = |input - target| < beta, else d - beta / 2.

    PyTorch: torch.nn.SmoothL1Loss; shapes must be equal here.
    """

    def __init__(
        self,
        size_average: None = None,
        reduce: None = None,
        reduction: str = "mean",
        beta: float = 1.0,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compare input with target."""
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(_Loss):
    """d^2 / 2 for d = |input - target| <= delta, else delta (d - delta / 2).

    PyTorch: torch.nn.HuberLoss; shapes must be equal here.
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(None, None, reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compare input with target."""
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class NLLLoss(_Loss):
    """The negative log-likelihood -input[target] of log-probabilities. PyTorch: torch.nn.NLLLoss.

    Args:    weight: (V), one factor for each class, kept as a buffer.
             ignore_index: a target that counts for nothing.
    Shapes:  input (N, V, ...) log-probabilities, target (N, ...) class indices
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: None = None,
        ignore_index: int = -100,
        reduce: None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compare log-probabilities with classes."""
        return F.nll_loss(
            input,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
        )


class KLDivLoss(_Loss):
    """target (log target - input), input log-probabilities; "batchmean" is the divergence.

    PyTorch: torch.nn.KLDivLoss; shapes must be equal here.
    """

    also = ("batchmean",)

    def __init__(
        self,
        size_average: None = None,
        reduce: None = None,
        reduction: str = "mean",
        log_target: bool = False,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compare log-probabilities with probabilities."""
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class BCEWithLogitsLoss(_Loss):
    """The cross-entropy of yes or no, from logits. PyTorch: torch.nn.BCEWithLogitsLoss.

    Args:    weight: a factor for each element; pos_weight: for the yes alone; kept as buffers.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: None = None,
        reduce: None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compare logits with targets in [0, 1]."""
        return F.binary_cross_entropy_with_logits(
            input,
            target,
            weight=self.weight,
            reduction=self.reduction,
            pos_weight=self.pos_weight,
        )
