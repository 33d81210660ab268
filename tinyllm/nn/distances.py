"""Losses that measure how far numbers are from their targets. `functional.py` gives them on."""

from __future__ import annotations

from tinyllm.functions.pointwise import abs as absolute
from tinyllm.nn.reductions import check_pair, check_reduction, check_weight, reduced
from tinyllm.ops.losses import Huber
from tinyllm.tensor import Tensor, apply


def _weighted(losses: Tensor, weight: Tensor | None, reduction: str) -> Tensor:
    """The mean of weighted losses is over the weights' sum."""
    if weight is None:
        return reduced(losses, reduction)
    if reduction == "mean":
        return (losses * weight).sum() / weight.sum()
    return reduced(losses * weight, reduction)


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Compute (input - target)^2, averaged, summed or element by element.

    PyTorch: torch.nn.functional.mse_loss; shapes that only broadcast are an error here, not a
             warning, since they nearly always hide a mistake.
    """
    check_reduction("mse_loss", reduction, size_average, reduce)
    check_pair("mse_loss", input, target)
    check_weight("mse_loss", weight, input)
    difference = _difference("mse_loss", input, target)
    return _weighted(difference * difference, weight, reduction)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Compute |input - target|, averaged, summed or element by element.

    PyTorch: torch.nn.functional.l1_loss; shapes that only broadcast are an error here.
    """
    check_reduction("l1_loss", reduction, size_average, reduce)
    check_pair("l1_loss", input, target)
    check_weight("l1_loss", weight, input)
    return _weighted(absolute(input - target), weight, reduction)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Compute d^2 / (2 beta) for d = |input - target| < beta, else d - beta / 2.

    PyTorch: torch.nn.functional.smooth_l1_loss; shapes that only broadcast are an error here.
    Source:  Girshick 2015, arXiv:1504.08083, eq. 3
    """
    check_reduction("smooth_l1_loss", reduction, size_average, reduce)
    check_pair("smooth_l1_loss", input, target)
    if beta < 0:
        raise ValueError(f"smooth_l1_loss: beta must not be negative, got {beta}")
    difference = _difference("smooth_l1_loss", input, target)
    if beta == 0:
        return reduced(absolute(difference), reduction)
    return reduced(apply(Huber, difference, delta=beta, unit=True), reduction)


def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """Compute d^2 / 2 for d = |input - target| <= delta, else delta (d - delta / 2).

    PyTorch: torch.nn.functional.huber_loss; the mean of weighted losses is over their number, as
             there. Shapes that only broadcast are an error here.
    Source:  Huber 1964, The Annals of Mathematical Statistics 35, 73-101
    """
    check_reduction("huber_loss", reduction)
    check_pair("huber_loss", input, target)
    check_weight("huber_loss", weight, input)
    if delta <= 0:
        raise ValueError(f"huber_loss: delta must be above 0, got {delta}")
    losses = apply(Huber, _difference("huber_loss", input, target), delta=delta)
    return reduced(losses if weight is None else losses * weight, reduction)


def _difference(who: str, input: Tensor, target: Tensor) -> Tensor:
    difference = input - target
    if difference.dtype.kind != "f":
        raise TypeError(f"{who}: input must be floating-point, not {input.dtype}; try .float()")
    return difference
