"""Anomaly detection: the op whose backward gave NaN, and the line that had called it."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

import tinyllm
from tinyllm import autograd, nn
from tinyllm.autograd import Function

HERE = Path(__file__).name


def square_root(x):
    return x.sqrt()  # this is the line


def bad_loss(x):
    return (square_root(x * 0) * 0).sum()  # 0 * inf


def leaf():
    return tinyllm.ones(3, requires_grad=True)


def test_the_op_and_its_line_are_named() -> None:
    with pytest.warns(UserWarning, match="only be enabled for debugging"):
        context = autograd.detect_anomaly()
    with context:
        assert tinyllm.is_anomaly_enabled()
        loss = bad_loss(leaf())
        with (
            pytest.warns(UserWarning, match="Error detected in SqrtBackward") as told,
            pytest.raises(RuntimeError, match=r"'SqrtBackward' returned nan.*0th") as caught,
        ):
            loss.backward()
    assert "this is the line" in str(caught.value)
    assert HERE in str(caught.value)
    text = str(told[0].message)
    assert "in square_root" in text
    assert text.index("in bad_loss") < text.index("in square_root")  # outermost first
    assert "tape.py" not in text
    assert not tinyllm.is_anomaly_enabled()


def test_the_users_line_is_told_from_inside_a_layer_as_well() -> None:
    layer = nn.Linear(3, 2)
    with tinyllm.no_grad():
        layer.weight[0, 0] = float("nan")
    x = leaf()
    with autograd.set_detect_anomaly(True), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("ignore", ResourceWarning)  # of what an earlier test left open
        warnings.simplefilter("always", UserWarning)
        loss = layer(x).sum()  # the call
        with pytest.raises(RuntimeError, match=r"returned nan.*# the call"):
            loss.backward()
    assert "linear.py" in str(told[0].message)


def test_grad_finds_it_too() -> None:
    x = leaf()
    with autograd.set_detect_anomaly(True), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loss = bad_loss(x)
        with pytest.raises(RuntimeError, match="SqrtBackward"):
            autograd.grad(loss, x)


def test_a_backward_that_fails_by_itself_is_told_with_its_line() -> None:
    class Broken(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad_y):
            raise ZeroDivisionError("by itself")

    with autograd.set_detect_anomaly(True, check_nan=False):
        assert not tinyllm.is_anomaly_check_nan_enabled()
        loss = Broken.apply(leaf()).sum()  # broken here
        with (
            pytest.warns(UserWarning, match=r"(?s)BrokenBackward.*broken here"),
            pytest.raises(ZeroDivisionError),
        ):
            loss.backward()
    assert tinyllm.is_anomaly_check_nan_enabled()


def test_without_check_nan_a_nan_passes() -> None:
    x = leaf()
    with autograd.set_detect_anomaly(True, check_nan=False):
        bad_loss(x).backward()
    assert x.grad.isnan().all()


def test_a_forward_before_it_was_on_is_told_so() -> None:
    loss = bad_loss(leaf())
    with (
        autograd.set_detect_anomaly(True),
        pytest.warns(UserWarning, match="No forward pass information"),
        pytest.raises(RuntimeError, match="SqrtBackward"),
    ):
        loss.backward()


def test_off_nothing_is_kept_or_checked() -> None:
    x = leaf()
    loss = bad_loss(x)
    assert loss.grad_fn.called_from is None
    loss.backward()
    assert x.grad.isnan().all()


def test_it_is_put_back() -> None:
    autograd.set_detect_anomaly(True)
    try:
        with autograd.set_detect_anomaly(False):
            assert not tinyllm.is_anomaly_enabled()
        assert tinyllm.is_anomaly_enabled()
        with pytest.raises(ZeroDivisionError), autograd.set_detect_anomaly(False):
            raise ZeroDivisionError
        assert tinyllm.is_anomaly_enabled()
    finally:
        autograd.set_detect_anomaly(False)


def test_a_sound_model_trains_under_it() -> None:
    layer = nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.LayerNorm(4), nn.Linear(4, 2))
    x = tinyllm.randn(5, 3)
    layer(x).sum().backward()
    plain = [p.grad.clone() for p in layer.parameters()]
    layer.zero_grad()
    with autograd.set_detect_anomaly(True):
        layer(x).sum().backward()
    for p, grad in zip(layer.parameters(), plain, strict=True):
        assert p.grad.tolist() == grad.tolist()
