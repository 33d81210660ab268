"""Adam, and AdamW, which decays weights apart from the gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinyllm import kernels
from tinyllm.optim.optimizer import Optimizer
from tinyllm.tensor import Tensor


class Adam(Optimizer):
    """Adam: each weight's step is scaled by the running size of its own gradient.

    g_t = grad + weight_decay * p
    m_t = beta1 * m_{t-1} + (1 - beta1) * g_t
    v_t = beta2 * v_{t-1} + (1 - beta2) * g_t^2
    p  -= lr * (m_t / (1 - beta1^t)) / (sqrt(v_t / (1 - beta2^t)) + eps)

    m is kept as "exp_avg", v as "exp_avg_sq", t as "step". The arithmetic is `kernels.adam_step`.

    PyTorch: torch.optim.Adam, without amsgrad and maximize
    Source:  Kingma and Ba 2015, algorithm 1, arXiv:1412.6980
    """

    decoupled = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, defaults)

    def check_settings(self, group: dict[str, Any]) -> None:
        """Refuse settings that cannot be meant."""
        super().check_settings(group)
        if group["eps"] < 0:
            raise ValueError(f"Invalid epsilon value: {group['eps']}")
        for index, beta in enumerate(group["betas"]):
            if not 0 <= beta < 1:
                raise ValueError(f"Invalid beta parameter at index {index}: {beta}")

    def update(
        self,
        params: list[np.ndarray],
        grads: list[np.ndarray],
        states: list[dict[str, Any]],
        group: dict[str, Any],
    ) -> None:
        """Advance m, v and the parameters by one step: in one call, unless their steps differ."""
        together: dict[tuple[int, np.dtype], list[tuple[np.ndarray, ...]]] = {}
        for param, grad, state in zip(params, grads, states, strict=True):
            if not state:
                state["step"] = Tensor(np.zeros((), np.float32))
                state["exp_avg"] = Tensor(np.zeros(param.shape, param.dtype))
                state["exp_avg_sq"] = Tensor(np.zeros(param.shape, param.dtype))
            step = int(state["step"].array) + 1
            state["step"].array.fill(step)
            arrays = param, grad, state["exp_avg"].array, state["exp_avg_sq"].array
            together.setdefault((step, param.dtype), []).append(arrays)
        settings = group["lr"], *group["betas"], group["eps"], group["weight_decay"]
        for (step, _), rows in together.items():
            lists = [list(column) for column in zip(*rows, strict=True)]
            kernels.adam_step(*lists, step, *settings, self.decoupled)


class AdamW(Adam):
    """Adam whose weight decay acts on the weights themselves: p -= lr * weight_decay * p first.

    In Adam the decay goes through m and v, so weights with large gradients decay less.

    PyTorch: torch.optim.AdamW
    Source:  Loshchilov and Hutter 2019, algorithm 2, arXiv:1711.05101
    """

    decoupled = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)
