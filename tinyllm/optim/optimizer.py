"""Optimizer: what all optimizers share: groups of parameters with settings, and state to keep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tinyllm.grad_mode import enable_grad, no_grad
from tinyllm.tensor import Tensor


class Optimizer:
    """The base of all optimizers. A subclass gives its defaults and `update` for a group.

    param_groups:  dicts of settings ("lr" …), each with its parameters under "params"
    state:         for each parameter a dict of what the optimizer remembers, such as momentum

    Args:    params: parameters, or dicts {"params": …, "lr": …} with settings of their own.
    Raises:  ValueError for no parameter, one given twice, or one that is computed (not a leaf).
    PyTorch: torch.optim.Optimizer; a parameter given twice is an error here in one group too.
    """

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                "but got one Tensor: write [tensor]"
            )
        self.defaults = defaults
        self.state: dict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        groups = list(params)
        if not groups:
            raise ValueError(
                "optimizer got an empty parameter list: has the model parameters, and was its "
                "generator model.parameters() used before?"
            )
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Train further parameters, with settings of their own where the dict has them."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, set):
            raise TypeError("optimizer parameters need an order, and a set has none: give a list")
        params = [params] if isinstance(params, Tensor) else list(params)
        for param in params:
            if not isinstance(param, Tensor):
                raise TypeError(
                    "optimizer can only optimize Tensors, but one of the params is "
                    f"{type(param).__name__}; give model.parameters()"
                )
            if not param.is_leaf:
                raise ValueError(
                    "can't optimize a non-leaf Tensor: it was computed from others; give those"
                )
        known = {id(param) for group in self.param_groups for param in group["params"]}
        if len({id(param) for param in params}) < len(params):
            raise ValueError("some parameters appear twice in one parameter group")
        if known & {id(param) for param in params}:
            raise ValueError("some parameters appear in more than one parameter group")
        group = {**self.defaults, **param_group, "params": params}
        self.check_settings(group)
        self.param_groups.append(group)

    def check_settings(self, group: dict[str, Any]) -> None:
        """Refuse settings that cannot be meant."""
        for name, words in (("lr", "learning rate"), ("weight_decay", "weight_decay value")):
            if group.get(name, 0) < 0:
                raise ValueError(f"Invalid {words}: {group[name]}")

    @no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient, once.

        Args:    closure: computes the loss again, with its backward; its result is returned.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        who = f"{type(self).__name__}.step"
        for group in self.param_groups:
            moving = [param for param in group["params"] if param.grad is not None]
            grads = [param.grad.array for param in moving]
            for param, grad in zip(moving, grads, strict=True):
                if grad.shape != param.array.shape or grad.dtype != param.array.dtype:
                    raise ValueError(
                        f"{who}: a gradient {grad.shape} of {grad.dtype} cannot serve a parameter "
                        f"{param.shape} of {param.dtype}"
                    )
            params = [param.changing(who) for param in moving]
            self.update(params, grads, [self.state[param] for param in moving], group)
        return loss

    def update(
        self,
        params: list[np.ndarray],
        grads: list[np.ndarray],
        states: list[dict[str, Any]],
        group: dict[str, Any],
    ) -> None:
        """Change the arrays of a group's parameters in place.

        Args:    grads, states: of each parameter; a state is its own to fill and starts empty.
                 group: the settings.
        """
        raise NotImplementedError

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients, or with False set them to zero in place."""
        for group in self.param_groups:
            for param in group["params"]:
                if set_to_none:
                    param.grad = None
                elif param.grad is not None:
                    param.grad.changing("zero_grad")[...] = 0

    def state_dict(self) -> dict[str, Any]:
        """Give what training needs to go on, the parameters numbered in order.

        {"state": {0: {name: Tensor, …}, …}, "param_groups": [{"lr": …, "params": [0, …]}, …]}
        """
        number = {id(param): index for index, param in enumerate(self._all_params())}
        groups = [
            {**group, "params": [number[id(param)] for param in group["params"]]}
            for group in self.param_groups
        ]
        state = {number[id(param)]: dict(kept) for param, kept in self.state.items() if kept}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over settings and state; arrays are copied, in the dtype of their parameter.

        Raises:  ValueError, and changes nothing, if groups, counts or shapes do not fit.
        """
        given = state_dict["param_groups"]
        counts = [len(group["params"]) for group in given]
        own_counts = [len(group["params"]) for group in self.param_groups]
        if counts != own_counts:
            raise ValueError(
                f"loaded state dict has parameter groups of {counts} parameters, and the "
                f"optimizer's have {own_counts}"
            )
        numbers = [number for group in given for number in group["params"]]
        by_number = dict(zip(numbers, self._all_params(), strict=True))
        state = defaultdict(dict)
        for number, kept in state_dict["state"].items():
            if int(number) not in by_number:  # JSON turns numbers that are keys into text
                raise ValueError(f"loaded state dict has state for an unknown parameter {number}")
            param = by_number[int(number)]
            state[param] = {name: _taken_over(name, kept[name], param) for name in kept}
        self.state = state
        self.param_groups = [
            {**own, **new, "params": own["params"]}
            for own, new in zip(self.param_groups, given, strict=True)
        ]

    def _all_params(self) -> list[Tensor]:
        return [param for group in self.param_groups for param in group["params"]]

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for number, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {number}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])


def _taken_over(name: str, value: Any, param: Tensor) -> Any:
    """A copy of one loaded piece of state, as its parameter needs it."""
    if name == "step":
        return Tensor(np.array(float(value), np.float32))
    array = value.array if isinstance(value, Tensor) else value
    if not isinstance(array, np.ndarray):
        return value
    if array.shape != param.shape:
        raise ValueError(
            f"loaded state dict has {name} of shape {array.shape} for a parameter of shape "
            f"{param.shape}"
        )
    return Tensor(array.astype(param.dtype, order="C"))
