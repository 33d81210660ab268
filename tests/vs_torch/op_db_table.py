"""Print what came of PyTorch's own samples as a Markdown table.

python tests/vs_torch/op_db_table.py [op ...]
"""

from __future__ import annotations

import sys
import time

from op_db_check import OPS, outcome
from op_db_rules import REASONS


def rows(names: list[str]) -> list[str]:
    """One line for each op, and one for all."""
    lines = ["| op | samples | right | wrong | skipped and why |", "|---|---|---|---|---|"]
    total = right = wrong = skipped = 0
    for name in names:
        one = outcome(name)
        why = ", ".join(f"{count} {reason}" for reason, count in sorted(one.skipped.items()))
        lines.append(f"| {name} | {one.total} | {one.right} | {len(one.wrong)} | {why} |")
        total, right = total + one.total, right + one.right
        wrong, skipped = wrong + len(one.wrong), skipped + one.skipped.total()
    lines.append(f"| **all {len(names)}** | {total} | {right} | {wrong} | {skipped} |")
    return [*lines, "", *(f"- {reason}: {why}" for reason, why in REASONS.items())]


if __name__ == "__main__":
    start = time.perf_counter()
    chosen = sys.argv[1:] or list(OPS)
    print("\n".join(rows(chosen)))
    for name in chosen:
        for line in outcome(name).wrong:
            print(f"\nwrong: {name}: {line}")
    print(f"{time.perf_counter() - start:.0f} s", file=sys.stderr)
