"""Adam, and AdamW, which decays weights apart from the gradient."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from tinyllm import kernels
from tinyllm.optim.optimizer import Optimizer, count_step, remembered


class Adam(Optimizer):
    """Adam: each weight's step is scaled by the running size of its own gradient.

    g_t = grad + weight_decay * p
    m_t = beta1 * m_{t-1} + (1 - beta1) * g_t
    v_t = beta2 * v_{t-1} + (1 - beta2) * g_t^2
    p  -= lr * (m_t / (1 - beta1^t)) / (sqrt(v_t / (1 - beta2^t)) + eps)

    m is kept as "exp_avg", v as "exp_avg_sq", t as "step". The arithmetic is `kernels.adam_step`.

    Args:    amsgrad: divide by the largest v up to now, "max_exp_avg_sq", so that no step grows
                 again when gradients have become small.
             decoupled_weight_decay: let weight decay act on the weights, as in AdamW.
    PyTorch: torch.optim.Adam
    Source:  Kingma and Ba 2015, algorithm 1, arXiv:1412.6980; amsgrad: Reddi et al. 2018,
             algorithm 2, arXiv:1904.09237
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def check_settings(self, group: dict[str, Any]) -> None:
        """Refuse settings that cannot be meant."""
        super().check_settings(group)
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
        names = ["exp_avg", "exp_avg_sq", *(["max_exp_avg_sq"] if group["amsgrad"] else [])]
        for param, grad, state in zip(params, grads, states, strict=True):
            step = count_step(state)
            kept = [remembered(state, name, param) for name in names]
            together.setdefault((step, param.dtype), []).append((param, grad, *kept))
        settings = group["lr"], *group["betas"], group["eps"], group["weight_decay"]
        one_step = _amsgrad_step if group["amsgrad"] else kernels.adam_step
        for (step, _), rows in together.items():
            lists = [list(column) for column in zip(*rows, strict=True)]
            one_step(*lists, step, *settings, group["decoupled_weight_decay"])


def _amsgrad_step(
    params: list[np.ndarray],
    grads: list[np.ndarray],
    exp_avgs: list[np.ndarray],
    exp_avg_sqs: list[np.ndarray],
    max_exp_avg_sqs: list[np.ndarray],
    step: int,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
) -> None:
    """Do what `kernels.adam_step` does, with max_exp_avg_sq, the largest v, in place of v."""
    lists = params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs
    for param, grad, m, v, largest in zip(*lists, strict=True):
        g = grad
        if decoupled:
            param *= 1 - lr * weight_decay
        elif weight_decay:
            g = grad + weight_decay * param
        m += (g - m) * (1 - beta1)
        v *= beta2
        v += (1 - beta2) * g * g
        np.maximum(largest, v, out=largest)
        denominator = np.sqrt(largest) / math.sqrt(1 - beta2**step) + eps
        param -= (lr / (1 - beta1**step)) * m / denominator


class AdamW(Adam):
    """Adam whose weight decay acts on the weights themselves: p -= lr * weight_decay * p first.

    In Adam the decay goes through m and v, so weights with large gradients decay less.

    PyTorch: torch.optim.AdamW
    Source:  Loshchilov and Hutter 2019, algorithm 2, arXiv:1711.05101
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over settings and state, Adam's too; weight decay stays decoupled."""
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
