"""`tinyllm bench text`: both sides in turn, minima and medians in a table."""

from tinyllm.bench.text import report, rows, run
from tinyllm.bench.text_row import TextRow


def test_both_sides_are_timed_in_turn():
    calls = []
    row = TextRow("count", lambda: calls.append("ours"), lambda: calls.append("theirs"), "peer")
    results = run([row], repeats=3)
    assert calls == ["ours", "theirs"] * 3
    assert [len(times) for times in results[0]["seconds"].values()] == [3, 3]
    assert "count" in report(results)
    assert report(results, markdown=True).splitlines()[1].startswith("| --- |")


def test_a_peer_that_is_not_installed_is_said():
    assert "peer is not installed" in report(run([TextRow("x", lambda: None, None, "peer")], 1))


def test_the_ratio_is_that_of_the_minima():
    seconds = {"tinyllm": [0.3, 0.2], "p": [0.1, 0.5]}
    lines = report([{"name": "x", "peer": "p", "size": 0, "seconds": seconds}]).splitlines()
    numbers = ["200.0", "250.0", "100.0", "300.0", "2.00"]
    assert [cell for cell in lines[1].split() if cell != "ms"] == ["x", *numbers, "p"]


def test_all_rows_run():
    results = run(rows("the low, lower, lowest text\n" * 50), repeats=1)
    assert [len(result["seconds"]["tinyllm"]) for result in results] == [1] * 7
