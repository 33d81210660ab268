"""Where batches come from: windows of a text, or one of the loaders in tinyllm.data."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np

from tinyllm import random
from tinyllm.data import Windows
from tinyllm.tensor import Tensor

IGNORED = -100  # the target that cross_entropy leaves out


class BatchSource(Protocol):
    """What a Learner draws from: batches without end, whose place can be kept and put back.

    tokens:  what the last batch taught, counted in tokens that are predicted
    """

    tokens: int

    def next_batch(self) -> tuple[Tensor, ...]:
        """The arguments of `model.loss`."""

    def state_dict(self) -> dict[str, Any]:
        """The place between two batches, as JSON can hold it."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a `state_dict()`."""

    def fingerprint(self) -> str:
        """The same for the same data and settings, and else another."""


class RandomWindows:
    """Windows of a text at random places: (ids, targets), each (batch_size, context_length).

    Args:    order: the generator that decides which windows come when.
    """

    def __init__(self, windows: Windows, batch_size: int, order: random.Generator) -> None:
        self.windows, self.batch_size, self.order = windows, batch_size, order
        self.tokens = batch_size * windows.context_length

    def next_batch(self) -> tuple[Tensor, ...]:
        """The next windows."""
        return tuple(map(Tensor, self.windows.random_batch(self.batch_size, self.order)))

    def state_dict(self) -> dict[str, Any]:
        """Where the generator is."""
        return self.order.get_state()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put the generator there."""
        self.order.set_state(state)

    def fingerprint(self) -> str:
        """SHA-256, in hex, of the text and of the sizes of a batch."""
        sizes = f"{self.batch_size} {self.windows.context_length} {len(self.windows.tokens)} "
        digest = hashlib.sha256(sizes.encode())
        for start in range(
            0, len(self.windows.tokens), 2**22
        ):  # a piece at a time: it may be mapped
            piece = self.windows.tokens[start : start + 2**22]
            digest.update(piece.astype("<i8").tobytes())
        return digest.hexdigest()


class Loader(Protocol):
    """A loader of tinyllm.data: each iteration gives the rest of an epoch; see EpochLoader."""

    def __iter__(self) -> Iterator[Any]:
        """The rest of the current epoch."""

    def state_dict(self) -> dict[str, Any]:
        """The place in the data."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from such a place."""

    def fingerprint(self) -> str:
        """The same for the same data and settings."""


class LoaderSource:
    """The batches of a loader, one epoch after another.

    >>> source = LoaderSource(PairBatches(pairs, 32, pad_id=0), to_tensors)

    Args:    to_tensors: from a loader's batch to the arguments of `model.loss`.
             count: the tokens that a batch teaches; by default those of its "labels" or "targets"
                 that the loss does not ignore.
    """

    def __init__(
        self,
        loader: Loader,
        to_tensors: Callable[[Any], tuple[Tensor, ...]],
        count: Callable[[Any], int] | None = None,
    ) -> None:
        self.loader, self.to_tensors, self.count = loader, to_tensors, count or predicted_tokens
        self.tokens = 0
        self._epoch: Iterator[Any] = iter(())

    def next_batch(self) -> tuple[Tensor, ...]:
        """The next batch; after the last of an epoch, the first of the next."""
        batch = next(self._epoch, None)
        if batch is None:
            self._epoch = iter(self.loader)
            batch = next(self._epoch)
        self.tokens = int(self.count(batch))
        return tuple(self.to_tensors(batch))

    def state_dict(self) -> dict[str, Any]:
        """The loader's place."""
        return self.loader.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a place that `state_dict` gave."""
        self.loader.load_state_dict(state)
        self._epoch = iter(())

    def fingerprint(self) -> str:
        """The loader's."""
        return self.loader.fingerprint()


def predicted_tokens(batch: Any) -> int:
    """How many labels, or targets, of a loader's batch count in the loss."""
    labels = getattr(batch, "labels", None)
    labels = getattr(batch, "targets", None) if labels is None else labels
    if labels is None:
        raise ValueError(
            f"LoaderSource: a {type(batch).__name__} has neither labels nor targets: give `count`, "
            "a function from a batch to its number of tokens"
        )
    return int((np.asarray(labels) != IGNORED).sum())


def mean_loss(source: LoaderSource) -> Callable[[Any], dict[str, float]]:
    """Make an `evaluate` for `fit`: the loss over one epoch, in nats per token that is taught."""

    def evaluate(model: Any) -> dict[str, float]:
        total = tokens = 0.0
        for _ in range(len(source.loader)):
            loss = model.loss(*source.next_batch()).item()
            total, tokens = total + loss * source.tokens, tokens + source.tokens
        return {"val_loss": total / tokens}

    return evaluate
