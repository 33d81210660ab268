import json

import pytest
from made_up import entry, results

from tinyllm.bench.ops import all_ops
from tinyllm.bench.report import ops_report, readable_time, report, table
from tinyllm.bench.results import add_ratios, disagreement, spread, summary
from tinyllm.files import read_json, write_json


def test_summary():
    blocks = [
        {"times": [4.0, 2.0, 3.0], "peak_bytes": 10},
        {"times": [1.0, 5.0], "peak_bytes": 30},
    ]
    assert summary(blocks) == {
        "min": 1.0,
        "median": 3.0,
        "spread": 2.0,
        "steps": 5,
        "repeats": [2.0, 1.0],
        "peak_bytes": 30,
    }
    assert "peak_bytes" not in summary([{"times": [1.0]}])
    assert summary([{"times": [1.0]}])["spread"] == 0


def test_spread_ignores_a_straggler():
    assert spread([1.0] * 9 + [100.0]) == 0
    assert spread([0.0, 1.0, 2.0, 3.0, 4.0]) == 2


def test_ratios():
    case = {
        "tinyllm": {"min": 2.0},
        "torch_eager": {"min": 5.0},
        "torch_compile": {"min": 3.0},
        "roofline": {"seconds": 1.0},
    }
    add_ratios(case)
    expected = {"torch_eager": 2.5, "torch_compile": 1.5, "torch_best": 1.5, "roofline": 0.5}
    assert case["ratios"] == expected
    failed = {"tinyllm": {"error": "no"}, "torch_eager": {"min": 5.0}}
    add_ratios(failed)
    assert "ratios" not in failed
    alone = {"tinyllm": {"min": 2.0}, "torch_eager": {"error": "no"}}
    add_ratios(alone)
    assert alone["ratios"] == {}


def test_disagreement():
    assert disagreement({}) is None
    assert disagreement({"a": [4.0, 3.0], "b": [4.0003, 3.0]}) is None
    text = disagreement({"a": [4.0, 3.0], "b": [4.0, 3.0], "c": [4.0, 3.001]})
    assert "a and c computed different things" in text
    assert disagreement({"a": [0.1], "b": [0.1003]}) is not None
    assert disagreement({"a": [1.0], "b": [float("nan")]}) is not None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1.234, "1.23 s"), (0.0234, "23.4 ms"), (0.00004, "40 us"), (0.9996, "1 s"), (1234, "1234 s")],
)
def test_readable_time(seconds, text):
    assert readable_time(seconds) == text


def test_table():
    rows = [("case", "a", "b"), ("x", "1", "-"), ("long", "22", "-")]
    assert table(rows) == "case   a\n--------\nx      1\nlong  22"
    assert (
        table(rows, markdown=True) == "| case |  a |\n|------|---:|\n| x    |  1 |\n| long | 22 |"
    )


def test_report():
    text = report(results())
    assert "Abacus 3000, 2 cores, 2 threads used, 24 GiB" in text
    assert "at best 200 GFLOP/s" in text
    rows = {line.split()[0]: line for line in text.splitlines() if line}
    head, char = text.split("case")[1].splitlines()[0].split(), "20 ms"
    assert head[0] == "tinyllm"
    first = next(line for line in text.splitlines() if line.startswith("char"))
    for cell in (char, "30 ms", "25 ms", "16 ms", "1.50x", "1.25x", "80 %", "50 MB"):
        assert cell in first
    assert "scaling: the baby step takes 1.5 s with 1 thread and 750 ms with 2: 2.00" in text
    assert "micro AdamW" in text
    assert "a note" in text
    assert "forward alone" not in text  # nobody measured it: no empty column
    assert "scaling" in rows["scaling:"]
    assert "| char" in report(results(), markdown=True)


def test_report_without_torch():
    text = report(results(torch=False))
    assert "PyTorch" not in text
    assert "80 %" in text


def test_report_of_nothing():
    empty = {**results(), "cases": {}, "notes": ["it failed"]}
    assert "it failed" in report(empty)
    failed = {**results(), "cases": {"char": {"tinyllm": {"error": "no"}}}}
    assert "char" not in report(failed)


def test_ops_report_marks_the_slower():
    ops = {}
    for name, ours, theirs in (("slow", 1.0, 0.9), ("even", 1.0, 0.96), ("fast", 1.0, 2.0)):
        case = {"op": name, "shape": [3, 4], "backward": name == "fast"}
        case |= {"tinyllm": entry(ours), "torch_eager": entry(theirs)}
        add_ratios(case)
        ops[name] = case
    text = ops_report({**results(), "ops": ops})
    lines = {line.split()[0]: line for line in text.splitlines() if line}
    assert lines["slow"].endswith("0.90x     <--")
    assert lines["even"].endswith("0.96x       -")
    assert "fast backward" in lines["fast"]
    assert "1 of 3 faster than PyTorch's; 1 below 0.95" in text


def test_json_shape(tmp_path):
    write_json(tmp_path / "x.json", results())
    kept = read_json(tmp_path / "x.json")
    char = kept["cases"]["char"]
    assert set(char) == {"tinyllm", "torch_eager", "torch_compile", "roofline", "ratios"}
    assert {"min", "median", "spread", "peak_bytes"} <= set(char["tinyllm"])
    assert kept["machine"]["processor"] == "Abacus 3000"
    assert json.dumps(kept)


def test_no_two_ops_share_a_key():
    keys = [op.key for op in all_ops()]
    assert len(set(keys)) == len(keys)
    wanted = ("softmax", "log_softmax", "layer_norm", "rms_norm", "gelu", "silu", "attention")
    for name in (*wanted, "cross_entropy", "embedding", "dropout", "linear", "adamw"):
        assert any(key.startswith(name) for key in keys)
