"""A corpus in a picture: how long its documents are, and how often its words stand there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyllm.viz import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def corpus_picture(
    lengths: np.ndarray, counts: np.ndarray, exponent: float = float("nan"), name: str = "corpus"
) -> Figure:
    """Draw lengths as a histogram, and frequencies over ranks on logarithmic axes (Zipf's law).

    Args:
        lengths: words of each document.
        counts: how often each word stands there, in any order.
        exponent: the slope of the line to compare with; nan draws 1, Zipf's own.
        name: of the corpus, for the title.
    """
    figure, left = style.new_figure(9.6, 4.2)
    grid = figure.add_gridspec(1, 2, width_ratios=(1, 1), wspace=0.08)
    left.set_subplotspec(grid[0])
    right = figure.add_subplot(grid[1])
    style.dress(right)
    _draw_lengths(left, np.asarray(lengths), name)
    _draw_frequencies(right, np.sort(np.asarray(counts, np.float64))[::-1], exponent)
    return figure


def _draw_lengths(axes: Axes, lengths: np.ndarray, name: str) -> None:
    below = "no documents"
    if lengths.size:
        most = max(int(np.percentile(lengths, 99)), 1)  # one giant would squeeze all the others
        width = max(1, round(most / 40))
        bins = np.arange(0, most + 2 * width, width) - 0.5
        axes.hist(np.minimum(lengths, most), bins=bins, color=style.BLUE, rwidth=0.9)
        middle = float(np.median(lengths))
        axes.axvline(middle, color=style.ORANGE, linewidth=1.6)
        axes.annotate(
            f"half have\nat most {middle:g}", (middle, 1), (5, -4), ("data", "axes fraction"),
            textcoords="offset points", va="top", fontsize=9, color=style.ORANGE,
        )  # fmt: skip
        beyond = int((lengths > most).sum())
        below = f"{lengths.size:,} documents; the {beyond:,} longest count as {most}"
        below = below if beyond else f"{lengths.size:,} documents"
    axes.set_xlabel("words in a document", color=style.QUIET)
    axes.set_ylabel("documents", color=style.QUIET)
    style.title(axes, f"Lengths in {name}", below)


def _draw_frequencies(axes: Axes, counts: np.ndarray, exponent: float) -> None:
    below = "no words"
    if counts.size:
        slope = exponent if np.isfinite(exponent) else 1.0
        ranks = np.arange(1, counts.size + 1)
        axes.loglog(ranks, counts, color=style.BLUE, marker=".", markersize=3, linewidth=0.8)
        middle = min(99, counts.size - 1)
        line = counts[middle] * (ranks / ranks[middle]) ** -slope
        axes.loglog(
            ranks, line, color=style.ORANGE, linewidth=1.4, linestyle="--",
            label=f"rank to the power of -{slope:.2f}",
        )  # fmt: skip
        axes.tick_params(which="minor", left=False, bottom=False)
        axes.set_ylim(0.7, 2.0 * max(counts[0], 1.0))
        axes.legend(frameon=False, fontsize=9, labelcolor=style.INK, loc="upper right")
        below = f"{int(counts.sum()):,} words, {counts.size:,} different ones"
    axes.set_xlabel("rank of a word", color=style.QUIET)
    axes.set_ylabel("how often it stands there", color=style.QUIET)
    style.title(axes, "Zipf's law", below)
