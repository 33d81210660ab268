"""The confusion matrix: which tag was given in place of which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tinyllm.viz import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_WITH_NUMBERS = 25  # classes whose cells still have room for a number


def confusion_matrix(
    counts: np.ndarray, names: Sequence[str], title: str = "Confusion", below: str = ""
) -> Figure:
    """Draw counts as shares of their row, the numbers in the cells in percent.

    Args:    counts: the row is the true class, the column the given one.
    Shapes:  counts (K, K), with K names
    Raises:  ValueError for counts that are not square, below 0 or not finite, or other names.
    """
    counts = np.asarray(counts, np.float64)
    K = len(names)
    if counts.shape != (K, K) or not K:
        raise ValueError(
            f"confusion_matrix: counts must be (K, K) for K = {K} names, not {counts.shape}"
        )
    if not (np.isfinite(counts).all() and (counts >= 0).all()):
        raise ValueError("confusion_matrix: counts must be finite and not below 0")
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = max(4.0, 1.6 + 0.36 * K)
    figure, axes = style.new_figure(size + 0.6, size)
    axes.grid(visible=False)
    axes.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1)  # the root shows rare ones too
    axes.set_xticks(range(K), [_plain(name) for name in names], rotation=90)
    axes.set_yticks(range(K), [_plain(name) for name in names])
    axes.set_xlabel("given", color=style.QUIET)
    axes.set_ylabel("true", color=style.QUIET)
    if K <= MOST_WITH_NUMBERS:
        for row, column in zip(*np.nonzero(shares >= 0.005), strict=True):
            share = shares[row, column]
            colour = style.PAPER if share > 0.35 else style.INK
            where = {"ha": "center", "va": "center", "fontsize": 7, "color": colour}
            axes.text(column, row, f"{100 * share:.0f}", **where)
    style.title(axes, title, below)
    return figure


def _plain(name: str) -> str:
    """A name that matplotlib does not take for mathematics."""
    return name.replace("$", r"\$")
