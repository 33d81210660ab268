"""What a person sees while a model trains: progress bars where there is a screen, else lines."""

from __future__ import annotations

import importlib.util
import re
import sys
from typing import Any

from tqdm import tqdm

from tinyllm.viz import LiveLoss
from tinyllm.viz.notebook import in_notebook

Progress = bool | LiveLoss | None

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
BAR = "{desc} {percentage:3.0f}% |{bar:24}| {n_fmt}/{total_fmt} {postfix} [{elapsed}<{remaining}]"


def _bar_class() -> type:
    """tqdm's widget in a notebook that has widgets, else its plain bar of text."""
    if in_notebook() and importlib.util.find_spec("ipywidgets"):
        from tqdm.auto import tqdm as auto

        return auto
    return tqdm


class Display:
    """Shows bars and says sentences.

    Args:    progress: True shows bars, False shows nothing at all, None shows bars on a terminal
             or in a notebook, and only sentences elsewhere, as in a log file; a LiveLoss shows the
             same, and draws the loss as it falls.
    """

    def __init__(self, progress: Progress = None) -> None:
        self.live = progress if isinstance(progress, LiveLoss) else None
        self.talks = progress is not False
        self.has_bars = progress is True or (
            progress is not False and (in_notebook() or bool(getattr(sys.stderr, "isatty", bool)()))
        )

    def say(self, text: str) -> None:
        """Print a sentence on its own line, above the bar if one is shown."""
        if self.talks:
            tqdm.write(harmless(text), file=sys.stdout)
            sys.stdout.flush()

    def bar(self, name: str, total: int, done: int = 0, unit: str = "step") -> Any:
        """A bar with `update(n)`, `set_postfix_str(text)` and `close()`; usable in a `with`."""
        kind = _bar_class() if self.has_bars else tqdm
        layout = {"bar_format": BAR} if kind is tqdm else {}
        return kind(
            desc=name, total=total, initial=done, unit=unit, disable=not self.has_bars,
            dynamic_ncols=True, unit_scale=total > 100_000, **layout,
        )  # fmt: skip

    def row(self, row: dict[str, Any]) -> None:
        """Take a row of the log, for the curve that is drawn as it falls."""
        if self.live is not None:
            self.live(row)

    def close(self) -> None:
        """Draw the last of that curve."""
        if self.live is not None:
            self.live.close()

    def show_picture(self, png: bytes) -> None:
        """Show a picture of the loss below the notebook's cell; elsewhere it is in its file."""
        if self.talks and self.live is None and in_notebook():
            from IPython.display import Image, display

            display(Image(data=png, width=640))


def harmless(text: str) -> str:
    """Text whose control characters, which could do things to a terminal, show as U+FFFD."""
    return _CONTROL.sub("\ufffd", text)


def readable_seconds(seconds: float) -> str:
    """75.2 -> '1 min 15 s'."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
