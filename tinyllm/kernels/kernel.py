"""A kernel is one array function with two bodies: its NumPy definition, and a compiled one.

The NumPy body is the meaning: it is what a reader reads and what the tests believe. The compiled
body (`.fast`) must agree with it, and is used whenever Numba is there. Kernels check nothing: the
op that calls one has checked shapes, types and index ranges before.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from tinyllm.kernels import jit

KERNELS: dict[str, Kernel] = {}
_definitions_wanted = 0  # how many `reference_kernels()` blocks are open

# Numba's workqueue layer aborts when two Python threads run kernels at once; OpenMP does not.
_may_overlap, _one_at_a_time = jit.THREADS_MAY_OVERLAP, threading.RLock()


class Kernel:
    """An array function. Its first argument decides the dtype: an array of floating-point numbers,
    or a list of such arrays."""

    def __init__(self, definition: Callable) -> None:
        functools.update_wrapper(self, definition)
        self.name = definition.__name__
        self.definition = definition
        self.compiled: Callable | None = None
        KERNELS[self.name] = self

    def fast(self, body: Callable) -> Kernel:
        """Attach the compiled body, for float32 and float64. Without Numba it is left aside."""
        if jit.AVAILABLE:
            self.compiled = body
        return self

    def fast_with_blas(self, body: Callable) -> Kernel:
        """Attach a compiled body that calls SciPy's BLAS. Without SciPy it is left aside."""
        return self.fast(body) if jit.BLAS_AVAILABLE else self

    def __call__(self, *args):
        try:
            kind = args[0].dtype.char
        except AttributeError:
            kind = args[0][0].dtype.char
        if self.compiled is None or _definitions_wanted or kind not in "fd":
            with np.errstate(all="ignore"):  # compiled bodies do not warn either
                return self.definition(*args)
        if _may_overlap:
            return self.compiled(*args)
        with _one_at_a_time:
            return self.compiled(*args)

    def __repr__(self) -> str:
        return f"<kernel {self.name}: {'compiled' if self.compiled else 'NumPy only'}>"


def kernel(definition: Callable) -> Kernel:
    """Make a kernel of its NumPy definition: `@kernel` above the function."""
    return Kernel(definition)


@contextmanager
def reference_kernels() -> Iterator[None]:
    """Run everything inside the block on the kernels' NumPy definitions, slowly and plainly."""
    global _definitions_wanted
    _definitions_wanted += 1
    try:
        yield
    finally:
        _definitions_wanted -= 1
