"""Numbers made of measurements: minima, medians, spreads, ratios, and whether sides agree."""

from __future__ import annotations

import statistics
from typing import Any

TOLERANCE = 1e-4  # of losses and logits, relative where they exceed 1
TORCH = ("torch_eager", "torch_compile")


def summary(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    """Sum up a contender's blocks: seconds a step.

    "min" is what the machine can do, "median" what it mostly did, "spread" the middle half's
    width (75th less 25th percentile), "repeats" each block's minimum, in order.
    """
    times = [seconds for block in blocks for seconds in block["times"]]
    result = {
        "min": min(times),
        "median": statistics.median(times),
        "spread": spread(times),
        "steps": len(times),
        "repeats": [min(block["times"]) for block in blocks],
    }
    peaks = [block["peak_bytes"] for block in blocks if "peak_bytes" in block]
    return {**result, "peak_bytes": max(peaks)} if peaks else result


def spread(times: list[float]) -> float:
    """The width of the middle half; 0 for a single time."""
    if len(times) < 2:
        return 0.0
    low, _, high = statistics.quantiles(times, n=4, method="inclusive")
    return high - low


def add_ratios(case: dict[str, Any], ours: str = "tinyllm") -> None:
    """Add "ratios": PyTorch's time over ours by mode and for its best; the bound's part of ours.

    For the scaling case: the time of one thread over that of all.
    """
    threads = sorted(
        (entry["threads"], entry["min"])
        for who, entry in case.items()
        if who.startswith("threads_") and "min" in entry
    )
    if len(threads) == 2:
        case["ratios"] = {"threads": threads[0][1] / threads[1][1]}
    if "min" not in case.get(ours, {}):
        return
    seconds = case[ours]["min"]
    ratios = {who: case[who]["min"] / seconds for who in TORCH if "min" in case.get(who, {})}
    if ratios:
        ratios["torch_best"] = min(ratios.values())
    if "roofline" in case:
        ratios["roofline"] = case["roofline"]["seconds"] / seconds
    case["ratios"] = ratios


def disagreement(checks: dict[str, list[float]], tolerance: float = TOLERANCE) -> str | None:
    """Say which sides computed something else than the first one; None if all agree."""
    if not checks:
        return None
    (first, expected), *others = checks.items()
    for who, values in others:
        pairs = zip(expected, values, strict=True)
        if not all(abs(a - b) <= tolerance * max(1.0, abs(a)) for a, b in pairs):
            return (
                f"{first} and {who} computed different things ({_short(expected)} and "
                f"{_short(values)}): their times are not to be compared"
            )
    return None


def _short(values: list[float]) -> str:
    return ", ".join(f"{value:.5f}" for value in values[:3])
