"""What a run counts and says at its end: gradients checked, and what the graders were held to.

All of it is read off the tests' reports, which arrive from other processes too.
"""

from collections import Counter, defaultdict

REJECTED = "test_grading.py::test_a_wrong_variant_is_rejected_and_named"
FULL = "test_grading.py::test_the_solution_is_full_for_every_seed"
NOTHING = "test_grading.py::test_nothing_earns_nothing"


def say_what_graders_were_held_to(reporter):
    passed = Counter(
        name
        for report in reporter.getreports("passed")
        for name in (REJECTED, FULL, NOTHING)
        if name in report.nodeid
    )
    if passed:
        reporter.write_line(
            f"course: {passed[REJECTED]} wrong variants rejected, each with its own diagnosis, "
            f"{passed[FULL]} solutions full, {passed[NOTHING]} stubs 0"
        )


def gradients_checked(reporter):
    """What tests/ops noted by its fixture `checked`, by op."""
    rows = defaultdict(
        lambda: {"variants": set(), "checks": 0, "elements": 0, "worst": 0.0, "float32": 0.0}
    )
    reports = reporter.getreports("passed") + reporter.getreports("failed")
    notes = (note for report in reports for note in report.user_properties)
    for op, variant, elements, worst in (value for name, value in notes if name == "gradient"):
        row = rows[op]
        row["variants"].add(variant)
        row["checks"] += 1
        if variant == "float32":
            row["float32"] = max(row["float32"], worst)
        else:
            row["elements"] += elements
            row["worst"] = max(row["worst"], worst)
    return rows


def say_which_gradients_were_checked(reporter, whole_table):
    rows = gradients_checked(reporter)
    if not rows:
        return
    write = reporter.write_line
    checks = sum(row["checks"] for row in rows.values())
    elements = sum(row["elements"] for row in rows.values())
    total = f"gradients: {len(rows)} ops, {checks} checks, {elements} elements"
    if not whole_table:
        write(f"{total} (the table: python -m pytest tests/ops)")
        return
    reporter.section("gradients checked")
    write("worst: the largest |analytic - numeric|; float32: the same along directions")
    width = max(map(len, rows))
    write(f"{'op':{width}}  checks  elements    worst  float32  variants")
    for op, row in sorted(rows.items(), key=lambda item: item[0].lower()):
        variants = ", ".join(sorted(row["variants"]))
        write(
            f"{op:{width}}  {row['checks']:6}  {row['elements']:8}  {row['worst']:.1e}  "
            f"{row['float32']:.1e}  {variants}"
        )
    write(total)
