"""The excess of a model over the exact entropy of its data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tinyllm.viz import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def excess_curve(
    rows: Sequence[dict[str, float]],
    title: str = "What the model does not know yet",
    below: str = "",
) -> Figure:
    """Draw the excess over the steps, with three standard errors to both sides, and the truth at 0.

    Both axes are logarithmic; below a hundredth the vertical one is linear, so that zero, and
    what would be below it, can be seen.

    Args:    rows: step, excess and error, in nats per word
    """
    figure, axes = style.new_figure()
    steps = [row["step"] for row in rows]
    excess = [row["excess"] for row in rows]
    axes.fill_between(
        steps,
        [row["excess"] - 3 * row["error"] for row in rows],
        [row["excess"] + 3 * row["error"] for row in rows],
        color=style.BLUE,
        alpha=0.2,
        linewidth=0,
        label="3 standard errors",
    )
    axes.plot(steps, excess, color=style.BLUE, marker="o", markersize=4, label="excess")
    axes.axhline(0, color=style.ORANGE, linewidth=1.2, label="the truth: nobody does better")
    axes.set_xscale("log")
    axes.set_yscale("symlog", linthresh=0.01)
    ticks = [t for t in (0, 0.01, 0.1, 1, 10) if t <= 1.2 * max(excess)]
    axes.set_yticks(ticks, [f"{t:g}" for t in ticks])
    axes.set_ylim(bottom=min(-0.003, 1.2 * min(r["excess"] - 3 * r["error"] for r in rows)))
    axes.annotate(
        f"{excess[-1]:.3f}",
        (steps[-1], excess[-1]),
        (0, 8),
        textcoords="offset points",
        ha="center",
        color=style.INK,
        fontsize=9,
    )
    axes.legend(frameon=False, fontsize=9, labelcolor=style.INK, loc="upper right")
    axes.set_xlabel("step", color=style.QUIET)
    axes.set_ylabel("nats per word above the entropy", color=style.QUIET)
    style.title(axes, title, below)
    return figure
