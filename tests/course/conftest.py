"""Counts what the graders were held to, and says it at the end."""

from collections import Counter

REJECTED = "test_grading.py::test_a_wrong_variant_is_rejected_and_named"
FULL = "test_grading.py::test_the_solution_is_full_for_every_seed"
NOTHING = "test_grading.py::test_nothing_earns_nothing"


def pytest_terminal_summary(terminalreporter):
    passed = Counter(
        name
        for report in terminalreporter.stats.get("passed", [])
        if report.when == "call"
        for name in (REJECTED, FULL, NOTHING)
        if name in report.nodeid
    )
    if passed:
        terminalreporter.write_line(
            f"course: {passed[REJECTED]} wrong variants rejected, each with its own diagnosis, "
            f"{passed[FULL]} solutions full, {passed[NOTHING]} stubs 0"
        )
