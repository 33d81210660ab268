"""The table of all ops checked, printed at the end of `python -m pytest tests/ops`."""

from collections import defaultdict

import pytest

CHECKED: dict[str, dict] = defaultdict(
    lambda: {"variants": set(), "checks": 0, "elements": 0, "worst": 0.0, "float32": 0.0}
)


@pytest.fixture
def checked():
    """`checked(op, variant, report)` notes a gradient check for the table."""

    def note(op, variant, report):
        row = CHECKED[op]
        row["variants"].add(variant)
        row["checks"] += 1
        if variant == "float32":
            row["float32"] = max(row["float32"], report.worst_error)
        else:
            row["elements"] += report.elements
            row["worst"] = max(row["worst"], report.worst_error)

    return note


def pytest_terminal_summary(terminalreporter, config):
    if not CHECKED:
        return
    write = terminalreporter.write_line
    checks = sum(row["checks"] for row in CHECKED.values())
    elements = sum(row["elements"] for row in CHECKED.values())
    total = f"gradients: {len(CHECKED)} ops, {checks} checks, {elements} elements"
    if not any("ops" in str(arg) for arg in config.invocation_params.args):
        write(f"{total} (the table: python -m pytest tests/ops)")
        return
    terminalreporter.section("gradients checked")
    write("worst: the largest |analytic - numeric|; float32: the same along directions")
    width = max(map(len, CHECKED))
    write(f"{'op':{width}}  checks  elements    worst  float32  variants")
    for op, row in sorted(CHECKED.items(), key=lambda item: item[0].lower()):
        variants = ", ".join(sorted(row["variants"]))
        write(
            f"{op:{width}}  {row['checks']:6}  {row['elements']:8}  {row['worst']:.1e}  "
            f"{row['float32']:.1e}  {variants}"
        )
    write(total)
