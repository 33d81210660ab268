"""The picture of a computation graph: what is used stands left of what uses it."""

import re
import xml.etree.ElementTree as ET

import pytest

import tinyllm
from tinyllm.viz import graph_picture

SVG = "{http://www.w3.org/2000/svg}"


def drawn(svg):
    """Names with the left edge of their boxes, and how many arrows there are."""
    root = ET.fromstring(svg)
    texts = [t for t in root.iter(f"{SVG}text") if t.get("font-size") is None]
    arrows = [p for p in root.iter(f"{SVG}path") if p.get("marker-end")]
    return [(t.text, float(t.get("x"))) for t in texts], arrows


def test_a_graph_is_drawn_from_left_to_right_with_shapes():
    w = tinyllm.ones(3, 2, requires_grad=True)
    x = tinyllm.ones(5, 3)  # wants no gradient: not drawn
    b = tinyllm.zeros(2, requires_grad=True)
    svg = graph_picture((x @ w + b).tanh().sum(), {"w": w, "b": b})
    boxes, arrows = drawn(svg)
    places = dict(boxes)
    assert set(places) == {"w", "b", "MatMul", "Add", "Tanh", "Sum"}
    assert places["w"] < places["MatMul"] < places["Add"] < places["Tanh"] < places["Sum"]
    assert places["b"] == places["MatMul"], "a leaf stands beside its first user's other sources"
    assert len(arrows) == 5
    assert {"(3, 2)", "(5, 2)", "(2,)", "()"} <= set(re.findall(r">(\([^<]*\))<", svg))


def test_what_is_used_twice_is_drawn_once_with_two_arrows():
    x = tinyllm.tensor(2.0, requires_grad=True)
    boxes, arrows = drawn(graph_picture(x * x, {"x & <x>": x}))
    assert sorted(name for name, _ in boxes) == ["Mul", "x & <x>"]
    assert len({a.get("d") for a in arrows}) == len(arrows) == 2


def test_an_arrow_that_passes_a_column_goes_round_the_boxes_there():
    x = tinyllm.ones(2, requires_grad=True)
    h = x.tanh()
    svg = graph_picture((h * h).exp() + h)
    box = ET.fromstring(svg).findall(f"{SVG}rect")[1:]
    tops = {(float(b.get("x")), float(b.get("y"))) for b in box}
    long = next(re.findall(r"L(\d+) (\d+)", a.get("d")) for a in drawn(svg)[1] if "L" in a.get("d"))
    assert len(long) == 2, "Mul and Exp are passed"
    for right, middle in ((float(a), float(b)) for a, b in long):
        same = [y for x, y in tops if x < right <= x + 124]
        assert same
        assert all(not y <= middle <= y + 44 for y in same)


def test_no_box_stands_on_another():
    x = tinyllm.ones(2, requires_grad=True)
    y = sum(((x * i).tanh() for i in range(1, 6)), x)
    corners = re.findall(r'<rect x="(\d+)" y="(\d+)"', graph_picture(y * y))
    assert len(set(corners)) == len(corners) == 17


def test_a_leaf_alone_and_what_has_no_graph():
    boxes, arrows = drawn(graph_picture(tinyllm.ones(2, requires_grad=True)))
    assert [name for name, _ in boxes] == ["leaf"]
    assert not arrows
    with pytest.raises(ValueError, match="has no graph"):
        graph_picture(tinyllm.ones(2))
    x = tinyllm.ones(2, requires_grad=True)
    y = x
    for _ in range(301):
        y = y + 1
    with pytest.raises(ValueError, match="more than 300 boxes"):
        graph_picture(y)
