"""Gradcheck cases of the activations and losses, and of what they are made of."""

import numpy as np
from case import Case, apart, positive

from tinyllm.nn import functional as F
from tinyllm.ops.activation import ELU, LeakyReLU, LogSigmoid, Softplus
from tinyllm.ops.losses import BinaryCrossEntropy, Huber, XLogX
from tinyllm.ops.norms import VectorNorm
from tinyllm.tensor import Tensor

SMALL = {"0-d": [()], "empty": [(0, 3)]}
PAIRS = {"0-d": [(), ()], "one": [(1, 1), (1, 1)]}


def summed(p):
    """Norms along a dim; for these p an element of 0 would be a kink."""
    return Case(VectorNorm, [(2, 3, 5)], {"p": p, "dim": (1,)}, draw=apart)


def nll(x, **settings):
    return F.nll_loss(x, Tensor(np.array([[0, 2, 1], [2, -100, 0]])), **settings)


LOSS_CASES = [
    Case(Softplus, [(2, 3, 5)], more=SMALL),
    Case(Softplus, [(2, 3, 5)], {"beta": 3.0, "threshold": 1.3}, draw=apart),
    Case(LogSigmoid, [(2, 3, 5)], more=SMALL),
    Case(LeakyReLU, [(2, 3, 5)], {"slope": 0.2}, draw=apart, more=SMALL),
    Case(ELU, [(2, 3, 5)], {"alpha": 1.7}, draw=apart, more=SMALL),
    Case(Huber, [(2, 3, 5)], {"delta": 1.25}, draw=apart, more=SMALL),
    Case(Huber, [(2, 3, 5)], {"delta": 1.25, "unit": True}, draw=apart),
    Case(XLogX, [(2, 3, 5)], draw=positive, more=SMALL),
    *(summed(p) for p in (0.5, 1.0, 1.5, 2.0, 3.0, -1.0, float("inf"), float("-inf"))),
    Case(VectorNorm, [(2, 3, 5)], {"p": 2.0, "dim": (0, 2), "keepdim": True}, draw=apart),
    Case(VectorNorm, [(2, 3, 5)], {"p": 2.0, "dim": None}, draw=apart, more={"0-d": [()]}),
    Case(F.normalize, [(3, 5)], draw=apart),
    Case(F.cosine_similarity, [(3, 5), (5,)], {"dim": -1}, draw=apart),
    Case(F.kl_div, [(3, 5), (3, 5)], {"reduction": "batchmean"}, draw=positive, more=PAIRS),
    Case(F.kl_div, [(3, 5), (3, 5)], {"log_target": True}, draw=positive),
    Case(BinaryCrossEntropy, [(3, 5), (3, 5)], more=PAIRS, same=True),
    Case(BinaryCrossEntropy, [(2, 3, 5), (2, 3, 5), (3, 1)], name="weighted"),
    Case(nll, [(2, 3, 3)], {"reduction": "none"}),
    Case(nll, [(2, 3, 3)]),
]
