import pytest


@pytest.fixture
def checked(record_property):
    """`checked(op, variant, report)` notes a gradient check for the table of tests/counts.py."""

    def note(op, variant, report):
        record_property("gradient", [op, variant, int(report.elements), float(report.worst_error)])

    return note
