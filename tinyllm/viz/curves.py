"""Loss curves."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyllm.viz import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def loss_curve(
    rows: Sequence[dict[str, Any]],
    title: str = "Loss",
    below: str = "",
    label: str = "loss, nats per token",
) -> Figure:
    """Draw training and validation loss over the steps.

    The thin line is the loss of each batch, the thick one its mean over neighbouring steps, the
    dots are measured on validation text.

    Args:    rows: as in metrics.jsonl: `step`, and where measured `train_loss`, `val_loss`.
             below: a line under the title, such as the sizes of the model.
             label: of the axis.
    """
    figure, axes = style.new_figure()
    steps, losses = _series(rows, "train_loss")
    val_steps, val_losses = _series(rows, "val_loss")
    if len(steps):
        axes.plot(steps, losses, color=style.BLUE, alpha=0.25, linewidth=0.7)
        axes.plot(
            steps, smooth(losses), color=style.BLUE, linewidth=1.8, label="training (running mean)"
        )
    if len(val_steps):
        axes.plot(
            val_steps,
            val_losses,
            color=style.ORANGE,
            linewidth=1.2,
            marker="o",
            markersize=4,
            label=f"validation (last {val_losses[-1]:.3f})",
        )
    if len(steps) or len(val_steps):
        axes.legend(frameon=False, fontsize=9, labelcolor=style.INK)
    axes.set_xlabel("step", color=style.QUIET)
    axes.set_ylabel(label, color=style.QUIET)
    axes.margins(x=0.01)
    style.title(axes, title, below)
    return figure


def png(figure: Figure) -> bytes:
    """The figure as the bytes of a PNG file."""
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def smooth(values: np.ndarray, width: int | None = None) -> np.ndarray:
    """The mean over a window around each point.

    It is even to both sides at the steep beginning, and cut off at the end, where a narrow window
    would end the curve on one noisy value.

    Args:    width: points on both sides, by default a fiftieth of all.
    """
    count = len(values)
    half = max(1, count // 50) if width is None else width
    place = np.arange(count)
    half = np.minimum(half, place)
    first, last = place - half, np.minimum(place + half + 1, count)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    return (sums[last] - sums[first]) / (last - first)


def _series(rows: Sequence[dict[str, Any]], name: str) -> tuple[np.ndarray, np.ndarray]:
    """Steps and finite values of one measurement."""
    pairs = [(row["step"], row[name]) for row in rows if row.get(name) is not None]
    steps, values = np.array(pairs, np.float64).reshape(-1, 2).T
    finite = np.isfinite(values)
    return steps[finite], values[finite]
