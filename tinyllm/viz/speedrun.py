"""The ladder of the speedrun: loss against seconds, a line for each rung."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyllm.viz import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def ladder_picture(
    runs: Mapping[str, Sequence[Sequence[dict[str, Any]]]],
    target: float,
    title: str = "The ladder",
    below: str = "",
) -> Figure:
    """Draw the mean over the seeds of each rung, later rungs darker, and the target.

    Args:    runs: for each rung, in order, its runs: rows with step, seconds and loss.
    """
    from matplotlib import colormaps

    figure, axes = style.new_figure(8.0, 4.8)
    names = list(runs)
    for place, name in enumerate(names):
        seconds, losses = _mean_curve(runs[name])
        torch = name == "pytorch"
        depth = 0.15 + 0.8 * place / max(1, len(names) - 1)
        colour = style.ORANGE if torch else colormaps["viridis_r"](depth)
        axes.plot(
            seconds,
            losses,
            color=colour,
            linewidth=1.6,
            linestyle="--" if torch else "-",
            marker="o",
            markersize=2.5,
            label=f"{'PyTorch, recipe' if torch else name}  {losses[-1]:.3f}",
        )
    axes.axhline(target, color=style.QUIET, linewidth=0.9)
    axes.annotate(
        f"{target:g}", (1, target), (4, -3), ("axes fraction", "data"), "offset points",
        color=style.QUIET, fontsize=9,
    )  # fmt: skip
    axes.set_xscale("log")
    ticks = [t for t in (1, 2, 5, 10, 20, 50, 100, 200, 500) if _within(t, axes.get_xlim())]
    axes.set_xticks(ticks, [str(t) for t in ticks])
    axes.minorticks_off()
    axes.set_ylim(top=min(axes.get_ylim()[1], target + 0.75))
    axes.legend(frameon=False, fontsize=8, labelcolor=style.INK, loc="upper right")
    axes.set_xlabel(
        "seconds since the process began, without those of measuring", color=style.QUIET
    )
    axes.set_ylabel("loss, nats per character", color=style.QUIET)
    style.title(axes, title, below)
    return figure


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]


def _mean_curve(runs: Sequence[Sequence[dict[str, Any]]]) -> tuple[np.ndarray, np.ndarray]:
    """Mean seconds and losses, at the steps that all runs measured."""
    length = min(len(rows) for rows in runs)
    values = np.array([[(r["seconds"], r["loss"]) for r in rows[:length]] for rows in runs])
    return values.mean(axis=0).T
