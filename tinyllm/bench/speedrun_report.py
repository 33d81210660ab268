"""What the rungs of the speedrun gained, as numbers and as a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Any

from tinyllm.bench.machine import describe
from tinyllm.bench.report import table
from tinyllm.bench.speedrun_rungs import RUNGS

# The 97.5th percentile of Student's t for 1, 2, … degrees of freedom: few seeds, wide intervals.
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)

Row = dict[str, Any]
LEGEND = """\
loss: nats per character over the whole last tenth of the text, in windows that do not overlap,
after the run's last step; mean and +- half a 95 % interval over the seeds. gain: how much lower
than on the rung above, seed by seed; only between runs of as many steps and characters. to
{target}: the first measurement at or below it, one every {every} steps; seconds are from process
start, without the measuring (in brackets: with it)."""


def interval(values: Sequence[float]) -> tuple[float, float | None]:
    """The mean, and half the width of its 95 % interval by Student's t; None for one value."""
    if len(values) < 2:
        return fmean(values), None
    factor = STUDENT[min(len(values) - 2, len(STUDENT) - 1)]
    return fmean(values), factor * stdev(values) / math.sqrt(len(values))


def reached(rows: Sequence[Row], target: float) -> Row | None:
    """The first measurement at or below the target."""
    return next((row for row in rows if row["loss"] <= target), None)


def summaries(results: dict[str, Any]) -> list[dict[str, Any]]:
    """For each rung what all its seeds came to, in the ladder's order.

    loss, gain: (mean, half an interval); gain is None where the rung before was not measured for as
    long. step, seconds, with_measuring: means at the target; None unless every seed reached it.
    """
    rungs: list[dict[str, Any]] = []
    for rung in RUNGS:
        runs = {run["seed"]: run["rows"] for run in results["runs"] if run["rung"] == rung.name}
        if not runs:
            continue
        arrivals = [reached(rows, results["target"]) for rows in runs.values()]
        entry: dict[str, Any] = {
            "rung": rung.name,
            "about": rung.about,
            "seeds": len(runs),
            "steps": max(rows[-1]["step"] for rows in runs.values()),
            "milliseconds": 1e3 * fmean(map(_step_seconds, runs.values())),
            "loss": interval([rows[-1]["loss"] for rows in runs.values()]),
            "total_seconds": fmean(rows[-1]["seconds"] for rows in runs.values()),
            "gain": None,
            "runs": runs,
        }
        for name in ("step", "seconds", "with_measuring"):
            entry[name] = fmean(row[name] for row in arrivals) if all(arrivals) else None
        if rungs and rungs[-1]["steps"] == entry["steps"] and _same_batch(rung):
            shared = sorted(set(runs) & set(rungs[-1]["runs"]))
            before = rungs[-1]["runs"]
            differences = [before[s][-1]["loss"] - runs[s][-1]["loss"] for s in shared]
            entry["gain"] = interval(differences) if shared else None
        rungs.append(entry)
    return rungs


def _same_batch(rung: Any) -> bool:
    return "batch_size" not in rung.training and not rung.begins


def _step_seconds(rows: Sequence[Row]) -> float:
    """Seconds of a step, once the process is under way."""
    if len(rows) < 2:
        return rows[0]["seconds"] / rows[0]["step"]
    first, last = rows[0], rows[-1]
    return (last["seconds"] - first["seconds"]) / (last["step"] - first["step"])


def report(results: dict[str, Any], markdown: bool = False) -> str:
    """The ladder as text, and how many times sooner than PyTorch's recipe its rungs arrive."""
    target = results["target"]
    head = ["rung", "change", "seeds", "steps", "ms per step", "loss", "gain"]
    lines = [[*head, f"steps to {target:g}", f"seconds to {target:g}"]]
    rungs = summaries(results)
    for entry in rungs:
        seconds = entry["seconds"]
        lines.append(
            [
                entry["rung"],
                entry["about"],
                str(entry["seeds"]),
                str(entry["steps"]),
                f"{entry['milliseconds']:.1f}",
                _with_interval(entry["loss"]),
                "-" if entry["gain"] is None else _with_interval(entry["gain"], "+"),
                "-" if entry["step"] is None else f"{entry['step']:.0f}",
                "-" if seconds is None else f"{seconds:.1f} ({entry['with_measuring']:.1f})",
            ]
        )
    legend = LEGEND.format(target=f"{target:g}", every=results["every"])
    parts = [describe(results["machine"]), "", table(lines, markdown), "", legend]
    parts += [*ratios(rungs, target), *results["notes"]]
    if results.get("interrupted"):
        parts.append("Interrupted: this is what was measured until then.")
    return "\n".join(parts)


def ratios(rungs: Sequence[dict[str, Any]], target: float) -> list[str]:
    """Sentences that compare with PyTorch, if its run is there.

    Where it does not reach the target, the seconds of its whole run count, which is in its favour.
    """
    peer = next((entry for entry in rungs if entry["rung"] == "pytorch"), None)
    if peer is None:
        return []
    theirs = peer["total_seconds"] if peer["seconds"] is None else peer["seconds"]
    what = f"to its end, at {peer['loss'][0]:.4f}" if peer["seconds"] is None else "to the target"
    return [
        f"{entry['rung']} reaches {target:g} in {entry['seconds']:.1f} s, PyTorch's recipe takes "
        f"{theirs:.1f} s {what}: {theirs / entry['seconds']:.1f} times as long."
        for entry in rungs
        if entry is not peer and entry["seconds"] is not None
    ]


def _with_interval(value: tuple[float, float | None], sign: str = "") -> str:
    mean, half = value
    return f"{mean:{sign}.4f}" + ("" if half is None else f" +- {half:.4f}")
