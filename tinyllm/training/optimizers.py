"""The optimizers of a training: which of them has which parameters, and what they remember."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinyllm.nn import Embedding, Module, Parameter
from tinyllm.optim import AdamW, Muon, Optimizer
from tinyllm.optim.lr_scheduler import LambdaLR
from tinyllm.training.config import LoopConfig

Arrays = dict[str, np.ndarray]


def make_optimizers(model: Module, config: LoopConfig) -> list[Optimizer]:
    """AdamW for everything; or Muon for the matrices inside blocks, and AdamW for the rest.

    Weight decay acts on what has two dimensions or more. Biases and the norms' weights have one:
    pulling them to 0 hinders more than it helps. Muon's learning rate is another, and its weight
    decay is such that every matrix is pulled equally, by learning_rate * weight_decay.

    Raises:  ValueError if Muon is wanted and there are no matrices inside blocks.
    """
    matrices = block_matrices(model) if config.optimizer == "muon" else []
    if config.optimizer == "muon" and not matrices:
        raise ValueError(
            f'optimizer "muon": {type(model).__name__} has no matrices inside blocks, that is in a '
            'list of modules: use "adamw"'
        )
    taken = {id(parameter) for parameter in matrices}
    others = [p for p in model.parameters() if id(p) not in taken]
    groups = [
        {"params": [p for p in others if p.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in others if p.ndim < 2], "weight_decay": 0.0},
    ]
    groups = [{**g, "initial_lr": config.learning_rate} for g in groups if g["params"]]
    optimizers: list[Optimizer] = []
    if groups:
        betas = config.beta1, config.beta2
        optimizers.append(AdamW(groups, lr=config.learning_rate, betas=betas))
    if matrices:
        rate = config.muon_learning_rate
        pull = config.weight_decay * config.learning_rate / rate
        group = {"params": matrices, "initial_lr": rate}
        optimizers.append(Muon([group], lr=rate, weight_decay=pull, precision="float32"))
    return optimizers


def block_matrices(model: Module) -> list[Parameter]:
    """The matrices of the modules that stand in a list, as "blocks.0.mlp.up", no embedding's."""
    embeddings = {id(m.weight) for m in model.modules() if isinstance(m, Embedding)}
    return [
        parameter
        for name, parameter in model.named_parameters()
        if parameter.ndim == 2
        and id(parameter) not in embeddings
        and any(part.isdecimal() for part in name.split("."))
    ]


def make_schedules(optimizers: list[Optimizer], config: LoopConfig, step: int) -> list[LambdaLR]:
    """The learning rates from `step` on: all of the shape of `config.learning_rate_at`."""
    return [
        LambdaLR(
            optimizer,
            lambda step: config.learning_rate_at(step) / config.learning_rate,
            last_epoch=step - 1,
        )
        for optimizer in optimizers
    ]


def optimizer_state(optimizers: list[Optimizer]) -> tuple[Arrays, dict[str, float]]:
    """Arrays and single numbers; "0.exp_avg" is parameter 0's, counted over all optimizers."""
    arrays, numbers, first = {}, {}, 0
    for optimizer in optimizers:
        state_dict = optimizer.state_dict()
        for index, kept in state_dict["state"].items():
            for name, value in kept.items():
                if value.ndim:
                    arrays[f"{first + index}.{name}"] = value.array
                else:
                    numbers[f"{first + index}.{name}"] = value.item()
        first += _count(state_dict)
    return arrays, numbers


def restore_optimizers(
    optimizers: list[Optimizer], arrays: Arrays, numbers: dict[str, float]
) -> None:
    """Put back what `optimizer_state` gave; settings stay the optimizers' own."""
    kept: dict[int, dict[str, Any]] = {}
    for key, value in {**arrays, **numbers}.items():
        index, _, name = key.partition(".")
        kept.setdefault(int(index), {})[name] = value
    first = 0
    for optimizer in optimizers:
        own = optimizer.state_dict()
        count = _count(own)
        state = {i - first: kept.pop(i) for i in sorted(kept) if first <= i < first + count}
        optimizer.load_state_dict({"state": state, "param_groups": own["param_groups"]})
        first += count
    if kept:
        raise ValueError(f"the optimizer's state is of {max(kept) + 1} parameters, not of {first}")


def _count(state_dict: dict[str, Any]) -> int:
    return sum(len(group["params"]) for group in state_dict["param_groups"])
