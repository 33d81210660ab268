"""When the loss is no longer a number: where it began, and what to try."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from tinyllm.grad_mode import no_grad
from tinyllm.nn import Module
from tinyllm.tensor import Tensor
from tinyllm.training.config import LoopConfig


class TrainingDiverged(ArithmeticError):
    """The loss or the gradient became NaN or infinite.

    step:   the update that could not be made, counted from 1
    layer:  name of the first module whose output was not finite, in the order of the forward; or of
            the parameter whose gradient was not finite
    """

    def __init__(self, message: str, step: int, layer: str) -> None:
        super().__init__(message)
        self.step = step
        self.layer = layer

    def add_advice(self, advice: str) -> None:
        """Add what to try to the message."""
        self.args = (f"{self}\n{advice}",)


def first_nonfinite_layer(model: Module, *batch: Tensor) -> str | None:
    """Run a batch again and name the first module whose output is not finite, or return None.

    A module's hook runs when its output is complete, so the innermost module comes before those
    that contain it.
    """
    found: list[str] = []

    def watch(name: str) -> Any:
        def hook(module: Module, args: Any, output: Any) -> None:
            outputs = output if isinstance(output, tuple) else (output,)
            if not found and not all(_is_finite(y) for y in outputs if isinstance(y, Tensor)):
                found.append(name)

        return hook

    handles = [module.register_forward_hook(watch(name)) for name, module in model.named_modules()]
    try:
        with no_grad(), np.errstate(all="ignore"):
            model.loss(*batch)
    finally:
        for handle in handles:
            handle.remove()
    return found[0] if found else None


def nonfinite_gradient(model: Module) -> str | None:
    """The parameter whose gradient first was not finite; the backward comes from behind."""
    bad = [n for n, p in model.named_parameters() if p.grad is not None and not _is_finite(p.grad)]
    return bad[-1] if bad else None


def stop(model: Module, step: int, what: str, layer: str | None) -> TrainingDiverged:
    """The error to raise: what happened, at which step, and where."""
    layer = "the loss" if layer is None else layer
    modules = dict(model.named_modules())
    if layer not in modules:
        where = f"The first part not finite is {layer}"
    else:
        own = modules[layer].named_parameters(recurse=False)
        bad = [f"{n} ({_nonfinite(p)} of {p.numel()})" for n, p in own if not _is_finite(p)]
        where = (
            f"The first layer whose output is not finite is {layer or 'the model itself'} "
            f"({type(modules[layer]).__name__})"
            f"{', which has numbers in its ' + ' and '.join(bad) + ' that are not' if bad else ''}"
        )
    return TrainingDiverged(f"training stopped at step {step}: {what}. {where}", step, layer)


def all_finite(model: Module) -> bool:
    """Whether every weight is a number."""
    return all(_is_finite(parameter) for parameter in model.parameters())


def advice(config: LoopConfig, run: os.PathLike) -> str:
    """What to try."""
    lower = config.learning_rate / 3
    clip = "" if config.clip_norm else " --clip-norm 1"
    floor = min(config.min_learning_rate, lower)
    return (
        f"What is saved is in {run}. Try a lower learning rate than {config.learning_rate:g}: "
        f"tinyllm train --resume {run} --learning-rate {lower:.1g} "
        f"--min-learning-rate {floor:.1g}{clip}; or a longer warm-up from the start"
    )


def advice_to_start_again(config: LoopConfig, run: os.PathLike) -> str:
    """What to try where the settings of a run cannot change."""
    lower = config.learning_rate / 3
    return (
        f"What is saved is in {run}. Start again in another folder with a lower learning_rate than "
        f"{config.learning_rate:g}, such as {lower:.1g}"
        f"{'' if config.clip_norm else ', with clip_norm = 1'}, or with a longer warm-up"
    )


def _is_finite(tensor: Tensor) -> bool:
    return tensor.array.dtype.kind != "f" or bool(np.isfinite(tensor.array).all())


def _nonfinite(tensor: Tensor) -> int:
    return int((~np.isfinite(tensor.array)).sum())
