"""RMSprop: the gradient over its running size."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinyllm.optim.optimizer import Optimizer, count_step, remembered


class RMSprop(Optimizer):
    """RMSprop: each weight's gradient is divided by the running root mean square of its own.

    g_t = grad + weight_decay * p
    v_t = alpha * v_{t-1} + (1 - alpha) * g_t^2
    a_t = alpha * a_{t-1} + (1 - alpha) * g_t          where centered, else 0
    u_t = g_t / (sqrt(v_t - a_t^2) + eps)
    p  -= lr * u_t,  or with momentum  lr * b_t,  b_t = momentum * b_{t-1} + u_t

    v is kept as "square_avg", a as "grad_avg", b as "momentum_buffer". v - a^2 is the variance of
    the gradient: centered steps are long where the gradient keeps its sign and size.

    PyTorch: torch.optim.RMSprop; a variance that rounding makes negative is 0 here, NaN there
    Source:  Tieleman and Hinton 2012, lecture 6.5; centered: Graves 2013, eq. 38, arXiv:1308.0850
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def update(
        self,
        params: list[np.ndarray],
        grads: list[np.ndarray],
        states: list[dict[str, Any]],
        group: dict[str, Any],
    ) -> None:
        """Advance the running means and the parameters by one step."""
        alpha, momentum = group["alpha"], group["momentum"]
        for param, grad, state in zip(params, grads, states, strict=True):
            count_step(state)
            if group["weight_decay"]:
                grad = grad + group["weight_decay"] * param
            square_avg = remembered(state, "square_avg", param)
            square_avg *= alpha
            square_avg += (1 - alpha) * grad * grad
            buffer = remembered(state, "momentum_buffer", param) if momentum else None
            variance = square_avg
            if group["centered"]:
                grad_avg = remembered(state, "grad_avg", param)
                grad_avg += (1 - alpha) * (grad - grad_avg)
                variance = np.maximum(square_avg - grad_avg * grad_avg, 0)
            move = grad / (np.sqrt(variance) + group["eps"])
            if momentum:
                buffer *= momentum
                buffer += move
                move = buffer
            param -= group["lr"] * move
