"""Losses of probabilities and their logarithms. `functional.py` gives them on.

cross_entropy, which starts from logits, is in `loss_functions.py`.
"""

from __future__ import annotations

import numpy as np

from tinyllm.functions.arguments import check_broadcast, promoted
from tinyllm.functions.pointwise import exp, where
from tinyllm.nn.reductions import check_pair, check_reduction, reduced
from tinyllm.ops.losses import BinaryCrossEntropy, XLogX
from tinyllm.tensor import Tensor, apply


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """Compute target (log target - input): summed, what is lost by taking exp(input) for target.

    Args:    input: log-probabilities; target: probabilities, or their logarithms with log_target.
             reduction: "batchmean", the sum divided by the size of the first dim, is the
             divergence of the mathematicians; "mean" divides by the number of elements.
    PyTorch: torch.nn.functional.kl_div; shapes that only broadcast are an error here.
    Source:  Kullback and Leibler 1951, The Annals of Mathematical Statistics 22, 79-86
    """
    check_reduction("kl_div", reduction, size_average, reduce, "batchmean")
    check_pair("kl_div", input, target)
    if target.dtype.kind != "f":
        raise TypeError(f"kl_div: target must be probabilities, floating-point, not {target.dtype}")
    if log_target:
        losses = exp(target) * (target - input)
    else:
        losses = apply(XLogX, target) - target * input
    if reduction == "batchmean":
        return losses.sum() / (input.shape[0] if input.ndim else 1)
    return reduced(losses, reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Compute -(t log p + (1 - t) log(1 - p)), p = sigmoid(input), t the target, stably.

    Args:    weight: a factor for each element; pos_weight: one for t log p, by class. Both
             broadcast.
    PyTorch: torch.nn.functional.binary_cross_entropy_with_logits
    """
    who = "binary_cross_entropy_with_logits"
    check_reduction(who, reduction, size_average, reduce)
    check_pair(who, input, target)
    if input.dtype.kind != "f":
        raise TypeError(f"{who}: input must be logits, floating-point, not {input.dtype}")
    if pos_weight is not None:
        check_broadcast(who, ("input", input.shape), ("pos_weight", pos_weight.shape))
    tensors = (input, target) if pos_weight is None else (input, target, pos_weight)
    losses = apply(BinaryCrossEntropy, *promoted(who, *tensors, floating=True))
    return reduced(losses if weight is None else losses * weight, reduction)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: None = None,
    ignore_index: int = -100,
    reduce: None = None,
    reduction: str = "mean",
) -> Tensor:
    """Compute -input[target]: the negative log-likelihood of the right class.

    Shapes:  input (N, V) or (V) or (N, V, d1, ...) log-probabilities, target (N), () or
             (N, d1, ...) class indices
    Args:    weight: (V), a factor for each class; the mean divides by the sum of those that occur.
             ignore_index: a target that counts for nothing.
    Raises:  ValueError for shapes, TypeError for dtypes, IndexError for a class outside [0, V).
    PyTorch: torch.nn.functional.nll_loss
    """
    check_reduction("nll_loss", reduction, size_average, reduce)
    axis = _class_axis(input, target, weight)
    classes, counts = _classes(target.array, input.shape[axis], ignore_index)
    factors = counts.astype(input.dtype)
    if weight is not None:
        factors = factors * weight.array[classes]
    picked = input.gather(axis, Tensor(np.expand_dims(classes, axis))).squeeze(axis)  # as target
    losses = where(Tensor(counts), -picked * Tensor(factors), 0.0)
    if reduction == "mean":
        return losses.sum() / Tensor(np.asarray(factors.sum(), input.dtype))
    return reduced(losses, reduction)


def _class_axis(input: Tensor, target: Tensor, weight: Tensor | None) -> int:
    who = "nll_loss"
    for name, x in (("input", input), ("target", target)):
        if not isinstance(x, Tensor):
            raise TypeError(f"{who}: {name} must be a Tensor, not {type(x).__name__}")
    if input.dtype.kind != "f":
        raise TypeError(f"{who}: input must be log-probabilities, not {input.dtype}")
    axis = 0 if input.ndim == 1 else 1
    if input.ndim == 0 or target.shape != input.shape[:axis] + input.shape[axis + 1 :]:
        raise ValueError(
            f"{who}: input (N, V, ...) = {input.shape} wants class indices of that shape without "
            f"V, and target is {target.shape}; log-probabilities (B, T, V) are passed as "
            "x.view(-1, V) with target.view(-1)"
        )
    if target.dtype.kind not in "iu":
        raise TypeError(f"{who}: target must be integer class indices, not {target.dtype}")
    if weight is not None:
        V = input.shape[axis]
        if weight.shape != (V,):
            raise ValueError(f"{who}: weight must be (V,) = ({V},), not {weight.shape}")
        if weight.dtype != input.dtype:
            raise TypeError(f"{who}: weight is {weight.dtype} but input is {input.dtype}")
    return axis


def _classes(target: np.ndarray, V: int, ignore_index: int) -> tuple[np.ndarray, np.ndarray]:
    """The classes, with 0 for those that do not count, and which count."""
    counts = np.asarray(target != ignore_index)
    wrong = counts & ((target < 0) | (target >= V))
    if wrong.any():
        place = [int(i) for i in np.argwhere(wrong)[0]]
        raise IndexError(
            f"nll_loss: target {target[tuple(place)]} at {place} is outside [0, {V}) and is not "
            f"ignore_index ({ignore_index})"
        )
    return np.where(counts, target, 0).astype(np.int64), counts
