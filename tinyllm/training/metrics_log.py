"""metrics.jsonl: one line of JSON for each step at which something was measured."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

from tinyllm.files import atomic_write

Row = dict[str, Any]


def read_metrics(path: str | os.PathLike) -> list[Row]:
    """The rows of a metrics file; a last line that a kill cut short is left out.

    Raises:  ValueError with the number of a line that is not a row.
    """
    lines = Path(path).read_text(encoding="utf-8", errors="replace").split("\n")
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if isinstance(row, dict) and isinstance(row.get("step"), int):
            rows.append(row)
        elif number < len(lines):  # the last line lacks its end only if it was cut short
            raise ValueError(f"{path}: line {number} is not a JSON object with a 'step'")
    return rows


class MetricsLog:
    """Appends rows, each as soon as it is known, and keeps them in `rows`."""

    def __init__(self, path: Path, keep_to_step: int = -1) -> None:
        """Open the log; rows after `keep_to_step`, and a row of an end there, are cut off."""
        self.path = path
        self.rows: list[Row] = []
        if path.exists():
            self.rows = [
                row
                for row in read_metrics(path)
                if row["step"] <= keep_to_step
                and not (row.get("final") and row["step"] == keep_to_step)
            ]
        with atomic_write(path, "w") as file:
            file.writelines(map(_line, self.rows))
        self._file = open(path, "a", encoding="utf-8", newline="\n")  # noqa: SIM115

    def append(self, row: Row) -> None:
        """Write a row at once, so that it outlives the process."""
        self.rows.append(row)
        self._file.write(_line(row))
        self._file.flush()

    def sync(self) -> None:
        """Have all rows on the disk: before a checkpoint, which must not be ahead of them."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _line(row: Row) -> str:
    """JSON has no NaN and no infinity: null stands for them."""
    finite = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }
    return json.dumps(finite, allow_nan=False) + "\n"
