"""Writing token by token: one text as a stream, or many texts at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from tinyllm import random
from tinyllm.generation.choosing import Choosing
from tinyllm.generation.readers import checked_prompts, reader
from tinyllm.nn import Module


def generate(
    model: Module,
    ids: Sequence[int],
    max_new_tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: random.Generator | None = None,
    stop: Iterable[int] = (),
    **choosing: Any,
) -> Iterator[int]:
    """Continue a sequence of token ids, giving out each new one as soon as it is chosen.

    A `Decoder` goes on from `ids`; a `Seq2Seq` reads `ids` as its source, and writes the target.
    Keys and values of what has been read are kept, so a new token costs one token's work. When
    the context of a decoder is full, it forgets the first half of it and reads the rest anew.

    Args:    ids: the prompt, at least one token; it is not changed.
             temperature: 1 samples from the model as it is, 0 always takes the likeliest token.
             top_k: sample only among so many likeliest tokens; None for all.
             top_p: sample only among the likeliest tokens that reach this probability together.
             generator: what to draw with; by default tinyllm's own, set by `manual_seed`.
             stop: tokens that end the text, beside a Seq2Seq's own end; they are not given out.
             choosing: further settings of `Choosing`: min_p, repetition_penalty,
             no_repeat_ngram_size, logit_bias.
    Raises:  ValueError, TypeError, IndexError if an argument is not one of these; at the call, not
             at the first token.
    """
    settings = Choosing(temperature, top_k, top_p, **choosing)
    prompts = _checked(model, [ids], max_new_tokens, settings)
    stop = frozenset(stop)

    def tokens_one_by_one() -> Iterator[int]:
        reading = reader(model, prompts)
        ends = stop | reading.ends
        for _ in range(min(max_new_tokens, reading.room())):
            token = settings.choose(reading.logits()[0], reading.texts[0], generator)
            if token in ends:
                return
            reading.texts[0].append(token)
            yield token

    return tokens_one_by_one()


def generate_batch(
    model: Module,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: random.Generator | None = None,
    stop: Iterable[int] = (),
    batch_size: int = 64,
    **choosing: Any,
) -> list[list[int]]:
    """Continue many prompts of any lengths at once; see `generate` for the arguments.

    Greedy decoding gives each prompt the tokens that it would get alone. A text that has ended
    leaves the batch, so that no work is done for it.

    Args:    batch_size: prompts read at a time, those of like length together.
    Returns: the new tokens of each prompt.
    """
    settings = Choosing(temperature, top_k, top_p, **choosing)
    prompts = _checked(model, prompts, max_new_tokens, settings)
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    written: list[list[int]] = [[] for _ in prompts]
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        texts = _continued(
            model, [prompts[i] for i in rows], max_new_tokens, settings, generator, frozenset(stop)
        )
        for i, text in zip(rows, texts, strict=True):
            written[i] = text
    return written


def _continued(
    model: Module,
    prompts: list[list[int]],
    max_new_tokens: int,
    settings: Choosing,
    generator: random.Generator | None,
    stop: frozenset[int],
) -> list[list[int]]:
    reading, written = reader(model, prompts), [[] for _ in prompts]
    ends, going = stop | reading.ends, list(range(len(prompts)))
    for _ in range(min(max_new_tokens, reading.room())):
        tokens = [
            settings.choose(logits, text, generator)
            for logits, text in zip(reading.logits(), reading.texts, strict=True)
        ]
        kept = [row for row, token in enumerate(tokens) if token not in ends]
        for row in kept:
            reading.texts[row].append(tokens[row])
            written[going[row]].append(tokens[row])
        if not kept:
            break
        if len(kept) < len(tokens):
            reading.select(kept)
            going = [going[row] for row in kept]
    return written


def _checked(
    model: Module, prompts: Any, max_new_tokens: int, settings: Choosing
) -> list[list[int]]:
    check_length(max_new_tokens)
    settings.check_vocabulary(model.config.vocab_size)
    return checked_prompts(model, prompts)


def check_length(max_new_tokens: int) -> None:
    """Refuse what is no number of tokens. Raises TypeError, ValueError."""
    if isinstance(max_new_tokens, bool) or not isinstance(max_new_tokens, (int, np.integer)):
        raise TypeError(f"generate: max_new_tokens must be a whole number, not {max_new_tokens!r}")
    if max_new_tokens < 0:
        raise ValueError(
            f"generate: max_new_tokens = {max_new_tokens!r} is not a number of tokens, 0 or more"
        )
