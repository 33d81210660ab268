import pytest
from made_up import results

from tinyllm.viz import png
from tinyllm.viz.bench import bench_picture, profile_picture, save

ROWS = [
    {"name": "matmul", "group": "products", "phase": "backward", "seconds": 0.02},
    {"name": "rest", "group": "tape", "phase": "forward", "seconds": 0.01},
    {"name": "attention_backward", "group": "attention", "phase": "backward", "seconds": 0.005},
    {"name": "gelu", "group": "activations", "phase": "forward", "seconds": 0.015},
]


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_bars_are_ratios():
    (axes,) = bench_picture(results()).axes
    heights = [bar.get_height() for bar in axes.patches]
    assert heights == pytest.approx([2.0, 1.5, 1.2, 1.5, 3.0])  # char has a second one: compile
    assert {"2.00", "1.50", "1.20", "3.00", "bound 20", "bound 30"} <= set(texts(axes))
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels == ["micro\n1 ms", "char\n20 ms", "decode-char\n0.4 ms", "import\n400 ms"]
    marks = [line for line in axes.lines if len(set(line.get_ydata())) == 1]
    assert any(line.get_ydata()[0] == pytest.approx(0.03 / 0.016) for line in marks)
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert sorted(legend) == sorted(
        ["PyTorch eager", "bound: products and memory alone", "tinyllm", "torch.compile"]
    )


def test_without_pytorch_parts_of_the_bound():
    (axes,) = bench_picture(results(torch=False)).axes
    assert [bar.get_height() for bar in axes.patches] == pytest.approx([0.1, 0.8, 0.05])
    assert {"10 %", "80 %", "5 %"} <= set(texts(axes))


def test_odd_results(tmp_path):
    empty = {**results(), "cases": {}}
    failed = {**results(), "cases": {"char": {"tinyllm": {"error": "no"}, "agree": True}}}
    only = {**results(compiled=False)}
    for made in (empty, failed, only):
        assert png(bench_picture(made))
    save(bench_picture(only), tmp_path / "bench.png")
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")


def test_profile_is_sorted_and_sums_up():
    (axes,) = profile_picture(ROWS, "A step", "below").axes
    bars = [bar for bar in axes.patches if bar.get_width()]
    assert [bar.get_width() for bar in bars] == pytest.approx([20, 15, 10, 5])
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["matmul, backward", "gelu, forward", "tape, forward", "attention, backward"]
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == ["products: 40 %", "activations: 30 %", "tape: 20 %", "attention: 10 %"]
    (axes,) = profile_picture(ROWS, "A step", "", most=2).axes
    assert axes.get_yticklabels()[-1].get_text() == "2 smaller ones"
    assert [bar.get_width() for bar in axes.patches if bar.get_width()] == pytest.approx(
        [20, 15, 15]
    )
