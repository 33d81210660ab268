"""Clipping of gradients, by their common norm or one by one."""

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
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients together so that their common norm is at most `max_norm`.

    grad *= min(1, max_norm / (norm + 1e-6)), norm that of all gradients as one vector.

    Args:    foreach: how PyTorch goes through them; it says nothing here.
    Returns: the norm before clipping, a 0-d tensor.
    Raises:  RuntimeError if `error_if_nonfinite` and the norm is infinite or NaN.
    PyTorch: torch.nn.utils.clip_grad_norm_
    Source:  Pascanu et al. 2013, arXiv:1211.5063
    """
    grads = _gradients(parameters)
    norm = _checked_norm(grads, norm_type, error_if_nonfinite)
    _scale_down(grads, max_norm, norm)
    return Tensor(np.array(norm, grads[0].dtype if grads else np.float32))


def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    total_norm: Tensor | float,
    foreach: bool | None = None,
) -> None:
    """Scale all gradients as `clip_grad_norm_` does, by a norm that is known already.

    PyTorch: torch.nn.utils.clip_grads_with_norm_
    """
    _scale_down(_gradients(parameters), max_norm, float(total_norm))


def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Compute the norm of all tensors as one vector. PyTorch: torch.nn.utils.get_total_norm."""
    tensors = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    norm = _checked_norm(tensors, norm_type, error_if_nonfinite)
    return Tensor(np.array(norm, tensors[0].dtype if tensors else np.float32))


def clip_grad_value_(
    parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None
) -> None:
    """Hold each element of each gradient within [-clip_value, clip_value].

    PyTorch: torch.nn.utils.clip_grad_value_
    """
    limit = float(clip_value)
    for grad in _gradients(parameters):
        array = grad.changing("clip_grad_value_")
        np.clip(array, -limit, limit, out=array)


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    parameters = [parameters] if isinstance(parameters, Tensor) else parameters
    return [parameter.grad for parameter in parameters if parameter.grad is not None]


def _checked_norm(tensors: list[Tensor], norm_type: float, error_if_nonfinite: bool) -> float:
    norm = _total_norm([x.array for x in tensors], float(norm_type))
    if error_if_nonfinite and not math.isfinite(norm):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is {norm}, so it "
            "cannot be clipped. Find the step that made it (is the loss finite? is the learning "
            "rate too high?), or pass error_if_nonfinite=False to scale by it anyway."
        )
    return norm


def _scale_down(grads: list[Tensor], max_norm: float, norm: float) -> None:
    factor = float(max_norm) / (norm + 1e-6)
    if not factor >= 1:  # also for NaN, which then shows in every gradient, as in PyTorch
        with np.errstate(invalid="ignore"):  # an infinite norm: inf * 0
            for arrays in _by_dtype([grad.changing("clip_grad_norm_") for grad in grads]):
                kernels.scale_(arrays, factor)


def _total_norm(arrays: list[np.ndarray], p: float) -> float:
    """The norm of the arrays' norms, which for most p is that of all elements as one vector."""
    if p == 2:
        return math.sqrt(sum(kernels.sum_of_squares(same) for same in _by_dtype(arrays)))
    with np.errstate(all="ignore"):
        norms = [np.linalg.norm(x.astype(np.float64).reshape(-1), p) for x in arrays if x.size]
        return float(np.linalg.norm(norms, p)) if norms else 0.0


def _by_dtype(arrays: list[np.ndarray]) -> list[list[np.ndarray]]:
    """The arrays, all of one dtype together."""
    dtypes = dict.fromkeys([array.dtype for array in arrays])
    return [[array for array in arrays if array.dtype == dtype] for dtype in dtypes]
