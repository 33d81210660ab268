"""Sampling: from a row of logits to the next token, and on from there.

The model gives one logit per token of the vocabulary. `apply_temperature`, `keep_top_k` and
`keep_top_p` reshape that row, `sample` draws from it, and `generate` does so again and again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from tinyllm import random
from tinyllm.generation.mode import inference
from tinyllm.nn import Module
from tinyllm.tensor import Tensor


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


def sample(logits: np.ndarray, generator: random.Generator | None = None) -> int:
    """Draw a token from softmax(logits): the first one at which the running sum passes a number.

    The number is uniform in [0, 1). A token with logit -inf is never drawn.
    """
    generator = random.default_generator if generator is None else generator
    possible = np.flatnonzero(logits > -np.inf)
    running_sum = np.cumsum(_softmax(logits[possible]))
    drawn = np.searchsorted(running_sum, generator.numpy.random() * running_sum[-1], side="right")
    return int(possible[min(drawn, possible.size - 1)])  # rounding may carry the product to the end


def generate(
    model: Module,
    ids: Sequence[int],
    max_new_tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: random.Generator | None = None,
    stop: Iterable[int] = (),
) -> Iterator[int]:
    """Continue a sequence of token ids, giving out each new one as soon as it is drawn.

    Keys and values of what has been read are kept, so a new token costs one token's work. When
    the context is full, the model forgets the first half of it and reads the rest anew.

    Args:    ids: the prompt, at least one token; it is not changed.
             temperature: 1 samples from the model as it is, 0 always takes the likeliest token.
             top_k: sample only among so many likeliest tokens; None for all.
             top_p: sample only among the likeliest tokens that reach this probability together.
             generator: what to draw with; by default tinyllm's own, set by `manual_seed`.
             stop: tokens that end the text; they are not given out.
    Raises:  ValueError, TypeError, IndexError if an argument is not one of these; at the call, not
             at the first token.
    """
    tokens = _checked_prompt(ids, model.config.vocab_size)
    _check_settings(max_new_tokens, temperature, top_k, top_p)
    stop = frozenset(stop)

    def tokens_one_by_one() -> Iterator[int]:
        rows = _logits_of_next(model, tokens)
        for _ in range(max_new_tokens):
            token = _choose(next(rows), temperature, top_k, top_p, generator)
            if token in stop:
                return
            tokens.append(token)
            yield token

    return tokens_one_by_one()


def _logits_of_next(model: Module, tokens: list[int]) -> Iterator[np.ndarray]:
    """Give the logits after the last of `tokens`, to which the caller adds between two calls."""
    context_length = model.config.context_length
    start = max(0, len(tokens) - context_length)  # of the window, in the whole text
    cache, read = model.new_cache(), start  # how far the cache has read
    using = inference(model)
    while True:
        if len(tokens) - start > context_length:
            start = len(tokens) - max(1, context_length // 2)
            cache, read = model.new_cache(), start
        unread = np.array([tokens[read:]], np.int64)
        with using:  # not across a yield: the caller may train in between
            logits = model(Tensor(unread), cache=cache)  # (1, unread, V)
        read = len(tokens)
        yield logits.array[0, -1]


def _choose(
    logits: np.ndarray,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    generator: random.Generator | None,
) -> int:
    if not np.isfinite(logits.max()):  # the maximum of a row with a NaN is NaN
        raise ValueError(
            f"generate: the model's highest logit is {logits.max()}: its weights are not finite, "
            "or its training diverged. Load an earlier checkpoint."
        )
    if temperature == 0:
        return int(np.argmax(logits))
    logits = apply_temperature(logits.astype(np.float64), temperature)
    if top_k is not None:
        logits = keep_top_k(logits, top_k)
    if top_p is not None:
        logits = keep_top_p(logits, top_p)
    return sample(logits, generator)


def _softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()


def _checked_prompt(ids: Any, vocab_size: int) -> list[int]:
    """A list of our own, so that the caller's does not grow."""
    array = np.asarray(ids.array if isinstance(ids, Tensor) else ids)
    if array.ndim != 1:
        raise ValueError(
            f"generate: ids must be one sequence of token ids, not of shape {array.shape}: "
            "generate continues one text at a time"
        )
    if array.size == 0:
        raise ValueError(
            "generate: ids is empty, and a model continues something: give at least one token, "
            "such as tokenizer.encode('\\n')"
        )
    if array.dtype.kind not in "iu":
        raise TypeError(
            f"generate: ids must be integers, not {array.dtype}: encode text with a tokenizer first"
        )
    wrong = np.flatnonzero((array < 0) | (array >= vocab_size))
    if wrong.size:
        raise IndexError(
            f"generate: token id {array[wrong[0]]} at [{wrong[0]}] is outside [0, {vocab_size}): "
            "was the prompt encoded with another tokenizer than the model's?"
        )
    return array.tolist()


def _check_settings(
    max_new_tokens: int, temperature: float, top_k: int | None, top_p: float | None
) -> None:
    def refuse(name: str, value: object, legal: str) -> None:
        raise ValueError(f"generate: {name} = {value!r} is not {legal}")

    if isinstance(max_new_tokens, bool) or not isinstance(max_new_tokens, (int, np.integer)):
        raise TypeError(f"generate: max_new_tokens must be a whole number, not {max_new_tokens!r}")
    if max_new_tokens < 0:
        refuse("max_new_tokens", max_new_tokens, "a number of tokens, 0 or more")
    if not 0 <= temperature < float("inf"):
        refuse("temperature", temperature, "in [0, inf): 0 takes the likeliest token each time")
    if top_k is not None and not (isinstance(top_k, (int, np.integer)) and top_k >= 1):
        refuse("top_k", top_k, "a whole number of tokens, 1 or more (None keeps all)")
    if top_p is not None and not 0 < top_p <= 1:
        refuse("top_p", top_p, "a probability in (0, 1] (None or 1 keeps all)")
