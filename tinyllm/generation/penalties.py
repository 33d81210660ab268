"""Changes to a row of logits by what has been written, and by what the caller wants.

Shapes:  logits (V,) -> (V,), a new row
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np


def penalize_repetition(logits: np.ndarray, text: Sequence[int], penalty: float) -> np.ndarray:
    """Make tokens of the text less likely: logits above 0 are divided, the others multiplied.

    Source:  Keskar et al. 2019, section 4.1, arXiv:1909.05858
    """
    seen = np.unique(np.asarray(text, np.int64))
    result, values = logits.copy(), logits[seen]
    result[seen] = np.where(values > 0, values / penalty, values * penalty)
    return result


def ban_repeated_ngrams(logits: np.ndarray, text: Sequence[int], size: int) -> np.ndarray:
    """Put -inf on tokens that would complete `size` tokens in a row that the text has already.

    Source:  Paulus, Xiong, Socher 2017, section 2.5, arXiv:1705.04304
    """
    if len(text) < size:
        return logits
    result, last = logits.copy(), tuple(text[len(text) - size + 1 :])
    for start in range(len(text) - size + 1):
        if tuple(text[start : start + size - 1]) == last:
            result[text[start + size - 1]] = -np.inf
    return result


def add_bias(logits: np.ndarray, bias: Mapping[int, float]) -> np.ndarray:
    """Add to chosen tokens' logits: -inf forbids a token, a large number demands it."""
    result = logits.copy()
    for token, value in bias.items():
        result[token] += value
    return result
