"""Using a model without training it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tinyllm.grad_mode import no_grad
from tinyllm.nn import Module


@contextmanager
def inference(model: Module) -> Iterator[None]:
    """Record no graph and switch dropout off inside the block; afterwards all is as it was.

    Each submodule gets back its own mode: a frozen part that was in eval mode stays there.
    """
    modes = [(module, module.training) for module in model.modules()]
    if any([training for _, training in modes]):  # noqa: C419 - quicker so, once for each token
        model.eval()
    try:
        with no_grad():
            yield
    finally:
        for module, training in modes:
            if module.training != training:
                module.training = training
