"""Sampling: from a row of logits to the next token, and on from there.

The model gives one logit per token of the vocabulary. `apply_temperature`, `keep_top_k`,
`keep_top_p` and `keep_min_p` reshape that row, and `sample` draws from it.
"""

from __future__ import annotations

import numpy as np

from tinyllm import random


def apply_temperature(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Divide by the temperature: below 1 the likely gets likelier, above 1 all gets more even.

    softmax(logits / temperature); as the temperature falls to 0, all probability goes to the
    highest logit. The highest becomes 0, which changes no probability and cannot overflow.

    Shapes:  (V,) -> (V,)
    """
    with np.errstate(over="ignore"):
        return (logits - logits.max()) / temperature


def keep_top_k(logits: np.ndarray, k: int) -> np.ndarray:
    """Put -inf in place of every logit below the k-th highest; what ties with it stays.

    Shapes:  (V,) -> (V,)
    Source:  Fan, Lewis, Dauphin 2018, arXiv:1805.04833
    """
    if k >= logits.size:
        return logits
    threshold = np.partition(logits, logits.size - k)[logits.size - k]
    return np.where(logits < threshold, -np.inf, logits)


def keep_top_p(logits: np.ndarray, p: float) -> np.ndarray:
    """Keep the fewest most probable tokens whose probabilities reach p together; -inf elsewhere.

    Shapes:  (V,) -> (V,)
    Source:  Holtzman et al. 2020, arXiv:1904.09751
    """
    order = np.argsort(-logits, kind="stable")
    reached = np.cumsum(_softmax(logits)[order])
    kept = order[: np.searchsorted(reached, p * reached[-1]) + 1]
    result = np.full_like(logits, -np.inf)
    result[kept] = logits[kept]
    return result


def keep_min_p(logits: np.ndarray, p: float) -> np.ndarray:
    """Keep tokens of at least p times the likeliest one's probability; -inf elsewhere.

    Shapes:  (V,) -> (V,)
    Source:  Nguyen et al. 2024, arXiv:2407.01082
    """
    weights = np.exp(logits - logits.max())
    return np.where(weights < p, -np.inf, logits)


def sample(logits: np.ndarray, generator: random.Generator | None = None) -> int:
    """Draw a token from softmax(logits): the first one at which the running sum passes a number.

    The number is uniform in [0, 1). A token with logit -inf is never drawn.
    """
    generator = random.default_generator if generator is None else generator
    possible = np.flatnonzero(logits > -np.inf)
    running_sum = np.cumsum(_softmax(logits[possible]))
    drawn = np.searchsorted(running_sum, generator.numpy.random() * running_sum[-1], side="right")
    return int(possible[min(drawn, possible.size - 1)])  # rounding may carry the product to the end


def _softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()
