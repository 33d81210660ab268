"""Attention: what each token looks at, as an SVG, whose text any script's font can show."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from tinyllm.viz import style

CELL, LETTER = 26, 9  # pixels; a letter's width at most, for room beside the cells
_WIDE = 0x1100  # from here on letters are about as wide as they are high


def attention_picture(
    weights: np.ndarray,
    sources: Sequence[str],
    targets: Sequence[str],
    title: str = "Attention",
    below: str = "",
) -> str:
    """Draw weights as squares, the darker the more: a row for each target token.

    Args:    below: a line under the title.
    Shapes:  weights (T, S), with S sources and T targets
    Raises:  ValueError for weights that are not so many, not finite, or outside [0, 1].
    """
    weights = np.asarray(weights, np.float64)
    T, S = len(targets), len(sources)
    if weights.shape != (T, S) or not weights.size:
        raise ValueError(
            f"attention_picture: weights {weights.shape} and (targets, sources) = {(T, S)} disagree"
        )
    if not (np.isfinite(weights).all() and (weights >= 0).all() and (weights <= 1 + 1e-5).all()):
        raise ValueError("attention_picture: weights must be shares, from 0 to 1")
    left = 24 + max(map(_width, targets))
    top = 76 + max(map(_width, sources))
    width = max(left + S * CELL + 60, 30 + max(_width(title) * 1.2, _width(below)))
    height = top + T * CELL + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="sans-serif" font-size="14">',
        f'<rect width="100%" height="100%" fill="{style.PAPER}"/>',
        _text(16, 28, title, f'font-size="17" fill="{style.INK}"'),
        _text(16, 50, below, f'font-size="13" fill="{style.QUIET}"'),
    ]
    for column, name in enumerate(sources):
        x, y = left + column * CELL + 17, top - 8
        parts.append(_text(x, y, name, f'transform="rotate(-90 {x} {y})" fill="{style.INK}"'))
    for row, name in enumerate(targets):
        y = top + row * CELL
        parts.append(_text(left - 8, y + 18, name, f'text-anchor="end" fill="{style.INK}"'))
        for column, weight in enumerate(weights[row]):
            parts.append(
                f'<rect x="{left + column * CELL}" y="{y}" width="{CELL - 1}" '
                f'height="{CELL - 1}" fill="{_shade(float(weight))}"><title>'
                f"{escape(_safe(name))} looks at {escape(_safe(sources[column]))}: "
                f"{100 * weight:.0f} %</title></rect>"
            )
    return "\n".join([*parts, "</svg>\n"])


def _shade(weight: float) -> str:
    """From a grey that shows the square to the house's blue; the root shows small ones too."""
    share = min(weight, 1.0) ** 0.5
    ends = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in (style.GRID, style.BLUE)]
    mixed = [round(a + share * (b - a)) for a, b in zip(*ends, strict=True)]
    return "#" + "".join(f"{value:02X}" for value in mixed)


def _text(x: float, y: float, text: str, how: str) -> str:
    return f'<text x="{x}" y="{y}" {how}>{escape(_safe(text))}</text>'


def _safe(text: str) -> str:
    """Text that XML may hold: control characters show as U+FFFD."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _width(text: str) -> float:
    return sum(LETTER if ord(c) < _WIDE else 15 for c in text)
