"""A loss curve that grows below a notebook's cell while the cell trains."""

from __future__ import annotations

import time
from typing import Any

from tinyllm.viz.curves import loss_curve, png
from tinyllm.viz.notebook import in_notebook

clock = time.perf_counter
WIDTH = 640  # of the picture in the page, in pixels


class LiveLoss:
    """One picture of the losses so far, drawn anew in its place as they come.

        with LiveLoss("Bigrams") as live:
            for step in range(1, 501):
                ...
                live.add(step, loss.item())

    It is drawn at most every `every` seconds, and less often where drawing takes long, so that no
    more than a tenth of the time goes into it. Outside a notebook nothing is drawn: one line says
    at the end what the loss has come to. `training.fit` and `Trainer` take it as their `progress`.

    Args:    title: of the picture.
             label: of the axis: what the loss is, and in which unit.
             every: seconds between two pictures, at least.
    """

    SHARE = 0.1  # of the time, for drawing

    def __init__(
        self, title: str = "Loss", label: str = "loss, nats per token", every: float = 0.5
    ) -> None:
        self.title, self.label, self.every = title, label, every
        self.rows: list[dict[str, Any]] = []
        self._handle: Any = None  # IPython's, of the picture that is shown
        self._next = float("-inf")  # the time from which a new picture may be drawn
        self._shown = 0  # rows that are in the picture

    def add(self, step: int, train_loss: float | None, val_loss: float | None = None) -> None:
        """Note the losses of a step; None for what was not measured."""
        self({"step": step, "train_loss": train_loss, "val_loss": val_loss})

    def __call__(self, row: dict[str, Any]) -> None:
        """Note a row as in metrics.jsonl: step, train_loss, val_loss; the rest does not matter."""
        self.rows.append(row)
        if clock() >= self._next:
            self._draw()

    def close(self) -> None:
        """Draw what is not in the picture yet; outside a notebook, say it in a line."""
        if self._shown == len(self.rows):
            return
        self._draw()
        if self._handle is None:
            print(self.summary())
        self._shown = len(self.rows)

    def __enter__(self) -> LiveLoss:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def summary(self) -> str:
        """The first and the last loss in a line."""
        parts = []
        for name, words in (("train_loss", "training"), ("val_loss", "validation")):
            losses = [row[name] for row in self.rows if row.get(name) is not None]
            if losses:
                parts.append(f"{words} {losses[0]:.3f} -> {losses[-1]:.3f}")
        return f"{self.title}, {len(self.rows):,} steps: {', '.join(parts) or 'nothing measured'}"

    def _draw(self) -> None:
        """Show the picture, or put it in the place of the one that is shown."""
        if not in_notebook():
            self._next = float("inf")
            return
        from IPython.display import Image, display

        started = clock()
        image = Image(data=png(loss_curve(self.rows, self.title, label=self.label)), width=WIDTH)
        if self._handle is None:
            self._handle = display(image, display_id=True)
        else:
            self._handle.update(image)
        self._shown = len(self.rows)
        seconds = clock() - started
        self._next = clock() + max(self.every, seconds * (1 / self.SHARE - 1))
