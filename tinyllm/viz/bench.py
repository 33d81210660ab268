"""Pictures of measurements: how fast beside PyTorch, and where a step's time goes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tinyllm.files import atomic_write
from tinyllm.viz import style
from tinyllm.viz.curves import png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# who -> (label, colour); what a bar's height is measured against is drawn as a line at 1
SIDES = {
    "tinyllm": ("tinyllm", style.BLUE),
    "torch_compile": ("torch.compile", style.ORANGE),
}
BAR = 0.36
NARROWEST = 7.0  # inches: title and legend keep their width however few the cases are
TALLEST = 4.0  # bounds above this would press all bars flat, and are written instead


def save(figure: Figure, path: str | os.PathLike) -> None:
    """Write a figure as a PNG file, whole or not at all."""
    picture = png(figure)
    with atomic_write(path) as file:
        file.write(picture)


def bench_picture(results: dict[str, Any]) -> Figure:
    """Draw for each case how many times as fast as eager PyTorch tinyllm and torch.compile are.

    A black mark is the bound. Where PyTorch was not measured, bars are parts of the bound.

    Args:    results: as `bench.suite.run` gives them.
    """
    compared = {
        name: case
        for name, case in results["cases"].items()
        if _seconds(case, "torch_eager") and _seconds(case, "tinyllm")
    }
    if compared:
        return _beside_pytorch(compared)
    return _beside_the_bound(results["cases"])


def _beside_pytorch(cases: dict[str, Any]) -> Figure:
    figure, axes = style.new_figure(max(NARROWEST, 2.2 + 1.05 * len(cases)), 4.4)
    drawn: set[str] = set()
    heights, numbers = [1.0], []
    for place, case in enumerate(cases.values()):
        eager = _seconds(case, "torch_eager")
        sides = [who for who in SIDES if _seconds(case, who)]
        for i, who in enumerate(sides):
            label, colour = SIDES[who]
            x = place + (i - (len(sides) - 1) / 2) * BAR
            height = eager / _seconds(case, who)
            heights.append(height)
            axes.bar(x, height, BAR * 0.92, color=colour, label=None if who in drawn else label)
            drawn.add(who)
            numbers.append((x, height))
    top = min(TALLEST, max(heights) * 1.5) if max(heights) < TALLEST else max(heights) * 1.2
    for x, height in numbers:
        _number(axes, x, height, f"{height:.2f}", inside=height > top / 8)
    for place, case in enumerate(cases.values()):
        _bound(axes, place, case, top)
    axes.axhline(  # behind the bars, whose numbers it would cross out
        1, color=style.INK, linewidth=1.2, linestyle=(0, (5, 3)), zorder=0.9, label="PyTorch eager"
    )
    axes.plot([], [], color=style.INK, linewidth=2.4, label="bound: products and memory alone")
    axes.set_ylim(0, top)
    names = [f"{name}\n{_readable(_seconds(case, 'tinyllm'))}" for name, case in cases.items()]
    axes.set_xticks(range(len(cases)), names)
    axes.tick_params(axis="x", length=0, labelcolor=style.INK)
    axes.set_xlim(-0.6, len(cases) - 0.4)
    axes.legend(
        frameon=False, fontsize=8.5, labelcolor=style.INK, ncols=2,
        loc="upper left", bbox_to_anchor=(0, -0.13), borderpad=0, columnspacing=1.4,
    )  # fmt: skip
    style.title(
        axes,
        "Times as fast as PyTorch eager",
        "same model, same weights, same processor; below each name tinyllm's time",
    )
    return figure


def _bound(axes: Axes, place: int, case: dict[str, Any], top: float) -> None:
    """Mark how fast nothing but products and memory would be."""
    bound = case.get("roofline", {}).get("seconds")
    if not bound:
        return
    height = _seconds(case, "torch_eager") / bound
    if height < top * 0.97:
        left, right = place - BAR * 1.05, place + BAR * 1.05
        axes.plot([left, right], [height, height], color=style.INK, linewidth=2.2)
    else:
        axes.annotate(
            f"bound {height:.0f}", (place, top), (0, -4), "data", "offset points",
            ha="center", va="top", fontsize=8, color=style.QUIET,
        )  # fmt: skip


def _beside_the_bound(cases: dict[str, Any]) -> Figure:
    figure, axes = style.new_figure(max(NARROWEST, 2.2 + 1.05 * len(cases)), 4.2)
    parts = {
        name: case["roofline"]["seconds"] / _seconds(case, "tinyllm")
        for name, case in cases.items()
        if "roofline" in case and _seconds(case, "tinyllm")
    }
    for place, part in enumerate(parts.values()):
        axes.bar(place, part, 0.6, color=style.BLUE)
        _number(axes, place, part, f"{100 * part:.0f} %")
    names = [f"{name}\n{_readable(_seconds(cases[name], 'tinyllm'))}" for name in parts]
    axes.set_xticks(range(len(parts)), names)
    axes.tick_params(axis="x", length=0, labelcolor=style.INK)
    axes.set_ylim(0, max([1.0, *parts.values()]) * 1.1)
    axes.axhline(1, color=style.INK, linewidth=1.2)
    below = "what products and memory alone would take, over the time that it took"
    style.title(axes, "Part of the bound that tinyllm reaches", below)
    return figure


def profile_picture(
    rows: Sequence[dict[str, Any]], title: str, below: str, most: int = 18
) -> Figure:
    """Draw where a step's time goes: a bar for each kernel, the longest on top, coloured by group.

    Args:    rows: "name", "group", "phase" and "seconds" (of one step) of each.
    """
    rows = sorted(rows, key=lambda row: row["seconds"], reverse=True)
    total = sum(row["seconds"] for row in rows)
    shown, rest = rows[:most], rows[most:]
    if rest:
        seconds = sum(row["seconds"] for row in rest)
        name = f"{len(rest)} smaller ones"
        shown = [*shown, {"name": name, "group": "", "phase": "", "seconds": seconds}]
    figure, axes = style.new_figure(7.6, 1.3 + 0.27 * len(shown))
    axes.grid(visible=False)
    groups: dict[str, float] = {}
    for row in rows:
        groups[row["group"]] = groups.get(row["group"], 0.0) + row["seconds"]
    ordered = sorted(groups, key=groups.get, reverse=True)
    colours = {group: _COLOURS[i % len(_COLOURS)] for i, group in enumerate(ordered)}
    for place, row in enumerate(shown):
        colour = colours.get(row["group"], style.GRID)
        axes.barh(place, row["seconds"] * 1e3, 0.74, color=colour)
        text = f" {row['seconds'] * 1e3:.2f} ms, {100 * row['seconds'] / total:.1f} %"
        axes.annotate(text, (row["seconds"] * 1e3, place), va="center", fontsize=8, color=style.INK)
    labels = [_label(row) for row in shown]
    axes.set_yticks(range(len(shown)), labels)
    axes.tick_params(axis="y", labelsize=8.5, labelcolor=style.INK)
    axes.invert_yaxis()
    axes.set_xlim(0, shown[0]["seconds"] * 1e3 * 1.3)
    axes.set_xlabel("milliseconds of a step", color=style.QUIET, fontsize=9)
    for group in ordered:  # bars of no width, for the legend
        label = f"{group}: {100 * groups[group] / total:.0f} %"
        axes.barh(0, 0, color=colours[group], label=label)
    axes.legend(frameon=False, fontsize=8.5, labelcolor=style.INK, loc="lower right")
    style.title(axes, title, below)
    return figure


_COLOURS = (
    style.BLUE, style.ORANGE, style.GREEN, style.PURPLE, "#E69F00", "#56B4E9", "#8A9199", "#5B4A8A",
    "#8C5A2B", "#B8C4CC",
)  # fmt: skip


def _label(row: dict[str, Any]) -> str:
    """attention_backward in the backward -> 'attention, backward'."""
    name = row["group"] if row["name"] == "rest" else row["name"].removesuffix("_backward")
    return f"{name}, {row['phase']}" if row["phase"] else name


def _seconds(case: dict[str, Any], who: str) -> float | None:
    return case.get(who, {}).get("min")


def _number(axes: Axes, x: float, height: float, text: str, inside: bool = False) -> None:
    axes.annotate(
        text, (x, height), (0, -4 if inside else 2), "data", "offset points",
        ha="center", va="top" if inside else "bottom", fontsize=8,
        color="white" if inside else style.INK,
    )  # fmt: skip


def _readable(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"
