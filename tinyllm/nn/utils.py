"""Clipping of gradients."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from tinyllm import kernels
from tinyllm.tensor import Tensor


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """Scale all gradients together so that their common norm is at most `max_norm`.

    grad *= min(1, max_norm / (norm + 1e-6)), norm that of all gradients as one vector.

    Returns: the norm before clipping, a 0-d tensor.
    Raises:  RuntimeError if `error_if_nonfinite` and the norm is infinite or NaN.
    PyTorch: torch.nn.utils.clip_grad_norm_
    Source:  Pascanu et al. 2013, arXiv:1211.5063
    """
    parameters = [parameters] if isinstance(parameters, Tensor) else parameters
    grads = [p.grad for p in parameters if p.grad is not None]
    norm = _total_norm([grad.array for grad in grads], float(norm_type))
    if error_if_nonfinite and not math.isfinite(norm):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is {norm}, so it "
            "cannot be clipped. Find the step that made it (is the loss finite? is the learning "
            "rate too high?), or pass error_if_nonfinite=False to scale by it anyway."
        )
    factor = float(max_norm) / (norm + 1e-6)
    if not factor >= 1:  # also for NaN, which then shows in every gradient, as in PyTorch
        with np.errstate(invalid="ignore"):  # an infinite norm: inf * 0
            for arrays in _by_dtype([grad.changing("clip_grad_norm_") for grad in grads]):
                kernels.scale_(arrays, factor)
    return Tensor(np.array(norm, grads[0].dtype if grads else np.float32))


def _total_norm(grads: list[np.ndarray], p: float) -> float:
    if p == 2:
        return math.sqrt(sum(kernels.sum_of_squares(arrays) for arrays in _by_dtype(grads)))
    if p == math.inf:
        largest = [float(np.abs(grad).max()) for grad in grads if grad.size]
        return float(np.max(largest)) if largest else 0.0  # np.max passes NaN on, max does not
    powers = [float((np.abs(grad).astype(np.float64) ** p).sum()) for grad in grads]
    return sum(powers) ** (1 / p)


def _by_dtype(arrays: list[np.ndarray]) -> list[list[np.ndarray]]:
    """The arrays, all of one dtype together."""
    dtypes = dict.fromkeys([array.dtype for array in arrays])
    return [[array for array in arrays if array.dtype == dtype] for dtype in dtypes]
