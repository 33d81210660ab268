"""How a tensor shows itself, in a terminal and in a notebook."""

from __future__ import annotations

import tinyllm


def test_repr() -> None:
    assert repr(tinyllm.tensor([1, 2])) == "tensor([1, 2])"
    assert repr(tinyllm.tensor([True])) == "tensor([ True])"
    assert repr(tinyllm.tensor([1.0, 2.5])) == "tensor([1. , 2.5])"
    assert repr(tinyllm.tensor(2.5)) == "tensor(2.5)"
    assert repr(tinyllm.ones(1, dtype=tinyllm.float64)) == "tensor([1.], dtype=float64)"
    assert repr(tinyllm.ones(1, requires_grad=True)) == "tensor([1.], requires_grad=True)"
    x = tinyllm.ones(1, requires_grad=True) * 2
    assert repr(x) == "tensor([2.], grad_fn=<MulBackward>)"
    assert "size=(0, 3)" in repr(tinyllm.zeros(0, 3))


def test_lines_of_a_matrix_stand_under_each_other() -> None:
    first, second = repr(tinyllm.tensor([[1, 2], [3, 4]])).splitlines()
    assert first.index("1") == second.index("3")


def test_large_tensors_are_shortened() -> None:
    assert len(repr(tinyllm.zeros(1000, 1000))) < 2000


def test_html_shows_shape_dtype_and_gradient() -> None:
    x = tinyllm.ones(2, 3, requires_grad=True)
    assert "gradient</th>" not in x._repr_html_()
    (x * 3).sum().backward()
    html = x._repr_html_()
    for part in ("(2, 3)", "float32", "gradient</th>", "3. 3. 3."):
        assert part in html
    assert "MulBackward" in (x * 3)._repr_html_()
    assert html.count("<table>") == html.count("</table>") == 1
