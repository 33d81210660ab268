"""The parent's side of `bench profile`: a worker's stopwatch as a table."""

from __future__ import annotations

from typing import Any

from tinyllm.bench.cases import MODELS
from tinyllm.bench.interleave import Worker
from tinyllm.bench.machine import machine
from tinyllm.bench.report import readable_time, table
from tinyllm.training.display import Display

SECONDS = 3.0  # of profiled steps, about
FEWEST, MOST = 3, 300


def run_profile(case: str, threads: int | None, display: Display) -> dict[str, Any]:
    """Measure where a step of the case goes.

    Raises:  ValueError for a case that trains nothing, WorkerDied
    """
    if case not in MODELS:
        raise ValueError(f"bench profile: {case!r} is not one of {', '.join(MODELS)}")
    worker = Worker(
        "profile", {"measure": "profile", "who": "tinyllm", "case": case, "threads": threads}
    )
    try:
        with display.bar(f"profile of {case}", 1, unit="case") as bar:
            about = worker.ready()
            steps = max(FEWEST, min(MOST, round(SECONDS / about["seconds"])))
            answer = worker.run(steps)
            bar.update(1)
    finally:
        worker.close()
    return {"machine": machine(threads), "case": case, "steps": steps, **answer}


def profile_table(profile: dict[str, Any], markdown: bool = False) -> str:
    """Kernels, groups and phases of one step."""
    rows = profile["rows"]
    total = sum(row["seconds"] for row in rows)

    def part(seconds: float) -> str:
        return f"{100 * seconds / total:.1f} %"

    kernels = [("kernel", "phase", "calls", "time", "of step", "GFLOP/s", "GB/s")]
    for row in rows:
        seconds = max(row["seconds"], 1e-12)
        speed = f"{row['flops'] / seconds / 1e9:.0f}" if row["flops"] else "-"
        moved = f"{row['bytes'] / seconds / 1e9:.0f}" if row["bytes"] else "-"
        calls = f"{row['calls']:.0f}" if row["calls"] else "-"
        time = (readable_time(row["seconds"]), part(row["seconds"]))
        name = row["group"] if row["name"] == "rest" else row["name"]
        kernels.append((name, row["phase"], calls, *time, speed, moved))
    return "\n\n".join(
        [
            f"A training step of {profile['case']}: {readable_time(total)} with the stopwatch "
            f"running ({readable_time(profile['plain'])} at best without); mean of "
            f"the faster half of {profile['steps']} steps, {profile['threads']} threads.",
            table(kernels, markdown),
            table([("group", "time", "of step"), *_sums(rows, "group", part)], markdown),
            table([("phase", "time", "of step"), *_sums(rows, "phase", part)], markdown),
        ]
    )


def _sums(rows: list[dict[str, Any]], key: str, part: Any) -> list[tuple[str, str, str]]:
    sums: dict[str, float] = {}
    for row in rows:
        sums[row[key]] = sums.get(row[key], 0.0) + row["seconds"]
    ordered = sorted(sums.items(), key=lambda item: -item[1])
    return [(name, readable_time(seconds), part(seconds)) for name, seconds in ordered]
