"""Beam search: keep the most probable beginnings, and go on with all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinyllm.generation.choosing import Choosing
from tinyllm.generation.readers import Reader, checked_prompts, reader
from tinyllm.generation.writing import check_length
from tinyllm.nn import Module


@dataclass(frozen=True)
class Hypothesis:
    """A text that the search found.

    tokens:   what was written, without the end token
    score:    log_prob / length^length_penalty, the end token counted in the length
    log_prob: the sum of the tokens' log-probabilities, the end included, in nats
    ended:    whether it came to an end token, or was cut at the greatest length
    """

    tokens: list[int]
    score: float
    log_prob: float
    ended: bool


@dataclass
class _Search:
    """The search for one prompt: what lives, in `rows` of the batch, and what has ended."""

    rows: list[int]
    log_probs: np.ndarray = field(default_factory=lambda: np.zeros(1))
    ended: list[Hypothesis] = field(default_factory=list)


@dataclass(frozen=True)
class _Settings:
    num_beams: int
    length_penalty: float
    early_stopping: bool | str
    longest: int

    def score(self, log_prob: float, length: int) -> float:
        return log_prob / length**self.length_penalty

    def is_done(self, search: _Search, length: int) -> bool:
        """Whether no living beam is to be followed any more, at `length` tokens."""
        if not len(search.log_probs):
            return True
        if len(search.ended) < self.num_beams:
            return False
        if self.early_stopping is True:
            return True
        # A longer text divides its negative sum by more, so the greatest length is its best hope.
        hopeful = self.early_stopping == "never" and self.length_penalty > 0
        best = self.score(search.log_probs.max(), self.longest if hopeful else length)
        return search.ended[-1].score >= best


def beam_search(
    model: Module,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    num_beams: int = 5,
    length_penalty: float = 1.0,
    early_stopping: bool | str = True,
    num_return_sequences: int = 1,
    stop: Iterable[int] = (),
    batch_size: int = 16,
    **choosing: Any,
) -> list[list[Hypothesis]]:
    """Find for each prompt the texts of highest score = log p(text) / length^length_penalty.

    At each token the `num_beams` most probable beginnings go on. A text that reaches its end among
    them is set aside. One beam takes the likeliest token each time: greedy decoding.

    Args:    prompts: what a `Decoder` continues, or the sources that a `Seq2Seq` reads.
             length_penalty: 0 compares sums, which favours short texts; 1 means per token.
             early_stopping: True: stop when num_beams texts have ended. False: go on while a living
             beam scores above the worst of them at its present length. "never": while one still
             could at the greatest length, so that nothing is missed.
             num_return_sequences: the best so many, at most num_beams.
             stop: tokens that end a text, beside a Seq2Seq's own end.
             batch_size: prompts searched at a time, those of like length together.
             choosing: repetition_penalty, no_repeat_ngram_size, logit_bias, as for `generate`;
             the scores are of the probabilities after them.
    Returns: for each prompt the best hypotheses, the best one first; those that did not end where
             fewer did.
    Raises:  as `generate`.
    PyTorch: has none. Names and meaning as in transformers' generate, where early_stopping is False
             by default and a lone beam is a mode of its own.
    Source:  length penalty and batches: Wu et al. 2016, section 7, arXiv:1609.08144
    """
    _check(num_beams, early_stopping, num_return_sequences, batch_size)
    shaping = Choosing(temperature=1.0, **choosing)
    check_length(max_new_tokens)
    shaping.check_vocabulary(model.config.vocab_size)
    prompts = checked_prompts(model, prompts)
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    found: list[list[Hypothesis]] = [[] for _ in prompts]
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        reading = reader(model, [prompts[i] for i in rows])
        ends = frozenset(stop) | reading.ends
        settings = _Settings(
            num_beams, length_penalty, early_stopping, min(max_new_tokens, reading.room())
        )
        for i, hypotheses in zip(rows, _search(reading, ends, settings, shaping), strict=True):
            found[i] = hypotheses[:num_return_sequences]
    return found


def _search(
    reading: Reader, ends: frozenset[int], settings: _Settings, shaping: Choosing
) -> list[list[Hypothesis]]:
    searches = [_Search([row]) for row in range(len(reading.texts))]
    begun = [len(text) for text in reading.texts]  # of each search, the length of its prompt
    going = list(range(len(searches)))
    for length in range(1, settings.longest + 1):
        log_probs = _log_probs(reading, shaping)
        parents: list[int] = []
        tokens: list[int] = []
        still = []
        for number in going:
            search = searches[number]
            grown = _grow(search, log_probs, reading, begun[number], length, ends, settings)
            if settings.is_done(search, length):
                search.rows, search.log_probs = [], search.log_probs[:0]
                continue
            search.rows = list(range(len(parents), len(parents) + len(grown)))
            parents += [row for row, _ in grown]
            tokens += [token for _, token in grown]
            still.append(number)
        going = still
        if not going:
            break
        if parents != list(range(len(reading.texts))):
            reading.select(parents)
        for text, token in zip(reading.texts, tokens, strict=True):
            text.append(token)
    for number in going:  # cut at the greatest length
        _set_living_aside(searches[number], reading, begun[number], settings)
    return [_best(search.ended, settings.num_beams) for search in searches]


def _log_probs(reading: Reader, shaping: Choosing) -> np.ndarray:
    """The log-probabilities of each living text's next token: (B, V), in double precision."""
    rows = zip(reading.logits(), reading.texts, strict=True)
    logits = np.stack([shaping.logits(row, text) for row, text in rows]).astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def _grow(
    search: _Search,
    log_probs: np.ndarray,
    reading: Reader,
    begun: int,
    length: int,
    ends: frozenset[int],
    settings: _Settings,
) -> list[tuple[int, int]]:
    """Take the best continuations: those that end are set aside, the others live on.

    Twice as many as there are beams are looked at, so that ends do not leave beams empty.

    Returns: of each that lives on, its parent's row and its new token.
    """
    totals = (search.log_probs[:, None] + log_probs[search.rows]).ravel()
    V, K = log_probs.shape[1], settings.num_beams
    best = _largest(totals, 2 * K if len(ends) < 2 else (1 + len(ends)) * K)
    grown, living = [], []
    for rank, place in enumerate(best):
        row, token, total = search.rows[place // V], int(place % V), float(totals[place])
        if total == -np.inf or len(grown) == K:
            break
        if token not in ends:
            grown.append((row, token))
            living.append(total)
        elif rank < K:
            text = reading.texts[row][begun:]
            score = settings.score(total, length)
            search.ended.append(Hypothesis(text, score, total, ended=True))
    search.ended = _best(search.ended, K)
    search.log_probs = np.array(living)
    return grown


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    """The places of the largest values, the largest first; of equals the first."""
    if count < values.size:
        threshold = np.partition(values, values.size - count)[values.size - count]
        places = np.flatnonzero(values >= threshold)
    else:
        places = np.arange(values.size)
    return places[np.argsort(-values[places], kind="stable")][:count]


def _set_living_aside(search: _Search, reading: Reader, begun: int, settings: _Settings) -> None:
    for row, total in zip(search.rows, search.log_probs.tolist(), strict=True):
        text = reading.texts[row][begun:]
        score = settings.score(total, max(len(text), 1))
        search.ended.append(Hypothesis(text, score, total, ended=False))


def _best(hypotheses: list[Hypothesis], count: int) -> list[Hypothesis]:
    return sorted(hypotheses, key=lambda found: -found.score)[:count]


def _check(
    num_beams: int, early_stopping: bool | str, num_return_sequences: int, batch_size: int
) -> None:
    for name, value in (("num_beams", num_beams), ("batch_size", batch_size)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise ValueError(f"beam_search: {name} = {value!r} is not a whole number, 1 or more")
    if not 1 <= num_return_sequences <= num_beams:
        raise ValueError(
            f"beam_search: num_return_sequences = {num_return_sequences!r} is not in [1, num_beams "
            f"= {num_beams}]"
        )
    if early_stopping not in (True, False, "never"):
        raise ValueError(
            f'beam_search: early_stopping = {early_stopping!r} is not True, False or "never"'
        )
