"""Arrays seen as rows: what kernels over the last axis share."""

from __future__ import annotations

import numpy as np


def as_rows(x: np.ndarray) -> np.ndarray:
    """x (..., D) as a contiguous matrix (rows, D); a copy only if x is not contiguous."""
    if x.ndim == 2 and x.flags.c_contiguous:
        return x
    return np.ascontiguousarray(x).reshape(-1 if x.size else n_rows(x), x.shape[-1])


def n_rows(x: np.ndarray) -> int:
    """How many rows `as_rows` makes of x."""
    return x.size // x.shape[-1] if x.shape[-1] else 0


def as_flat(x: np.ndarray) -> np.ndarray:
    """x as one contiguous line; a copy only if x is not contiguous."""
    return x.ravel()
