"""Optimizers and learning-rate schedules, under PyTorch's names."""

from tinyllm.optim import lr_scheduler
from tinyllm.optim.adagrad import Adagrad
from tinyllm.optim.adam import Adam, AdamW
from tinyllm.optim.muon import Muon
from tinyllm.optim.optimizer import Optimizer
from tinyllm.optim.rmsprop import RMSprop
from tinyllm.optim.sgd import SGD

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Muon", "Optimizer", "RMSprop", "lr_scheduler"]
