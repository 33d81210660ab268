"""What the losses share: their two tensors checked, and many losses made one number."""

from __future__ import annotations

from typing import Any

from tinyllm.tensor import Tensor


def check_reduction(
    who: str, reduction: str, size_average: Any = None, reduce: Any = None, *more: str
) -> None:
    """Refuse a reduction that is none, and the two arguments from before there was `reduction`."""
    if size_average is not None or reduce is not None:
        raise ValueError(f"{who}: size_average and reduce are gone; use reduction='mean' or 'sum'")
    known = ["none", "mean", "sum", *more]
    if reduction not in known:
        listed = ", ".join(map(repr, known[:-1]))
        raise ValueError(f"{who}: reduction must be {listed} or {known[-1]!r}, not {reduction!r}")


def check_pair(who: str, input: Tensor, target: Tensor) -> None:
    """Refuse what is no tensor, and shapes that differ."""
    for name, x in (("input", input), ("target", target)):
        if not isinstance(x, Tensor):
            raise TypeError(f"{who}: {name} must be a Tensor, not {type(x).__name__}")
    if input.shape != target.shape:
        raise ValueError(
            f"{who}: input {input.shape} and target {target.shape} differ; a broadcast would "
            "compare every row with every other: reshape one of them"
        )


def check_weight(who: str, weight: Tensor | None, input: Tensor) -> None:
    """Refuse weights of elements that are not shaped as the elements."""
    if weight is not None and weight.shape != input.shape:
        raise ValueError(
            f"{who}: weight {weight.shape} and input {input.shape} must have one shape"
        )


def reduced(losses: Tensor, reduction: str) -> Tensor:
    """All losses, their sum, or their mean, which is NaN for no loss at all."""
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.mean()
