"""Cross-entropy as a function. `functional.py` gives it on."""

from __future__ import annotations

import numpy as np

from tinyllm.nn.reductions import check_reduction
from tinyllm.ops.cross_entropy import CrossEntropy, SoftCrossEntropy
from tinyllm.tensor import Tensor, apply


def _reduced(losses: Tensor, reduction: str, count: float) -> Tensor:
    if reduction == "none":
        return losses
    total = losses.sum()
    return total if reduction == "sum" else total / count


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: None = None,
    ignore_index: int = -100,
    reduce: None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Compute the cross-entropy between logits and targets, in nats.

    L = - sum_j y_j log softmax(x)_j. With class indices y is 1 at the target; label smoothing e
    makes it (1 - e) there plus e / V everywhere. The mean is over the targets that count, weighted
    by their classes' weights.

    Shapes:  input (N, V), target (N) class indices or (N, V) probabilities; also (V) with (), and
             (N, V, d1, ...) with (N, d1, ...), as in PyTorch
    Args:    weight: (V), one factor for each class.
             ignore_index: a target that counts for nothing.
    Raises:  ValueError for shapes, TypeError for dtypes, IndexError for a class outside [0, V).
    PyTorch: torch.nn.functional.cross_entropy; the mean over no target at all is NaN, as there.
    """
    who = "cross_entropy"
    check_reduction(who, reduction, size_average, reduce)
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"{who}: label_smoothing must be between 0 and 1, not {label_smoothing}")
    if not isinstance(input, Tensor) or not isinstance(target, Tensor):
        raise TypeError(f"{who}: input and target must be Tensors")
    if input.dtype.kind != "f":
        raise TypeError(f"{who}: input must be floating-point logits, not {input.dtype}")
    if input.ndim == 0:
        raise ValueError(f"{who}: input needs a dimension of classes, and it is 0-d")
    by_class = target.dtype.kind in "iu"
    rest, V = _shapes_agree(input, target, by_class)
    if weight is not None and weight.shape != (V,):
        raise ValueError(f"{who}: weight must be (V,) = ({V},), not {weight.shape}")
    logits = _classes_last(input)  # (N, V)
    if not by_class:
        losses = _by_probability(logits, _classes_last(target), weight, label_smoothing)
        count = losses.numel()
    else:
        ids = np.ascontiguousarray(target.array, np.int64).reshape(-1)
        _check_classes(ids, V, ignore_index, target.array)
        settings = {"ignore_index": ignore_index, "label_smoothing": label_smoothing}
        if weight is None:
            loss = apply(CrossEntropy, logits, targets=ids, **settings, reduction=reduction)
            return loss.reshape(rest) if reduction == "none" else loss
        losses, count = _by_weighted_class(logits, ids, weight, **settings)
    if reduction == "none":
        return losses.reshape(rest)
    return _reduced(losses, reduction, count or float("nan"))


def _shapes_agree(input: Tensor, target: Tensor, by_class: bool) -> tuple[tuple[int, ...], int]:
    """The shape of the losses, and the number of classes."""
    axis = 0 if input.ndim == 1 else 1
    rest = input.shape[:axis] + input.shape[axis + 1 :]
    expected = rest if by_class else input.shape
    if not by_class and target.dtype != input.dtype:
        raise TypeError(
            "cross_entropy: target must be integer class indices, or probabilities of input's "
            f"dtype {input.dtype}, not {target.dtype}"
        )
    if target.shape != expected:
        what = "class indices (N, ...)" if by_class else "probabilities (N, V, ...)"
        raise ValueError(
            f"cross_entropy: input (N, V, ...) = {input.shape} wants {what} = {expected}, and "
            f"target is {target.shape}; logits (B, T, V) are passed as logits.view(-1, V) with "
            "target.view(-1)"
        )
    return rest, input.shape[axis]


def _classes_last(x: Tensor) -> Tensor:
    """(N, V, d1, ...) or (V) as (N d1 ..., V)."""
    if x.ndim == 1:
        return x.reshape(1, -1)
    if x.ndim == 2:
        return x
    V = x.shape[1]
    return x.permute(0, *range(2, x.ndim), 1).reshape(x.numel() // V if V else 0, V)


def _check_classes(ids: np.ndarray, V: int, ignore_index: int, shaped: np.ndarray) -> None:
    if not ids.size or ids.view(np.uint64).max() < V:  # a negative id becomes a large one
        return
    wrong = (ids != ignore_index) & ((ids < 0) | (ids >= V))
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        place = [int(i) for i in np.unravel_index(first, shaped.shape)] if shaped.ndim else []
        raise IndexError(
            f"cross_entropy: target {ids[first]} at {place} is outside [0, {V}) and is not "
            f"ignore_index ({ignore_index})"
        )


def _by_weighted_class(
    logits: Tensor, ids: np.ndarray, weight: Tensor, ignore_index: int, label_smoothing: float
) -> tuple[Tensor, float]:
    """The losses for class indices, and by what their sum is divided for the mean."""
    e = label_smoothing
    counts = (ids != ignore_index)[:, None]
    V = logits.shape[1]
    spread = weight.array * weight.dtype.type(e / V) * counts  # (N, V)
    rows = np.flatnonzero(counts)
    spread[rows, ids[rows]] += (1 - e) * weight.array[ids[rows]]
    losses = apply(SoftCrossEntropy, logits, Tensor(spread.astype(logits.dtype, copy=False)))
    return losses, float(weight.array[ids[rows]].sum())


def _by_probability(logits: Tensor, target: Tensor, weight: Tensor | None, e: float) -> Tensor:
    if e:
        target = target * (1 - e) + e / logits.shape[1]
    if weight is not None:
        target = target * weight
    return apply(SoftCrossEntropy, logits, target)
