"""no_grad, enable_grad, set_grad_enabled, inference_mode: contexts, decorators, threads."""

from __future__ import annotations

import threading

import pytest

import tinyllm
from tinyllm import grad_mode, nn


def records() -> bool:
    return (tinyllm.ones(1, requires_grad=True) * 2).requires_grad


def state() -> tuple[bool, bool]:
    return tinyllm.is_grad_enabled(), tinyllm.is_inference_mode_enabled()


MODES = {
    "no_grad": (tinyllm.no_grad, (False, False)),
    "enable_grad": (tinyllm.enable_grad, (True, False)),
    "off": (lambda: tinyllm.set_grad_enabled(False), (False, False)),
    "on": (lambda: tinyllm.set_grad_enabled(True), (True, False)),
    "inference": (tinyllm.inference_mode, (False, True)),
    "no inference": (lambda: tinyllm.inference_mode(False), (True, False)),
}


@pytest.mark.parametrize("outer", MODES)
@pytest.mark.parametrize("inner", MODES)
def test_a_block_sets_the_mode_and_puts_it_back(outer, inner) -> None:
    with MODES[outer][0]():
        before = state()
        assert before == MODES[outer][1]
        with MODES[inner][0]():
            grad, inference = MODES[inner][1]
            if outer == "inference" and "inference" not in inner:
                inference = True  # enable_grad does not end inference mode
            assert state() == (grad, inference)
            assert records() == (grad and not inference)
        assert state() == before
        with pytest.raises(ZeroDivisionError), MODES[inner][0]():
            raise ZeroDivisionError
        assert state() == before
    assert state() == (True, False)
    assert grad_mode.usual


@pytest.mark.parametrize("mode", MODES)
def test_a_decorated_function(mode) -> None:
    make, wanted = MODES[mode]

    @make()
    def look(depth=0):
        """Look."""
        inner = look(depth - 1) if depth else []
        return [state(), *inner]

    assert look.__doc__ == "Look."
    assert state() == (True, False)  # decorating changes nothing
    assert look(3) == [wanted] * 4
    assert state() == (True, False)


def test_decorators_without_parentheses() -> None:
    for decorate, wanted in [
        (tinyllm.no_grad, (False, False)),
        (tinyllm.enable_grad, (True, False)),
        (tinyllm.inference_mode, (False, True)),
    ]:
        assert decorate(state)() == wanted


def test_a_decorated_generator_switches_only_while_it_runs() -> None:
    log = []

    @tinyllm.no_grad()
    def numbers():
        try:
            for n in range(3):
                log.append(state())
                sent = yield n
                log.append(sent)
        except KeyError:
            log.append("caught")
            yield state()
        finally:
            log.append(state())
        return "end"

    generator = numbers()
    assert next(generator) == 0
    assert state() == (True, False)
    assert generator.send("a") == 1
    assert generator.throw(KeyError()) == (False, False)
    generator.close()
    assert log == [(False, False), "a", (False, False), "caught", (False, False)]

    def outer():
        log.append((yield from numbers()))

    assert list(outer()) == [0, 1, 2]
    assert log[-1] == "end"
    assert state() == (True, False)


def test_set_grad_enabled_acts_at_once() -> None:
    tinyllm.set_grad_enabled(False)
    assert not records()
    with tinyllm.set_grad_enabled(True):
        assert records()
    assert not records()
    tinyllm.set_grad_enabled(True)
    assert records()


def test_modes_are_bools() -> None:
    for mode in (tinyllm.set_grad_enabled, tinyllm.inference_mode):
        with pytest.raises(TypeError, match="must be a bool, not int"):
            mode(3)
    assert state() == (True, False)


def test_each_thread_has_its_own_mode() -> None:
    inside, leave = threading.Event(), threading.Event()
    seen = {}

    def generate() -> None:
        seen["at first"] = state()
        with tinyllm.no_grad():
            inside.set()
            leave.wait(10)
            seen["no_grad"] = records()
        seen["after"] = records()

    with tinyllm.inference_mode():  # which a new thread does not take over
        thread = threading.Thread(target=generate)
        thread.start()
        assert inside.wait(10)
    assert not grad_mode.usual
    assert records()
    leave.set()
    thread.join()
    assert seen == {"at first": (True, False), "no_grad": False, "after": True}
    assert grad_mode.usual


# Inference tensors


def test_what_is_an_inference_tensor() -> None:
    w = tinyllm.ones(3, requires_grad=True)
    with tinyllm.inference_mode():
        made, computed = tinyllm.ones(3), w * 2
        views = [made.view(3, 1), computed[1:], made.detach()]
        of_normal = [w.view(3, 1), w.detach(), w[1:]]
        with tinyllm.inference_mode(False):
            normal = tinyllm.ones(3)
    assert made.is_inference()
    assert computed.is_inference()
    assert not computed.requires_grad
    assert all(view.is_inference() for view in views)
    assert not any(view.is_inference() for view in [*of_normal, normal, w])
    assert made.view(3, 1).is_inference()  # also outside
    assert not (made * 2).is_inference()
    assert not made.clone().is_inference()


def test_inference_tensors_cannot_be_saved_for_backward() -> None:
    w = tinyllm.ones(3, requires_grad=True)
    with tinyllm.inference_mode():
        x = tinyllm.full((3,), 5.0)
    with pytest.raises(RuntimeError, match=r"saved for backward.*\.clone\(\).*no_grad\(\)"):
        w * x
    with pytest.raises(RuntimeError, match="saved for backward"):
        nn.Linear(3, 2)(x)
    (w + x).sum().backward()  # which saves nothing
    (w * x.clone()).sum().backward()
    assert w.grad.tolist() == [6, 6, 6]
    assert (x * 2).tolist() == [10, 10, 10]
    with tinyllm.no_grad():
        assert (w * x).tolist() == [5, 5, 5]


def test_inference_tensors_are_changed_in_place_inside_only() -> None:
    with tinyllm.inference_mode():
        x = tinyllm.zeros(3)
        x.add_(1)
        x[0] = 7
        y = tinyllm.ones(3, requires_grad=True)
    for change in (lambda: x.add_(1), lambda: x.zero_(), lambda: x.__setitem__(0, 1)):
        with pytest.raises(RuntimeError, match=r"made in inference_mode.*\.clone\(\)"):
            change()
    with pytest.raises(RuntimeError, match=r"inference_mode.*require a gradient.*\.clone\(\)"):
        x.requires_grad_()
    assert x.tolist() == [7, 1, 1]
    assert tinyllm.ones(3).add_(x).tolist() == [8, 2, 2]
    (y + 1).sum().backward()
    assert y.grad.tolist() == [1, 1, 1]


def test_a_change_of_a_normal_tensor_in_inference_mode_is_counted() -> None:
    w = tinyllm.ones(3, requires_grad=True)
    x = tinyllm.ones(3)
    y = (w * x).sum()
    with tinyllm.inference_mode():
        x.add_(1)
    with pytest.raises(RuntimeError, match="in place"):
        y.backward()
