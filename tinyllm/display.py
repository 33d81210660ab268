"""How a tensor shows itself: PyTorch's text, and a small table in a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tinyllm.tensor import Tensor


def as_text(tensor: Tensor, default_dtype: np.dtype) -> str:
    """The tensor as PyTorch prints it: its elements, and what is not to be guessed from them."""
    body = np.array2string(
        tensor.array, separator=", ", prefix="tensor(", precision=4, threshold=1000
    )
    notes = []
    if tensor.dtype not in (default_dtype, np.dtype(np.int64), np.dtype(np.bool_)):
        notes.append(f"dtype={tensor.dtype}")
    if tensor.array.size == 0 and tensor.ndim != 1:
        notes.append(f"size={tensor.shape}")
    if tensor.grad_fn is not None:
        notes.append(f"grad_fn=<{tensor.grad_fn.name()}>")
    elif tensor.requires_grad:
        notes.append("requires_grad=True")
    return f"tensor({', '.join([body, *notes])})"


def as_html(tensor: Tensor) -> str:
    """The tensor as a table of shape, dtype, origin, values and gradient."""
    rows = [("shape", str(tuple(tensor.shape))), ("dtype", str(tensor.dtype))]
    if tensor.grad_fn is not None:
        rows.append(("made by", tensor.grad_fn.name()))
    elif tensor.requires_grad:
        rows.append(("leaf", "requires a gradient"))
    rows.append(("values", np.array2string(tensor.array, precision=4, threshold=60, edgeitems=3)))
    if tensor.grad is not None:
        rows.append(("gradient", np.array2string(tensor.grad.array, precision=4, threshold=60)))
    cells = "".join(
        f"<tr><th style='text-align:left;vertical-align:top'>{name}</th>"
        f"<td style='text-align:left'><pre style='margin:0'>{escape(text)}</pre></td></tr>"
        for name, text in rows
    )
    return f"<table>{cells}</table>"
