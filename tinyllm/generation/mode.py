"""Using a model without training it."""

from __future__ import annotations

from tinyllm.grad_mode import no_grad
from tinyllm.nn import Module


class inference:  # noqa: N801 - reads as `no_grad` does
    """Record no graph and switch dropout off inside the block; afterwards all is as it was.

    Each submodule gets back its own mode: a frozen part that was in eval mode stays there. The
    modules are found once, so that one `inference(model)` serves for every token of a text.
    """

    def __init__(self, model: Module) -> None:
        self._modules = list(model.modules())
        self._training: list[Module] = []
        self._recording = no_grad()

    def __enter__(self) -> None:
        self._training = [module for module in self._modules if module.training]
        for module in self._training:  # past Module.__setattr__, whose checks cost more than this
            module.__dict__["training"] = False
        self._recording.__enter__()

    def __exit__(self, *exception: object) -> None:
        self._recording.__exit__()
        for module in self._training:
            module.__dict__["training"] = True
