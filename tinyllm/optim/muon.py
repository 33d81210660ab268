"""Muon: the momentum of a weight matrix, made nearly orthogonal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tinyllm import kernels
from tinyllm.optim.optimizer import Optimizer, remembered


class Muon(Optimizer):
    """Muon: every direction of a matrix's step is made about equally long.

    b_t = momentum * b_{t-1} + (1 - momentum) * grad                   "momentum_buffer"
    g_t = momentum * b_t + (1 - momentum) * grad,  or b_t without nesterov
    p  *= 1 - lr * weight_decay
    p  -= lr * ratio * orthogonalized(g_t)

    With g = U S V^T, `orthogonalized` is near to U V^T: directions in which the gradient is small
    are learned as fast as the others. ratio is sqrt(max(1, A / B)) for a matrix (A, B).

    It is for the matrices inside a network. Give embeddings, the output layer, biases and norms
    to AdamW.

    Args:    ns_coefficients, ns_steps, eps: of `orthogonalized`.
             precision: "bfloat16", PyTorch's, or "float32", which takes half the time here: the
                 processor multiplies float32, and must be made to round to bfloat16.
             adjust_lr_fn: "original" or None for the ratio above; "match_rms_adamw" for
                 0.2 sqrt(max(A, B)), with which AdamW's lr and weight_decay serve.
    Raises:  ValueError for a parameter that is not a matrix.
    PyTorch: torch.optim.Muon, which has no `precision`; its bfloat16 arithmetic is followed, but
             where sums in another order round otherwise, single elements of a step differ by up
             to some 1 %.
    Source:  Jordan 2024, kellerjordan.github.io/posts/muon; Liu et al. 2025, arXiv:2502.16982
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
        *,
        precision: str = "bfloat16",
    ) -> None:
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        if precision not in ("bfloat16", "float32"):
            raise ValueError(f'Muon: precision must be "bfloat16" or "float32", not {precision!r}')
        self.precision = precision  # not of a group: PyTorch's state_dict has none
        super().__init__(params, defaults)

    def check_settings(self, group: dict[str, Any]) -> None:
        """Refuse settings that cannot be meant, and parameters that are not matrices."""
        super().check_settings(group)
        if group["adjust_lr_fn"] not in (None, "original", "match_rms_adamw"):
            raise ValueError(
                f"Adjust learning rate function {group['adjust_lr_fn']} is not supported: "
                'adjust_lr_fn is None, "original" or "match_rms_adamw"'
            )
        if len(group["ns_coefficients"]) != 3:
            raise ValueError(
                f"ns_coefficients must be exactly 3 values, but got {group['ns_coefficients']}"
            )
        if group["ns_steps"] >= 100:
            raise ValueError(f"ns_steps must be less than 100, but got {group['ns_steps']}")
        for param in group["params"]:
            if param.ndim != 2:
                raise ValueError(
                    "Muon only supports 2D parameters whereas we found a parameter with size: "
                    f"{tuple(param.shape)}; give embeddings, biases and norms to AdamW"
                )

    def update(
        self,
        params: list[np.ndarray],
        grads: list[np.ndarray],
        states: list[dict[str, Any]],
        group: dict[str, Any],
    ) -> None:
        """Advance the momentum and the matrices by one step."""
        momentum, lr = group["momentum"], group["lr"]
        settings = group["ns_coefficients"], group["ns_steps"], group["eps"]
        moves = []
        for param, grad, state in zip(params, grads, states, strict=True):
            buffer = remembered(state, "momentum_buffer", param)
            buffer += (1 - momentum) * (grad - buffer)
            moves.append(grad + momentum * (buffer - grad) if group["nesterov"] else buffer)
        if self.precision == "float32":
            moves = orthogonalized_together(moves, *settings)
        else:
            moves = [orthogonalized(move, *settings) if move.size else move for move in moves]
        for param, move in zip(params, moves, strict=True):
            param *= 1 - lr * group["weight_decay"]
            ratio = _ratio(param.shape, group["adjust_lr_fn"]) if param.size else 1.0
            param -= move.astype(param.dtype, copy=False) * param.dtype.type(lr * ratio)


def _ratio(shape: tuple[int, ...], adjust_lr_fn: str | None) -> float:
    """How much longer a matrix's step is to be than lr, by its shape."""
    rows, columns = shape
    if adjust_lr_fn == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(1, rows / columns))


def orthogonalized(
    matrix: np.ndarray, coefficients: Sequence[float], steps: int, eps: float
) -> np.ndarray:
    """Give a matrix with the singular vectors of `matrix` and singular values near 1.

    X_0 = matrix / |matrix|,  X_{k+1} = a X_k + (b G + c G G) X_k,  G = X_k X_k^T

    Each step takes every singular value s to a s + b s^3 + c s^5 and leaves the vectors alone.
    From 0 the usual coefficients (a, b, c) rise steeply and then waver between 0.7 and 1.2 or so:
    near enough to 1, after 5 steps, and cheaper than a decomposition.

    Shapes:  (A, B) -> (A, B), float32; every result is rounded to bfloat16, as PyTorch does
    Source:  Jordan 2024; Newton and Schulz's iteration, in Higham 2008, Functions of Matrices
    """
    a, b, c = map(np.float32, coefficients)
    tall = matrix.shape[0] > matrix.shape[1]
    x = to_bfloat16(matrix.T if tall else matrix)  # the smaller of the two G
    norm = to_bfloat16(np.sqrt(kernels.sum_of_squares([x])))
    x = to_bfloat16(x / np.maximum(norm, to_bfloat16(eps)))
    for _ in range(steps):
        gram = to_bfloat16(kernels.matmul(x, x.T))
        inner = to_bfloat16(b * gram + c * kernels.matmul(gram, gram))
        x = to_bfloat16(a * x + kernels.matmul(inner, x))
    return x.T if tall else x


def orthogonalized_together(
    matrices: list[np.ndarray], coefficients: Sequence[float], steps: int, eps: float
) -> list[np.ndarray]:
    """Give what `orthogonalized` gives for each matrix, unrounded, and in fewer multiplications.

    Every X_k is R_k X_0 with R_k a polynomial of G_0 = X_0 X_0^T. So it is enough to iterate with
    square matrices of the shorter side, P = a I + b G + c G G, which commute:

    R_{k+1} = P R_k,  G_{k+1} = P G_k P

    and these are of one size for most matrices of a Transformer, so that one batched product
    serves all of them.

    Shapes:  (A, B) each -> the same, float32
    """
    lying, alike = [], {}
    for index, matrix in enumerate(matrices):
        x = np.asarray(matrix.T if matrix.shape[0] > matrix.shape[1] else matrix, np.float32)
        lying.append(x / np.float32(max(math.sqrt(kernels.sum_of_squares([x])), eps)))
        alike.setdefault(x.shape[0], []).append(index)
    moves = [np.asarray(matrix, np.float32) for matrix in matrices]
    for size, indices in alike.items():
        if not size:
            continue
        gram = np.stack([kernels.matmul(lying[i], lying[i].T) for i in indices])  # (N, A, A)
        whole = _polynomial_of(gram, coefficients, steps)
        for i, factor in zip(indices, whole, strict=True):
            x = kernels.matmul(factor, lying[i])
            moves[i] = x.T if matrices[i].shape[0] > matrices[i].shape[1] else x
    return moves


def _polynomial_of(gram: np.ndarray, coefficients: Sequence[float], steps: int) -> np.ndarray:
    """Give R_steps of `orthogonalized_together` for each of N Gram matrices (N, A, A)."""
    a, b, c = map(np.float32, coefficients)
    diagonal = np.arange(gram.shape[1])
    whole = np.zeros_like(gram)
    whole[:, diagonal, diagonal] = 1
    for step in range(steps):
        polynomial = kernels.matmul(gram, gram)
        polynomial *= c
        polynomial += b * gram
        polynomial[:, diagonal, diagonal] += a
        whole = kernels.matmul(polynomial, whole) if step else polynomial
        if step + 1 < steps:
            gram = kernels.matmul(kernels.matmul(polynomial, gram), polynomial)
    return whole


def to_bfloat16(x: np.ndarray | float) -> np.ndarray:
    """Round to the numbers of bfloat16, the upper half of a float32's bits; kept as float32.

    Ties go to the even number: to the bits below goes half, less 1 where the last bit kept is 0.
    """
    x = np.array(x, np.float32, order="C")
    bits = x.view(np.uint32)
    last = (bits >> np.uint32(16)) & np.uint32(1)
    rounded = (bits + np.uint32(0x7FFF) + last) & np.uint32(0xFFFF0000)
    return np.where(np.isnan(x), x, rounded.view(np.float32))
