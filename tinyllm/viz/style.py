"""The house style of all pictures, applied to one figure: matplotlib's global state stays as it is.

The colours are those of Okabe and Ito, which colour-blind people tell apart. A figure brings its
own light background, so that it reads on a dark page too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
INK, QUIET, PAPER, GRID = "#22262A", "#5F6973", "#FCFCFA", "#E3E5E1"


def new_figure(width: float = 7.0, height: float = 4.2) -> tuple[Figure, Axes]:
    """A figure of so many inches with one pair of axes, drawn in memory by Agg."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=144, layout="constrained", facecolor=PAPER)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    dress(axes)
    return figure, axes


def dress(axes: Axes) -> None:
    """Give axes the house style, for a figure with several of them."""
    axes.set_facecolor(PAPER)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(QUIET)
    axes.tick_params(colors=QUIET, labelsize=9, left=False)


def title(axes: Axes, text: str, below: str = "") -> None:
    """A title at the left, and a quieter line below it."""
    axes.set_title(text, loc="left", color=INK, fontsize=12, pad=22 if below else 8)
    if below:
        axes.annotate(
            below, (0, 1), (0, 7), "axes fraction", "offset points", color=QUIET, fontsize=9
        )
