"""What a learner has done: a file of their own, no account.

It lies where programs keep their data (platformdirs), or at TINYLLM_COURSE; the package itself may
be read-only.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from tinyllm.files import read_json, write_json

FORMAT = 1


def default_path() -> Path:
    """Where the progress is kept."""
    if given := os.environ.get("TINYLLM_COURSE"):
        return Path(given)
    return Path(platformdirs.user_data_dir("tinyllm")) / "course.json"


@dataclass
class Progress:
    """Points, hints and predictions by exercise, "07/my_softmax"."""

    path: Path
    exercises: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path | None = None) -> Progress:
        """Read the file; without one, nothing has been done.

        Raises:  ValueError if it is damaged: it is left as it is.
        """
        path = path or default_path()
        if not path.exists():
            return cls(path)
        data = read_json(path)
        exercises = data.get("exercises")
        if data.get("format") != FORMAT or not isinstance(exercises, dict):
            raise ValueError(f"{path}: not the progress of this course; move it away to begin anew")
        return cls(path, exercises)

    def of(self, lesson: str, name: str) -> dict[str, Any]:
        """What is known of an exercise: best points, tries, hints seen, solution seen."""
        blank = {"points": 0, "tries": 0, "hints": 0, "solution": False}
        return {**blank, **self.exercises.get(f"{lesson}/{name}", {})}

    def record(self, lesson: str, name: str, **changes: Any) -> None:
        """Note changes, and write the file: whole or not at all."""
        known = {**self.of(lesson, name), **changes, "when": int(time.time())}
        self.exercises[f"{lesson}/{name}"] = known
        self.save()

    def tried(self, lesson: str, name: str, points: int) -> None:
        """Note a check: the best points count."""
        known = self.of(lesson, name)
        self.record(lesson, name, points=max(points, known["points"]), tries=known["tries"] + 1)

    def reset(self, lesson: str | None = None, name: str | None = None) -> int:
        """Forget an exercise, a lesson, or everything; return how many were forgotten."""
        wanted = [
            key
            for key in self.exercises
            if (lesson is None or key.startswith(f"{lesson}/"))
            and (name is None or key == f"{lesson}/{name}")
        ]
        for key in wanted:
            del self.exercises[key]
        self.save()
        return len(wanted)

    def save(self) -> None:
        """Write the file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_json(self.path, {"format": FORMAT, "exercises": self.exercises})
