"""Answers by kind of question: how many are right, false, abstentions, or not understood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tinyllm.viz import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {
    "true": style.BLUE,
    "abstained": style.GRID,
    "unparseable": style.PURPLE,
    "false": style.ORANGE,
}


def answers_picture(
    rows: Sequence[tuple[str, Mapping[str, int]]], title: str = "Answers", below: str = ""
) -> Figure:
    """Draw one bar for each kind of question, cut into shares.

    Args:    rows: the kind, and how many answers are true, false, abstained and unparseable.
    Raises:  ValueError where there is nothing to draw.
    """
    if not rows:
        raise ValueError("answers_picture: there are no answers")
    figure, axes = style.new_figure(7.0, 1.4 + 0.3 * len(rows))
    axes.grid(visible=False)
    for row, (_, counts) in enumerate(rows):
        total, left = max(1, sum(counts.values())), 0.0
        for name, colour in COLOURS.items():
            share = counts.get(name, 0) / total
            axes.barh(row, share, left=left, color=colour, height=0.7)
            if share > 0.06:
                ink = style.INK if name == "abstained" else style.PAPER
                where = {"ha": "center", "va": "center", "fontsize": 7, "color": ink}
                axes.text(left + share / 2, row, f"{100 * share:.0f}", **where)
            left += share
    axes.set_yticks(range(len(rows)), [f"{kind}  ({sum(c.values())})" for kind, c in rows])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.5, 1], ["0", "50", "100 %"])
    handles = [axes.barh(0, 0, color=colour) for colour in COLOURS.values()]
    figure.legend(
        handles, list(COLOURS), loc="outside lower center", ncols=4, frameon=False, fontsize=8
    )
    style.title(axes, title, below)
    return figure
