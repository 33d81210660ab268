"""Random numbers from explicit generators; nothing reads NumPy's global state.

Same seed, same calls: the same numbers. The state is a small dict that JSON can hold, so that a
resumed run goes on with the very numbers that the unbroken run would have drawn.
"""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np

_FIXED_SEED = 67280421310721  # PyTorch's seed of a Generator that was given none
_BITS_64 = 2**64 - 1


class Generator:
    """A stream of random numbers.

    Args:    seed: any integer; None is a fixed seed, as in PyTorch (`.seed()` takes a fresh one).

    numpy:   the np.random.Generator (PCG64) from which the numbers come

    PyTorch: torch.Generator, whose first argument is a device; the numbers differ.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.manual_seed(_FIXED_SEED if seed is None else seed)

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream that belongs to the seed, and return the generator."""
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
            raise TypeError(f"manual_seed: the seed must be an int, got {type(seed).__name__}")
        self._seed = int(seed) & _BITS_64  # as in PyTorch, a negative seed counts from 2^64
        self.numpy = np.random.Generator(np.random.PCG64(self._seed))
        return self

    def seed(self) -> int:
        """Take a seed from the operating system's randomness, and return it."""
        self.manual_seed(secrets.randbits(64))
        return self._seed

    def initial_seed(self) -> int:
        """Return the seed at which the stream started."""
        return self._seed

    def next_seed(self) -> int:
        """Return a fresh 64-bit seed for a kernel that makes its own numbers."""
        return int(self.numpy.integers(0, _BITS_64, dtype=np.uint64, endpoint=True))

    def get_state(self) -> dict[str, Any]:
        """Return where the stream is, as a dict that JSON can hold. PyTorch: a byte tensor."""
        bits = self.numpy.bit_generator.state
        return {
            "bit_generator": "PCG64",
            "seed": self._seed,
            "state": bits["state"]["state"],
            "increment": bits["state"]["inc"],
            "has_uint32": bits["has_uint32"],
            "uinteger": bits["uinteger"],
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from a state that `get_state` returned.

        Raises:  ValueError if it is not one.
        """
        limits = {
            "seed": 64,
            "state": 128,
            "increment": 128,
            "has_uint32": 1,
            "uinteger": 32,
        }
        if not isinstance(state, dict) or state.get("bit_generator") != "PCG64":
            raise ValueError("set_state: this is not the state of a Generator (PCG64)")
        for name, bits in limits.items():
            value = state.get(name)
            if not isinstance(value, int) or not 0 <= value < 2**bits:
                raise ValueError(f"set_state: {name} must be an int of {bits} bits, got {value!r}")
        self._seed = state["seed"]
        self.numpy = np.random.Generator(np.random.PCG64(0))
        self.numpy.bit_generator.state = {
            "bit_generator": "PCG64",
            "state": {"state": state["state"], "inc": state["increment"]},
            "has_uint32": state["has_uint32"],
            "uinteger": state["uinteger"],
        }

    def __repr__(self) -> str:
        return f"Generator(initial_seed={self._seed})"


default_generator = Generator()
default_generator.seed()


def manual_seed(seed: int) -> Generator:
    """Seed the generator that is used where none is given. PyTorch: torch.manual_seed."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Seed that generator from the operating system's randomness. PyTorch: torch.seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """Return the seed at which that generator started. PyTorch: torch.initial_seed."""
    return default_generator.initial_seed()
