"""Which dtype an operation on mixed operands has, by PyTorch's rules.

There are three categories: bool < integer < floating. The highest category decides, and within it
arrays with dimensions outrank 0-d arrays, which outrank Python numbers: `int64_array * 2.5` is the
default float, `float32_array * float64_0d` is float32.

PyTorch: torch.result_type, torch.promote_types.
"""

from __future__ import annotations

from typing import Any

import numpy as np

CATEGORY = {"b": 0, "i": 1, "u": 1, "f": 2}


def promote_types(a: np.dtype, b: np.dtype) -> np.dtype:
    """The dtype that holds both; any integer with a float is that float (NumPy: maybe float64)."""
    if a == b:
        return a
    if CATEGORY[a.kind] != CATEGORY[b.kind]:
        return a if CATEGORY[a.kind] > CATEGORY[b.kind] else b
    return np.promote_types(a, b)


def result_type(*operands: Any, default: np.dtype) -> np.dtype:
    """The dtype of an operation on arrays and Python numbers.

    Args:    operands: arrays, bools, ints and floats.
             default: the dtype of a Python float, where no array is floating.
    """
    ranks: list[np.dtype | None] = [None, None, None]  # arrays, 0-d arrays, Python numbers
    for operand in operands:
        rank, dtype = _rank_and_dtype(operand, default)
        before = ranks[rank]
        ranks[rank] = dtype if before is None else promote_types(before, dtype)
    return _combine(ranks[0], _combine(ranks[1], ranks[2]))


def _rank_and_dtype(operand: Any, default: np.dtype) -> tuple[int, np.dtype]:
    if isinstance(operand, np.ndarray):
        return (0 if operand.ndim else 1), operand.dtype
    if isinstance(operand, bool):
        return 2, np.dtype(np.bool_)
    return 2, np.dtype(np.int64) if isinstance(operand, int) else default


def _combine(higher: np.dtype | None, lower: np.dtype | None) -> np.dtype | None:
    """The higher rank's dtype, unless the lower rank is of a higher category."""
    if higher is None:
        return lower
    if lower is None:
        return higher
    return lower if CATEGORY[lower.kind] > CATEGORY[higher.kind] else higher
