"""Measurements as tables of text, or of Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinyllm.bench.cases import SCALING, SCALING_MODEL
from tinyllm.bench.machine import describe

CONTENDERS = {
    "tinyllm": "tinyllm",
    "tinyllm_forward": "forward alone",
    "torch_eager": "PyTorch",
    "torch_compile": "compiled",
}
HEADS = (
    "case", *CONTENDERS.values(), "bound",
    "vs PyTorch", "vs best", "of bound", "memory", "PyTorch's",
)  # fmt: skip
PAR = 0.95  # of PyTorch's speed: below it an op is marked
LEGEND = """\
Time of a training step; of a token (decode); from process start to the first finished step
(start). Minima of interleaved repeats. bound: matrix products and the optimizer's bytes at this
machine's best measured speeds; for decoding the weights read once per token. memory: at most,
above that after import."""


def readable_time(seconds: float) -> str:
    """0.0234 -> '23.4 ms'."""
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "us")):
        value = seconds * factor
        if value >= 0.9995 or unit == "us":
            return f"{value:.0f} {unit}" if value >= 999.5 else f"{value:.3g} {unit}"
    raise AssertionError


def readable_megabytes(size: float) -> str:
    """A size in MB (1e6 bytes)."""
    return f"{size / 1e6:,.0f} MB"


def table(rows: Sequence[Sequence[str]], markdown: bool = False) -> str:
    """Rows of cells as text: the first row is the head, the first column stands at the left.

    Columns with nothing but "" and "-" below the head are left out.
    """
    columns = [
        column
        for i, column in enumerate(zip(*rows, strict=True))
        if i == 0 or any(cell not in ("", "-") for cell in column[1:])
    ]
    widths = [max(map(len, column)) for column in columns]
    lines = []
    for row in zip(*columns, strict=True):
        cells = [
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(f"| {' | '.join(cells)} |" if markdown else "  ".join(cells).rstrip())
    if markdown:
        rule = "|".join(
            "-" * (width + 1) + ("-" if i == 0 else ":") for i, width in enumerate(widths)
        )
        return "\n".join([lines[0], f"|{rule}|", *lines[1:]])
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def report(results: dict[str, Any], markdown: bool = False) -> str:
    """Everything that was measured, as text."""
    parts = [describe(results["machine"])]
    peak = results.get("peak", {})
    if "bandwidth" in peak:
        speeds = ", ".join(f"{who} {gflops:.0f}" for who, gflops in peak["gflops_by"].items())
        parts[0] += (
            f"\nat best {peak['gflops']:.0f} GFLOP/s (float32 products: {speeds}), memory "
            f"{peak['bandwidth'] / 1e9:.0f} GB/s, "
            f"read alone {peak['read_bandwidth'] / 1e9:.0f} GB/s"
        )
    rows, spreads = minima(results["cases"]), medians(results["cases"])
    if len(rows) > 1:
        parts += [table(rows, markdown), LEGEND]
        parts += ["Median, and half the width of the middle half of all steps:"]
        parts += [table(spreads, markdown)]
    notes = [
        *results["notes"], scaling(results["cases"]), optimizers_used(results["cases"]),
    ]  # fmt: skip
    parts.append("\n".join(f"{'- ' if markdown else ''}{note}" for note in notes if note))
    return "\n\n".join(part for part in parts if part)


def minima(cases: dict[str, Any]) -> list[tuple[str, ...]]:
    """The main table: times, ratios, memory."""
    rows = [HEADS]
    for name, case in cases.items():
        if not any(who in _measured(case) for who in CONTENDERS):
            continue
        ratios = case.get("ratios", {})
        bound = case.get("roofline", {}).get("seconds")
        rows.append(
            (
                name,
                *(_time(case, who) for who in CONTENDERS),
                readable_time(bound) if bound else "-",
                _ratio(ratios.get("torch_eager")),
                _ratio(ratios.get("torch_best") if "torch_compile" in ratios else None),
                f"{100 * ratios['roofline']:.0f} %" if "roofline" in ratios else "-",
                _memory(case, "tinyllm"),
                _memory(case, "torch_eager"),
            )
        )
    return rows


def medians(cases: dict[str, Any]) -> list[tuple[str, ...]]:
    """The second table: how steady it was."""
    rows = [("case", *CONTENDERS.values(), "steps")]
    for name, case in cases.items():
        steps = [case[who]["steps"] for who in CONTENDERS if who in _measured(case)]
        if steps:
            rows.append((name, *(_median(case, who) for who in CONTENDERS), str(max(steps))))
    return rows


def scaling(cases: dict[str, Any]) -> str:
    """What more threads bring."""
    case = cases.get(SCALING, {})
    if "threads" not in case.get("ratios", {}):
        return ""
    counts = sorted((entry["threads"], entry["min"]) for entry in _measured(case).values())
    (_, alone), (most, together) = counts
    return (
        f"scaling: the {SCALING_MODEL} step takes {readable_time(alone)} with 1 thread and "
        f"{readable_time(together)} with {most}: {alone / together:.2f} times as fast."
    )


def optimizers_used(cases: dict[str, Any]) -> str:
    """Which form of AdamW PyTorch was quicker with."""
    used = {
        name: case["torch_eager"]["optimizer"]
        for name, case in cases.items()
        if "optimizer" in case.get("torch_eager", {})
    }
    if not used:
        return ""
    said = ", ".join(f"{name} {optimizer}" for name, optimizer in used.items())
    return f"PyTorch's faster optimizer: {said}."


def _measured(case: dict[str, Any]) -> dict[str, Any]:
    return {who: e for who, e in case.items() if isinstance(e, dict) and "min" in e}


def _time(case: dict[str, Any], who: str) -> str:
    return readable_time(case[who]["min"]) if who in _measured(case) else "-"


def _median(case: dict[str, Any], who: str) -> str:
    if who not in _measured(case):
        return "-"
    entry = case[who]
    return (
        f"{readable_time(entry['median'])} (+- {100 * entry['spread'] / entry['median'] / 2:.0f} %)"
    )


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}x"


def _memory(case: dict[str, Any], who: str) -> str:
    size = case.get(who, {}).get("peak_bytes") if isinstance(case.get(who), dict) else None
    return readable_megabytes(size) if size else "-"


def ops_report(results: dict[str, Any], markdown: bool = False) -> str:
    """`bench ops` as text: a line for each op, the slower ones marked."""
    rows = [("op", "shape", "tinyllm", "PyTorch", "vs PyTorch", "slower")]
    ratios = []
    for entry in results["ops"].values():
        ratio = entry.get("ratios", {}).get("torch_eager")
        ratios += [ratio] if ratio else []
        rows.append(
            (
                entry["op"] + (" backward" if entry["backward"] else ""),
                " x ".join(map(str, entry["shape"])),
                _time(entry, "tinyllm"),
                _time(entry, "torch_eager"),
                _ratio(ratio),
                "<--" if ratio and ratio < PAR else "-",
            )
        )
    parts = [describe(results["machine"])]
    if len(rows) > 1:
        parts.append(table(rows, markdown))
    if ratios:
        slower, faster = (sum(map(test, ratios)) for test in (PAR.__gt__, (1.0).__lt__))
        parts.append(
            f"{faster} of {len(ratios)} faster than PyTorch's; {slower} below {PAR} of its speed. "
            "Minima of interleaved repeats."
        )
    return "\n\n".join([*parts, *results["notes"]])
