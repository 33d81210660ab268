"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinyllm.optim.optimizer import Optimizer, remembered
from tinyllm.tensor import Tensor


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum.

    g_t = grad + weight_decay * p
    b_t = momentum * b_{t-1} + (1 - dampening) * g_t,  b_1 = g_1
    p  -= lr * b_t,  or with Nesterov's momentum  lr * (g_t + momentum * b_t)

    PyTorch: torch.optim.SGD
    Source:  Sutskever et al. 2013, where lr stands inside b_t instead
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def check_settings(self, group: dict[str, Any]) -> None:
        """Refuse settings that cannot be meant."""
        super().check_settings(group)
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")

    def update(
        self,
        params: list[np.ndarray],
        grads: list[np.ndarray],
        states: list[dict[str, Any]],
        group: dict[str, Any],
    ) -> None:
        """Go one step down."""
        for param, grad, state in zip(params, grads, states, strict=True):
            if group["weight_decay"]:
                grad = grad + group["weight_decay"] * param
            if group["momentum"]:
                grad = self._with_momentum(grad, state, group)
            param -= group["lr"] * grad

    def _with_momentum(
        self, grad: np.ndarray, state: dict[str, Any], group: dict[str, Any]
    ) -> np.ndarray:
        if state.get("momentum_buffer") is None:
            state["momentum_buffer"] = Tensor(np.array(grad))  # a copy; 0-d sums are no arrays
            buffer = grad
        else:
            buffer = remembered(state, "momentum_buffer", grad)
            buffer *= group["momentum"]
            buffer += (1 - group["dampening"]) * grad
        return grad + group["momentum"] * buffer if group["nesterov"] else buffer
