"""The order of an epoch, which a seed fixes; so a place in it is two numbers, kept and put back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import numpy as np

Batch = TypeVar("Batch")


class EpochLoader(Generic[Batch]):
    """Batches of one epoch after another; each iteration gives the rest of the current epoch.

    The order of epoch e depends on (seed, e) alone. `state_dict()` may be taken between any two
    batches; a loader of the same data and settings goes on from it with the batch that is next.
    """

    def __init__(self, seed: int, shuffle: bool) -> None:
        self.seed, self.shuffle = int(seed), shuffle
        self.epoch = self.batch = 0

    def _plan(self, generator: np.random.Generator | None) -> list[Any]:
        """List what each batch of an epoch is made of; without a generator, in order."""
        raise NotImplementedError

    def _make(self, planned: Any) -> Batch:
        raise NotImplementedError

    def _settings(self) -> dict[str, Any]:
        """What must be the same where a state is put back."""
        raise NotImplementedError

    def _data(self) -> list[list[np.ndarray]]:
        """Give all that batches are made of, as lists of arrays of token ids."""
        raise NotImplementedError

    def fingerprint(self) -> str:
        """Give the SHA-256, in hex, of data and settings: the same one, the same batches."""
        digest = hashlib.sha256(type(self).__name__.encode())
        settings = {**self._settings(), "pad_id": getattr(self, "pad_id", None)}
        digest.update(json.dumps(settings, sort_keys=True).encode())
        for arrays in self._data():
            digest.update(np.array([array.size for array in arrays], "<i8").tobytes())
            digest.update(np.concatenate(arrays).astype("<i8").tobytes())
        return digest.hexdigest()

    def _epoch_plan(self) -> list[Any]:
        return self._plan(np.random.default_rng([self.seed, self.epoch]) if self.shuffle else None)

    def __len__(self) -> int:
        """The batches of the current epoch, also those that are past."""
        return len(self._epoch_plan())

    def __iter__(self) -> Iterator[Batch]:
        plan = self._epoch_plan()
        while self.batch < len(plan):
            planned = plan[self.batch]
            self.batch += 1  # before it is given: a state taken in the loop's body is after it
            if self.batch == len(plan):
                self.epoch, self.batch = self.epoch + 1, 0
                yield self._make(planned)
                return
            yield self._make(planned)

    def state_dict(self) -> dict[str, Any]:
        """Give the place in the data as numbers and strings that JSON can hold."""
        return {"epoch": self.epoch, "batch": self.batch, **self._settings()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a place that `state_dict` gave.

        Raises:  ValueError: it is from other data or settings, or no such place.
        """
        expected = self.state_dict()
        if set(state) != set(expected):
            raise ValueError(
                f"{type(self).__name__}: a state has {', '.join(sorted(expected))}, got "
                f"{', '.join(sorted(map(str, state)))}"
            )
        for name, value in self._settings().items():
            if state[name] != value:
                raise ValueError(
                    f"{type(self).__name__}: the state is of a loader with {name} {state[name]!r}, "
                    f"this one has {value!r}"
                )
        epoch, batch = state["epoch"], state["batch"]
        if not all(type(n) is int and n >= 0 for n in (epoch, batch)):
            raise ValueError(f"{type(self).__name__}: no such place: epoch {epoch}, batch {batch}")
        before = self.epoch, self.batch
        self.epoch, self.batch = epoch, batch
        if batch >= len(self):
            self.epoch, self.batch = before
            raise ValueError(f"{type(self).__name__}: epoch {epoch} has no batch {batch}")


def id_lists(who: str, sequences: Any, what: str) -> list[np.ndarray]:
    """Check sequences of token ids and give them as int64 arrays, none of them empty."""
    arrays = []
    for number, ids in enumerate(sequences):
        array = np.asarray(ids)
        if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
            raise TypeError(
                f"{who}: {what} {number} is not a list of token ids: {array.dtype} of shape "
                f"{array.shape}"
            )
        if array.size == 0:
            raise ValueError(f"{who}: {what} {number} is empty")
        arrays.append(array.astype(np.int64))
    if not arrays:
        raise ValueError(f"{who}: there is no {what}")
    return arrays
