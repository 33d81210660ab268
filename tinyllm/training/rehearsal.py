"""Have all kernels compiled before the first step, under a progress bar, instead of amid it."""

from __future__ import annotations

import numpy as np

from tinyllm import random
from tinyllm.generation import generate, inference
from tinyllm.kernels import jit
from tinyllm.nn import Module, Parameter
from tinyllm.nn.utils import clip_grad_norm_
from tinyllm.optim import AdamW
from tinyllm.tensor import Tensor
from tinyllm.training.display import Display

KERNELS_OF_A_STEP = 14  # about as many are compiled: the length of the bar


def build_kernels(model: Module, display: Display, batch: tuple[Tensor, ...] | None = None) -> None:
    """Run one step and one generated token on next to nothing; weights and randomness stay.

    With a warm cache nothing is shown.

    Args:    batch: what `model.loss` takes, of which two rows are used; by default the model
                 continues a text.
    """
    if not jit.AVAILABLE:
        return
    from tinyllm.kernels.cache import progress

    bar = None

    def show(name: str, built: int) -> None:
        nonlocal bar
        if bar is None:
            if not display.has_bars:
                display.say("building kernels for this machine (once) …")
            bar = display.bar("building kernels (once)", KERNELS_OF_A_STEP, unit="kernel")
        bar.total = max(bar.total or 0, built + 1)
        bar.set_postfix_str(name, refresh=False)
        bar.update(built - bar.n)

    before, progress.listener = progress.listener, show
    try:
        rehearse(model, batch)
    finally:
        progress.finish()
        progress.listener = before
        if bar is not None:
            bar.total = bar.n = bar.n + 1
            bar.close()


def rehearse(model: Module, batch: tuple[Tensor, ...] | None = None) -> None:
    """One tiny step on copies of two parameters, and two tokens, leaving no trace."""
    state = random.default_generator.get_state()
    try:
        if batch is None:
            length = min(8, model.config.context_length)
            ids = Tensor(np.zeros((2, length), np.int64))
            _rehearse_step(model, (ids, ids))
            with inference(model):
                model(ids)
            list(generate(model, [0] * length, 2, generator=random.Generator(0)))
        else:
            with np.errstate(all="ignore"):  # two rows may have nothing to predict
                _rehearse_step(model, _two_rows(batch))
    finally:
        model.zero_grad()
        random.default_generator.set_state(state)


def _rehearse_step(model: Module, batch: tuple[Tensor, ...]) -> None:
    model.loss(*batch).backward()
    by_rank = {p.ndim: p for p in model.parameters() if p.grad is not None}
    copies = [_copy(parameter) for parameter in by_rank.values()]
    clip_grad_norm_(copies, 1.0)
    AdamW(copies).step()


def _two_rows(batch: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The first two rows of everything, where all has the same number of rows."""
    if len({part.shape[:1] for part in batch}) > 1:
        return batch
    return tuple(Tensor(part.array[:2].copy()) for part in batch)


def _copy(parameter: Parameter) -> Parameter:
    copy = Parameter(parameter.array.copy())
    copy.grad = Tensor(parameter.grad.array.copy())
    return copy
