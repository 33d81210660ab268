"""Adagrad: the gradient over the size of all gradients so far."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinyllm.optim.optimizer import Optimizer, count_step, remembered
from tinyllm.tensor import Tensor


class Adagrad(Optimizer):
    """Adagrad: a weight that has moved much moves less; one that is seldom used keeps its pace.

    g_t = grad + weight_decay * p
    s_t = s_{t-1} + g_t^2,  s_0 = initial_accumulator_value
    p  -= lr / (1 + (t - 1) * lr_decay) * g_t / (sqrt(s_t) + eps)

    s is kept as "sum", t as "step"; both are there before the first step, as in PyTorch.

    PyTorch: torch.optim.Adagrad
    Source:  Duchi, Hazan and Singer 2011, JMLR 12: 2121-2159, with the diagonal matrix
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for param in group["params"]:
                self.state[param]["step"] = Tensor(np.zeros((), np.float32))
                self._sum(param.array, self.state[param])

    def _sum(self, param: np.ndarray, state: dict[str, Any]) -> np.ndarray:
        # The optimizer's own start serves every group, whatever the group says: so does PyTorch's.
        return remembered(state, "sum", param, self.defaults["initial_accumulator_value"])

    def update(
        self,
        params: list[np.ndarray],
        grads: list[np.ndarray],
        states: list[dict[str, Any]],
        group: dict[str, Any],
    ) -> None:
        """Add to the sums and move the parameters by one step."""
        for param, grad, state in zip(params, grads, states, strict=True):
            step = count_step(state)
            if group["weight_decay"]:
                grad = grad + group["weight_decay"] * param
            total = self._sum(param, state)
            total += grad * grad
            lr = group["lr"] / (1 + (step - 1) * group["lr_decay"])
            param -= lr * grad / (np.sqrt(total) + group["eps"])
