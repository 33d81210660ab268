"""A running average of the weights, which often does better than the last ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from tinyllm.grad_mode import no_grad
from tinyllm.nn import Module


class WeightAverage:
    """An exponential moving average of a model's parameters; buffers stay the last ones.

    a_t = d_t a_{t-1} + (1 - d_t) w_t,   d_t = min(decay, (1 + t) / (10 + t))

    At first d_t is small, so that the untrained weights are soon forgotten.

    Source:  Polyak and Juditsky 1992; d_t is that of TensorFlow's ExponentialMovingAverage
    """

    def __init__(self, model: Module, decay: float) -> None:
        self.model, self.decay = model, decay
        self.arrays = {name: p.array.copy() for name, p in model.named_parameters()}

    def update(self, step: int) -> None:
        """Take in the weights after update number `step`, counted from 1."""
        rest = 1 - min(self.decay, (1 + step) / (10 + step))
        for name, parameter in self.model.named_parameters():
            average = self.arrays[name]
            average += average.dtype.type(rest) * (parameter.array - average)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Let the model have the average inside the block, and its own weights again after."""
        own = {name: p.array.copy() for name, p in self.model.named_parameters()}
        try:
            self._put(self.arrays)
            yield
        finally:
            self._put(own)

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on from an average that was saved under the names of the state_dict."""
        for name, average in self.arrays.items():
            average[...] = arrays[name]

    def _put(self, arrays: Mapping[str, np.ndarray]) -> None:
        with no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.changing("WeightAverage")[...] = arrays[name]
