"""Optimizer: what all optimizers share: groups of parameters with settings, and state to keep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tinyllm.grad_mode import enable_grad, no_grad
from tinyllm.tensor import Tensor

# Settings that no optimizer can take below 0, and PyTorch's words for them.
NOT_NEGATIVE = {
    "lr": "learning rate",
    "weight_decay": "weight_decay value",
    "eps": "epsilon value",
    "momentum": "momentum value",
    "alpha": "alpha value",
    "lr_decay": "lr_decay value",
    "initial_accumulator_value": "initial_accumulator_value value",
}


class Optimizer:
    """The base of all optimizers. A subclass gives its defaults and `update` for a group.

    param_groups:  dicts of settings ("lr" …), each with its parameters under "params"
    state:         for each parameter a dict of what the optimizer remembers, such as momentum

    All have PyTorch's switches foreach, fused, capturable and differentiable, so that its code and
    its state_dicts fit. The first three choose how PyTorch runs the same arithmetic: they are kept
    and change nothing here.

    Args:    params: parameters, pairs of a name and a parameter, or dicts {"params": …, "lr": …}
                 of either with settings of their own.
    Raises:  ValueError for no parameter, one given twice, or one that is computed (not a leaf).
             RuntimeError for differentiable=True.
    PyTorch: torch.optim.Optimizer; a parameter given twice is an error here in one group too,
             settings of groups are checked as the others are, and an lr of one element becomes a
             float. It has no hooks here.
    """

    _opt_called = False  # what a schedule asks, to see that it is stepped after the optimizer

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
        names, params = _named([params] if isinstance(params, Tensor) else list(params))
        known = {id(param) for group in self.param_groups for param in group["params"]}
        if len({id(param) for param in params}) < len(params):
            raise ValueError("some parameters appear twice in one parameter group")
        if known & {id(param) for param in params}:
            raise ValueError("some parameters appear in more than one parameter group")
        group = {**self.defaults, **param_group, "params": params}
        if names:
            group["param_names"] = names
        if any(("param_names" in group) != ("param_names" in other) for other in self.param_groups):
            raise ValueError(
                "all optimizer param groups should be with/without names: give named_parameters() "
                "for all of them, or parameters() for all"
            )
        if isinstance(group.get("lr"), Tensor):
            if group["lr"].numel() != 1:
                raise ValueError("Tensor lr must be 1-element")
            group["lr"] = group["lr"].item()
        self.check_settings(group)
        self.param_groups.append(group)

    def check_settings(self, group: dict[str, Any]) -> None:
        """Refuse settings that cannot be meant."""
        for name, words in NOT_NEGATIVE.items():
            if not group.get(name, 0) >= 0:  # so, NaN is refused too
                raise ValueError(f"Invalid {words}: {group[name]}")
        if group.get("differentiable"):
            raise RuntimeError("differentiable=True needs double backward, which is not here")
        if group.get("fused") and group.get("foreach"):
            raise RuntimeError("`fused` and `foreach` cannot be `True` together.")

    @no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient, once; uphill where maximize is set.

        Args:    closure: computes the loss again, with its backward; its result is returned.
        """
        self._opt_called = True
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
            if group.get("maximize"):
                grads = [-grad for grad in grads]
            params = [param.changing(who) for param in moving]
            with np.errstate(all="ignore"):  # an infinite gradient is quiet in PyTorch too
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
                     A gradient is not to be changed.
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

        Args:    state_dict: ours, PyTorch's, or one read from a file: its arrays may be Tensors,
                     PyTorch's tensors, or whatever else NumPy can read.
        Raises:  ValueError, and changes nothing, if groups, counts or shapes do not fit.
        PyTorch: settings that the state_dict lacks keep their values here.
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


def _named(params: list[Any]) -> tuple[list[str], list[Tensor]]:
    """The names, or none, and the parameters of a group; each is one that can be trained."""
    pairs = [param for param in params if isinstance(param, tuple) and len(param) == 2]
    if pairs and len(pairs) < len(params):
        raise ValueError(
            "all optimizer params should be with/without names. Some param names are missing"
        )
    tensors = [param for _, param in pairs] if pairs else params
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise TypeError(
                "optimizer can only optimize Tensors, but one of the params is "
                f"{type(tensor).__name__}; give model.parameters()"
            )
        if not tensor.is_leaf:
            raise ValueError(
                "can't optimize a non-leaf Tensor: it was computed from others; give those"
            )
    return [name for name, _ in pairs], tensors


def _taken_over(name: str, value: Any, param: Tensor) -> Any:
    """A copy of one loaded piece of state, as its parameter needs it."""
    if name == "step":
        return Tensor(np.array(float(value), np.float32))
    if not hasattr(value, "__array__"):  # None, or a number of a learner's own optimizer
        return value
    array = value.array if isinstance(value, Tensor) else np.asarray(value)
    if array.shape != param.shape:
        raise ValueError(
            f"loaded state dict has {name} of shape {array.shape} for a parameter of shape "
            f"{param.shape}"
        )
    return Tensor(array.astype(param.dtype, order="C"))


def remembered(state: dict[str, Any], name: str, param: np.ndarray, start: float = 0) -> np.ndarray:
    """An array like `param` out of its state; at the first time it is filled with `start`."""
    kept = state.get(name, start)
    if not isinstance(kept, Tensor):
        if name in state and param.ndim:  # of a 0-d array, JSON makes a number
            raise ValueError(f"{name} is {kept!r} for a parameter of shape {param.shape}")
        kept = state[name] = Tensor(np.full(param.shape, kept, param.dtype))
    return kept.array


def count_step(state: dict[str, Any]) -> int:
    """Count one step in a parameter's state, and give the number of steps up to this one."""
    if "step" not in state:
        state["step"] = Tensor(np.zeros((), np.float32))
    step = int(state["step"].array) + 1
    state["step"].array.fill(step)
    return step
