"""Optimizers and learning-rate schedules, under PyTorch's names."""

from tinyllm.optim import lr_scheduler
from tinyllm.optim.adam import Adam, AdamW
from tinyllm.optim.optimizer import Optimizer
from tinyllm.optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "lr_scheduler"]
