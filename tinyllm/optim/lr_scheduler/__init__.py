"""Schedules: how the learning rate changes from step to step.

Call `scheduler.step()` after each `optimizer.step()`. Most schedules compute the next rate from the
present one, `group["lr"]`, so that several can act on one optimizer at once, as in PyTorch.
"""

from tinyllm.optim.lr_scheduler.base import LRScheduler
from tinyllm.optim.lr_scheduler.combined import ChainedScheduler, SequentialLR
from tinyllm.optim.lr_scheduler.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from tinyllm.optim.lr_scheduler.curves import ExponentialLR, LambdaLR, LinearLR, PolynomialLR
from tinyllm.optim.lr_scheduler.one_cycle import OneCycleLR
from tinyllm.optim.lr_scheduler.plateau import ReduceLROnPlateau
from tinyllm.optim.lr_scheduler.stairs import ConstantLR, MultiStepLR, StepLR

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
